"""`driftcheck init` with several workspaces: a base, an overlay for each, and targets."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path as FilePath
from typing import Final

from driftcheck import fields, pipeline, settings
from driftcheck.cli import console, export, run
from driftcheck.declarations.config import Config, Target
from driftcheck.declarations.export import Exported, common_part, rest_over
from driftcheck.declarations.writing import SCHEMA_FILE, write_overlay
from driftcheck.declarations.writing import write as write_declarations
from driftcheck.errors import UsageError
from driftcheck.live.endpoint import REGIONS
from driftcheck.model import Snapshot
from driftcheck.settings import Flags, Settings

_BASE: Final = "deployments"
_TARGETS: Final = "environments"


def write(flags: Flags, workspaces: Sequence[str], *, quiet: bool) -> int:
    """Write what is equal in all workspaces to the base, and what differs to an overlay for each target."""
    targets = tuple(_target(text) for text in workspaces)
    runs = settings.resolve_targets("init", flags, Config(targets=targets), None, FilePath.cwd())
    at_once, runs = settings.share_connections(runs)
    with run.progress(quiet) as seen, ThreadPoolExecutor(max(at_once, 1)) as pool:
        listings = [pool.submit(pipeline.read_live, each, tuple, seen) for each in runs]
        snapshots = [
            run.accepted(each, found.result(), quiet=quiet) for each, found in zip(runs, listings, strict=True)
        ]
    suffixes = [_suffix(each.target or "", found) for each, found in zip(runs, snapshots, strict=True)]
    declared: dict[str, dict[str, Exported]] = {}
    for each, snapshot, suffix in zip(runs, snapshots, suffixes, strict=True):
        exported = export.declare(snapshot, name_suffix=suffix)
        for notice in () if quiet else exported.notices:
            console.say(f"note: {each.target}: {notice}")
        declared[each.target or ""] = {deployment.name: deployment for deployment in exported.deployments}
    files = _files(declared)
    config = _config(runs, snapshots, suffixes, {os.path.dirname(file) for file, _ in files})
    export.place([*files, ("driftcheck.yaml", config)], force=False)
    console.say("".join(f"Written: {file}\n" for file, _ in files) + "Written: driftcheck.yaml")
    console.write("Next:\n  driftcheck check  # compare what is declared with what is live, in every target\n")
    return 0


def _target(text: str) -> Target:
    name, equals, workspace = text.partition("=")
    if not equals or not name.replace("-", "").replace("_", "").isalnum():
        raise UsageError(
            "several workspaces need names.",
            hint="Write --workspace NAME=ID for each, such as staging=1c...",
        )
    return Target(name, Config(), workspace=workspace)


def _suffix(target: str, snapshot: Snapshot) -> str:
    """Return `-TARGET` where all names end in it."""
    suffix = f"-{target.lower()}"
    names = [deployment.name for deployment in snapshot.deployments]
    return suffix if names and all(name.endswith(suffix) and name != suffix for name in names) else ""


def _files(declared: Mapping[str, Mapping[str, Exported]]) -> list[tuple[str, str]]:
    """Return the files: a deployment of all targets in the base, any other beside the overlay of its target."""
    shared = set.intersection(*(set(each) for each in declared.values()))
    bases = {}
    for name in sorted(shared):
        ours = [each[name] for each in declared.values()]
        if any(exported.ignores for exported in ours):  # these name the deployment as it is live
            continue
        bases[name] = common_part([exported.value for exported in ours])
    files = [(os.path.join(_BASE, export.file_name(n)), write_declarations([Exported(n, b)])) for n, b in bases.items()]
    for target, own in declared.items():
        folder = os.path.join(_TARGETS, target)
        rests = {name: rest_over(base, own[name].value) for name, base in bases.items()}
        overlays = [{"name": name, **rest} for name, rest in rests.items() if rest]
        if overlays:
            files.append((os.path.join(folder, "overlay.yaml"), write_overlay(overlays)))
        files += [
            (os.path.join(folder, export.file_name(name)), write_declarations([exported]))
            for name, exported in own.items()
            if name not in bases
        ]
    schema = fields.schema_text("declaration")
    return files + [
        (os.path.join(each, SCHEMA_FILE), schema) for each in sorted({os.path.dirname(f) for f, _ in files})
    ]


def _config(runs: Sequence[Settings], snapshots: Sequence[Snapshot], suffixes: Sequence[str], folders: set[str]) -> str:
    lines = ["# What driftcheck checks, and what fails; `driftcheck schema config` describes every key.", "targets:"]
    for each, snapshot, suffix in zip(runs, snapshots, suffixes, strict=True):
        own = [_BASE, os.path.join(_TARGETS, each.target or "")]
        workspace = each.workspace.id if each.workspace else snapshot.workspace
        region = next((name for name, url in REGIONS.items() if url == snapshot.source), None)
        lines += [f"  {each.target}:", f"    workspace: {json.dumps(workspace)}"]
        lines += [f"    region: {region}"] if region not in (None, "us") else []
        lines += [f"    paths: {json.dumps([path for path in own if path in folders])}"]
        lines += [f"    name_suffix: {json.dumps(suffix)}"] if suffix else []
    return "\n".join(lines) + "\n"
