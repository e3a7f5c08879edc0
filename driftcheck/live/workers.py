"""Requests sent from threads, a bounded number at once, and never waited for past the deadline."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from driftcheck.errors import LiveError
from driftcheck.live.client import Exchange, ask, end, out_of_time
from driftcheck.live.listing import Page

Ticket: TypeAlias = tuple[int, str | int]
"""Which round a request belongs to, and what it asks for."""

Answer: TypeAlias = Page | LiveError

READERS: Final = 2
"""So many threads may be parsing answers while as many requests are under way as are allowed."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Threads, started as they are needed: as many as requests may be under way, and some more that read answers.

    They are daemons: whatever a server does (headers without end, a name server that is silent), the one who
    waits for an answer gets an error at the deadline, and the process can end.
    """

    exchange: Exchange
    _requests: queue.SimpleQueue[tuple[Ticket, Mapping[str, str]] | None] = field(default_factory=queue.SimpleQueue)
    _answers: queue.SimpleQueue[tuple[Ticket, Answer | Exception]] = field(default_factory=queue.SimpleQueue)
    _threads: list[threading.Thread] = field(default_factory=list)
    _open: set[Ticket] = field(default_factory=set)

    @property
    def capacity(self) -> int:
        """How many requests may be submitted and not answered, so that none of them waits for a thread."""
        return self.exchange.connection.concurrency + READERS

    def submit(self, ticket: Ticket, params: Mapping[str, str]) -> None:
        """Have a request sent; there is one answer to every ticket."""
        self._open.add(ticket)
        self._requests.put((ticket, params))
        if len(self._threads) < min(len(self._open), self.capacity):
            thread = threading.Thread(target=self._work, name="driftcheck-request", daemon=True)
            self._threads.append(thread)
            thread.start()

    def answer(self) -> tuple[Ticket, Answer]:
        """Wait for the next answer; raises LiveError when the time is up."""
        try:
            ticket, answer = self._answers.get(timeout=self.exchange.left())
        except queue.Empty:
            raise out_of_time(self.exchange.connection) from None
        self._open.discard(ticket)
        if isinstance(answer, Page | LiveError):
            return ticket, answer
        raise answer

    def close(self) -> None:
        """Have the threads end when they have done what they are at; requests not begun are not sent."""
        end(self.exchange)
        for _ in self._threads:
            self._requests.put(None)
        patience = time.monotonic() + 0.1
        for thread in self._threads:
            thread.join(max(0.0, patience - time.monotonic()))

    def _work(self) -> None:
        while (request := self._requests.get()) is not None and not self.exchange.stop.is_set():
            ticket, params = request
            answer: Answer | Exception
            try:
                answer = ask(self.exchange, params)
            except Exception as error:  # raised again by the thread that waits
                answer = error
            self._answers.put((ticket, answer))
