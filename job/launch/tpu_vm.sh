#!/usr/bin/env bash
# Written by `python -m job spec tpu-vm`. Creates a TPU VM, runs the job on it, follows its log and
# deletes the VM: when the job has ended, when anything fails, and at Ctrl-C, SIGTERM and SIGHUP.
# The job saves to its bucket and goes on from there, so run this again after an interruption; a VM
# that this script has left is taken over: the end of its name stands for all that was asked for.
# Exits with the job's exit code; with 143 when TIMEOUT_HOURS are over, once the job has saved.
# A VM that cannot be deleted is named, also in the file NAME.not-deleted. Should this machine itself
# die, the VM goes on and costs money: run this again elsewhere, or delete the VM by hand.
set -euo pipefail

name=%name
where=(%where)
pause_s=${PAUSE_S:-20}
wait_s=${WAIT_S:-%wait_s} # for a machine
timeout_s=${TIMEOUT_S:-%timeout_s}
asked=   # a VM was asked for by this call
running= # a job may run on it, and has to save before the VM goes
child=
found=

# A trap waits for a command in the foreground to end, but not for `wait`.
run() {
  local code=0
  "$@" &
  child=$!
  wait "$child" || code=$?
  child=
  return "$code"
}

say() {
  echo "$*" >&2 || true # nobody may be reading any more
}

# A command on the VM, for at most so many seconds. It must not wait for the terminal. It ends the
# shell that it is called in, so that a signal to that one reaches it.
on_vm() {
  exec timeout "$2" gcloud compute tpus tpu-vm ssh "$name" "${where[@]}" --quiet \
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

leave_alone() {
  local code=$?
  say "Nothing was created or deleted. If an earlier call has left $name, it goes on: look with"
  say "  gcloud compute tpus %kind list ${where[*]}"
  exit "$code"
}

delete_always() {
  local code=$? looks
  set +e
  trap - EXIT
  trap '' HUP INT TERM PIPE
  if ! echo "Deleting $name." >&2; then
    # A terminal that was closed, or a `| tee` that is gone, must not keep the VM alive.
    if (: >/dev/tty) 2>/dev/null; then exec >/dev/tty 2>&1; else exec >/dev/null 2>&1; fi
  fi
  if [ -n "$child" ]; then kill "$child" 2>/dev/null; fi
  if [ -n "$running" ]; then
    say "Stopping the job, which saves first."
    (on_vm "sudo docker stop --time=120 $name" 180) >&2
  fi
  # What was asked for a moment ago may appear in the list a moment later.
  for looks in 1 2 3 4 5 6; do
    delete >&2 && asked=
    if look && [ -z "$found" ] && { [ -z "$asked" ] || [ "$looks" -ge 3 ]; }; then
      say "Deleted $name."
      rm -f "$name.not-deleted"
      exit "$code"
    fi
    sleep "$pause_s"
  done
  say "$name could NOT be deleted and costs money. Delete it by hand:"
  say "  gcloud compute tpus %kind delete $name ${where[*]}%force"
  echo "$name costs money until it is deleted" >"$name.not-deleted"
  exit 74
}

start_job() {
  on_vm "$(cat <<'ON_VM'
set -e
state=$(sudo docker inspect --format='{{.State.Status}}' %name 2>/dev/null || true)
if [ "$state" = created ]; then # it was cut off before it began
  sudo docker rm --force %name
  state=
fi
if [ -z "$state" ]; then
  %login
  %run
fi
ON_VM
)" 1800
}

end_where_it_has_gone() {
  if look; then
    case "$found" in
      READY | ACTIVE) ;;
      *)
        running= # the bucket has what the job saved
        say "The TPU VM was taken away (${found:-it is not there}); run this again."
        exit 69
        ;;
    esac
  fi
}

end_where_time_is_over() {
  if [ "$SECONDS" -ge "$timeout_s" ]; then
    say "TIMEOUT_HOURS are over."
    exit 143
  fi
}

# One signal is enough: a second would break off what the first has set going.
trap 'trap "" HUP INT TERM; exit 129' HUP
trap 'trap "" HUP INT TERM; exit 130' INT
trap 'trap "" HUP INT TERM; exit 143' TERM
trap : PIPE
trap leave_alone EXIT

failed=0
until look && [ "$found" != DELETING ] && [ "$found" != SUSPENDING ]; do
  if [ -n "$found" ]; then
    say "$name is being deleted; waiting until it has gone."
  elif failed=$((failed + 1)) && [ "$failed" -ge 6 ]; then
    say "The TPU VMs cannot be listed; see above, and try again."
    exit 69
  fi
  run sleep "$pause_s"
done

trap delete_always EXIT
SECONDS=0
case "$found" in
  "") create ;;
  PREEMPTED | TERMINATED | STOPPED | FAILED | SUSPENDED)
    delete
    create
    ;;
  *)
    say "Taking over $name, which an earlier call has left."
    running=yes
    ;;
esac
missing=0
while :; do
  if look; then
    case "$found" in
      READY | ACTIVE) break ;;
      "") missing=$((missing + 1)) ;; # the list may be a moment behind
      PREEMPTED | TERMINATED | STOPPED | FAILED | SUSPENDED | SUSPENDING | DELETING) missing=3 ;;
    esac
  fi
  if [ "$missing" -ge 3 ]; then running=; fi
  if [ "$missing" -ge 3 ] || [ "$SECONDS" -ge "$wait_s" ]; then
    say "There is no TPU VM to be had: see the messages above, and try again later."
    exit 69
  fi
  run sleep "$pause_s"
done

SECONDS=0
failed=0
until run start_job; do # the VM answers a little after it is ready
  failed=$((failed + 1))
  if [ -n "$asked" ] && [ "$failed" -ge 6 ]; then
    say "The job could not be started on the VM: see the messages above."
    exit 69
  fi
  end_where_it_has_gone
  end_where_time_is_over
  run sleep "$pause_s"
done
running=yes

while :; do
  end_where_time_is_over
  run on_vm "sudo docker logs --follow --tail=1000 $name" "$((timeout_s - SECONDS))" || true
  said=$(on_vm "sudo docker inspect --format='{{.State.Status}} {{.State.ExitCode}}' $name" 120) ||
    end_where_it_has_gone
  case "${said:-}" in
    exited* | dead*)
      running=
      exit "${said##* }"
      ;;
  esac
  run sleep "$pause_s"
done
