#!/usr/bin/env bash
# Checks production from a plain machine, say every hour:
#   17 * * * * DRIFTCHECK_HOME=/srv/agents /srv/agents/cron.sh
#
# DRIFTCHECK_HOME: the folder with the declarations (deployments/), say a clone that is pulled first.
# DRIFTCHECK_KEY_FILE: a file that holds the API key and that nobody else can read; default $HOME/.driftcheck-key.
# DRIFTCHECK_METRICS: a folder of Prometheus' textfile collector; without it no metrics are written.
# DRIFTCHECK_ALERT: a command that gets the report on its standard input where not all is well; without it, the report
# goes to standard output, which cron sends by mail.
set -uo pipefail
cd "${DRIFTCHECK_HOME:?is the folder with the declarations}" || exit 2

key_file=${DRIFTCHECK_KEY_FILE:-$HOME/.driftcheck-key}
if [ -r "$key_file" ]; then
  LANGSMITH_API_KEY=$(<"$key_file")
  export LANGSMITH_API_KEY
fi

state=${XDG_STATE_HOME:-$HOME/.local/state}/driftcheck
mkdir -p "$state"
outputs=(-o "text=$state/report.txt" -o "json=$state/report.json" -o "html=$state/report.html")
if [ -n "${DRIFTCHECK_METRICS:-}" ]; then outputs+=(-o "openmetrics=$DRIFTCHECK_METRICS/driftcheck.prom"); fi

# One run at a time: a slow one is not overtaken by the next.
exec 9>"$state/lock"
flock --nonblock 9 || exit 0

rm -f "$state/report.txt"
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
