#!/usr/bin/env bash
# A base image where no registry answers: Debian 12 with its Python 3.11, and this machine's CAs.
# Debian has Python's shared library, which torch_xla loads, in a package of its own.
#   docker/base.sh TAG        (as root, with mmdebstrap and docker; about half a minute)
set -euo pipefail
tag=${1:?usage: docker/base.sh TAG}
authorities=/usr/local/share/ca-certificates
mmdebstrap --quiet --mode=root --variant=minbase \
  --include=ca-certificates,libpython3.11,netbase,python3,python3-venv,tzdata \
  --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --customize-hook="find $authorities -name '*.crt' -exec cp {} \"\$1$authorities/\" \\;" \
  --customize-hook='chroot "$1" update-ca-certificates >/dev/null 2>&1' \
  --customize-hook='ln -s python3 "$1/usr/bin/python"' \
  --customize-hook='rm -rf "$1"/var/cache/apt/*.bin "$1"/var/lib/apt/lists/*' \
  bookworm - |
  docker import -c 'ENV LANG=C.UTF-8' -c 'CMD ["python3"]' - "$tag"
