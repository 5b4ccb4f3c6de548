#!/usr/bin/env bash
# The first thing to run on a real TPU VM: one epoch of the sample, on one core and on all of them.
#
#     docker/tpu_smoke.sh FOLDER [PYTHON]     FOLDER: a path or gs:// URL; PYTHON: .venv-tpu/bin/python
set -euo pipefail
folder=${1:?a folder or gs:// URL to write to}
python=${2:-.venv-tpu/bin/python}
cd "$(dirname "$0")/.."
export PJRT_DEVICE=TPU
logs=$(mktemp -d)

tell_where_to_report() {
  cat <<EOF

== Report
  Open an issue in this repository with the files in $logs, the output of
  "gcloud compute tpus tpu-vm describe", and what of the five differs or did not come to its end.
EOF
}
trap tell_where_to_report EXIT

run() {
  local name=$1
  shift
  echo "== $name"
  "$python" -m job "$@" --downstream_corpus_name=sample --downstream_model_dir="$folder/$name" \
    --epochs=1 --resume=never --log_format=text 2>&1 | tee "$logs/$name.log"
}

"$python" -m job check --downstream_corpus_name=sample --downstream_model_dir="$folder/check" \
  | tee "$logs/check.log"
run one --tpu_cores=1 --batch_size=32 --precision=32
run all --batch_size=4 --precision=32
run again --batch_size=4 --precision=32
run bf16 --batch_size=4

cat <<'EOF'

== Compare
  1. `one` and `all` were given the same sentences a step: their F1 should be within 0.05 of each
     other. On 4 cores `all` takes 16 a step, and more of them.
  2. `all` and `again` should be the same to the last digit.
  3. `again` compiles as long as `all`: nothing that is compiled is kept.
  4. "XLA compiled" should stand once in each log: no graph after the first epoch.
  5. sentences/s of `bf16` is the first speed that anybody has measured here.
EOF
grep -H "XLA compiled\|^micro\|sentences/s" "$logs"/*.log || true
