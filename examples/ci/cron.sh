#!/usr/bin/env bash
# Checks production from a plain machine, say every hour:
#   17 * * * * DRIFTCHECK_HOME=/srv/agents /srv/agents/cron.sh
#
# DRIFTCHECK_HOME: the folder with the declarations (deployments/), say a clone that is pulled first. Each home has its
# own lock, reports and metrics, so several can be checked at the same minute.
# DRIFTCHECK_KEY_FILE: a file that holds the API key and that nobody else can read; default $HOME/.driftcheck-key.
# DRIFTCHECK_METRICS: a folder of Prometheus' textfile collector; without it no metrics are written.
# DRIFTCHECK_ALERT: a command that gets the report on its standard input when the status is not 0; without it, the
# report goes to standard output, which cron sends by mail.
# Ends with the status of driftcheck; with 3 if an earlier run is still going, with 4 if driftcheck could not be started.
set -uo pipefail
files=()

alert() { # TEXT
  echo "$1" >&2
  if [ -n "${DRIFTCHECK_ALERT:-}" ]; then echo "$1" | "$DRIFTCHECK_ALERT"; fi
}

# Reports why nothing was checked, and removes the earlier reports: they are not today's.
give_up() { # REASON
  if [ "${#files[@]}" -gt 0 ]; then rm -f -- "${files[@]}"; fi
  alert "driftcheck was not started: $1"
  exit 4
}

if [ -z "${DRIFTCHECK_HOME:-}" ]; then give_up "DRIFTCHECK_HOME does not name the folder with the declarations."; fi
if [ -z "${HOME:-}" ] && [ -z "${XDG_STATE_HOME:-}" ]; then give_up "neither HOME nor XDG_STATE_HOME is set."; fi
home=$(cd -- "$DRIFTCHECK_HOME" 2>/dev/null && pwd -P) || home=$DRIFTCHECK_HOME
name=${home//%/%25}
name=${name//\//%2F}
state=${XDG_STATE_HOME:-$HOME/.local/state}/driftcheck/$name
files=("$state/report.txt" "$state/report.json" "$state/report.html")
outputs=(-o "text=${files[0]}" -o "json=${files[1]}" -o "html=${files[2]}")
if [ -n "${DRIFTCHECK_METRICS:-}" ]; then
  files+=("$DRIFTCHECK_METRICS/driftcheck$name.prom")
  outputs+=(-o "openmetrics=$DRIFTCHECK_METRICS/driftcheck$name.prom")
fi
cd -- "$home" || give_up "there is no folder $DRIFTCHECK_HOME."

key_file=${DRIFTCHECK_KEY_FILE:-${HOME:-}/.driftcheck-key}
if [ -r "$key_file" ]; then
  LANGSMITH_API_KEY=$(<"$key_file")
  export LANGSMITH_API_KEY
fi

# One run of a home at a time. flock ends with 1 if another run holds the lock.
command -v flock >/dev/null || give_up "flock is not installed."
mkdir -p "$state" || give_up "the folder $state can't be made."
exec 9>"$state/lock" || give_up "$state/lock can't be written."
locked=0
flock -n 9 || locked=$?
if [ "$locked" -eq 1 ]; then
  alert "driftcheck was not started: an earlier run for $home is still going."
  exit 3
fi
if [ "$locked" -ne 0 ]; then give_up "flock ended with status $locked."; fi

rm -f -- "${files[@]}"
status=0
driftcheck check "${outputs[@]}" deployments 9>&- || status=$?
if [ "$status" -ne 0 ]; then
  # 1 is drift; 2 and more mean that driftcheck can't tell, which deserves an alert as well.
  if [ ! -f "$state/report.txt" ]; then
    echo "driftcheck ended with status $status and wrote no report." >"$state/report.txt"
  fi
  if [ -n "${DRIFTCHECK_ALERT:-}" ]; then
    "$DRIFTCHECK_ALERT" <"$state/report.txt"
  else
    cat "$state/report.txt"
  fi
fi
exit "$status"
