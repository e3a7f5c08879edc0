#!/bin/sh
# A plan of driftcheck: the requests that bring live back to what is declared. Read it before you run it.
# It needs curl, and the API key in LANGGRAPH_HOST_API_KEY, LANGSMITH_API_KEY or LANGCHAIN_API_KEY (a target's own
# key comes first, in DRIFTCHECK_API_KEY_ and its name).
# It sends nothing while values have to be filled in, and stops at the first deployment that changed since.
set -eu
unset CURL_HOME
common=${LANGGRAPH_HOST_API_KEY:-${LANGSMITH_API_KEY:-${LANGCHAIN_API_KEY:-}}}

# Quotes a value for curl's configuration, which is read from standard input: no value is in the argument list.
quoted() { printf '%s' "$1" | tr -d '\n\r' | sed 's/\\/\\\\/g; s/"/\\"/g'; }
request() { # method, path, body
  {
    printf 'url = "%s"\nrequest = "%s"\n' "$(quoted "$base$2")" "$1"
    printf 'header = "X-Api-Key: %s"\n' "$(quoted "$key")"
    [ -z "$workspace" ] || printf 'header = "X-Tenant-Id: %s"\n' "$(quoted "$workspace")"
    [ -z "$3" ] || printf 'header = "Content-Type: application/json"\ndata-raw = "%s"\n' "$(quoted "$3")"
  } | curl --disable --globoff --fail --silent --show-error --max-time 60 --config -
}
# Prints a line unchanged, unlike `echo`, which may read a backslash in a name as a line break.
say() { printf '%s\n' "$1"; }
unchanged() { # name, path, latest_revision_id and updated_at as JSON
  answer=$(request GET "$2" '') || { say "error: $1 could not be read; nothing was sent for it" >&2; exit 3; }
  now=$(printf '%s' "$answer" | tr -d ' \t\r\n')
  for field in "\"latest_revision_id\":$3" "\"updated_at\":$4"; do
    case $now in
      *"$(printf '%s' "$field" | tr -d ' ')"[,}]*) ;;
      *) say "error: $1 changed since the plan was made ($field no longer holds); plan again" >&2; exit 1 ;;
    esac
  done
}
