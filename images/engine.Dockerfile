# The engine on the upstream vLLM image, for a registry of yours, built from the root of a checkout:
#   docker build -f images/engine.Dockerfile -t REGISTRY/cake-engine:TAG .
ARG BASE=vllm/vllm-openai:v0.32.0

FROM ${BASE} AS build
COPY . /src
# vLLM brings what the engine imports, but for what requirements/engine.txt pins. The container's file system is
# read-only: what is not compiled here is compiled at each start.
RUN python3 -m pip install --no-cache-dir --no-compile --no-deps --require-hashes --target /opt/cake \
        --requirement /src/requirements/engine.txt \
 && python3 -m pip install --no-cache-dir --no-compile --no-deps --target /opt/cake /src \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/cake

FROM ${BASE}
COPY --from=build /opt/cake /opt/cake
ENV PYTHONPATH=/opt/cake PYTHONUNBUFFERED=1 HOME=/tmp
USER 65532:65532
ENTRYPOINT ["python3", "-m", "cake_engine.cli"]
