#!/usr/bin/env bash
# Shows what a check before the merge reports, with one branch for each way in which base, branch and live can differ.
#
#   examples/three-way/demo.sh [FOLDER]
#
# builds a git repository in FOLDER (default: a temporary one), checks seven branches of it, prints the
# verdicts and leaves the reports in every format in FOLDER/reports. It needs git and driftcheck. With the extra
# `emulator`, live is a server on loopback, else a saved listing.
set -euo pipefail

folder=${1:-$(mktemp -d)}
mkdir -p "$folder/repository" "$folder/reports"
cd "$folder/repository"
export GIT_AUTHOR_NAME=demo GIT_AUTHOR_EMAIL=demo@example.com GIT_COMMITTER_NAME=demo GIT_COMMITTER_EMAIL=demo@example.com

# --- two states of live: as main declares it, and after somebody raised max_scale by hand -------------------------

listing() { # MAX_SCALE
  cat <<JSON
{"resources": [{"name": "claims-agent", "source": "external_docker",
  "source_config": {"resource_spec": {"min_scale": 2, "max_scale": $1}},
  "source_revision_config": {"image_uri": "registry.example.com/claims-agent:1.14.2"},
  "secrets": [], "id": "9f4f1a9e-6d6f-4bb1-b3a4-8d2a50c7f9f1", "status": "READY"}], "offset": 1}
JSON
}
listing 6 >../quiet.json
listing 10 >../moved.json

servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true' EXIT
serve() { # LISTING: sets $url to where it is served, or to nothing
  exec {answer}< <(exec driftcheck emulate "$1" 2>/dev/null)
  servers+=("$!")
  read -r url <&"$answer" || url=
}

# --- the repository -------------------------------------------------------------------------------------------------

declare_scale() { # MAX_SCALE VERSION
  cat >deployments.yaml <<YAML
deployments:
  - name: claims-agent
    source: external_docker
    source_config:
      resource_spec:
        min_scale: 2
        max_scale: $1
    source_revision_config:
      image_uri: registry.example.com/claims-agent:$2
YAML
}

git init -q -b main .
declare_scale 6 1.14.2
git add . && git commit -q -m "Declare the claims agent"

branch() { # NAME MAX_SCALE VERSION
  git switch -q -c "$1" main
  declare_scale "$2" "$3"
  echo "work on $1" >notes.txt
  git add . && git commit -q -m "Work on $1"
}

# --- the checks -----------------------------------------------------------------------------------------------------

check() { # BRANCH LISTING ADDRESS BASE
  git switch -q "$1"
  live=(--live "../$2.json")
  if [ -n "$3" ]; then
    live=(--endpoint "$3")
    export LANGSMITH_API_KEY=any-key-will-do
  fi
  outputs=()
  for format in json ndjson markdown html sarif junit github gitlab openmetrics; do
    outputs+=(-o "$format=../reports/$1.$format")
  done
  status=0
  driftcheck check deployments.yaml --base "$4" "${live[@]}" -o text "${outputs[@]}" || status=$?
  echo "exit status $status"
}

serve ../quiet.json && quiet=$url
serve ../moved.json && moved=$url

row() { # BRANCH MAX_SCALE VERSION LISTING ADDRESS LIVE
  echo
  echo "== $1: main says 6, this branch $2, live $6"
  branch "$1" "$2" "$3"
  check "$1" "$4" "$5" main
}

row in-sync 6 1.14.2 quiet "$quiet" 6
row proposed 8 1.14.2 quiet "$quiet" 6
row drift 6 1.15.0 moved "$moved" 10
row elsewhere 6 1.14.2 moved "$moved" 10
row conflict 8 1.14.2 moved "$moved" 10
row adopted 10 1.14.2 moved "$moved" 10

echo
echo "== outdated: main says 10 by now, this branch 6 as main did before, live 10"
branch outdated 6 1.14.2
branch main-by-now 10 1.14.2
check outdated moved "$moved" main-by-now

echo
echo "The repository and the reports are in $folder"
