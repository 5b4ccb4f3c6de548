PYTHON ?= python3.11
VENV ?= .venv

.DEFAULT_GOAL := help
.PHONY: help train test check lock specs lint

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

# The default output is a demonstration and starts anew; a folder or bucket of your own resumes.
train: environment  ## train on the embedded sample; DOWNSTREAM_MODEL_DIR=… writes elsewhere
	@$(VENV)/bin/python -m job --downstream_corpus_name=$${DOWNSTREAM_CORPUS_NAME:-sample} \
	  $${DOWNSTREAM_MODEL_DIR---downstream_model_dir=output/sample --resume=never}

check: environment  ## the pre-flight check of `make train`
	@$(VENV)/bin/python -m job check --downstream_corpus_name=$${DOWNSTREAM_CORPUS_NAME:-sample}

test: environment-dev  ## lint, then every test that needs no docker
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	@$(VENV)/bin/python -m pytest --numprocesses=auto --dist=loadfile

lock: environment-dev  ## write docker/*.txt anew from pyproject.toml
	@$(VENV)/bin/pip install --quiet uv && PATH="$(VENV)/bin:$$PATH" $(VENV)/bin/python docker/lock.py

specs: environment  ## write the examples in docker/specs anew
	@$(VENV)/bin/python -m docker.render_specs

.PHONY: environment environment-dev
environment:
	@$(PYTHON) docker/environment.py $(VENV)

environment-dev:
	@$(PYTHON) docker/environment.py $(VENV) dev
