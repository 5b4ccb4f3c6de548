#!/usr/bin/env bash
# Written by `python -m job spec tpu-vm`. Creates a TPU VM, runs the job on it, follows its log and
# deletes the VM: when the job has ended, when anything fails, and at Ctrl-C, SIGTERM and SIGHUP.
# The job saves to its bucket and goes on from there, so run this again after an interruption; a VM
# that this script has left is taken over: the end of its name stands for all that is written here.
# Exits with the job's exit code; with 143 when TIMEOUT_HOURS
# are over, once the job has saved. Should this machine itself die, the VM goes on and costs money:
# run this again elsewhere, or delete the VM by hand.
set -euo pipefail

name=%name
where=(%where)
pause_s=${PAUSE_S:-20}
timeout_s=${TIMEOUT_S:-%timeout_s}
asked=
started=
child=
found=

# A trap waits for a command in the foreground to end, but not for `wait`.
run() {
  "$@" &
  child=$!
  wait "$child"
}

# A command on the VM, for at most so many seconds; 0 is no limit. It must not wait for the terminal.
on_vm() {
  timeout "${2:-0}" gcloud compute tpus tpu-vm ssh "$name" "${where[@]}" --quiet \
    --command="$1" </dev/null
}

# What the list says of the VM goes into $found: nothing where there is none. Where the list fails,
# nothing is known, and nothing may be concluded.
look() {
  found=$(gcloud compute tpus %kind list "${where[@]}" --filter="name ~ /$name$" \
    --format='value(%state)')
}

create() {
  asked=yes
  run gcloud compute tpus %kind create "$name" "${where[@]}" \
    %create
}

delete() {
  gcloud compute tpus %kind delete "$name" "${where[@]}" --quiet%force
}

delete_always() {
  local code=$? looks
  set +e
  trap - EXIT
  trap '' HUP INT TERM PIPE
  # A terminal that was closed, or a `| tee` that is gone, must not keep the VM alive.
  echo "Deleting $name." >&2 || exec >/dev/null 2>&1
  if [ -n "$child" ]; then kill "$child" 2>/dev/null || true; fi
  if [ "$code" -ge 129 ] && [ -n "$started" ]; then
    echo "Stopping the job, which saves first." >&2
    on_vm "sudo docker stop --time=120 $name" 180 >&2 || true
  fi
  # What was asked for a moment ago may appear in the list a moment later.
  for looks in 1 2 3 4 5 6; do
    delete >&2 && asked=
    if look && [ -z "$found" ] && { [ -z "$asked" ] || [ "$looks" -ge 3 ]; }; then
      echo "Deleted $name." >&2
      exit "$code"
    fi
    sleep "$pause_s"
  done
  echo "$name could NOT be deleted and costs money. Delete it by hand:" >&2
  echo "  gcloud compute tpus %kind delete $name ${where[*]}%force" >&2
  exit 74
}

start_job() {
  on_vm "$(cat <<'ON_VM'
set -e
if ! sudo docker container inspect %name >/dev/null 2>&1; then
  %login
  %run
fi
ON_VM
)"
}

trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

for attempt in 1 2 3 4 5 6; do
  if look; then break; fi
  if [ "$attempt" = 6 ]; then
    echo "The TPU VMs cannot be listed: see above. Nothing was created or deleted; a VM that an" >&2
    echo "earlier call left goes on. Try again." >&2
    exit 69
  fi
  run sleep "$pause_s"
done

trap delete_always EXIT
case "$found" in
  "") create ;;
  PREEMPTED | TERMINATED | STOPPED | FAILED | SUSPENDED)
    delete
    create
    ;;
esac
missing=0
while :; do
  if look; then
    case "$found" in
      READY | ACTIVE) break ;;
      "") missing=$((missing + 1)) ;; # the list may be a moment behind
      PREEMPTED | TERMINATED | STOPPED | FAILED | SUSPENDED) missing=3 ;;
    esac
  fi
  if [ "$missing" -ge 3 ]; then
    echo "There is no TPU VM to be had: see the messages above, and try again later." >&2
    exit 69
  fi
  run sleep "$pause_s"
done

for attempt in 1 2 3 4 5 6; do  # the VM answers a little after it is ready
  if run start_job; then
    started=yes
    break
  fi
  run sleep "$pause_s"
done
[ -n "$started" ] || exit 69

SECONDS=0
while :; do
  left=$((timeout_s - SECONDS))
  if [ "$left" -le 0 ]; then
    echo "TIMEOUT_HOURS are over." >&2
    exit 143
  fi
  run on_vm "sudo docker logs --follow --tail=1000 $name" "$left" || true
  ended=$(on_vm "sudo docker inspect --format='{{.State.Running}} {{.State.ExitCode}}' $name" 120) || {
    # Taken away, where the list says so, or out of reach: the bucket has what the job saved.
    if look && [ "$found" != READY ] && [ "$found" != ACTIVE ]; then exit 69; fi
    run sleep "$pause_s"
    continue
  }
  [ "${ended:0:4}" = true ] || exit "${ended##* }"
done
