# One image for the API, the worker and the migrations: `sensorflow serve | worker | migrate`.
# Made of the lock files alone; docs/deployment.md says how to make the same image again.

FROM python:3.11.15-slim-trixie@sha256:db3ff2e1800a8581e2c48a27c3995339d47bdf046da21c7627accd3d51053a93 AS build
# With it, compiled modules name their source by its hash and not by its time.
ARG SOURCE_DATE_EPOCH=1580601600
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH
WORKDIR /build
COPY requirements.lock requirements-build.lock requirements-node.lock ./
RUN python -m venv --without-pip /opt/sensorflow \
    && pip --python /opt/sensorflow/bin/python install --no-deps --require-hashes -r requirements.lock \
    && pip install --no-deps --require-hashes -r requirements-build.lock -r requirements-node.lock
COPY pyproject.toml README.md LICENSE ./
COPY api api
COPY cli cli
COPY core core
COPY embedded embedded
COPY jobs jobs
COPY migrations migrations
COPY sql sql
COPY web web
RUN python -m embedded.node run web build \
    && pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && pip --python /opt/sensorflow/bin/python install --no-deps --no-index /wheel/*.whl
# What is in the image, as CycloneDX: Python's packages, and those that the dashboard was built of.
# npm writes a random number and the time, which are optional.
RUN mkdir /opt/sensorflow/sbom \
    && cyclonedx-py environment --output-reproducible --output-file /opt/sensorflow/sbom/python.cdx.json /opt/sensorflow/bin/python \
    && python -m embedded.node run web sbom > /opt/sensorflow/sbom/web.json \
    && sed --regexp-extended '/"(serialNumber|timestamp)":/d' /opt/sensorflow/sbom/web.json > /opt/sensorflow/sbom/dashboard.cdx.json \
    && rm /opt/sensorflow/sbom/web.json

FROM python:3.11.15-slim-trixie@sha256:db3ff2e1800a8581e2c48a27c3995339d47bdf046da21c7627accd3d51053a93
ARG SOURCE_DATE_EPOCH=1580601600
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Sensor Flow" \
      org.opencontainers.image.description="Self-hosted time-series analytics platform on TimescaleDB" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11.15-slim-trixie"
ENV PATH=/opt/sensorflow/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN groupadd --system --gid 10001 sensorflow \
    && useradd --system --uid 10001 --gid sensorflow --no-create-home sensorflow \
    && install --directory --owner=sensorflow --group=sensorflow /var/lib/sensorflow
COPY --from=build /opt/sensorflow /opt/sensorflow
USER 10001:10001
WORKDIR /var/lib/sensorflow
# A volume made here belongs to the user, so that it can be written though the root is read-only.
VOLUME /var/lib/sensorflow
EXPOSE 8000
# Of the default command. Compose asks the worker at its metrics.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + (os.getenv('SENSORFLOW_API_PORT') or '8000') + '/health/ready', timeout=4)"]
ENTRYPOINT ["sensorflow"]
CMD ["serve"]
