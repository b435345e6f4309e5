# Two images: `app` is everything except the models, `models` is the inference service with torch.
# All stages have the same base image, because a virtual environment refers to its Python.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS environment
RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_QUIET=1
WORKDIR /src

FROM environment AS environment-app
COPY requirements-thin.lock ./
RUN pip install --no-deps --require-hashes -r requirements-thin.lock

FROM environment AS environment-models
COPY requirements.lock ./
RUN pip install --no-deps --require-hashes -r requirements.lock

# The package is in a folder of its own: a change of it makes a layer of a few megabytes, not of gigabytes.
FROM environment AS package
COPY requirements-build.lock ./
RUN python3 -m venv /opt/build && /opt/build/bin/pip install --no-deps --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE dagster.yaml ./
COPY image_pipeline image_pipeline
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip install --no-deps --no-index --target /opt/app /wheels/*.whl

FROM ${PYTHON_IMAGE} AS base
# The user that everything runs as, and that the store belongs to: yours, so that it can read your photographs.
ARG PIPELINE_UID=10001
ARG PIPELINE_GID=10001
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="image-pipeline" \
      org.opencontainers.image.description="Turns a folder of photographs into a searchable Qdrant collection." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
RUN groupadd --non-unique --gid ${PIPELINE_GID} pipeline \
    && useradd --no-log-init --non-unique --uid ${PIPELINE_UID} --gid ${PIPELINE_GID} --no-create-home \
        --home-dir /tmp pipeline \
    && install -d -m 700 -o ${PIPELINE_UID} -g ${PIPELINE_GID} \
        /var/lib/image-pipeline /var/lib/dagster /var/lib/models
ENV PATH=/opt/app/bin:/opt/venv/bin:$PATH PYTHONPATH=/opt/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    LANG=C.UTF-8 HOME=/tmp
USER ${PIPELINE_UID}:${PIPELINE_GID}
WORKDIR /tmp

FROM base AS app
COPY --link --from=environment-app /opt/venv /opt/venv
COPY --link --from=package /opt/app /opt/app
COPY --link deploy/workspace.yaml deploy/dagster.yaml /etc/image-pipeline/
ENV IMAGE_PIPELINE_HOME=/var/lib/image-pipeline DAGSTER_HOME=/etc/dagster
CMD ["image-pipeline", "--help"]

FROM base AS models
COPY --link --from=environment-models /opt/venv /opt/venv
COPY --link --from=package /opt/app /opt/app
ENV IMAGE_PIPELINE_HOME=/var/lib/models/store HF_HOME=/var/lib/models/hub
EXPOSE 8500
# the first start fetches the models
HEALTHCHECK --interval=30s --timeout=10s --start-period=1h --start-interval=2s \
    CMD ["python", "-m", "image_pipeline.http_probe", "http://127.0.0.1:8500/health/ready"]
CMD ["image-pipeline", "serve-models", "--host", "0.0.0.0"]
