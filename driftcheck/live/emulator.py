"""A listing served on loopback as the list endpoint would answer, faults and changes included (extra `emulator`)."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import random
import re
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from driftcheck.errors import UsageError
from driftcheck.live.endpoint import LIST_PATH
from driftcheck.live.listing import FILTERS, in_scope
from driftcheck.live.plan import Fault, Plan
from driftcheck.model import JSON, Deployment

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

TYPES: Final = ("dev_free", "dev", "prod", "dev_zero", "dev_free_zero")
"""What the filter `deployment_type` accepts (API.md 1.2)."""

_HTML: Final = "<html><head><title>403 Forbidden</title></head><body><h1>403 Forbidden</h1>nginx</body></html>"


@dataclass(slots=True)
class Record:
    """What an emulated endpoint was asked."""

    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and query of each request, as they came."""

    @property
    def methods(self) -> Counter[str]:
        """How many requests of each method there were."""
        return Counter(method for method, _ in self.requests)


def create_app(deployments: Iterable[Mapping[str, JSON]], *, plan: Plan | None = None) -> Starlette:
    """Make an ASGI application that lists the deployments (as the API gives them) the way `plan` says.

    Its `state.record` is a `Record`. Raises UsageError where the extra `emulator` is not installed.
    """
    try:
        from starlette.applications import Starlette
        from starlette.routing import Route
    except ImportError:
        raise UsageError(
            "The emulator is not installed.", hint="Install it with: pip install 'driftcheck[emulator]'"
        ) from None
    endpoint = _Endpoint(plan or Plan(), [_listed(value) for value in deployments])
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
    routes = [Route(LIST_PATH, endpoint.answer, methods=methods), Route("/{rest:path}", _not_found, methods=methods)]
    app = Starlette(routes=routes)
    app.state.record = endpoint.record
    return app


async def _not_found(_: Request) -> Response:
    return _json({"detail": "Not Found"}, 404)


def _json(value: JSON, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    from starlette.responses import Response

    return Response(json.dumps(value), status, dict(headers or {}), "application/json")


def _listed(value: Mapping[str, JSON]) -> Deployment:
    """Give the secrets of a snapshot, which are names only, a value again: null."""
    secrets = value.get("secrets")
    if isinstance(secrets, list):
        value = {**value, "secrets": [{"value": None, **s} if isinstance(s, dict) else s for s in secrets]}
    return Deployment(str(value.get("name")), value)


class _Endpoint:
    """One emulated endpoint: its list, which edits change, and what it was asked."""

    def __init__(self, plan: Plan, listed: list[Deployment]) -> None:
        self.record = Record()
        self._plan = plan
        self._listed = _ordered(listed, plan.order)
        self._edits = sorted(plan.edits, key=lambda edit: edit.after)
        self._occurred: Counter[int] = Counter()
        self._texts: dict[int, tuple[Deployment, str]] = {}

    async def answer(self, request: Request) -> Response:
        self.record.requests.append((request.method, request.url.query))
        number = len(self.record.requests)
        while self._edits and self._edits[0].after < number:
            self._apply(self._edits.pop(0))
        if self._plan.latency:
            await asyncio.sleep(self._plan.latency)
        if request.method != "GET":
            return _json({"detail": "Method Not Allowed"}, 405, {"Allow": "GET"})
        query, complaints = _understand(request.query_params)
        fault = self._fault(number, query.get("offset"))
        if fault is not None and (response := await _broken(fault)) is not None:
            return response
        if (refusal := self._refusal(request)) is not None:
            return refusal
        if complaints:
            return _json({"detail": complaints}, 422)
        return self._page(query, number, fault)

    def _apply(self, edit: Any) -> None:
        left = [deployment for deployment in self._listed if deployment.name not in edit.delete]
        at = edit.at if edit.at >= 0 else len(left) + edit.at + 1
        left[at:at] = [_listed(value) for value in edit.insert]
        self._listed = _ordered(left, edit.order or "given", self._plan.seed)

    def _fault(self, number: int, offset: Any) -> Fault | None:
        for index, fault in enumerate(self._plan.faults):
            matches = fault.request in (None, number) and fault.offset in (None, offset)
            if matches and (fault.times is None or self._occurred[index] < fault.times):
                self._occurred[index] += 1
                return fault
        return None

    def _refusal(self, request: Request) -> Response | None:
        """Refuse who may not list (API.md 1.3 and 1.5)."""
        plan = self._plan
        authorization = request.headers.get("authorization", "")
        key = request.headers.get("x-api-key") or authorization.removeprefix("Bearer ")
        workspace = request.headers.get("x-tenant-id")
        if not key or (plan.api_key is not None and key != plan.api_key):
            return _json({"detail": "Invalid API key"}, 401)
        if not plan.enabled:
            return _json({"detail": "LangSmith Deployment is not enabled for this organization"}, 403)
        if plan.require_workspace and not workspace:
            return _json({"detail": "This API key requires workspace specification in the X-Tenant-Id header"}, 403)
        if plan.workspace and workspace and workspace.lower() != plan.workspace.lower():
            return _json({"detail": "Forbidden"}, 403)
        return None

    def _page(self, query: Mapping[str, Any], number: int, fault: Fault | None) -> Response:
        from starlette.responses import Response

        plan = self._plan
        found = self._listed if "filters" in plan.ignore else self._filtered(query)
        if plan.order == "random":
            found = _ordered(found, "random", plan.seed + number)
        start = 0 if "offset" in plan.ignore or (fault and fault.kind == "first_page") else query["offset"]
        size = len(found) if "limit" in plan.ignore else query["limit"]
        page = found[start : start + min(size, plan.cap or size)]
        told = {"next": start + len(page), "limit": start + query["limit"], "echo": query["offset"]}[plan.offsets]
        text = f'{{"resources": [{", ".join(map(self._text, page))}], "offset": {told}}}'
        if fault is None:
            return Response(text, media_type="application/json")
        return _tampered(fault, text)

    def _text(self, deployment: Deployment) -> str:
        """Write a deployment as JSON, once: the lists are long and read often."""
        if id(deployment) not in self._texts:
            self._texts[id(deployment)] = (deployment, json.dumps(deployment.value))
        return self._texts[id(deployment)][1]

    def _filtered(self, query: Mapping[str, Any]) -> list[Deployment]:
        scope = {name: value for name, value in query.items() if name in FILTERS and isinstance(value, str) and value}
        remote = query.get("remote_reconciled")
        if not scope and remote is None:
            return self._listed
        tags = [
            self._plan.tags.get(tag.strip(), ()) for tag in scope.get("tag_value_ids", "").split(",") if tag.strip()
        ]
        return [
            deployment
            for deployment in self._listed
            if in_scope(deployment, scope)
            and all(deployment.name in names for names in tags)
            and (remote is None or remote == _is_remote(deployment))
        ]


def _is_remote(deployment: Deployment) -> bool:
    config = deployment.value.get("source_config")
    return isinstance(config, dict) and config.get("listener_id") is not None


def _ordered(listed: list[Deployment], order: str, seed: int = 0) -> list[Deployment]:
    if order == "reversed":
        return listed[::-1]
    if order == "name":
        return sorted(listed, key=lambda deployment: deployment.name)
    if order == "newest":
        return sorted(listed, key=lambda deployment: str(deployment.value.get("created_at")), reverse=True)
    if order == "random":
        return random.Random(seed).sample(listed, len(listed))  # noqa: S311 - a shuffle, not a secret
    return listed


def _understand(params: Mapping[str, str]) -> tuple[dict[str, Any], list[JSON]]:
    """Read the query as the service does; gives its values and the entries of a 422 (`payloads/errors.json`)."""
    query: dict[str, Any] = {"limit": 20, "offset": 0, **params}
    complaints: list[JSON] = []
    for name, least, most in (("limit", 1, 100), ("offset", 0, None)):
        text = params.get(name)
        if text is None:
            continue
        if not re.fullmatch(r"[+-]?[0-9]{1,4000}", text.strip()):
            what = "Input should be a valid integer, unable to parse string as an integer"
            complaints.append(_complaint(name, "int_parsing", what, text))
            continue
        query[name] = int(text)
        if query[name] < least:
            what = f"Input should be greater than or equal to {least}"
            complaints.append(_complaint(name, "greater_than_equal", what, text, ge=least))
        if most is not None and query[name] > most:
            what = f"Input should be less than or equal to {most}"
            complaints.append(_complaint(name, "less_than_equal", what, text, le=most))
    if (text := params.get("remote_reconciled")) is not None:
        query["remote_reconciled"] = _BOOLEANS.get(text.strip().lower())
        if query["remote_reconciled"] is None:
            what = "Input should be a valid boolean, unable to interpret input"
            complaints.append(_complaint("remote_reconciled", "bool_parsing", what, text))
    if (text := params.get("deployment_type")) is not None and text not in TYPES:
        expected = ", ".join(map(repr, TYPES[:-1])) + f" or {TYPES[-1]!r}"
        complaints.append(_complaint("deployment_type", "enum", f"Input should be {expected}", text, expected=expected))
    return query, complaints


_BOOLEANS: Final = {
    **dict.fromkeys(("true", "1", "on", "yes", "t", "y"), True),
    **dict.fromkeys(("false", "0", "off", "no", "f", "n"), False),
}


def _complaint(name: str, kind: str, message: str, text: str, **context: JSON) -> JSON:
    entry: dict[str, JSON] = {"type": kind, "loc": ["query", name], "msg": message, "input": text}
    return {**entry, "ctx": context} if context else entry


async def _broken(fault: Fault) -> Response | None:
    """Give the answer of a fault that has nothing to do with the list; None for the others."""
    from starlette.responses import Response

    headers = dict(fault.headers)
    if fault.kind == "status":
        return _json({"detail": fault.detail}, fault.status, headers) if fault.status != 204 else Response("", 204)
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
    """Spoil a good page as the fault says."""
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
    return _json(_PAGE_FAULTS[fault.kind](page) if fault.kind in _PAGE_FAULTS else page)


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


def serve(app: Any, *, port: int = 0, ready: Callable[[str], None]) -> None:
    """Serve on loopback until interrupted; `ready` is told the base URL once connections are taken.

    Raises UsageError where the port can't be had.
    """
    listener = _listen(port)
    ready(_base_url(listener))
    with listener:
        _server(app).run(sockets=[listener])


@contextlib.contextmanager
def running(app: Any) -> Iterator[str]:
    """Serve on loopback from a thread for as long as the context lasts; gives the base URL."""
    listener = _listen(0)
    server = _server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="emulator", daemon=True)
    thread.start()
    try:
        yield _base_url(listener)
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(10)
        listener.close()


def _listen(port: int) -> socket.socket:
    # The protocol is named because asyncio sends small packets at once only on sockets that name it.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except (OSError, OverflowError):
        listener.close()
        raise UsageError(
            f"Port {port} can't be used on loopback.", hint="Choose another one, or 0 for any that is free."
        ) from None
    return listener


def _base_url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _server(app: Any) -> uvicorn.Server:
    import uvicorn

    config = uvicorn.Config(
        app, http="h11", ws="none", lifespan="off", log_config=None, log_level="critical", access_log=False
    )
    return uvicorn.Server(config)
