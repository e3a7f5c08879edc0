"""`driftcheck export`: declarations from what is live."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Final

import click

from driftcheck import fields
from driftcheck.cli import console, options, run
from driftcheck.cli.outputs import write_files
from driftcheck.errors import OutputError, UsageError
from driftcheck.formats.escaping import visible
from driftcheck.formats.wording import counted
from driftcheck.model import JSON, Deployment, Snapshot
from driftcheck.paths import Path, glob_matches
from driftcheck.settings import Flags

if TYPE_CHECKING:
    from driftcheck.declarations.export import Exported

_NAMES: Final = 20
"""How many names a notice tells."""

_TAKEN_NAMES: Final = frozenset(
    ("driftcheck", "con", "prn", "aux", "nul", *(f"{kind}{number}" for kind in ("com", "lpt") for number in range(10)))
)
"""Names whose file would be the configuration, or a device of Windows."""


@dataclass(frozen=True, slots=True)
class Export:
    """What a listing gives as declarations, and a sentence on what it does not."""

    deployments: tuple[Exported, ...]
    notices: tuple[str, ...]


@click.command("export")
@click.option("-d", "--directory", metavar="DIR", help="One file for each deployment, in this folder.")
@click.option("-o", "--output", "file", metavar="FILE", help="One file for all. Default, and -: standard output.")
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@options.listing
@options.names
@options.scope
def command(directory: str | None, file: str | None, force: bool, quiet: bool, **given: Any) -> int:
    """Write declarations of what is live, as YAML that check finds in sync.

    Values that the service sets, derives or defaults itself are left out. Secrets are exported by name only. Comments
    mark what could not be exported. With --target, names are written without the target's suffix. Existing files are
    overwritten only with --force.
    """
    if directory is not None and file is not None:
        raise UsageError("-d and -o exclude each other.", hint="-d DIR writes a file for each deployment, -o FILE one.")
    flags = Flags(scope=options.take_scope(given), **given)
    chosen = run.resolve("export", flags)
    snapshot = run.read_whole_live(chosen, quiet=quiet)
    if chosen.names:
        named = (d for d in snapshot.deployments if any(glob_matches(glob, d.name) for glob in chosen.names))
        snapshot = replace(snapshot, deployments=tuple(named))
        if not snapshot.deployments:
            raise UsageError(f"no live deployment matches --name {' or '.join(chosen.names)}.")
    export = declare(snapshot, name_suffix=chosen.name_suffix)
    if not quiet:
        for notice in export.notices:
            console.say(f"note: {notice}")
    if directory is not None:
        files = one_each(export, directory)
        place(files, force=force)
        console.say(f"{counted(len(export.deployments), 'declaration')} written to {visible(directory)}.")
    elif file in (None, "-"):
        console.write(in_one(export))
    elif file is not None:
        place([(file, in_one(export))], force=force)
        console.say(f"{counted(len(export.deployments), 'declaration')} written to {visible(file)}.")
    return 0


def declare(snapshot: Snapshot, *, name_suffix: str = "") -> Export:
    """Return the declarations of a listing, by name, and notices of what is left out; names lose the suffix."""
    left_out: dict[str, list[str]] = {}
    exports = []
    counts = Counter(deployment.name for deployment in snapshot.deployments)
    for deployment in snapshot.deployments:
        reason = _obstacle(deployment, counts, name_suffix)
        exported = _declared(_without_suffix(deployment, name_suffix)) if reason is None else None
        if exported is not None:
            exports.append(exported)
        else:
            left_out.setdefault(reason or "their names are invalid", []).append(deployment.name)
    return Export(tuple(exports), tuple(_notices(snapshot, left_out)))


def _without_suffix(deployment: Deployment, suffix: str) -> Deployment:
    name = deployment.name.removesuffix(suffix)
    return Deployment(name, {**deployment.value, "name": name}) if suffix else deployment


def _declared(deployment: Deployment) -> Exported | None:
    from driftcheck.comparison.diff import compare
    from driftcheck.declarations.export import export

    schema = fields.deployment()

    def differing(form: Mapping[str, JSON]) -> list[Path]:
        return [difference.path for difference in compare(form, deployment.value, schema, strict=True).differences]

    return export(deployment.value, schema, differing)


def _obstacle(deployment: Deployment, counts: Counter[str], suffix: str) -> str | None:
    """Return why a live deployment is not exported; None where it is."""
    if not deployment.name.endswith(suffix) or deployment.name == suffix:
        return f"their names do not end in the target's suffix {suffix}"
    if counts[deployment.name] > 1:
        return "several deployments have its name"
    if deployment.is_being_deleted:
        return "it is being deleted"
    if deployment.is_preview:
        return "it is a pull-request preview"
    return None


def _notices(snapshot: Snapshot, left_out: dict[str, list[str]]) -> Iterator[str]:
    if snapshot.gaps:
        yield f"The listing was incomplete. {visible(' '.join(snapshot.gaps))}"
    for reason, names in sorted(left_out.items()):
        unique = list(dict.fromkeys(names))
        shown = ", ".join(visible(name) for name in unique[:_NAMES])
        more = f" and {len(unique) - _NAMES:,} more" if len(unique) > _NAMES else ""
        yield f"Not exported because {reason}: {shown}{more}.".replace("##[", r"##\x5b")


def in_one(export: Export) -> str:
    """Write all declarations as one document."""
    from driftcheck.declarations.writing import SCHEMA_FILE, write

    hint = f"For the line above: driftcheck schema declaration > {SCHEMA_FILE}"
    return write(export.deployments, notices=(hint, *export.notices))


def one_each(export: Export, directory: str) -> list[tuple[str, str]]:
    """Write a document for each declaration, and the schema beside them; gives paths and texts."""
    from driftcheck.declarations.writing import SCHEMA_FILE, write

    files = [(os.path.join(directory, file_name(each.name)), write([each])) for each in export.deployments]
    schema = os.path.join(directory, SCHEMA_FILE), fields.schema_text("declaration")
    return [*files, schema] if files and not _holds(*schema) else files


def file_name(name: str) -> str:
    """Return the file name of a declaration; the schema allows only letters, digits and hyphens (threat R9)."""
    if not name.replace("-", "").isalnum() or not name.isascii():
        raise UsageError("A deployment has a name that can't be the name of a file.")
    return f"{name}{'_' if name in _TAKEN_NAMES else ''}.yaml"


def _holds(file: str, text: str) -> bool:
    try:
        return FilePath(file).read_text(encoding="utf-8") == text
    except (OSError, ValueError):
        return False


def place(files: Sequence[tuple[str, str]], *, force: bool) -> None:
    """Write files, all or none, their folders made; raises UsageError where one is there and may not be overwritten."""
    there = [file for file, _ in files if os.path.lexists(file)]
    if there and not force:
        shown = ", ".join(map(visible, there[:5])) + (f" and {len(there) - 5:,} more" if len(there) > 5 else "")
        raise UsageError(
            f"nothing was written, because these exist already: {shown}.",
            hint="Overwrite them with --force, or choose another folder.",
        )
    for folder in {os.path.dirname(file) for file, _ in files} - {""}:
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise OutputError(f"could not create the folder {visible(folder)}: {error.strerror}.") from None
    write_files(files)
