#!/usr/bin/env bash
# Checks production from a plain machine, say every hour:
#   17 * * * * DRIFTCHECK_HOME=/srv/agents /srv/agents/cron.sh
#
# DRIFTCHECK_HOME: the folder with the declarations (deployments/), say a clone that is pulled first.
# DRIFTCHECK_KEY_FILE: a file that holds the API key and that nobody else can read; default $HOME/.driftcheck-key.
# DRIFTCHECK_METRICS: a folder of Prometheus' textfile collector; without it no metrics are written.
# DRIFTCHECK_ALERT: a command that gets the report on its standard input where not all is well; without it, the report
# goes to standard output, which cron sends by mail.
# Ends with the status of driftcheck; with 4, too, where driftcheck could not be started.
set -uo pipefail
files=()

# Says why nothing was checked. Old files go, lest they be taken for today's; the status is neither success nor drift.
give_up() {
  if [ "${#files[@]}" -gt 0 ]; then rm -f -- "${files[@]}"; fi
  echo "driftcheck was not started: $1" >&2
  if [ -n "${DRIFTCHECK_ALERT:-}" ]; then echo "driftcheck was not started: $1" | "$DRIFTCHECK_ALERT"; fi
  exit 4
}

if [ -z "${DRIFTCHECK_HOME:-}" ]; then give_up "DRIFTCHECK_HOME does not name the folder with the declarations."; fi
if [ -z "${HOME:-}" ] && [ -z "${XDG_STATE_HOME:-}" ]; then give_up "neither HOME nor XDG_STATE_HOME is set."; fi
state=${XDG_STATE_HOME:-$HOME/.local/state}/driftcheck
files=("$state/report.txt" "$state/report.json" "$state/report.html")
outputs=(-o "text=${files[0]}" -o "json=${files[1]}" -o "html=${files[2]}")
if [ -n "${DRIFTCHECK_METRICS:-}" ]; then
  files+=("$DRIFTCHECK_METRICS/driftcheck.prom")
  outputs+=(-o "openmetrics=$DRIFTCHECK_METRICS/driftcheck.prom")
fi
cd "$DRIFTCHECK_HOME" || give_up "there is no folder $DRIFTCHECK_HOME."

key_file=${DRIFTCHECK_KEY_FILE:-${HOME:-}/.driftcheck-key}
if [ -r "$key_file" ]; then
  LANGSMITH_API_KEY=$(<"$key_file")
  export LANGSMITH_API_KEY
fi

# One run at a time: a slow one is not overtaken by the next. flock ends with 1 where another run holds the lock.
command -v flock >/dev/null || give_up "flock is not installed."
mkdir -p "$state" || give_up "the folder $state can't be made."
exec 9>"$state/lock" || give_up "$state/lock can't be written."
locked=0
flock -n 9 || locked=$?
if [ "$locked" -eq 1 ]; then exit 0; fi
if [ "$locked" -ne 0 ]; then give_up "flock ended with status $locked."; fi

rm -f -- "${files[@]}"
status=0
driftcheck check "${outputs[@]}" deployments 9>&- || status=$?
if [ "$status" -ne 0 ]; then
  # 1 is drift; 2 and more say that nothing could be told, which deserves an alert as well.
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
