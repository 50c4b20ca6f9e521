# The operator, for a registry of yours, built from the root of a checkout:
#   docker build -f images/operator.Dockerfile -t REGISTRY/cake-operator:TAG .
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
WORKDIR /src
COPY requirements/operator.txt ./
RUN pip install --no-cache-dir --require-hashes --no-deps --target /opt/cake -r operator.txt
COPY operator/cake_operator /opt/cake/cake_operator
COPY engine/cake_engine /opt/cake/cake_engine
# The container's file system is read-only: what is not compiled here is compiled at each start.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/cake

FROM ${BASE}
COPY --from=build /opt/cake /opt/cake
ENV PYTHONPATH=/opt/cake PYTHONUNBUFFERED=1 HOME=/tmp
USER 65532:65532
ENTRYPOINT ["python3", "-m", "cake_operator.main"]
