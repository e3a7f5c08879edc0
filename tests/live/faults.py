"""An emulated control plane that misbehaves by a plan: wrong answers, odd pages, changes between requests."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from driftcheck.live.emulator import Behaviour, Emulator, app_of, listed, ordered, parse_query, respond
from driftcheck.model import JSON

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

FAULTS: Final = (
    *("status", "redirect", "html", "empty", "cut", "drop", "drip", "silence", "gzip", "gzip_bomb", "gzip_cut"),
    *("huge", "text", "encoding", "nan", "infinity", "digits", "duplicate_keys", "deep", "list", "no_resources"),
    *("null_resources", "object_resources", "null_item", "no_id", "no_name", "no_offset", "odd_offset"),
    *("empty_page", "short_page", "first_page", "other_workspace"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A wrong answer: to the `request`-th (from 1), to those for an `offset`, or to all; `times` of them at most."""

    kind: str
    request: int | None = None
    offset: int | None = None
    times: int | None = None
    status: int = 503
    """Of kinds `status` and `redirect`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    detail: JSON = "emulated fault"
    seconds: float = 0.05
    """Of `drip`, between two bytes; of `silence`, until the connection is closed."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of the list, made when so many requests have been answered."""

    after: int
    delete: tuple[str, ...] = ()
    """Names."""
    insert: tuple[Mapping[str, JSON], ...] = ()
    at: int = 0
    """Where to insert; counts from the end where negative."""
    order: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How an emulated endpoint misbehaves."""

    offsets: str = "next"
    """What `offset` of an answer is: `next` (offset + items), `limit` (offset + limit) or `echo` (docs/API.md 1.4)."""
    cap: int | None = None
    """The most items in a page, for any `limit`."""
    ignore: tuple[str, ...] = ()
    """Of `limit`, `offset` and `filters`."""
    faults: tuple[Fault, ...] = ()
    edits: tuple[Edit, ...] = ()


_HTML: Final = "<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1>nginx</body></html>"


@dataclass(slots=True)
class Record:
    """The requests that an emulated endpoint received."""

    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and query of each request, as they came."""

    @property
    def methods(self) -> Counter[str]:
        """How many requests of each method there were."""
        return Counter(method for method, _ in self.requests)


def create_app(deployments: Iterable[Mapping[str, JSON]], *, plan: Plan | None = None, **behaviour: Any) -> Starlette:
    """Return the application of an emulator that follows a plan; its `state.record` is a `Record`."""
    emulator = _FaultyEmulator(deployments, Behaviour(**behaviour), plan or Plan())
    app = app_of(emulator)
    app.state.record = emulator.record
    return app


class _FaultyEmulator(Emulator):
    def __init__(self, deployments: Iterable[Mapping[str, JSON]], behaviour: Behaviour, plan: Plan) -> None:
        super().__init__(deployments, behaviour)
        self.record = Record()
        self._plan = plan
        self._edits = sorted(plan.edits, key=lambda edit: edit.after)
        self._occurred: Counter[int] = Counter()
        self._fault: Fault | None = None

    async def answer_list(self, request: Request) -> Response:
        self.record.requests.append((request.method, request.url.query))
        number = len(self.record.requests)
        while self._edits and self._edits[0].after < number:
            self._apply(self._edits.pop(0))
        fault = self._next_fault(number, parse_query(request.query_params)[0].get("offset"))
        if request.method == "GET" and fault is not None and (response := await _broken(fault)) is not None:
            return response
        self._fault = fault
        response = await super().answer_list(request)
        if fault is None or response.status_code != 200:
            return response
        return _tampered(fault, bytes(response.body).decode())

    def page(self, query: Mapping[str, Any]) -> Response:
        plan, fault = self._plan, self._fault
        found = self.filtered({} if "filters" in plan.ignore else query)
        start = 0 if "offset" in plan.ignore or (fault and fault.kind == "first_page") else query["offset"]
        size = len(found) if "limit" in plan.ignore else query["limit"]
        page = found[start : start + min(size, plan.cap or size)]
        offsets = {"next": start + len(page), "limit": start + query["limit"], "echo": query["offset"]}
        return self.page_of(page, offsets[plan.offsets])

    def _apply(self, edit: Edit) -> None:
        left = [deployment for deployment in self.deployments if deployment.name not in edit.delete]
        at = edit.at if edit.at >= 0 else len(left) + edit.at + 1
        left[at:at] = [listed(value) for value in edit.insert]
        if edit.order == "random":
            left = self._random.sample(left, len(left))
        self.deployments = ordered(left, edit.order or "given")

    def _next_fault(self, number: int, offset: Any) -> Fault | None:
        for index, fault in enumerate(self._plan.faults):
            matches = fault.request in (None, number) and fault.offset in (None, offset)
            if matches and (fault.times is None or self._occurred[index] < fault.times):
                self._occurred[index] += 1
                return fault
        return None


async def _broken(fault: Fault) -> Response | None:
    """Return the answer of a fault that is independent of the list; None for the others."""
    from starlette.responses import Response

    headers = dict(fault.headers)
    if fault.kind == "status":
        return respond({"detail": fault.detail}, fault.status, headers) if fault.status != 204 else Response("", 204)
    if fault.kind == "redirect":
        status = fault.status if 300 <= fault.status < 400 else 307
        return Response("", status, {"Location": "https://example.com/v2/deployments", **headers})
    if fault.kind == "html":
        return Response(_HTML, 200, headers, "text/html")
    if fault.kind == "silence":
        await asyncio.sleep(fault.seconds)
        return Response("", 504, headers)
    if fault.kind == "huge":
        return Response(b" " * (17 * 1024 * 1024), 200, headers, "application/json")
    if fault.kind == "gzip_bomb":
        bomb = gzip.compress(b" " * (64 * 1024 * 1024), 1)
        return Response(bomb, 200, {"Content-Encoding": "gzip", **headers}, "application/json")
    return None


def _tampered(fault: Fault, text: str) -> Response:
    """Return a good page after the fault."""
    from starlette.responses import Response, StreamingResponse

    body = text.encode()
    if fault.kind in ("drop", "drip"):
        headers = {"Content-Length": str(len(body))}
        stream = _drop(body) if fault.kind == "drop" else _drip(body, fault.seconds)
        return StreamingResponse(stream, headers=headers, media_type="application/json")
    if fault.kind.startswith("gzip"):
        packed = gzip.compress(body)
        packed = packed[:-8] if fault.kind == "gzip_cut" else packed
        return Response(packed, headers={"Content-Encoding": "gzip"}, media_type="application/json")
    if fault.kind in _TEXT_FAULTS:
        return Response(_TEXT_FAULTS[fault.kind](text), media_type="application/json")
    page = json.loads(text)
    return respond(_PAGE_FAULTS[fault.kind](page) if fault.kind in _PAGE_FAULTS else page)


class _DropError(Exception):
    """Ends a connection in the middle of an answer."""


async def _drop(body: bytes) -> AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    raise _DropError


async def _drip(body: bytes, seconds: float) -> AsyncIterator[bytes]:
    for byte in body:
        yield bytes((byte,))
        await asyncio.sleep(seconds)


_TEXT_FAULTS: Final[Mapping[str, Callable[[str], bytes]]] = {
    "empty": lambda _: b"",
    "cut": lambda text: text.encode()[: len(text) // 2],
    "text": lambda _: b"upstream connect error",
    "encoding": lambda text: text.encode().replace(b'"resources"', b'"resour\xe9es"'),
    "nan": lambda text: text.replace('"offset": ', '"x": NaN, "offset": ').encode(),
    "infinity": lambda text: text.replace('"offset": ', '"x": 1e999, "offset": ').encode(),
    "digits": lambda text: text.replace('"offset": ', f'"x": {"9" * 5000}, "offset": ').encode(),
    "duplicate_keys": lambda text: text.replace('"offset": ', '"offset": 1, "offset": ').encode(),
    "deep": lambda text: text.replace('"offset": ', f'"x": {"[" * 100_000}{"]" * 100_000}, "offset": ').encode(),
}

_PAGE_FAULTS: Final[Mapping[str, Callable[[dict[str, Any]], JSON]]] = {
    "list": lambda page: page["resources"],
    "no_resources": lambda page: {"offset": page["offset"]},
    "null_resources": lambda page: {**page, "resources": None},
    "object_resources": lambda page: {**page, "resources": dict(enumerate(page["resources"]))},
    "null_item": lambda page: {**page, "resources": [None, *page["resources"][1:]]},
    "no_id": lambda page: {**page, "resources": _spoiled(page["resources"], "id", None)},
    "no_name": lambda page: {**page, "resources": _spoiled(page["resources"], "name", None)},
    "no_offset": lambda page: {"resources": page["resources"]},
    "odd_offset": lambda page: {**page, "offset": "10" * 30},
    "empty_page": lambda page: {**page, "resources": []},
    "short_page": lambda page: {**page, "resources": page["resources"][: len(page["resources"]) // 2]},
    "other_workspace": lambda page: {
        **page,
        "resources": _spoiled(page["resources"], "tenant_id", "00000000-0000-4000-8000-000000000000"),
    },
}


def _spoiled(items: Sequence[JSON], key: str, value: JSON) -> list[JSON]:
    return [{**item, key: value} if index == 0 else item for index, item in enumerate(items)]
