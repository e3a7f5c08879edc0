"""Where reports go: standard output, and files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Final

import click

from driftcheck.cli import console
from driftcheck.errors import OutputError, UsageError
from driftcheck.formats import FORMATS, RenderOptions, render
from driftcheck.formats.escaping import visible
from driftcheck.model import Report

_STANDARD_OUTPUT: Final = frozenset(("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"))
"""Files that are standard output: what is written there must come in turn with the rest."""
_HAND_WRITTEN: Final = (".yaml", ".yml")
"""No format of a report or snapshot is YAML, so what is there under such a name is somebody's work."""


@dataclass(frozen=True, slots=True)
class Output:
    """A format, and the file that it goes to; None for standard output."""

    format: str
    file: str | None = None


def parse_outputs(values: Sequence[str]) -> tuple[Output, ...]:
    """Read the values of `-o`; raises click.BadParameter with what would be right."""
    outputs = tuple(_parse_output(value) for value in values) or (Output("text"),)
    targets = [output.file for output in outputs]
    if targets.count(None) > 1:
        raise click.BadParameter("only one format can go to standard output; name a file for the others (FORMAT=FILE).")
    files = [_full_path(target) for target in targets if target is not None]
    if len(set(files)) < len(files):
        raise click.BadParameter("two formats would be written to one file.")
    return outputs


def _parse_output(value: str) -> Output:
    name, equals, file = value.partition("=")
    if name not in FORMATS:
        from difflib import get_close_matches

        close = get_close_matches(name, FORMATS, n=1)
        advice = f" Did you mean {close[0]}?" if close else ""
        raise click.BadParameter(f"there is no such format; choose from {', '.join(FORMATS)}.{advice}")
    if equals and not file:
        raise click.BadParameter(f"name a file after {name}=, or leave the = out for standard output.")
    return Output(name, None if file in ("", *_STANDARD_OUTPUT) else file)


def here() -> FilePath:
    """Give the current folder; raises UsageError where it was deleted."""
    try:
        return FilePath.cwd()
    except OSError:
        raise UsageError(
            "The folder that driftcheck was started in is gone, or can't be looked at.",
            hint="Change into a folder that is there, and try again.",
        ) from None


def _full_path(file: str) -> str:
    return os.path.normpath(file if os.path.isabs(file) else os.path.join(here(), file))


def refuse_inputs(files: Iterable[str], inputs: Iterable[str]) -> None:
    """Raise UsageError where writing a file would take the place of one that is read, or of any YAML that is there.

    To be called before anything is read: what fails later writes a report that says so.
    """
    read = [path for path in inputs if path != "-"]
    for file in files:
        if not os.path.lexists(file) or _is_device(file):
            continue
        if file.endswith(_HAND_WRITTEN):
            raise UsageError(
                f"{visible(file)} is there already, and nothing that driftcheck would write to it is YAML.",
                hint="Name another file to write to; declarations and configurations are never replaced by reports.",
            )
        if any(_is_same(file, path) for path in read):
            raise UsageError(
                f"{visible(file)} would be read and overwritten by the same run.", hint="Name another file to write to."
            )


def _is_same(file: str, path: str) -> bool:
    """Tell whether a file that is there is the one that a path, or a glob, names."""
    with suppress(OSError, ValueError):
        return os.path.samefile(file, path)
    return any(magic in path for magic in "*?[") and FilePath(_full_path(file)).match(_full_path(path))


def write_report(report: Report, outputs: Sequence[Output], options: RenderOptions) -> None:
    """Render and write a report in every format asked for: files first, all of them or none; then standard output.

    Files that can't be written keep nothing from standard output, which may be all that is left of a run.
    """
    texts = [render(output.format, report, _for_target(options, output)) for output in outputs]
    shown = [text for output, text in zip(outputs, texts, strict=True) if output.file is None]
    try:
        write_files([(o.file, text) for o, text in zip(outputs, texts, strict=True) if o.file is not None])
    except OutputError:
        _show(shown)
        raise
    _show(shown)


def _show(texts: Iterable[str]) -> None:
    for text in texts:
        console.write(text)


def _for_target(options: RenderOptions, output: Output) -> RenderOptions:
    return options if output.file is None else replace(options, color=False)


def write_files(files: Sequence[tuple[str, str]]) -> None:
    """Write texts to files so that each is whole or as it was, and all are written or none.

    Each goes to a temporary file beside its target, reaches the disk, and takes the target's name in
    one step (which replaces a link rather than follow it). Raises OutputError.
    """
    with ExitStack() as cleanup:
        ready = [(_write_beside(file, text, cleanup), file) for file, text in files if not _is_device(file)]
        for file, text in files:
            if _is_device(file):
                _write_through(file, text)
        for temporary, file in ready:
            try:
                os.replace(temporary, file)
            except OSError as error:
                raise _not_written(file, error) from None


def _write_beside(file: str, text: str, cleanup: ExitStack) -> str:
    import tempfile

    folder = os.path.dirname(file) or "."
    try:
        if os.path.isdir(file):
            raise IsADirectoryError(21, "Is a directory")
        descriptor, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(file)[:50]}.", suffix=".tmp", dir=folder)
        cleanup.callback(_remove, temporary)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, _mode(file))
    except OSError as error:
        raise _not_written(file, error) from None
    return temporary


def _is_device(file: str) -> bool:
    """Tell a pipe or device, which must not be replaced, from a file or what is not there yet.

    A link below /dev or /proc is the system's, whatever it leads to: /dev/stderr may lead to a regular file.
    """
    path = FilePath(file)
    folder = FilePath(os.path.realpath(path.parent))
    if path.is_symlink() and any(folder.is_relative_to(system) for system in ("/dev", "/proc")):
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


def _write_through(file: str, text: str) -> None:
    try:
        # "a": behind such a name may be a file that others write to as well, as after `2>> log`.
        with open(file, "a", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        raise _not_written(file, error) from None


def _mode(file: str) -> int:
    """Give the mode that a plainly written file would have, or the one that it has."""
    with suppress(OSError):
        return FilePath(file).stat().st_mode & 0o777
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _remove(temporary: str) -> None:
    with suppress(OSError):
        os.unlink(temporary)


def _not_written(file: str, error: OSError) -> OutputError:
    return OutputError(
        f"{visible(file)}: could not be written: {error.strerror}.", hint="The file, if there was one, is as it was."
    )
