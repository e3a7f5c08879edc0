"""Signals made to wait while something runs that they would harm, or that would swallow what they raise."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Let SIGINT and SIGTERM wait, where the system can, until the body has run.

    Threads that are started meanwhile take no signals at all, so that these wait for the main thread.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def reset() -> None:
    """Have SIGINT and SIGTERM end this process, as if nobody had ever handled or held them."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
