# The job as an image: EXTRA says for what. `make image` builds it; README.md has the commands.
ARG BASE_IMAGE=python:3.11-slim-bookworm
# An image with torch's CPU wheel in its root, for machines that do not reach PyTorch's own index.
ARG WHEELS_IMAGE=scratch

FROM ${WHEELS_IMAGE} AS wheels

FROM ${BASE_IMAGE} AS packages
ARG EXTRA=gpu
ARG CPU_INDEX=https://download.pytorch.org/whl/cpu
# The base's release decides tini's version; this stage is left behind, its lists with it.
# hadolint ignore=DL3008,DL3009
RUN apt-get update -qq && apt-get install -qq --no-install-recommends tini >/dev/null
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/job
COPY docker/${EXTRA}.txt docker/torch-cpu.txt /locks/
# No command asks two indexes for one name. `tests/container` finds no pip and no cache in the image.
ENV PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_QUIET=1
RUN --mount=type=bind,from=wheels,target=/wheels \
    pip="/build/bin/pip --python /opt/job/bin/python install --require-hashes --no-deps" \
    && if grep -q torch-cpu.txt "/locks/${EXTRA}.txt"; then \
         $pip --no-index --find-links /wheels -r /locks/torch-cpu.txt 2>/dev/null \
         || $pip --index-url "${CPU_INDEX}" -r /locks/torch-cpu.txt; \
       fi \
    && $pip -r "/locks/${EXTRA}.txt"
COPY docker/slim.py /locks/
RUN /opt/job/bin/python /locks/slim.py /opt/job \
    && /opt/job/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
         -x py312_intrinsics /opt/job/lib

# Not from `packages`: a builder that has only the last image's layers would make those anew.
FROM ${BASE_IMAGE} AS code
COPY job /opt/code/job
RUN python3 -m compileall -q --invalidation-mode checked-hash /opt/code \
    && echo DOWNSTREAM_CORPUS_NAME=sample > /opt/code/image.env

FROM ${BASE_IMAGE}
# Any uid may write here: a named volume takes these modes over from the image.
RUN mkdir -p /work/output /tmp/cache && chmod 1777 /work /work/output /tmp/cache
COPY --from=packages /usr/bin/tini /usr/bin/tini
COPY --from=packages /opt/job /opt/job
# HOME, USER: an unknown uid has neither. NVIDIA_*: what runtimes other than docker's ask for.
ENV PATH=/opt/job/bin:$PATH PYTHONPATH=/opt/code PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 LANG=C.UTF-8 HOME=/tmp USER=job XDG_CACHE_HOME=/tmp/cache \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /work
COPY --from=code /opt/code /opt/code
USER 65532:65532
ENTRYPOINT ["tini", "--", "python", "-m", "job"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="korean-ner-job" \
      org.opencontainers.image.description="Fine-tunes a Korean named-entity model" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
