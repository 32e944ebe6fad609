# Any image with Python 3.11 or newer and its venv module. A release names its digest: --build-arg BASE=python@sha256:...
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# The date of what is built: the same sources give the same files.
ARG SOURCE_DATE_EPOCH=1704067200
COPY .ci/image/ /pins/
# A compiler, in this stage only. python3-dev where the base's Python is Debian's own: others bring their headers.
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends gcc libc6-dev \
    $([ "$(command -v python3)" = /usr/bin/python3 ] && echo python3-dev) \
 && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes --only-binary :all: -r /pins/build.txt \
 && python3 -m venv --without-pip /opt/postback \
 && /opt/build/bin/pip --python /opt/postback/bin/python install --no-compile --require-hashes --only-binary :all: \
    -r /pins/runtime.txt
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY schemas/ schemas/
COPY consumer/ consumer/
# mypyc compiles what every event and delivery goes through (pyproject.toml).
# Bytecode is made here and by hash, not by time stamp: the root file system is read-only later, and the files stay
# reproducible.
RUN HATCH_BUILD_HOOK_ENABLE_MYPYC=true /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/build/bin/pip --python /opt/postback/bin/python install --no-compile --no-deps --no-index /wheels/*.whl \
 && /opt/postback/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/postback/lib

FROM ${BASE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="postback-consumer" \
      org.opencontainers.image.description="Turns a CRM's order and partial events on Kafka into webhooks" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /opt/postback /opt/postback
ENV PATH=/opt/postback/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# postback.yaml is looked for here.
WORKDIR /etc/postback
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 9108
STOPSIGNAL SIGTERM
# No HEALTHCHECK: the probes of the chart ask /healthz and /readyz.
ENTRYPOINT ["postback"]
CMD ["run"]
