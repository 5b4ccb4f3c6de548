PYTHON ?= python3.11
VENV ?= .venv
VENV_TPU ?= .venv-tpu
EXTRA ?= cpu
IMAGE ?= korean-ner-job:$(EXTRA)
COVERED = corpus encoding batches model checkpoints storage
SBOM ?= $(subst :,-,$(notdir $(IMAGE))).spdx.json

.DEFAULT_GOAL := help
.PHONY: help train check checks test coverage test-faults test-tpu gcs lock specs docs image \
  test-container sbom

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

train: environment  ## train on the sample, or on what .env and the environment say
	@$(VENV)/bin/python -m docker.make_train train

check: environment  ## the pre-flight check of `make train`
	@$(VENV)/bin/python -m docker.make_train check

checks: environment-dev  ## lint, types and spelling
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy && \
	  $(VENV)/bin/codespell

test: checks  ## the checks, then every test that needs no docker, but for the slow faults
	@$(VENV)/bin/python -m pytest --numprocesses=auto --dist=loadfile -m 'not slow'

coverage: environment-dev  ## which lines the tests of a package run: at least 90 % of each of six
	@$(VENV)/bin/python -m pytest --numprocesses=auto --dist=loadfile -m 'not slow' \
	  $(COVERED:%=tests/%) $(COVERED:%=--cov=job.%) --cov-report=
	@for package in $(COVERED); do \
	  $(VENV)/bin/coverage report --include="job/$$package/*" --skip-covered --fail-under=90 \
	    || exit 1; \
	done

test-faults: environment-dev  ## the fault matrix: kill -9, stores and disks that fail, two writers
	@$(VENV)/bin/python -m pytest tests/faults --numprocesses=auto --dist=load

# Two runs at a time: their cores are threads that mostly wait for each other.
test-tpu:  ## the tests of the TPU path, on virtual cores (downloads 3.5 GB once)
	@$(PYTHON) docker/environment.py $(VENV_TPU) dev tpu
	@TEST_TPU=1 $(VENV_TPU)/bin/python -m pytest tests/tpu --numprocesses=2 --dist=loadfile

gcs: environment-dev  ## a bucket store on this machine, to try DOWNSTREAM_MODEL_DIR=gs://bucket/…
	@$(VENV)/bin/python -m tests.support.gcs --bucket=bucket

lock: environment-dev  ## write docker/*.txt anew from pyproject.toml
	@$(VENV)/bin/pip install --quiet uv && PATH="$(VENV)/bin:$$PATH" $(VENV)/bin/python docker/lock.py

specs: environment  ## write the examples in docker/specs anew
	@$(VENV)/bin/python -m docker.render_specs

docs: environment  ## rewrite the parts of the documents that follow from the code
	@$(VENV)/bin/python -m docs.generate

image:  ## build the image IMAGE (korean-ner-job:EXTRA) for EXTRA=cpu (default), gpu or tpu
	@$(PYTHON) docker/image.py $(EXTRA) $(IMAGE)

test-container: environment-container  ## build the image for EXTRA=cpu, gpu or tpu and test it with docker
	@docker/test.sh $(VENV)/bin/python $(EXTRA)

sbom: environment-container  ## write what is inside of IMAGE to SBOM, as SPDX
	@docker image inspect $(IMAGE) >/dev/null 2>&1 || { echo "make sbom: docker has no image \
	$(IMAGE), or no engine answers; start docker and run make image." >&2; exit 1; }
	@SYFT_CHECK_FOR_APP_UPDATE=false $(VENV)/bin/syft scan --quiet docker:$(IMAGE) \
	  --output spdx-json=$(SBOM) && echo "$(SBOM): what $(IMAGE) holds"

.PHONY: environment environment-dev environment-container
environment:
	@$(PYTHON) docker/environment.py $(VENV)

environment-dev:
	@$(PYTHON) docker/environment.py $(VENV) dev

environment-container:
	@$(PYTHON) docker/environment.py $(VENV) dev container
