"""An endpoint without sockets: answers come in a random but repeatable order, from a list that may change meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from typing import Any

import pytest

from driftcheck.errors import LiveError
from driftcheck.live import fetch
from driftcheck.live.client import Client
from driftcheck.live.endpoint import Connection
from driftcheck.live.listing import Page, page_of
from driftcheck.model import Snapshot
from tests.live.samples import KEY


class MemoryRequests:
    """Replaces `fetch.Requests`: `serve` returns the items of the response to a query."""

    def __init__(self, client: Client, serve: Callable[[Mapping[str, str]], Any], chance: random.Random) -> None:
        self.client = client
        self._serve = serve
        self._chance = chance
        self._params: dict[Future[Page], Mapping[str, str]] = {}

    def submit(self, params: Mapping[str, str]) -> Future[Page]:
        future: Future[Page] = Future()
        self._params[future] = dict(params)
        return future

    def first_of(self, futures: Collection[Future[Page]]) -> Future[Page]:
        future = self._chance.choice([*futures])
        self.client.sent.append(None)
        answer = self._serve(self._params[future])
        if isinstance(answer, LiveError):
            future.set_exception(answer)
        else:
            future.set_result(page(answer))
        return future

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
