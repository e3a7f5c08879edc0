"""`driftcheck export`: write declarations of live deployments."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Final

import click

from driftcheck import fields, pipeline
from driftcheck.cli import console, options, run
from driftcheck.cli.outputs import write_into_folders
from driftcheck.declarations.export import Export, Exported
from driftcheck.declarations.writing import SCHEMA_FILE, write
from driftcheck.errors import UsageError
from driftcheck.formats.escaping import unbroken, visible
from driftcheck.formats.wording import counted, listed
from driftcheck.model import ABSENT
from driftcheck.paths import glob_matches
from driftcheck.settings import Flags

_FILES: Final = 10
"""How many written files of a folder are named."""
_NAMES: Final = 20
"""How many names a notice has."""

_TAKEN_NAMES: Final = frozenset({"driftcheck", "overlay", "con", "prn", "aux", "nul"}) | {
    f"{kind}{number}" for kind in ("com", "lpt") for number in range(10)
}
"""Names whose file would be the configuration, the overlays of a target, or a device of Windows."""


@click.command("export")
@click.option("-d", "--directory", metavar="DIR", help="One file for each deployment, in this folder.")
@click.option("-o", "--output", "file", metavar="FILE", help="One file for all. Default, and -: standard output.")
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@options.listing
@options.names
@options.scope
@options.as_flags
def command(flags: Flags, directory: str | None, file: str | None, force: bool) -> None:
    """Write declarations of what is live, as YAML that check finds in sync.

    Values that the service sets, derives or defaults itself are left out. Secrets are exported by name only. Comments
    mark what could not be exported. With --target, names are written without the target's suffix. Existing files are
    overwritten only with --force.
    """
    if directory is not None and file is not None:
        raise UsageError("-d and -o exclude each other.", hint="-d DIR writes a file for each deployment, -o FILE one.")
    chosen = run.resolve("export", flags)
    snapshot = run.read_whole_live(chosen)
    if chosen.names:
        named = (d for d in snapshot.deployments if any(glob_matches(glob, d.name) for glob in chosen.names))
        snapshot = replace(snapshot, deployments=tuple(named))
        if not snapshot.deployments:
            raise UsageError(f"no live deployment matches --name {' or '.join(chosen.names)}.")
    export = pipeline.export(snapshot, name_suffix=chosen.name_suffix)
    if not flags.quiet:
        say_left_out(export)
    if directory is None and file in (None, "-"):
        console.write(in_one(export))
        return
    files = [(file, in_one(export))] if file is not None else one_each(export, directory or "")
    write_new(files, force=force)
    written = counted(len(export.deployments), "declaration")
    console.say(f"{written} written to {visible(file or directory or '')}.")


def say_left_out(export: Export, prefix: str = "") -> None:
    """Report the deployments and values that are not exported."""
    for text in (*notices(export), *omissions(export.deployments)):
        console.say(f"note: {prefix}{text}")


def notices(export: Export) -> Iterator[str]:
    """Yield a sentence for each reason why something is left out."""
    if export.gaps:
        yield f"The listing was incomplete. {visible(' '.join(export.gaps))}"
    for reason, names in sorted(export.left_out.items()):
        shown = listed(map(visible, dict.fromkeys(names)), _NAMES)
        yield unbroken(f"Not exported because {reason}: {shown}.")


def omissions(exports: Sequence[Exported]) -> Iterator[str]:
    """Yield sentences on the live values of exported deployments that are not exported."""
    paths = [{note.path for note in (*each.notes, *each.ignores)} for each in exports]
    if not any(paths):
        return
    values = counted(sum(map(len, paths)), "value")
    deployments = counted(sum(map(bool, paths)), "deployment")
    yield f"Not exported: {values} of {deployments}; comments in the files name them, with the reason."
    rules = [note for each in exports for note in each.ignores]
    if pinned := sum(note.live is not ABSENT for note in rules):
        yield (
            "1 ignore rule accepts this value until live changes it."
            if pinned == 1
            else f"{pinned:,} ignore rules accept these values until live changes them."
        )
    if unpinned := len(rules) - pinned:
        rule, hold = ("rule covers", "its value") if unpinned == 1 else ("rules cover", "their values")
        yield (
            f"{unpinned:,} ignore {rule} any live value, because {hold} may be secret or can't be written: "
            "changes are counted as suppressed and do not fail a run."
        )


def in_one(export: Export) -> str:
    """Write all declarations as one document."""
    hint = f"For the line above: driftcheck schema declaration > {SCHEMA_FILE}"
    return write(export.deployments, notices=(hint, *notices(export)))


def one_each(export: Export, directory: str) -> list[tuple[str, str]]:
    """Write a document for each declaration, and the schema next to them; return paths and texts."""
    files = [(os.path.join(directory, file_name(each.name)), write([each])) for each in export.deployments]
    schema = os.path.join(directory, SCHEMA_FILE), fields.schema_text("declaration")
    return [*files, schema] if files and not _holds(*schema) else files


def file_name(name: str) -> str:
    """Return the file name of a declaration; the schema allows only letters, digits and hyphens (threat R9)."""
    if not name.replace("-", "").isalnum() or not name.isascii():
        raise UsageError("A deployment has a name that can't be the name of a file.")
    return f"{name}{'_' if name in _TAKEN_NAMES else ''}.yaml"


def say_written(files: Sequence[tuple[str, str]]) -> None:
    """Name the files that were written; of a folder with many, the first."""
    by_folder: dict[str, list[str]] = {}
    for file, _ in files:
        by_folder.setdefault(os.path.dirname(file), []).append(file)
    for folder, names in by_folder.items():
        if len(names) > _FILES:
            first, *rest = names[_FILES - 1 :]
            names[_FILES - 1 :] = [f"{first} and {len(rest):,} more files in {folder}"]
        for name in names:
            console.say(f"Written: {visible(name)}")


def _holds(file: str, text: str) -> bool:
    try:
        return FilePath(file).read_text(encoding="utf-8") == text
    except (OSError, ValueError):
        return False


def write_new(files: Sequence[tuple[str, str]], *, force: bool) -> None:
    """Write all files or none, with their folders; raises UsageError for one that may not be overwritten."""
    there = [file for file, _ in files if os.path.lexists(file)]
    if there and not force:
        raise UsageError(
            f"nothing was written, because these exist already: {listed(map(visible, there), 5)}.",
            hint="Overwrite them with --force, or choose another folder.",
        )
    write_into_folders(files)
