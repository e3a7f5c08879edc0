"""An endpoint without sockets: answers come in a random but repeatable order, from a list that may change meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from driftcheck.errors import LiveError
from driftcheck.live import fetch
from driftcheck.live.client import Client
from driftcheck.live.endpoint import Connection
from driftcheck.live.fetch import Ticket
from driftcheck.live.listing import Page, page_of
from driftcheck.model import Snapshot
from tests.live.samples import KEY


class MemoryRequests:
    """Replaces `fetch.Requests`: `serve` returns the items of the response to a query."""

    def __init__(self, client: Client, serve: Callable[[Mapping[str, str]], Any], chance: random.Random) -> None:
        self.capacity = client.connection.concurrency
        self.sent = 0
        self._serve = serve
        self._chance = chance
        self._waiting: list[tuple[Ticket, Mapping[str, str]]] = []

    def submit(self, ticket: Ticket, params: Mapping[str, str]) -> None:
        self._waiting.append((ticket, dict(params)))

    def answer(self) -> tuple[Ticket, Page | LiveError]:
        ticket, params = self._waiting.pop(self._chance.randrange(len(self._waiting)))
        self.sent += 1
        answer = self._serve(params)
        return ticket, page(answer) if isinstance(answer, list) else answer

    def close(self) -> None:
        pass


def page(items: list[Any]) -> Page:
    return page_of({"resources": [dict(item) if isinstance(item, dict) else item for item in items], "offset": 0})


def cut(items: list[Any], params: Mapping[str, str], *, cap: int = 100) -> list[Any]:
    """The page of a list that a query asks for, its name filter included."""
    if "name" in params:
        items = [item for item in items if params["name_contains"] in item["name"]]
    start = int(params["offset"])
    return items[start : start + min(cap, int(params["limit"]))]


def fetch_from(
    monkeypatch: pytest.MonkeyPatch,
    serve: Callable[[Mapping[str, str]], Any],
    *,
    names: tuple[str, ...] = (),
    scope: Mapping[str, str] | None = None,
    seed: int = 0,
    **settings: Any,
) -> Snapshot:
    """Fetch from such an endpoint."""
    chance = random.Random(seed)
    monkeypatch.setattr(fetch, "Requests", lambda client: MemoryRequests(client, serve, chance))
    connection = Connection("http://127.0.0.1:1", KEY, **settings)
    return fetch.fetch(connection, names=lambda: names, scope=scope or {}, progress=lambda _: None)
