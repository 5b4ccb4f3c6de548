"""Programs that stand in for what a test has not: a TPU VM to log in to, and docker on it."""

from pathlib import Path

# What ssh does with the words after `--`: it joins them, and a shell there runs them.
SSH = """#!/bin/bash
until [ "${1:---}" = -- ]; do shift; done
[ $# = 0 ] && exit # gcloud asks for its version
shift
exec bash -c "$*"
"""
SUDO = """#!/bin/bash
exec "$@"
"""
# `docker` on the VM: it notes how it was called; the job takes $JOB_SECONDS and ends, or hangs.
DOCKER = """#!/bin/bash
printf '%s\\n' "docker $*" >>"$VM/calls"
case "$1" in
  run)
    echo created >"$VM/container"
    if [ "${STARTS_FAIL:-0}" -ge "$(grep -c '^docker run' "$VM/calls")" ]; then exit 255; fi
    echo running >"$VM/container"
    ;;
  rm) rm "$VM/container" ;;
  logs)
    echo "a line of the log"
    for _ in $(seq "${JOB_SECONDS:-0}"); do [ -e "$VM/stopped" ] || sleep 1; done
    [ -n "${JOB_HANGS:-}" ] || echo exited >"$VM/container"
    ;;
  inspect)
    status=$(cat "$VM/container") || exit 1
    case "$2" in *ExitCode*) echo "$status ${JOB_EXIT_CODE:-0}" ;; *) echo "$status" ;; esac
    ;;
  stop) touch "$VM/stopped" && echo exited >"$VM/container" ;;
esac
"""
# gcloud on the machine that runs the script, for the ways in which things go wrong.
GCLOUD = """#!/bin/bash
printf '%s\\n' "gcloud $*" >>"$VM/calls"
case "$4" in
  list)
    sleep "${LIST_TAKES:-0}"
    if [ "${LIST_FAILS:-0}" -ge "$(grep -c ' list ' "$VM/calls")" ]; then exit 1; fi
    cat "$VM/state" 2>/dev/null || true
    ;;
  create)
    if [ -n "${CREATE_IS_SLOW:-}" ]; then
      (sleep 0.5 && echo CREATING >"$VM/state") >/dev/null 2>&1 &
      exec sleep 60
    fi
    [ -z "${NO_ROOM:-}" ] && echo READY >"$VM/state"
    ;;
  delete)
    if [ "${DELETE_FAILS:-0}" -gt "$(grep -c ' delete ' "$VM/calls")" ]; then exit 1; fi
    rm "$VM/state" || exit 1
    rm -f "$VM/container"
    ;;
  ssh)
    [ -e "$VM/gone" ] && exit 255
    if [ "${SSH_FAILS:-0}" -ge "$(grep -c ' ssh ' "$VM/calls")" ]; then exit 255; fi
    for word; do [ "${word#--command=}" = "$word" ] || command=${word#--command=}; done
    exec bash -c "$command"
    ;;
esac
"""


def install(folder: Path, *, with_gcloud: bool) -> Path:
    """Writes the programs into `folder`, to be put in front of PATH."""
    folder.mkdir(parents=True)
    programs = {"ssh": SSH, "sudo": SUDO, "docker": DOCKER}
    if with_gcloud:
        programs["gcloud"] = GCLOUD
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder
