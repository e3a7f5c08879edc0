"""Output of reports: standard output, and files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Final

import click

from driftcheck.cli import console
from driftcheck.errors import LiveError, OutputError, UsageError
from driftcheck.formats import FORMATS, PIPE_WIDTH, RenderOptions, render
from driftcheck.formats.escaping import inert, visible
from driftcheck.model import Outcome, Report
from driftcheck.settings import Flags

_STANDARD_OUTPUT: Final = frozenset(("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"))
"""Names of standard output, which is written after the files and in the order of the options."""
_HAND_WRITTEN: Final = (".yaml", ".yml")
"""No report or snapshot is YAML, so a file of such a name was written by a person."""
_NAMED: Final = 3
"""The most report files that are named."""
_FOR_LOGS: Final = frozenset({"text", "github"})
"""Formats that a log shows together with standard error."""
_UNREPLACEABLE: Final = frozenset({errno.EBUSY, errno.EXDEV})
"""Errors of replacing a file that is itself a mount, as in a container."""
_FORMATS_BY_SUFFIX: Final = {"txt": "text", "md": "markdown", "htm": "html", "xml": "junit", "prom": "openmetrics"}


@dataclass(frozen=True, slots=True)
class Output:
    """A format, and the file that it goes to; None for standard output."""

    format: str
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Reporting:
    """Where the reports of a command go, and how they look."""

    outputs: tuple[Output, ...]
    options: RenderOptions


def parse_outputs(values: Sequence[str]) -> tuple[Output, ...]:
    """Parse the values of `-o`; raises click.BadParameter, which says what would be right."""
    outputs = tuple(parse_output(value, FORMATS) for value in values) or (Output("text"),)
    targets = [output.file for output in outputs]
    if targets.count(None) > 1:
        raise click.BadParameter("only one format can go to standard output; write the others to files (FORMAT=FILE).")
    files = [_full_path(target) for target in targets if target is not None]
    if len(set(files)) < len(files):
        raise click.BadParameter("two formats would be written to one file.")
    return outputs


def parse_output(value: str, formats: Collection[str]) -> Output:
    """Parse FORMAT[=FILE]; raises click.BadParameter, which says what would be right."""
    name, equals, file = value.partition("=")
    if name not in formats:
        from difflib import get_close_matches

        suffix = os.path.splitext(value)[1].lower().removeprefix(".")
        by_suffix = _FORMATS_BY_SUFFIX.get(suffix, suffix)
        close = get_close_matches(name.lower(), formats, n=1)
        advice = f" Did you mean {close[0]}?" if close else ""
        if not equals and by_suffix in formats:
            advice = f" To write a file: -o {by_suffix}={value}."
        raise click.BadParameter(f"unknown format; choose from {', '.join(formats)}.{advice}")
    if equals and not file:
        raise click.BadParameter(f"name a file after {name}=, or omit the = for standard output.")
    return Output(name, None if file in ("", *_STANDARD_OUTPUT) else file)


def here() -> FilePath:
    """Return the current folder; raises UsageError if it was deleted."""
    try:
        return FilePath.cwd()
    except OSError:
        raise UsageError(
            "the current folder does not exist or can't be read.",
            hint="Change into another folder and try again.",
        ) from None


def _full_path(file: str) -> str:
    return os.path.normpath(file if os.path.isabs(file) else os.path.join(here(), file))


def refuse_inputs(files: Iterable[str | None], inputs: Iterable[str | None]) -> None:
    """Raise UsageError if writing a file would replace one that is read, or any existing YAML file.

    Raises OutputError if the folder of a file does not exist. Call it before anything is read: a later failure writes
    a report to these files. None is standard output.
    """
    read = [path for path in inputs if path is not None and path != "-"]
    for file in files:
        if file is None:
            continue
        folder = os.path.dirname(file)
        if folder and not os.path.lexists(folder):
            raise OutputError(
                f"could not write {visible(file)}: the folder {visible(folder)} does not exist.", hint="Create it."
            )
        if not os.path.lexists(file) or _is_device(file):
            continue
        if file.endswith(_HAND_WRITTEN):
            raise UsageError(
                f"{visible(file)} exists, and reports are never written over YAML files.",
                hint="Name another file to write to.",
            )
        if any(_is_same(file, path) for path in read):
            raise UsageError(
                f"{visible(file)} is both an input and an output of this run.", hint="Name another file to write to."
            )


def named_inputs(flags: Flags) -> list[str]:
    """Return the files, folders and globs that the flags name as inputs."""
    live = [value.partition("=")[2] or value for value in flags.live]
    history = (flags.history or "").partition("sqlite:///")[2]
    return [*flags.paths, *live, *filter(None, (flags.config, flags.ca_file, history))]


def _is_same(file: str, path: str) -> bool:
    """Return whether an existing file is the one that a path or a glob names."""
    with suppress(OSError, ValueError):
        return os.path.samefile(file, path)
    return any(magic in path for magic in "*?[") and FilePath(_full_path(file)).match(_full_path(path))


def write_report(report: Report, reporting: Reporting, *, is_said: bool = False) -> None:
    """Render and write a report in every format asked for: files first, all of them or none; then standard output.

    If files can't be written, standard output still gets its report. What made a run incomplete is repeated on
    standard error, unless a report on standard output shows it as text; the verdict is, where all reports are files.
    With `is_said`, the outcome was already reported on standard error.
    """
    outputs, options = reporting.outputs, reporting.options
    write_texts([(output.file, _rendered(report, output, options)) for output in outputs])
    if is_said or options.quiet:
        return
    if not any(output.file is None and output.format in _FOR_LOGS for output in outputs):
        for gap in _gaps(report):
            console.say_error(LiveError(gap))
    files = [visible(output.file) for output in outputs if output.file is not None]
    if len(files) == len(outputs):
        from driftcheck.formats.overall import verdict

        written = ", ".join(files) if len(files) <= _NAMED else f"{len(files)} files"
        console.say(inert(f"{verdict(report)} Written: {written}."))


def _rendered(report: Report, output: Output, options: RenderOptions) -> str:
    """Render a report; the report of a defect is a line of text in a format that is itself defective."""
    if output.file is not None:
        options = replace(options, color=False, width=PIPE_WIDTH)
    try:
        return render(output.format, report, options)
    except Exception:
        if report.outcome is not Outcome.DEFECT:
            raise
        return f"driftcheck ended with an internal error (status 4), and the format {output.format} failed too.\n"


def _gaps(report: Report) -> Iterator[str]:
    if report.live is not None:
        yield from report.live.gaps
    for target in report.targets:
        if target.live is not None:
            yield from (f"{target.name}: {gap}" for gap in target.live.gaps)


def write_texts(texts: Sequence[tuple[str | None, str]]) -> None:
    """Write texts to their files, then those without a file to standard output, even if a file can't be written."""
    try:
        write_files([(file, text) for file, text in texts if file is not None])
    finally:
        for file, text in texts:
            if file is None:
                console.write(text)


def write_files(files: Sequence[tuple[str, str]]) -> None:
    """Write texts to files so that each is whole or as it was; no regular file is replaced before all can be written.

    Each goes to a temporary file next to its target, is synced to the disk, and takes the target's name in one step
    (which replaces a link and does not follow it). Devices and pipes are written in place, first. Raises OutputError;
    if a file can't take its name, those before it have theirs.
    """
    for file, text in files:
        if _is_device(file):
            _write_through(file, text)
    with _signals_deferred(), ExitStack() as cleanup:
        ready = [(_write_temporary(file, text, cleanup), file, text) for file, text in files if not _is_device(file)]
        for temporary, file, text in ready:
            try:
                if temporary is not None:
                    os.replace(temporary, file)
                    continue
            except OSError as error:
                if error.errno not in _UNREPLACEABLE:
                    raise _not_written(file, error) from None
            console.say(f"warning: {visible(file)} can't be replaced (a mount?) and is written in place.")
            _write_through(file, text, "w")


def write_into_folders(files: Sequence[tuple[str, str]]) -> None:
    """Write texts as `write_files` does, to folders that may not exist yet."""
    for folder in {os.path.dirname(file) for file, _ in files} - {""}:
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise OutputError(f"could not create the folder {visible(folder)}: {error.strerror}.") from None
    write_files(files)


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Deliver SIGINT and SIGTERM after the body, whose temporary files they would leave behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in handlers:
        signal.signal(number, lambda number, _frame: received.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for each in received:
            signal.raise_signal(each)


def _write_temporary(file: str, text: str, cleanup: ExitStack) -> str | None:
    """Write a temporary file; None if only the file itself can be written, not its folder."""
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
        if error.errno in (errno.EACCES, errno.EROFS) and os.path.isfile(file) and os.access(file, os.W_OK):
            return None
        raise _not_written(file, error) from None
    return temporary


def _is_device(file: str) -> bool:
    """Return whether a file is a pipe or device, which must not be replaced.

    A link below /dev or /proc belongs to the system, whatever its target: /dev/stderr may lead to a regular file.
    """
    path = FilePath(file)
    folder = FilePath(os.path.realpath(path.parent))
    if path.is_symlink() and any(folder.is_relative_to(system) for system in ("/dev", "/proc")):
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


def _write_through(file: str, text: str, mode: str = "a") -> None:
    """Write to a file in place; append by default, since others may write to a device as well (`2>> log`)."""
    try:
        with open(file, mode, encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        raise _not_written(file, error) from None


def _mode(file: str) -> int:
    """Return the mode of an existing file, or that of a new one."""
    with suppress(OSError):
        return FilePath(file).stat().st_mode & 0o777
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _remove(temporary: str) -> None:
    with suppress(OSError):
        os.unlink(temporary)


def _not_written(file: str, error: OSError) -> OutputError:
    hint = "The existing file was not changed." if os.path.isfile(file) else None
    return OutputError(f"could not write {visible(file)}: {error.strerror}.", hint=hint)
