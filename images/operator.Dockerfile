# The operator, for a registry of yours, built from the root of a checkout:
#   docker build -f images/operator.Dockerfile -t REGISTRY/cake-operator:TAG .
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
COPY . /src
# The container's file system is read-only: what is not compiled here is compiled at each start.
RUN python3 -m pip install --no-cache-dir --no-compile --no-deps --require-hashes --target /opt/cake \
        --requirement /src/requirements/operator.txt \
 && python3 -m pip install --no-cache-dir --no-compile --no-deps --target /opt/cake /src \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/cake

FROM ${BASE}
COPY --from=build /opt/cake /opt/cake
ENV PYTHONPATH=/opt/cake PYTHONUNBUFFERED=1 HOME=/tmp
# Lists of thousands of objects come and go: what they took is given back, and one event loop needs one heap.
ENV MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072
USER 65532:65532
ENTRYPOINT ["python3", "-m", "cake_operator.main"]
