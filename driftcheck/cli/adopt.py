"""`driftcheck adopt`: accept live values into the files that declare them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import click

from driftcheck import pipeline
from driftcheck.cli import console, export, options, run
from driftcheck.cli.outputs import write_into_folders
from driftcheck.declarations import discovery
from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.edit import Accepted, accept, appended, common_changes, declared_names, edit
from driftcheck.declarations.excerpts import masked
from driftcheck.declarations.export import Export
from driftcheck.declarations.loader import declare, declared_name, resulting_name
from driftcheck.declarations.writing import SCHEMA_FILE, ignore_rules
from driftcheck.errors import ExitStatus, UsageError
from driftcheck.formats import patch
from driftcheck.formats.escaping import inert, visible
from driftcheck.formats.wording import capitalized, counted, listed
from driftcheck.globs import matches
from driftcheck.model import JSON, NO_LOCATION, IgnoreRule, Location, Outcome, Status
from driftcheck.paths import Path, format_path
from driftcheck.redaction.patterns import MASK
from driftcheck.settings import Flags
from driftcheck.targets import CheckedTarget
from driftcheck.yamlfile.edit import EditError

_NAMED: Final = 5
"""How many fields a note names."""


@dataclass(slots=True)
class _Adoption:
    """The edits of an adoption, and what it can't change."""

    texts: dict[str, bytes]
    """The files so far, by name."""
    adopted: int = 0
    deployments: set[str] = field(default_factory=set)
    """Those whose values are adopted."""
    removed: set[str] = field(default_factory=set)
    added: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@click.command("adopt")
@options.paths
@options.targets
@options.names
@click.option(
    "--path",
    "patterns",
    multiple=True,
    metavar="GLOB",
    help="Only these fields: a path, or its end (max_scale). Repeatable.",
)
@click.option("--write", is_flag=True, help="Edit the files, instead of printing a diff.")
@click.option(
    "--missing",
    type=click.Choice(["keep", "remove"]),
    default="keep",
    show_default=True,
    help="What to do with declarations of deployments that are not live.",
)
@click.option("--unmanaged", metavar="FILE|DIR", help="Also declare the unmanaged deployments, in this file or folder.")
@options.live
@options.strict
@options.config
@click.option("-q", "--quiet", is_flag=True, help="Print only the diff, and what can't be adopted.")
@options.as_flags
def command(flags: Flags, patterns: tuple[str, ...], write: bool, missing: str, unmanaged: str | None) -> int:
    """Accept drift: change PATHS to say what is live.

    Prints a diff that `git apply` takes; --write edits the files, and writes the schema next to new ones. Only the
    adopted values change: comments, quoting and everything else stay. Suppressed changes are left alone. Exit status
    0: everything selected is adopted; 1: some of it can't be.
    """
    if "-" in flags.paths:
        raise UsageError("adopt edits files, and - is standard input.", hint="Name the files.")
    if unmanaged is not None:
        run.resolve("adopt --unmanaged", flags)
    compared = run.compared("adopt", flags)
    selections = [_select(each, patterns, remove_missing=missing == "remove") for each in compared]
    before = {text.name: text.data for selection in selections for text in selection.files}
    adoption = _Adoption(dict(before))
    if len(selections) > 1 and not flags.targets:  # every target of the configuration
        _adopt_common(adoption, selections)
    for selection in selections:
        _adopt_changes(adoption, selection)
    if unmanaged is not None:
        for each in compared:
            _adopt_unmanaged(adoption, each, unmanaged)
    changed = {name: data for name, data in adoption.texts.items() if data != before.get(name)}
    if write:
        write_into_folders([(os.path.realpath(name), data.decode()) for name, data in changed.items()])
    else:
        changed = {name: data for name, data in changed.items() if os.path.basename(name) != SCHEMA_FILE}
        exact = "".join(_diff(name, before.get(name), data) for name, data in sorted(changed.items()))
        shown = inert(exact)
        console.write(shown)
        if MASK in shown or shown != exact:
            adoption.notes.append("the diff hides what may be secret or a command, so it can't be applied; use --write")
    for selection in selections:
        adoption.notes += _unused_rules_after(adoption, selection)
    adoption.notes += _unverifiable(compared, patterns)
    adoption.notes += _emptied(changed, before)
    if patterns and not adoption.adopted and not adoption.refused:
        drifted = sorted({format_path(c.path) for each in compared for d in each.report.deployments for c in d.changes})
        if drifted:
            adoption.refused.append(f"no drifted field matches {' or '.join(patterns)}; drifted: {', '.join(drifted)}")
    if all(each.report.outcome is not Outcome.INVALID for each in compared) or changed or adoption.refused:
        _say(
            adoption, changed, quiet=flags.quiet, written=write, complete=all(each.report.complete for each in compared)
        )
    return run.status_of(compared, ExitStatus.DRIFT if adoption.refused else ExitStatus.IN_SYNC)


def _unverifiable(compared: Iterable[CheckedTarget], patterns: Sequence[str]) -> Iterator[str]:
    """Yield a note on the selected fields that can't be compared, so that nothing about them can be adopted."""
    found, has_image = [], False
    for each in compared:
        images = {(f.deployment, f.path) for f in each.report.findings if f.rule == "unverifiable-image"}
        for comparison in each.report.deployments:
            for path in comparison.unverifiable:
                if _matches(patterns, path):
                    found.append(f"{comparison.name}: {format_path(path)}")
                    has_image = has_image or (comparison.name, path) in images
    if found:
        shown = listed(found, _NAMED)
        yield f"{counted(len(found), 'field')} can't be compared, and so not adopted: {shown}."
    if has_image:
        yield "An image can be compared if it is declared with its digest (`repository:tag@sha256:...`)."


def _emptied(changed: Mapping[str, bytes], before: Mapping[str, bytes]) -> Iterator[str]:
    """Yield a note on each file that the removal leaves without a declaration."""
    for name, data in sorted(changed.items()):
        if name in before and not any(declared_names([SourceText(name, data)])):
            yield f"{name} is left without a deployment; delete it if you need nothing else in it"


@dataclass(frozen=True, slots=True)
class _Selection:
    """The changes of one target to adopt, by declared name."""

    checked: CheckedTarget
    files: Sequence[SourceText]
    """Those on the disk; what a sparse checkout leaves out can't be edited."""
    declared: Mapping[str, Mapping[str, JSON]]
    wanted: Mapping[str, Accepted]
    removed: Sequence[str]

    def own_files(self) -> set[str]:
        """Return the files that no other target of the configuration reads."""
        shared = [path for path in self.checked.settings.other_paths if discovery.names_anything(path)]
        others = {text.name for text in discovery.read(shared).texts} if shared else set()
        return {text.name for text in self.files} - others

    def edited(self, adoption: _Adoption) -> list[SourceText]:
        """Return the files with the edits so far."""
        return [replace(text, data=adoption.texts[text.name]) for text in self.files]


def _select(each: CheckedTarget, patterns: Sequence[str], *, remove_missing: bool) -> _Selection:
    live = {found.id: found.value for found in (each.snapshot.deployments if each.snapshot else ())}
    suffix, paths = each.settings.name_suffix, each.settings.paths
    files = discovery.read(paths, elsewhere=paths).texts if paths else ()
    declared = {}
    for declaration in each.declarations.deployments:
        name = declared_name(declaration.name, suffix)
        value = declaration.value
        declared[name] = {**value, "name": name} if "name" in value else value
    wanted: dict[str, Accepted] = {}
    for comparison in each.report.deployments:
        changes = [c for c in comparison.changes if c.suppressed is None and _matches(patterns, c.path)]
        name = declared_name(comparison.name, suffix)
        if changes and name in declared and comparison.id in live:
            wanted[name] = accept(declared[name], live[comparison.id], changes)
    missing = [
        declared_name(found.deployment, suffix)
        for found in each.report.findings
        if found.rule == "missing-deployment" and found.suppressed is None and found.deployment is not None
    ]
    return _Selection(each, files, declared, wanted, missing if remove_missing else ())


def _adopt_common(adoption: _Adoption, selections: Sequence[_Selection]) -> None:
    """Adopt values that are the same in all targets into the files that all of them read."""
    names = set.intersection(*({text.name for text in selection.files} for selection in selections))
    shared = [text for text in selections[0].edited(adoption) if text.name in names]
    wanted = common_changes(shared, [(selection.declared, selection.wanted) for selection in selections])
    removed = set.intersection(*(set(selection.removed) for selection in selections))
    if wanted or removed:
        adoption.texts |= edit(shared, wanted, sorted(removed)).texts


def _adopt_changes(adoption: _Adoption, selection: _Selection) -> None:
    """Adopt the selected changes of one target into the texts."""
    suffix = selection.checked.settings.name_suffix

    def refuse(name: str, *reason: str) -> None:
        adoption.refused.append(": ".join((resulting_name(name, suffix), *reason)))

    absent = _not_checked_out(selection)
    for name, file in absent.items():
        refuse(name, f"{file} is not checked out (`git sparse-checkout add FOLDER`)")
    wanted = {name: accepted for name, accepted in selection.wanted.items() if name not in absent}
    for name, accepted in wanted.items():
        for path, reason in accepted.refused:
            refuse(name, format_path(path), reason)
    edited = edit(
        selection.edited(adoption),
        wanted,
        selection.removed,
        may_change=selection.own_files().__contains__,
    )
    adoption.texts |= edited.texts
    for name, reason in edited.refused.items():
        refuse(name, reason)
    for name, reasons in edited.left.items():
        for path, reason in reasons.items():
            refuse(name, format_path(path), reason)
    for name, accepted in wanted.items():
        number = len(accepted.paths) - len(edited.left.get(name, ()))
        if name not in edited.refused and number:
            adoption.adopted += number
            adoption.deployments.add(resulting_name(name, suffix))
    adoption.removed |= {resulting_name(name, suffix) for name in selection.removed if name not in edited.refused}


def _not_checked_out(selection: _Selection) -> dict[str, str]:
    """Return the files, by declared name, that a sparse checkout leaves out, so that they can't be edited."""
    if not discovery.is_sparse_checkout(os.getcwd()):
        return {}
    suffix = selection.checked.settings.name_suffix
    declared = selection.checked.declarations.deployments
    located = {name: d.locate(()) for d in declared if (name := declared_name(d.name, suffix)) in selection.wanted}
    return {name: at.file for name, at in located.items() if at is not None and not os.path.lexists(at.file)}


def _unused_rules_after(adoption: _Adoption, selection: _Selection) -> Iterator[str]:
    """Compare the edited declarations with live; yield the ignore rules that have nothing left to suppress."""
    each = selection.checked
    if each.snapshot is None or not each.settings.paths or not each.ignores:
        return
    declarations = declare(selection.edited(adoption), name_suffix=each.settings.name_suffix)
    report = pipeline.check(declarations, each.snapshot, pipeline.Run(each.settings))
    before = _unused_rules(each)
    for rule, location in _unused_rules(replace(each, declarations=declarations, report=report)).items():
        if rule not in before:
            yield f"{location}: this ignore rule has nothing left to suppress"


def _unused_rules(each: CheckedTarget) -> dict[IgnoreRule, Location]:
    """Return the unused ignore rules, without their location, and where they are."""
    unused = {found.location for found in each.report.findings if found.rule == "unused-ignore"}
    rules = (rule for rule in each.ignores if rule.location in unused)
    return {replace(rule, location=NO_LOCATION, guard=None): rule.location for rule in rules}


def _matches(patterns: Sequence[str], path: Path) -> bool:
    return not patterns or any(matches(pattern, path) or matches(f"**.{pattern}", path) for pattern in patterns)


def _adopt_unmanaged(adoption: _Adoption, each: CheckedTarget, path: str) -> None:
    """Declare the unmanaged deployments of one target in one file, or in one file each in a folder."""
    accepted = {found.deployment for found in each.report.findings if found.suppressed is not None}
    unmanaged = {found.name for found in each.report.deployments if found.status is Status.UNMANAGED} - accepted
    if each.snapshot is None or not unmanaged:
        return
    live = tuple(deployment for deployment in each.snapshot.deployments if deployment.name in unmanaged)
    exported = pipeline.export(replace(each.snapshot, deployments=live), name_suffix=each.settings.name_suffix)
    adoption.refused += export.notices(exported)
    adoption.notes += export.omissions(exported.deployments)
    if not exported.deployments:
        return
    if _is_below(path, each.settings.other_paths):
        adoption.refused.append(f"{path}: other targets read it too; name a file or folder of {each.target} alone")
        return
    if not _is_below(path, each.settings.paths):
        adoption.notes.append(f"{path} is not below the paths of this run; add it to `paths` in driftcheck.yaml")
    added = {export.file_name(deployment.name): deployment.name for deployment in exported.deployments}
    if os.path.isdir(path) or path.endswith(("/", os.sep)):
        for file, text in export.one_each(exported, path):
            if os.path.exists(file):
                adoption.refused.append(f"{file}: exists and is not overwritten")
                added.pop(os.path.basename(file), None)
            else:
                adoption.texts[file] = text.encode()
    else:
        known = adoption.texts.get(path)
        if known is None and os.path.exists(path):
            known = discovery.read_file(path).data
        try:
            adoption.texts[path] = _appended(known, exported) if known is not None else export.in_one(exported).encode()
        except EditError as error:
            adoption.refused.append(f"{path}: {error}")
            return
    adoption.added |= set(added.values())


def _appended(known: bytes, exported: Export) -> bytes:
    rules = [rule for deployment in exported.deployments for rule in ignore_rules(deployment)]
    return appended(known, [deployment.value for deployment in exported.deployments], rules)


def _is_below(path: str, paths: Iterable[str]) -> bool:
    """Return whether a file or folder is one of the paths, or lies in one."""
    whole = os.path.realpath(path)
    return any(os.path.commonpath([whole, os.path.realpath(path)]) == os.path.realpath(path) for path in paths)


def _diff(name: str, before: bytes | None, after: bytes) -> str:
    """Return a diff without secrets, which `git apply` takes unless values are hidden."""
    return patch.render(name, None if before is None else masked(before), masked(after))


def _say(adoption: _Adoption, changed: Mapping[str, bytes], *, quiet: bool, written: bool, complete: bool) -> None:
    """Report on standard error what was adopted and what can't be."""
    for reason in adoption.refused:
        console.say(f"not adopted: {visible(reason)}")
    if quiet:
        return
    for note in adoption.notes:
        console.say(f"note: {visible(note)}")
    if not changed:
        nothing = "Nothing to adopt." if complete else "Nothing to adopt in what could be read; the run is incomplete."
        console.say("Nothing was adopted." if adoption.refused else nothing)
        return
    values = f"{counted(adoption.adopted, 'value')} of {counted(len(adoption.deployments), 'deployment')}"
    done = [("adopt", "adopted", values)] if adoption.adopted else []
    done += [("remove", "removed", counted(len(adoption.removed), "declaration"))] if adoption.removed else []
    done += [("add", "added", counted(len(adoption.added), "declaration"))] if adoption.added else []
    files = counted(len(changed), "file")
    if written:
        what = ", ".join(f"{past} {text}" for _, past, text in done)
        console.say(f"{capitalized(what)} in {files}.")
    else:
        what = ", ".join(f"{verb} {text}" for verb, _, text in done)
        console.say(f"Would {what} in {files}; --write edits {'it' if len(changed) == 1 else 'them'}.")
