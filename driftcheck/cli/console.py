"""Standard output and standard error: the one home of both.

Only reports go to standard output; everything else is for people, on standard error. What can't be
written is an error of its own, never a lost report with status 0.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

from driftcheck.errors import DriftcheckError, ExitStatus, OutputError


def prepare() -> None:
    """Make both streams take any text: what the encoding lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace", newline="\n")


def write(text: str) -> None:
    """Write to standard output, to the end; raises OutputError where it is closed, full or gone."""
    if sys.stdout is None:
        raise OutputError(
            "Standard output could not be written: it is closed.", hint="Open it, or name a file: -o json=FILE."
        )
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        raise _lost(error) from None


def flush() -> None:
    """Make sure that what was written to standard output has arrived; raises OutputError where it has not."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError) as error:
        raise _lost(error) from None


def _lost(error: OSError | ValueError) -> OutputError:
    reason = (error.strerror if isinstance(error, OSError) else None) or "it is closed"
    return OutputError(f"Standard output could not be written whole: {reason}.")


def say(text: str) -> None:
    """Write a line for people to standard error; that nobody can read it is no error."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def say_progress(text: str) -> None:
    """Show how far a run is, on one line that the next text overwrites."""
    if sys.stderr is not None:
        sys.stderr.write(f"\r\x1b[2K{text}\r")
        sys.stderr.flush()


def say_error(error: DriftcheckError) -> None:
    """Say what could not be done and what to do next."""
    from driftcheck.formats.escaping import inert, visible

    say(inert("error: " + "\n".join(visible(line) for line in error.message.split("\n"))))
    if error.hint:
        say(inert("  hint: " + visible(error.hint)))


def say_defect(error: BaseException) -> None:
    """Say that driftcheck itself failed, and where; never the error's text, which may hold anything."""
    import traceback

    say(f"error: a defect of driftcheck ({type(error).__name__}); this run says nothing of your deployments.")
    for frame in traceback.extract_tb(error.__traceback__):
        folder, file = os.path.split(frame.filename)
        say(f"  at {os.path.basename(folder)}/{file}:{frame.lineno}")
    say("  hint: Please report it with these lines.")


def close(status: int) -> int:
    """Let go of the streams so that the interpreter's own farewell can't change the status."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not _flushes(stream):
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
            status = status if stream is sys.stderr or status > ExitStatus.DEFECT else ExitStatus.DEFECT
    return status


def _flushes(stream: TextIO) -> bool:
    try:
        stream.flush()
    except (OSError, ValueError):
        return False
    return True


def is_watched() -> bool:
    """Tell whether a person follows standard error."""
    return sys.stderr is not None and sys.stderr.isatty()


def wants_color(choice: str) -> bool:
    """Tell whether standard output takes colours: as chosen, else where a terminal has them and NO_COLOR is unset."""
    if choice != "auto":
        return choice == "always"
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and sys.stdout is not None and sys.stdout.isatty()
