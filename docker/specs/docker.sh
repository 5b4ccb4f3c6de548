# Written by `python -m job spec docker`.
mkdir -p "$PWD"/output/news "${XDG_CACHE_HOME:-$HOME/.cache}/korean-ner-job"
docker run --rm --gpus all \
  --shm-size=16g \
  --user "$(id -u):$(id -g)" \
  --env ACCELERATOR=gpu \
  --env DOWNSTREAM_CORPUS_NAME=news \
  --env DOWNSTREAM_CORPUS_ROOT_DIR=/corpora \
  --env DOWNSTREAM_MODEL_DIR=/output \
  --env CACHE_DIR=/cache \
  --mount type=bind,source="$PWD"/output/news,target=/output \
  --mount type=bind,source="$PWD"/corpora,target=/corpora,readonly \
  --mount type=bind,source="${XDG_CACHE_HOME:-$HOME/.cache}/korean-ner-job",target=/cache \
  korean-ner-job:gpu-0.1.0 train
