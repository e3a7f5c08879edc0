"""Standard output and standard error.

Only reports go to standard output; everything else is for people, on standard error. A report that can't be
written is an error: it is never lost with status 0.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress

from driftcheck.errors import DriftcheckError, ExitStatus, OutputError

_LEAST_WIDTH = 40


def prepare() -> None:
    """Make both streams accept any text: characters that the encoding lacks are escaped."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace", newline="\n")


def write(text: str) -> None:
    """Write to standard output and flush it; raises OutputError if it is closed or full."""
    if sys.stdout is None:
        raise OutputError(
            "Standard output could not be written: it is closed.", hint="Open it, or name a file: -o json=FILE."
        )
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is closed"
        raise OutputError(f"Standard output could not be written whole: {reason}.") from None


def say(text: str) -> None:
    """Write text for people to standard error, without commands for a CI runner; a closed stream is not an error."""
    from driftcheck.formats.escaping import inert

    _write_error(inert(text) + "\n")


def _write_error(text: str) -> None:
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()


def is_watched() -> bool:
    """Return whether standard error is a terminal that shows a progress line: not with NO_COLOR or TERM=dumb."""
    from driftcheck.environment import color_choice

    return sys.stderr is not None and sys.stderr.isatty() and color_choice() != "never"


def is_shown() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def show_progress(text: str) -> None:
    """Replace the progress line."""
    _write_error(f"\r\x1b[2K{text}")


def erase_progress() -> None:
    """Erase the progress line, if there may be one."""
    if is_watched():
        show_progress("")


def say_error(error: DriftcheckError) -> None:
    """Report what failed and what to do next."""
    from driftcheck.formats.escaping import visible

    say("error: " + "\n".join(visible(line) for line in error.message.split("\n")))
    if error.hint:
        say("  hint: " + visible(error.hint))


def say_failure(error: Exception) -> ExitStatus:
    """Report an error and return the exit status for it.

    An internal error is reported by its kind and origin, never by its text, which may hold any value.
    """
    if isinstance(error, DriftcheckError):
        say_error(error)
        return error.status
    import traceback

    say(f"error: {defect_message(error)}")
    for frame in traceback.extract_tb(error.__traceback__):
        folder, file = os.path.split(frame.filename)
        say(f"  at {os.path.basename(folder)}/{file}:{frame.lineno}")
    say("  hint: This is a defect of driftcheck. Please report it with the lines above.")
    return ExitStatus.DEFECT


def defect_message(error: BaseException) -> str:
    """Return the sentence for an internal error."""
    return f"internal error ({type(error).__name__}); no deployments were checked."


def close(status: int) -> int:
    """Flush standard output and return the status, which is 4 at least if that fails."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        return max(status, ExitStatus.DEFECT)
    return status


def width() -> int:
    """Return how many columns text on standard output has: those of the terminal, else those of a pipe."""
    from driftcheck.formats import PIPE_WIDTH

    if not is_shown():
        return PIPE_WIDTH
    return max(shutil.get_terminal_size((PIPE_WIDTH, 24)).columns, _LEAST_WIDTH)


def wants_color(choice: str) -> bool:
    """Return whether text on standard output has colours: as chosen, else by environment and terminal."""
    from driftcheck.environment import color_choice

    if choice == "auto":
        choice = color_choice() or "auto"
    return choice == "always" or (choice == "auto" and is_shown())
