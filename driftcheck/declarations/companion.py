"""A second process that does part of the work on texts, where there are many bytes and a processor to spare.

The work is numbered, one number for each text. Both processes take numbers in turn, each the next that is not taken
yet. What the companion has done comes back as plain values; everything else is left to this process, as if there were
no other.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol, TypeAlias

from driftcheck import signals

MIN_BYTES: Final = 2**20
"""What texts must hold together for a second process to be worth its start; 1,000 deployments have 2 MiB."""

_CLAIM: Final = 2
"""Bytes of a text's number in the pipe of claims, which holds all numbers (files.MAX_FILES)."""

Work: TypeAlias = Callable[[int], Any]
"""Does the work of one number and gives plain values, or None for what the first process is to do itself."""


class Companion(Protocol):
    """The other process, if there is one."""

    def left(self) -> Iterator[int]:
        """Take the numbers that are this process's to do, one by one."""

    def results(self) -> Iterator[tuple[int, Any]]:
        """Give what the other one has done, once it has done all; to be called after `left` is at its end."""


@contextlib.contextmanager
def started(sizes: Sequence[int], work: Work) -> Iterator[Companion]:
    """Begin with the work on texts of so many bytes each in a second process, where that helps.

    Must be entered before there are threads, which a forked process would lack.
    """
    with contextlib.ExitStack() as stack:
        other = None
        if _helps(sizes):
            with signals.held():  # a signal that comes meanwhile strikes when the process is sure to be seen off
                other = _fork(len(sizes), work)
                if other is not None:
                    stack.callback(other.end)
        yield other or _Nobody(len(sizes))


def _helps(sizes: Sequence[int]) -> bool:
    return (
        sys.platform == "linux"
        and len(sizes) > 1
        and sum(sizes) >= MIN_BYTES
        and len(os.sched_getaffinity(0)) > 1
        and threading.active_count() == 1
    )


@dataclass(frozen=True, slots=True)
class _Nobody:
    count: int

    def left(self) -> Iterator[int]:
        return iter(range(self.count))

    def results(self) -> Iterator[tuple[int, Any]]:
        return iter(())


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    claims: int
    """The pipe from which both processes take numbers."""
    answer: int

    def left(self) -> Iterator[int]:
        return _claimed(self.claims)

    def results(self) -> Iterator[tuple[int, Any]]:
        """Give what the other process sent: nothing, should it have come to harm."""
        with (
            os.fdopen(self.answer, "rb", closefd=False) as stream,
            contextlib.suppress(EOFError, ValueError, TypeError),
        ):
            found = marshal.loads(stream.read())  # noqa: S302 - our own process's
            while found:
                number, result = found.pop()
                yield number, marshal.loads(result)  # noqa: S302

    def end(self) -> None:
        """See the other process off, whatever it is at."""
        with signals.held():
            with contextlib.suppress(ProcessLookupError, ChildProcessError):  # gone where the caller ignores SIGCHLD
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            os.close(self.claims)
            os.close(self.answer)


def _fork(count: int, work: Work) -> _Process | None:
    """Start the second process; None where the system has no room for it."""
    with contextlib.ExitStack() as opened:
        try:
            claims, offered, answer, given = (*_pipe(opened), *_pipe(opened))
            numbers = b"".join(number.to_bytes(_CLAIM) for number in range(count))
            os.set_blocking(offered, False)  # a pipe may be small, and nobody reads yet
            if os.write(offered, numbers) < len(numbers):
                return None
            parent, pid = os.getpid(), os.fork()
        except OSError:
            return None
        if not pid:
            os.close(offered)
            os.close(answer)  # else nothing would tell that the first process is gone
            _be_companion(work, claims, given, parent)
        opened.pop_all()
    os.close(offered)
    os.close(given)
    return _Process(pid, claims, answer)


def _pipe(opened: contextlib.ExitStack) -> tuple[int, int]:
    ends = os.pipe()
    for end in ends:
        opened.callback(os.close, end)
    return ends


def _be_companion(work: Work, claims: int, given: int, parent: int) -> NoReturn:
    """Be the second process: do what can be had, and send what came of it; errors are for the first to find."""
    try:
        signals.reset()
        found = []
        for number in _claimed(claims):
            result = work(number)
            if result is not None:
                found.append((number, marshal.dumps(result)))
            if os.getppid() != parent:
                break
        with os.fdopen(given, "wb") as stream:
            marshal.dump(found, stream)
    finally:
        os._exit(0)


def _claimed(claims: int) -> Iterator[int]:
    while claim := os.read(claims, _CLAIM):
        yield int.from_bytes(claim)
