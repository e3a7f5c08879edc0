"""A second process that judges some of the texts, where there are many bytes and a processor to spare.

Both take the texts in turn, each the next that is not taken yet. What the companion finds flawless comes back as plain
values and is not judged again; everything else is judged in this process, as if there were no other.
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
from typing import TYPE_CHECKING, Final, NoReturn

from driftcheck.declarations.files import SourceText
from driftcheck.model import JSON

if TYPE_CHECKING:
    from driftcheck.declarations.documents import Declared

MIN_BYTES: Final = 2**20
"""What texts must hold together for a second process to be worth its start; 1,000 deployments have 2 MiB."""

_CLAIM: Final = 2
"""Bytes of a text's number in the pipe of claims, which holds all numbers (files.MAX_FILES)."""


@contextlib.contextmanager
def started(texts: Sequence[SourceText]) -> Iterator[Callable[[], list[Declared]]]:
    """Begin to judge texts in a second process, where that helps; gives the function that judges what is left.

    Must be entered before there are threads, which a forked process would lack.
    """
    if not _helps(texts):
        yield lambda: [*map(_declared, texts)]
        return
    companion = _fork(texts)
    try:
        yield companion.judge
    finally:
        companion.end()


def _helps(texts: Sequence[SourceText]) -> bool:
    return (
        sys.platform == "linux"
        and len(texts) > 1
        and sum(len(text.data) for text in texts) >= MIN_BYTES
        and len(os.sched_getaffinity(0)) > 1
        and threading.active_count() == 1
    )


@dataclass(frozen=True, slots=True)
class _Companion:
    texts: Sequence[SourceText]
    pid: int
    claims: int
    """The pipe from which both processes take numbers of texts."""
    answer: int

    def judge(self) -> list[Declared]:
        """Judge what the other process has not taken, and take over what it found."""
        judged = {number: _declared(self.texts[number]) for number in _claimed(self.claims)}
        for number, documents in _received(self.answer):
            judged[number] = _declared(self.texts[number], marshal.loads(documents))  # noqa: S302 - our own process's
        return [judged.get(number) or _declared(text) for number, text in enumerate(self.texts)]

    def end(self) -> None:
        """See the other process off, whatever it is at."""
        os.close(self.claims)
        os.close(self.answer)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def _fork(texts: Sequence[SourceText]) -> _Companion:
    claims, offered = os.pipe()
    answer, given = os.pipe()
    os.write(offered, b"".join(number.to_bytes(_CLAIM) for number in range(len(texts))))
    os.close(offered)
    pid = os.fork()
    if not pid:
        _work(texts, claims, given)
    os.close(given)
    return _Companion(texts, pid, claims, answer)


def _work(texts: Sequence[SourceText], claims: int, given: int) -> NoReturn:
    """Be the second process: judge what can be had, and send what is flawless; errors are for the first to find."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        found = []
        for number in _claimed(claims):
            declared = _declared(texts[number])
            if declared.is_flawless:
                found.append((number, marshal.dumps(declared.source.parsed.documents)))
        with os.fdopen(given, "wb") as stream:
            marshal.dump(found, stream)
    finally:
        os._exit(0)


def _claimed(claims: int) -> Iterator[int]:
    while claim := os.read(claims, _CLAIM):
        yield int.from_bytes(claim)


def _received(answer: int) -> Iterator[tuple[int, bytes]]:
    """Read what the other process sent: nothing, should it have come to harm."""
    with os.fdopen(answer, "rb", closefd=False) as stream, contextlib.suppress(EOFError, ValueError, TypeError):
        found = marshal.loads(stream.read())  # noqa: S302 - our own process's
        while found:
            yield found.pop()


def _declared(text: SourceText, flawless: tuple[JSON, ...] | None = None) -> Declared:
    from driftcheck.declarations.documents import Declared  # only now: the listing's first request is on its way

    return Declared(text, flawless)
