#!/usr/bin/env bash
# Builds an image and runs tests/container on it: `make test-container`, EXTRA=cpu, gpu or tpu.
#   docker/test.sh PYTHON [EXTRA]     PYTHON: of an environment that has the tests' tools
# What is missing is brought along: a docker engine (as root, on Debian or Ubuntu) and, where no
# registry answers, a base image. What was made or started here is removed or stopped at the end;
# packages that were installed stay.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
extra=${2:-cpu}
export IMAGE=korean-ner-job:under-test
scratch=$(mktemp -d)
engine=
service=
wheels_before=
made=("$IMAGE")

fail() {
  echo "test-container: $*" >&2
  exit 1
}

clean_up() {
  set +e
  docker ps --all --quiet --filter name=job-test- | xargs -r docker rm --force --volumes
  docker network ls --quiet --filter name=job-test- | xargs -r docker network rm
  if [ -z "$wheels_before" ]; then
    docker image ls --quiet korean-ner-job-wheels | xargs -r docker image rm
  fi
  docker image rm "${made[@]}"
  if [ -n "$engine" ]; then
    docker builder prune --all --force
    kill "$engine" && wait "$engine"
  fi
  $service
  rm -rf "$scratch"
} >/dev/null 2>&1

install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "$1 is missing: install it"
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } \
    >"$scratch/apt.log" 2>&1 || fail "$1 cannot be installed: $(tail -1 "$scratch/apt.log")"
}

start_engine() {
  docker info >/dev/null 2>&1 && return
  if ! command -v dockerd >/dev/null; then
    install docker.io iptables
    if docker info >/dev/null 2>&1; then # the package has started it
      service="service docker stop"
      return
    fi
  fi
  [ "$(id -u)" = 0 ] || fail "no docker engine answers: start it"
  echo "test-container: starting a docker engine"
  dockerd >"$scratch/dockerd.log" 2>&1 &
  engine=$!
  for _ in $(seq 60); do
    docker info >/dev/null 2>&1 && return
    kill -0 "$engine" 2>/dev/null || break
    sleep 1
  done
  fail "the docker engine did not start: $(tail -1 "$scratch/dockerd.log")"
}

# BASE_IMAGE, if it is set; the Dockerfile's own, if it is here or can be pulled; else one made here.
choose_base() {
  [ -z "${BASE_IMAGE:-}" ] || return 0
  BASE_IMAGE=$(sed -n 's/^ARG BASE_IMAGE=//p' Dockerfile)
  docker image inspect "$BASE_IMAGE" >/dev/null 2>&1 && return
  timeout 60 docker pull --quiet "$BASE_IMAGE" >/dev/null 2>&1 && made+=("$BASE_IMAGE") && return
  BASE_IMAGE=korean-ner-job-base:under-test
  echo "test-container: no registry answers, making a base image"
  command -v mmdebstrap >/dev/null || install mmdebstrap
  docker/base.sh "$BASE_IMAGE" >/dev/null
  made+=("$BASE_IMAGE")
}

case "$extra" in
  cpu) tests=(tests/container --ignore-glob="*_[gt]pu_image.py") ;;
  gpu | tpu) tests=("tests/container/test_${extra}_image.py") ;;
  *) fail "EXTRA=$extra: is cpu, gpu or tpu" ;;
esac
trap clean_up EXIT
start_engine
wheels_before=$(docker image ls --quiet korean-ner-job-wheels)
choose_base
export BASE_IMAGE
"$python" docker/image.py "$extra" "$IMAGE" --quiet
"$python" -m pytest "${tests[@]}" --durations=5
