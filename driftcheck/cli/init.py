"""`driftcheck init`: first configuration and declarations."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Final

import click

from driftcheck import fields, pipeline, settings
from driftcheck.cli import console, export, init_targets, options, run
from driftcheck.cli.outputs import here
from driftcheck.declarations import discovery
from driftcheck.declarations.config import Config, find_config
from driftcheck.declarations.export import Export
from driftcheck.declarations.writing import SCHEMA_FILE
from driftcheck.errors import UsageError
from driftcheck.formats.escaping import visible
from driftcheck.live.endpoint import REGIONS
from driftcheck.model import Snapshot
from driftcheck.settings import Flags, Settings

_CONFIG: Final = "driftcheck.yaml"
_DEPLOYMENTS: Final = re.compile(rb"^[\"']?(?:deployments|overlay)[\"']?\s*:", re.MULTILINE)

_EXAMPLE: Final = """\
# yaml-language-server: $schema=declaration.schema.json
# One deployment, with the field names of the API. Only declared fields are compared with what is live.
# `driftcheck explain source_config.resource_spec.cpu_limit` explains a field.
deployments:
  - name: my-agent # unique in the workspace, and fixed once the deployment exists
    source: github # or external_docker, for an image of your own
    source_config:
      # Immutable: a change requires a new deployment.
      integration_id: 00000000-0000-4000-8000-000000000000
      repo_url: https://github.com/your-organization/your-repository
      deployment_type: dev
      # Whether a push to the branch below builds and deploys.
      build_on_push: true
    source_revision_config:
      repo_ref: main # a branch; a tag is written refs/tags/v1.2.0
      langgraph_config_path: langgraph.json
    # Environment variables by name. Never write a value into this file.
    secrets:
      - name: OPENAI_API_KEY
# Accepted differences. They are shown in every report and do not fail it.
# ignore:
#   - deployment: my-agent
#     path: source_config.build_on_push
#     reason: switched off for the release, OPS-123
#     expires: 2030-12-31
"""

_POLICY: Final = """\

# Lowest severity that makes exit status 1: error, warning, note or never.
# fail-on: error

# Whether undeclared live values are reported too. An audit is strict by default.
# strict: false

# Accepted differences, in all deployments.
# ignore:
#   - deployment: "claims-*"
#     path: source_config.resource_spec.max_scale
#     reason: load test until Friday, OPS-123
#     expires: 2030-12-31
"""


@click.command("init")
@options.first_listing
@options.as_flags
def command(flags: Flags, workspaces: tuple[str, ...]) -> None:
    """Write driftcheck.yaml and first declarations, and print what to do next.

    With an API key (or --live FILE), the declarations are those of what is live; otherwise an annotated example is
    written. Existing files are not changed. With several workspaces (or --live NAME=FILE for each), what is equal in
    all of them is declared once, and each gets a target with its overlay.
    """
    if os.path.lexists(_CONFIG):
        raise UsageError(f"{_CONFIG} exists already; nothing was written.", hint="Try driftcheck check.")
    flags = replace(flags, allow_empty_live=True)
    above = None if flags.config else find_config(here())
    if len(workspaces) > 1 or len(flags.live) > 1:
        init_targets.write(flags, workspaces)
        return
    single = workspaces[0].rpartition("=")[2] if workspaces else None
    flags = replace(flags, workspace=single)
    chosen = settings.resolve("init", flags, Config()) if above else run.resolve("init", flags)
    existing = [path for path in settings.DEFAULT_PATHS if _declares(path)]
    folder = init_targets.new_folder()
    asks = not existing and (chosen.live is not None or _has_key(chosen))
    snapshot = run.read_whole_live(chosen) if asks else None
    files = [] if existing else _declarations(snapshot, folder, quiet=flags.quiet)
    config = _config(chosen, snapshot, existing or [folder])
    if snapshot is not None:
        config += init_targets.severities([(files, "")])
    export.write_new([*files, (_CONFIG, config)], force=False)
    if not flags.quiet:
        for note in _notes(above, existing):
            console.say(f"note: {note}")
        export.say_written([*files, (_CONFIG, "")])
    console.write(_next_steps(flags, asks=asks, has_key=_has_key(chosen)))


def _notes(above: FilePath | None, existing: Sequence[str]) -> Iterator[str]:
    """Yield what the folder has already: the configuration of a folder above, and declarations."""
    if above is not None:
        file = visible(os.path.relpath(above))
        yield f"{file} applied here so far; from now on {_CONFIG} of this folder does."
    if existing:
        yield f"The declarations in {' and '.join(existing)} are left as they are."


def _has_key(chosen: Settings) -> bool:
    return chosen.access is not None and chosen.access.api_key is not None


def _declares(path: str) -> bool:
    """Return whether a file or folder has the key of declarations, even in invalid YAML."""
    if not os.path.lexists(path) or not discovery.names_anything(path):
        return False
    return any(_DEPLOYMENTS.search(text.data) for text in discovery.read([path]).texts)


def _declarations(snapshot: Snapshot | None, folder: str, *, quiet: bool) -> list[tuple[str, str]]:
    """Return the files of what is live, or those of the example."""
    declared = pipeline.export(snapshot) if snapshot is not None else Export()
    if not quiet:
        export.say_left_out(declared)
    if declared.deployments:
        return export.one_each(declared, folder)
    if snapshot is not None:
        console.say("note: Nothing is live that can be exported; an example is written instead.")
    schema = os.path.join(folder, SCHEMA_FILE), fields.schema_text("declaration")
    return [(os.path.join(folder, "example.yaml"), _EXAMPLE), schema]


def _config(chosen: Settings, snapshot: Snapshot | None, paths: Sequence[str]) -> str:
    """Return the configuration: paths, workspace and region, as far as known."""
    lines = ["# What driftcheck checks, and what fails; `driftcheck schema config` describes every key.", "paths:"]
    lines += [f"  - {path}" for path in paths]
    workspace = chosen.workspace.id if chosen.workspace else snapshot.workspace if snapshot else None
    if workspace:
        lines += ["", "# The expected workspace; another one is refused.", f"workspace: {json.dumps(workspace)}"]
    asked = snapshot.source if snapshot is not None else chosen.access.endpoint if chosen.access else None
    region = next((name for name, url in REGIONS.items() if url == asked), None)
    if region not in (None, "us"):
        lines += ["", "# The region of LangSmith Cloud: us, eu, apac or aws.", f"region: {region}"]
    return "\n".join(lines) + "\n" + _POLICY


def _next_steps(flags: Flags, *, asks: bool, has_key: bool) -> str:
    """Return the commands to run next, which read the same listing."""
    live = "".join(f" {word}" for word in options.live_words(flags.live))
    if asks:
        steps = [
            (f"driftcheck check{live}", "compare what is declared with what is live"),
            (f"driftcheck audit{live}", "the whole workspace: inventory, coverage, undeclared deployments and values"),
            (f"driftcheck check{live} -o html=report.html", "a report to open in a browser"),
        ]
    else:
        steps = [
            ("driftcheck validate", "check the declarations alone, offline"),
            *([] if has_key else [("export LANGSMITH_API_KEY=...", "a key that may read deployments")]),
            (f"driftcheck check{live}", "compare them with what is live"),
        ]
    width = max(len(step) for step, _ in steps)
    return "Next:\n" + "".join(f"  {step:<{width}}  # {what}\n" for step, what in steps)
