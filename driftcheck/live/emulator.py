"""An emulated control plane on loopback: lists a snapshot like the service, and accepts documented writes if enabled.

Needs the extra `emulator`.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from driftcheck.errors import UsageError
from driftcheck.live import writes
from driftcheck.live.endpoint import LIST_PATH
from driftcheck.live.listing import FILTERS, in_scope
from driftcheck.model import JSON, Deployment
from driftcheck.strict_json import MalformedError, parse

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

ORDERS: Final = ("given", "reversed", "name", "newest", "random")
"""`newest` sorts by `created_at`, latest first; `random` reorders every response."""

TYPES: Final = ("dev_free", "dev", "prod", "dev_zero", "dev_free_zero")
"""What the filter `deployment_type` accepts (docs/API.md 1.2)."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How an emulated control plane behaves; raises UsageError for an order that does not exist."""

    order: str = "given"
    seed: int = 0
    latency: float = 0.0
    """Seconds before every response."""
    status: int = 200
    """With another value, every response has this status and no deployments."""
    writable: bool = False
    """Whether POST and PATCH are taken."""
    api_key: str | None = None
    """The only key that is accepted; any key if it is None."""
    workspace: str | None = None
    """The only workspace that the key may list."""
    require_workspace: bool = False
    enabled: bool = True
    """Whether the product is enabled for the organization."""
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of the deployments with a tag value, by its id."""

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise UsageError(f"order must be one of {', '.join(ORDERS)}.")


def create_app(deployments: Iterable[JSON], behaviour: Behaviour | None = None) -> Starlette:
    """Return an ASGI application that serves the deployments (in the form of the API), also below `/api-host`."""
    return app_of(Emulator(deployments, behaviour or Behaviour()))


def app_of(emulator: Emulator) -> Starlette:
    """Return the ASGI application of an emulator; raises UsageError if the extra is not installed."""
    try:
        from starlette.applications import Starlette
        from starlette.routing import Route
    except ImportError:
        raise UsageError(
            "The emulator is not installed.", hint="Install it with: pip install 'langsmith-driftcheck[emulator]'"
        ) from None
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
    routes = [
        Route(f"{prefix}{LIST_PATH}{rest}", answer, methods=methods)
        for prefix in ("", "/api-host")
        for rest, answer in (
            ("", emulator.answer_list),
            ("/{id}", emulator.answer_one),
            ("/{id}/{tiers}", emulator.answer_one),
        )
    ]
    return Starlette(routes=[*routes, Route("/{rest:path}", _not_found, methods=methods)])


async def _not_found(_: Request) -> Response:
    return respond({"detail": "Not Found"}, 404)


def respond(value: JSON, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a JSON body."""
    from starlette.responses import Response

    return Response(json.dumps(value), status, dict(headers or {}), "application/json")


def listed(value: JSON) -> Deployment:
    """Return an item as the service lists it; secrets of a snapshot, which are names only, get a null value.

    An item without a name stays one: a client must notice this fault of a service.
    """
    value = value if isinstance(value, dict) else {}
    secrets = value.get("secrets")
    if isinstance(secrets, list):
        value = {**value, "secrets": [{"value": None, **s} if isinstance(s, dict) else s for s in secrets]}
    return Deployment(str(value.get("name") or ""), value)


class Emulator:
    """One emulated control plane: the deployments of a workspace, which writes may change."""

    def __init__(self, deployments: Iterable[JSON], behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.deployments = ordered(map(listed, deployments), behaviour.order)
        self._random = random.Random(behaviour.seed)  # noqa: S311 - a shuffle, not a secret
        self._texts: dict[int, tuple[Deployment, str]] = {}

    async def answer_list(self, request: Request) -> Response:
        """Answer a request for the list, or create a deployment."""
        if (refusal := await self._refusal(request, "GET", "POST")) is not None:
            return refusal
        if request.method == "POST":
            return await self._write(request, None)
        query, complaints = parse_query(request.query_params)
        return respond({"detail": complaints}, 422) if complaints else self.page(query)

    async def answer_one(self, request: Request) -> Response:
        """Answer a request for one deployment, or change it or its tiers."""
        tiers = request.path_params.get("tiers")
        if tiers not in (None, *_TIERS):
            return await _not_found(request)
        if (refusal := await self._refusal(request, *(("PATCH",) if tiers else ("GET", "PATCH")))) is not None:
            return refusal
        position = self._position(request)
        if position is None:
            return _unknown(request)
        if request.method == "PATCH":
            return await self._write(request, position)
        return respond(self.deployments[position].value)

    def page(self, query: Mapping[str, Any]) -> Response:
        """Return the page of the list that an understood query asks for."""
        found = self.filtered(query)
        page = found[query["offset"] : query["offset"] + query["limit"]]
        return self.page_of(page, query["offset"] + len(page))

    def page_of(self, page: Iterable[Deployment], offset: int) -> Response:
        """Return a page with these deployments; each is written as JSON once, because lists are long and read often."""
        from starlette.responses import Response

        texts = []
        for deployment in page:
            if id(deployment) not in self._texts:
                self._texts[id(deployment)] = (deployment, json.dumps(deployment.value))
            texts.append(self._texts[id(deployment)][1])
        return Response(f'{{"resources": [{", ".join(texts)}], "offset": {offset}}}', media_type="application/json")

    def filtered(self, query: Mapping[str, Any]) -> list[Deployment]:
        """Return the deployments that pass the filters of a query, in the order of this response."""
        found = self.deployments
        if self.behaviour.order == "random":
            found = self._random.sample(found, len(found))
        scope = {name: value for name, value in query.items() if name in FILTERS and isinstance(value, str) and value}
        remote = query.get("remote_reconciled")
        if not scope and remote is None:
            return found
        tags = [
            self.behaviour.tags.get(tag.strip(), ()) for tag in scope.get("tag_value_ids", "").split(",") if tag.strip()
        ]
        return [
            deployment
            for deployment in found
            if in_scope(deployment, scope)
            and all(deployment.name in names for names in tags)
            and (remote is None or remote == _is_remote(deployment))
        ]

    def _position(self, request: Request) -> int | None:
        wanted = request.path_params["id"]
        return next((index for index, found in enumerate(self.deployments) if found.id == wanted), None)

    async def _write(self, request: Request, position: int | None) -> Response:
        try:
            body = parse(await request.body())
            values = [deployment.value for deployment in self.deployments]
            if position is None:
                known = (value["tenant_id"] for value in values if value.get("tenant_id"))
                tenant = next(known, self.behaviour.workspace) or request.headers.get("x-tenant-id")
                made = writes.create(body, values, tenant)
                self.deployments.append(Deployment(str(made["name"]), made))
                return respond(made, 201)
            if (tiers := request.path_params.get("tiers")) is not None:
                made = writes.set_tiers(values[position], body, _TIERS[tiers])
            else:
                made = writes.patch(values[position], body)
        except MalformedError as problem:
            entry: JSON = {"type": "json_invalid", "loc": ["body", 0], "msg": f"JSON decode error: {problem}"}
            return respond({"detail": [entry]}, 422)
        except writes.RefusedError as refused:
            return respond({"detail": refused.detail}, refused.status)
        self.deployments[position] = Deployment(str(made["name"]), made)
        return respond(made)

    async def _refusal(self, request: Request, *methods: str) -> Response | None:
        """Return the answer to a request that is not allowed (docs/API.md 1.3 and 1.5), None for all others."""
        behaviour = self.behaviour
        if behaviour.latency:
            await asyncio.sleep(behaviour.latency)
        if behaviour.status != 200:
            return respond({"detail": "Every response of this emulator has this status (--status)."}, behaviour.status)
        allowed = [method for method in methods if method == "GET" or behaviour.writable]
        if request.method not in allowed:
            return respond({"detail": "Method Not Allowed"}, 405, {"Allow": ", ".join(allowed)})
        authorization = request.headers.get("authorization", "")
        key = request.headers.get("x-api-key") or authorization.removeprefix("Bearer ")
        workspace = request.headers.get("x-tenant-id")
        if not key or (behaviour.api_key is not None and key != behaviour.api_key):
            return respond({"detail": "Invalid API key"}, 401)
        if not behaviour.enabled:
            return respond({"detail": "LangSmith Deployment is not enabled for this organization"}, 403)
        if behaviour.require_workspace and not workspace:
            detail = "This API key requires workspace specification in the X-Tenant-Id header"
            return respond({"detail": detail}, 403)
        if behaviour.workspace and workspace and workspace.lower() != behaviour.workspace.lower():
            return respond({"detail": "Forbidden"}, 403)
        return None


_TIERS: Final[Mapping[str, tuple[str, ...]]] = {
    "resource-tiers": ("compute_tier", "database_tier"),
    "deployment-tier": ("deployment_tier",),
}
"""The fields that each of the endpoints for sizes takes (docs/API.md 6.9)."""


def _unknown(request: Request) -> Response:
    return respond({"detail": f"Deployment ID {request.path_params['id']} not found."}, 404)


def _is_remote(deployment: Deployment) -> bool:
    config = deployment.value.get("source_config")
    return isinstance(config, dict) and config.get("listener_id") is not None


def ordered(deployments: Iterable[Deployment], order: str) -> list[Deployment]:
    """Return deployments in one of `ORDERS`; `random` does not sort them, since each response is reordered."""
    found = list(deployments)
    if order == "reversed":
        return found[::-1]
    if order == "name":
        return sorted(found, key=lambda deployment: deployment.name)
    if order == "newest":
        return sorted(found, key=lambda deployment: str(deployment.value.get("created_at")), reverse=True)
    return found


def parse_query(params: Mapping[str, str]) -> tuple[dict[str, Any], list[JSON]]:
    """Return the values of a query as the service reads it, and the entries of a 422."""
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


def serve(app: Any, *, port: int = 0, ready: Callable[[str], None]) -> None:
    """Serve on loopback until interrupted; `ready` gets the base URL once connections are accepted.

    Raises UsageError if the port is not available.
    """
    listener = _listen(port)
    ready(f"http://127.0.0.1:{listener.getsockname()[1]}")
    with listener:
        import uvicorn

        config = uvicorn.Config(
            app, http="h11", ws="none", lifespan="off", log_config=None, log_level="critical", access_log=False
        )
        uvicorn.Server(config).run(sockets=[listener])


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
            f"Port {port} is not available on loopback.", hint="Choose another one, or 0 for any free port."
        ) from None
    return listener
