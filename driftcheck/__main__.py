"""The entry point of the process."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType
from typing import NoReturn


def run() -> NoReturn:
    """Run the command line and end the process with its exit status.

    The garbage collector is off: a run is short, and its values are made by the million and hold no cycles. The process
    ends without the interpreter's finalization: both streams are flushed by then (docs/benchmarks.md).
    """
    gc.disable()
    try:
        from driftcheck.cli import console
        from driftcheck.cli.main import main
    except ImportError as error:
        sys.stderr.write(f"error: driftcheck is not installed correctly: {error.name} can't be imported.\n")
        sys.exit(4)

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        console.erase_progress()
        os._exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
    os._exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
