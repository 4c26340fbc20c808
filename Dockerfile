# One image for the API, the worker and the migrations: `sensorflow serve | worker | migrate`.

FROM python:3.11.15-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
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

FROM python:3.11.15-slim-trixie
ENV PATH=/opt/sensorflow/bin:$PATH PYTHONUNBUFFERED=1
RUN groupadd --system --gid 10001 sensorflow \
    && useradd --system --uid 10001 --gid sensorflow --no-create-home sensorflow \
    && install --directory --owner=sensorflow --group=sensorflow /var/lib/sensorflow
COPY --from=build /opt/sensorflow /opt/sensorflow
USER 10001:10001
WORKDIR /var/lib/sensorflow
EXPOSE 8000
ENTRYPOINT ["sensorflow"]
CMD ["serve"]
