"""`driftcheck init` with several workspaces: a base, an overlay for each, and targets."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from driftcheck import fields, pipeline, settings
from driftcheck.cli import console, export, options, run
from driftcheck.declarations import discovery
from driftcheck.declarations.config import Config, Target
from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.export import Exported, common_part, rest_over
from driftcheck.declarations.loader import declare
from driftcheck.declarations.writing import SCHEMA_FILE, write_overlay
from driftcheck.declarations.writing import write as write_declarations
from driftcheck.errors import UsageError
from driftcheck.formats.wording import counted
from driftcheck.live.endpoint import REGIONS
from driftcheck.model import Severity, Snapshot
from driftcheck.rules import LINT_RULES
from driftcheck.settings import Flags, Settings

_FOLDER: Final = "deployments"
_OTHER_FOLDER: Final = "langsmith-deployments"
"""Used if `deployments/` holds YAML of another kind."""
_TARGETS: Final = "environments"
_OTHER_TARGETS: Final = "langsmith-environments"


def new_folder(folder: str = _FOLDER, other: str = _OTHER_FOLDER) -> str:
    """Return the folder for new declarations: the other one if the first holds YAML already."""
    return other if os.path.lexists(folder) and discovery.names_anything(folder) else folder


@dataclass(frozen=True, slots=True)
class _Found:
    """What is live in the workspace of a target, and what declares it, by name without the suffix."""

    settings: Settings
    snapshot: Snapshot
    suffix: str
    declared: Mapping[str, Exported]

    @property
    def target(self) -> str:
        """The name of the target."""
        return self.settings.target or ""


def write(flags: Flags, workspaces: Sequence[str]) -> None:
    """Write what is equal in all workspaces to the base, and what differs to an overlay for each target."""
    targets = _targets(workspaces, flags.live)
    runs = settings.resolve_targets("init", flags, Config(targets=targets))
    listings = zip(runs, run.read_each_live(runs), strict=True)
    found = []
    for each, snapshot in [(each, run.accepted(each, live)) for each, live in listings]:
        suffix = _suffix(each.target or "", snapshot)
        exported = pipeline.export(snapshot, name_suffix=suffix)
        if not flags.quiet:
            export.say_left_out(exported, f"{each.target}: ")
        if exported.deployments:
            declared = {deployment.name: deployment for deployment in exported.deployments}
            found.append(_Found(each, snapshot, suffix, declared))
        else:
            console.say(f"note: {each.target}: no live deployment can be declared, so it gets no target.")
    if not found:
        raise UsageError("no workspace has a live deployment that can be declared.")
    base, environments = new_folder(), new_folder(_TARGETS, _OTHER_TARGETS)
    files = _files(found, base, environments)
    folders = {os.path.dirname(file) for file, _ in files}
    own = {each.target: [base, os.path.join(environments, each.target)] for each in found}
    paths = {target: [path for path in paths if path in folders] for target, paths in own.items()}
    read = [([file for file in files if os.path.dirname(file[0]) in paths[each.target]], each.suffix) for each in found]
    config = _config(found, paths) + severities(read)
    export.write_new([*files, ("driftcheck.yaml", config)], force=False)
    if not flags.quiet:
        export.say_written([*files, ("driftcheck.yaml", config)])
    check = " ".join(["driftcheck check", *options.live_words(flags.live)])
    console.write(f"Next:\n  {check}  # compare what is declared with what is live, in every target\n")


def _targets(workspaces: Sequence[str], files: Sequence[str]) -> tuple[Target, ...]:
    """Return the targets that `--workspace NAME=ID` and `--live NAME=FILE` name; a listing names its workspace."""
    pairs = [_named(text, "workspaces", "--workspace NAME=ID") for text in workspaces]
    named = dict(pairs)
    if len(named) < len(pairs):
        raise UsageError("two workspaces have one name.", hint="Give each --workspace NAME=ID another name.")
    listed = [_named(text, "listings", "--live NAME=FILE")[0] for text in files]
    return tuple(Target(name, Config(), workspace=named.get(name)) for name in dict.fromkeys([*named, *listed]))


def _named(text: str, nouns: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.replace("-", "").replace("_", "").isalnum():
        raise UsageError(f"several {nouns} need names.", hint=f"Write {form} for each, such as staging=...")
    return name, value


def _suffix(target: str, snapshot: Snapshot) -> str:
    """Return `-TARGET` if all names end in it, else nothing."""
    suffix = f"-{target.lower()}"
    names = [deployment.name for deployment in snapshot.deployments]
    return suffix if names and all(name.endswith(suffix) and name != suffix for name in names) else ""


def _files(found: Sequence[_Found], base_folder: str, environments: str) -> list[tuple[str, str]]:
    """Return the files: a deployment of all targets in the base, any other next to the overlay of its target."""
    shared = set.intersection(*(set(each.declared) for each in found))
    bases = {}
    for name in sorted(shared):
        ours = [each.declared[name] for each in found]
        if any(exported.ignores for exported in ours):  # these name the deployment as it is live
            continue
        bases[name] = common_part([exported.value for exported in ours])
    files = [
        (os.path.join(base_folder, export.file_name(name)), write_declarations([Exported(name, base)]))
        for name, base in bases.items()
    ]
    for each in found:
        folder, own = os.path.join(environments, each.target), each.declared
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
        (os.path.join(folder, SCHEMA_FILE), schema) for folder in sorted({os.path.dirname(file) for file, _ in files})
    ]


def severities(read: Iterable[tuple[Sequence[tuple[str, str]], str]]) -> str:
    """Return the `severities` of the configuration: notes for the rules that warn about what is live as declared.

    The service has accepted these values, which only a run that reads live can see. `read` holds the files of each
    target, in the order of its folders, and the suffix of its names.
    """
    broken: Counter[str] = Counter()
    for files, suffix in read:
        folders = list(dict.fromkeys(os.path.dirname(name) for name, _ in files))
        texts = [
            SourceText(name, text.encode(), folders.index(os.path.dirname(name)))
            for name, text in files
            if name.endswith(".yaml")
        ]
        for found in declare(texts, name_suffix=suffix).findings:
            if found.rule in LINT_RULES and found.severity is Severity.WARNING:
                broken[found.rule] += 1
    if not broken:
        return ""
    lines = [
        "",
        "# The service accepts these values, so they are notes; remove a line to be warned of new ones.",
        "# `driftcheck explain RULE` explains each, `driftcheck validate -v` lists them.",
        "severities:",
        *(f"  {rule}: note # {counted(number, 'finding')}" for rule, number in sorted(broken.items())),
    ]
    return "\n".join(lines) + "\n"


def _config(found: Sequence[_Found], paths: Mapping[str, Sequence[str]]) -> str:
    lines = ["# What driftcheck checks, and what fails; `driftcheck schema config` describes every key.", "targets:"]
    for each in found:
        workspace = each.settings.workspace.id if each.settings.workspace else each.snapshot.workspace
        region = next((name for name, url in REGIONS.items() if url == each.snapshot.source), None)
        lines.append(f"  {each.target}:")
        lines += [f"    workspace: {json.dumps(workspace)}"] if workspace else []
        lines += [f"    region: {region}"] if region not in (None, "us") else []
        lines += [f"    paths: {json.dumps(list(paths[each.target]))}"]
        lines += [f"    name_suffix: {json.dumps(each.suffix)}"] if each.suffix else []
    return "\n".join(lines) + "\n"
