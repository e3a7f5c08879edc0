#!/usr/bin/env bash
# Checks production from any machine, for example every hour:
#   17 * * * * DRIFTCHECK_HOME=/srv/agents /srv/agents/cron.sh
#
# DRIFTCHECK_HOME: the folder with the declarations (deployments/), for example a clone that is pulled first. Each home
# has its own reports, metrics and history, so several can be checked at the same time.
# DRIFTCHECK_KEY_FILE: a file that holds the API key and that nobody else can read. Default: $HOME/.driftcheck-key.
# DRIFTCHECK_METRICS: a folder of Prometheus' textfile collector. The rules of alerts.yml also notice missed runs.
# DRIFTCHECK_NOTIFY: addresses to notify of new, changed and resolved items, separated by spaces. Without it, the
# report goes to standard output if the status is not 0, and cron sends it by mail.
# DRIFTCHECK_CHECK_FAIL_ON_NEW=1: drift that an earlier run has reported no longer counts.
# The script ends with the status of driftcheck, or with 4 if driftcheck could not be started.
set -uo pipefail

give_up() { # REASON
  echo "driftcheck was not started: $1" >&2
  exit 4
}

if [ -z "${DRIFTCHECK_HOME:-}" ]; then give_up "DRIFTCHECK_HOME does not name the folder with the declarations."; fi
if [ -z "${HOME:-}${XDG_STATE_HOME:-}" ]; then give_up "neither HOME nor XDG_STATE_HOME is set."; fi
home=$(cd -- "$DRIFTCHECK_HOME" && pwd -P) || give_up "the folder $DRIFTCHECK_HOME does not exist."
name=${home//%/%25}
name=${name//\//%2F}
state=${XDG_STATE_HOME:-$HOME/.local/state}/driftcheck/$name
mkdir -p -- "$state" || give_up "the folder $state can't be made."
cd -- "$home" || give_up "the folder $home can't be entered."

key_file=${DRIFTCHECK_KEY_FILE:-${HOME:-}/.driftcheck-key}
if [ -r "$key_file" ]; then
  LANGSMITH_API_KEY=$(<"$key_file")
  export LANGSMITH_API_KEY
fi

outputs=(-o "text=$state/report.txt" -o "json=$state/report.json" -o "html=$state/report.html")
if [ -n "${DRIFTCHECK_METRICS:-}" ]; then outputs+=(-o "openmetrics=$DRIFTCHECK_METRICS/driftcheck$name.prom"); fi
export DRIFTCHECK_HISTORY=${DRIFTCHECK_HISTORY:-sqlite:///$state/history.db}

rm -f -- "$state"/report.*
status=0
# A report on standard output replaces the line that names the files. Below, the script decides what is printed.
driftcheck check --report-id "$home" "${outputs[@]}" -o text deployments >/dev/null || status=$?
if [ ! -f "$state/report.txt" ]; then
  echo "driftcheck ended with status $status and wrote no report." >&2
elif [ "$status" -ne 0 ] && [ -z "${DRIFTCHECK_NOTIFY:-}" ]; then
  cat -- "$state/report.txt"
fi
exit "$status"
