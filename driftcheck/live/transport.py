"""The one place that sends requests: GET only, to the configured origin only, bounded in size and time.

Nothing raised here has a cause or context that could hold the key: httpx and h11 quote headers.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from driftcheck import __version__
from driftcheck.credentials import holds_credential
from driftcheck.errors import LiveError
from driftcheck.live.connection import LIST_PATH, Connection, is_loopback
from driftcheck.live.listing import MalformedError, Page, parse_json, parse_page

if TYPE_CHECKING:
    import httpx
    import tenacity

MAX_PAGE_BYTES: Final = 16 * 1024 * 1024
MAX_ERROR_BYTES: Final = 64 * 1024
MAX_READ_WAIT: Final = 10.0
"""Seconds without a byte after which an answer is given up."""
MAX_RETRY_AFTER: Final = 60.0

_RETRIED: Final = frozenset({429, 500, 502, 503, 504})


class _TransientError(LiveError):
    """A failure that asking again may cure; `retry_after` in seconds, where the answer said so."""

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Exchange:
    """How every request of one fetch is sent, and what became of it."""

    connection: Connection
    trust: ssl.SSLContext
    deadline: float
    """On the monotonic clock."""
    sleep: Callable[[float], None]
    """Waits between attempts, given seconds."""
    stop: threading.Event
    """Set when nobody waits for answers any more."""
    sent: list[None]
    """Grows by one with each request that is sent."""

    def left(self) -> float:
        """Give the seconds that are left; raises LiveError where there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0 or self.stop.is_set():
            raise out_of_time(self.connection)
        return left


def begin(connection: Connection, sleep: Callable[[float], None] | None) -> Exchange:
    """Start the clock of a fetch; raises LiveError where the trusted certificates can't be read."""
    deadline = time.monotonic() + connection.timeout
    stop = threading.Event()

    def wait(seconds: float) -> None:
        stop.wait(seconds)

    return Exchange(connection, _trust(connection), deadline, sleep or wait, stop, [])


def out_of_time(connection: Connection) -> LiveError:
    """Give the error for a fetch that took longer than it may."""
    return LiveError(
        f"The control plane did not answer in time: the whole fetch may take {connection.timeout:g} seconds.",
        hint="Raise --timeout, or look whether the service or a proxy is slow.",
    )


def _trust(connection: Connection) -> ssl.SSLContext:
    """Give the certificates to trust: `ca_file`, else SSL_CERT_FILE or SSL_CERT_DIR, else those of httpx.

    Raises LiveError where they can't be read. Plain http on loopback needs none, and loading them takes time.
    """
    if _is_local(connection):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    import httpx

    try:
        if connection.ca_file is not None:
            return ssl.create_default_context(cafile=connection.ca_file)
        return httpx.create_ssl_context()
    except OSError:
        raise LiveError(
            "The file of trusted certificates can't be read.",
            hint="Check --ca-file, SSL_CERT_FILE and SSL_CERT_DIR: they name PEM files or a folder of them.",
        ) from None


def _is_local(connection: Connection) -> bool:
    parts = urlsplit(connection.endpoint)
    return parts.scheme == "http" and is_loopback(parts.hostname or "")


def open_client(exchange: Exchange) -> httpx.Client:
    """Open a client of one connection; proxies come from the environment, except for plain http on loopback."""
    import httpx

    connection = exchange.connection
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": f"driftcheck/{__version__}",
        "X-Api-Key": connection.api_key,
    }
    if connection.workspace is not None:
        headers["X-Tenant-Id"] = connection.workspace
    try:
        return httpx.Client(
            headers=headers,
            verify=exchange.trust,
            trust_env=not _is_local(connection),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
        )
    except Exception:  # whatever it is, it may quote a proxy's password
        raise LiveError(
            "The client can't be set up with the proxies of the environment.",
            hint="Check HTTPS_PROXY, ALL_PROXY and NO_PROXY.",
        ) from None


def ask(client: httpx.Client, exchange: Exchange, params: Mapping[str, str]) -> Page:
    """Ask for one page, again after a while where that may help; raises LiveError."""
    import tenacity

    retries, waits = exchange.connection.retries, tenacity.wait_random_exponential(multiplier=0.5, max=20)

    def wait(state: tenacity.RetryCallState) -> float:
        asked = getattr(state.outcome and state.outcome.exception(), "retry_after", None)
        return waits(state) if asked is None else float(asked)

    def stop(state: tenacity.RetryCallState) -> bool:
        too_late = time.monotonic() + state.upcoming_sleep >= exchange.deadline
        return state.attempt_number > retries or too_late or exchange.stop.is_set()

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_TransientError),
        wait=wait,
        stop=stop,
        sleep=exchange.sleep,
        reraise=True,
    )
    try:
        return retrying(_ask_once, client, exchange, params)
    except _TransientError as error:
        attempts = retrying.statistics.get("attempt_number", 1)
        times = "once" if attempts == 1 else f"{attempts} times"
        raise LiveError(f"{error.message.removesuffix('.')} (asked {times}).", hint=error.hint) from None


def _ask_once(client: httpx.Client, exchange: Exchange, params: Mapping[str, str]) -> Page:
    body = _send(client, exchange, params)
    try:
        return parse_page(body)
    except MalformedError as error:
        if not error.cut:
            raise _wrong_shape(body, str(error)) from None
    if not body.strip():
        raise _TransientError("The control plane's answer is empty.", hint=_PROXY_HINT)
    if _is_html(body):
        raise _html() from None
    raise _TransientError("The control plane's answer was cut off.", hint=_PROXY_HINT)


_PROXY_HINT: Final = "Look whether a proxy, gateway or VPN stands between; try again later."
_ADDRESS_HINT: Final = (
    "Check the endpoint: self-hosted control planes are at https://<langsmith-host>/api-host, "
    "the vendor's at https://api.host.langchain.com."
)


def _is_html(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _html() -> LiveError:
    return LiveError(
        "The answer is HTML, not the API: something else answers at this address.",
        hint=f"{_ADDRESS_HINT} A login page or captive portal may stand between.",
    )


def _wrong_shape(body: bytes, reason: str) -> LiveError:
    if _is_html(body):
        return _html()
    return LiveError(f"The answer is no listing of deployments: {reason}.", hint=_ADDRESS_HINT)


def _send(client: httpx.Client, exchange: Exchange, params: Mapping[str, str]) -> bytes:
    """Send one request and give the body of a good answer; everything else is raised."""
    import httpx

    endpoint = exchange.connection.endpoint
    left = min(MAX_READ_WAIT, exchange.left())
    request = client.build_request("GET", endpoint + LIST_PATH, params=dict(params), timeout=httpx.Timeout(left))
    exchange.sent.append(None)
    failure: LiveError
    try:
        response = client.send(request, stream=True)
        try:
            body = _body(response, exchange, MAX_PAGE_BYTES if response.status_code == 200 else MAX_ERROR_BYTES)
        finally:
            response.close()
        if response.status_code == 200:
            return body
        failure = _refused(exchange.connection, response, body)
    except LiveError:
        raise
    except Exception as error:  # fourteen kinds were measured, and some quote the key
        failure = _no_answer(error)
    raise failure


def _body(response: httpx.Response, exchange: Exchange, limit: int) -> bytes:
    """Read a body of at most `limit` bytes, also when unpacked; an error's body is cut there instead."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise LiveError("The answer is packed in a way that was not asked for.", hint=_PROXY_HINT)
    body = bytearray()
    for chunk in _unpacked(response.iter_raw(), exchange, limit + 1, gzip="gzip" in encoding):
        body += chunk
        if len(body) > limit and response.status_code == 200:
            mib = MAX_PAGE_BYTES // 1024 // 1024
            raise LiveError(f"One page of the listing is larger than {mib} MiB.", hint=_PROXY_HINT)
        if len(body) > limit:
            break
    return bytes(body)


def _unpacked(chunks: Iterator[bytes], exchange: Exchange, limit: int, *, gzip: bool) -> Iterator[bytes]:
    """Give the chunks, unpacked in pieces of at most `limit` bytes; raises where the packing is damaged or cut."""
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS) if gzip else None
    for chunk in chunks:
        exchange.left()
        yield chunk if unpack is None else unpack.decompress(chunk, limit)
    if unpack is not None and not unpack.eof:
        raise _TransientError("The control plane's answer was cut off.", hint=_PROXY_HINT)


def _no_answer(error: Exception) -> LiveError:
    """Say why there was no answer, from the kinds of the errors alone; their texts may quote the key."""
    import socket

    import httpx

    kinds = [*_chain(error)]
    if any(isinstance(kind, ssl.SSLCertVerificationError) for kind in kinds):
        return LiveError(
            "The control plane's certificate is not trusted, has expired or is for another host.",
            hint="Name the certificates of your organization's own authority with --ca-file or SSL_CERT_FILE.",
        )
    if any(isinstance(kind, ssl.SSLError) for kind in kinds):
        return LiveError("No TLS connection to the control plane came about.", hint=f"{_ADDRESS_HINT} {_PROXY_HINT}")
    if any(isinstance(kind, socket.gaierror) for kind in kinds):
        return _TransientError("The control plane's host name is not known.", hint=_ADDRESS_HINT)
    if any(isinstance(kind, httpx.ProxyError) for kind in kinds):
        return _TransientError("The proxy refused the connection.", hint="Check HTTPS_PROXY, ALL_PROXY and NO_PROXY.")
    if any(isinstance(kind, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout) for kind in kinds):
        return _TransientError("No connection to the control plane came about.", hint=f"{_ADDRESS_HINT} {_PROXY_HINT}")
    if any(isinstance(kind, httpx.TimeoutException) for kind in kinds):
        return _TransientError("The control plane sent nothing for a while.", hint=_PROXY_HINT)
    if any(isinstance(kind, httpx.TransportError | zlib.error | OSError) for kind in kinds):
        return _TransientError("The connection to the control plane broke off.", hint=_PROXY_HINT)
    return LiveError(f"The request could not be sent ({type(error).__name__}).", hint=_ADDRESS_HINT)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refused(connection: Connection, response: httpx.Response, body: bytes) -> LiveError:
    """Say what an answer other than 200 means (API.md 1.5)."""
    status = response.status_code
    if status in _RETRIED:
        what = "asks to wait: too many requests" if status == 429 else "has a problem of its own"
        return _TransientError(
            f"The control plane {what} ({status}).",
            hint="Try again later; fewer requests at once: --concurrency 1." if status == 429 else _PROXY_HINT,
            retry_after=retry_after(response.headers.get("retry-after"), response.headers.get("date")),
        )
    if 300 <= status < 400:
        return LiveError(
            f"The control plane redirects ({status}) to {_host(response.headers.get('location'))}, "
            "which is not followed: it would be given the API key.",
            hint="Where that address is right, use it as the endpoint.",
        )
    if status == 422:
        return LiveError(f"The control plane does not accept the request (422){_complaints(connection, body)}.")
    if status == 403:
        message, hint = _forbidden(body)
    else:
        message, hint = _REFUSALS.get(status, ("The control plane gave an answer that makes no sense", _ADDRESS_HINT))
    return LiveError(f"{message} ({status}).", hint=hint)


_REFUSALS: Final[Mapping[int, tuple[str, str]]] = {
    204: ("The answer is empty", _ADDRESS_HINT),
    401: (
        "The API key is not accepted",
        "Check the key, whether it has expired, and whether it belongs to this endpoint's region.",
    ),
    404: (
        "There is no list of deployments at this address",
        "The endpoint is probably wrong: self-hosted control planes are at https://<langsmith-host>/api-host, "
        "and each region of the vendor has its own.",
    ),
}


def _forbidden(body: bytes) -> tuple[str, str]:
    detail = _detail(body)
    text = detail.lower() if isinstance(detail, str) else ""
    if "requires workspace specification" in text:
        return (
            "The key belongs to an organization, so the workspace must be named",
            "Name it with --workspace, or in LANGSMITH_WORKSPACE_ID.",
        )
    if "not enabled" in text:
        return (
            "LangSmith Deployment is not enabled for this organization",
            "Check that key and workspace belong to the organization you mean; an administrator can enable it.",
        )
    return (
        "The key may not list the deployments of this workspace",
        "It needs the permission deployments:read (a Workspace Viewer has it). Check --workspace too, and whether "
        "a firewall stands between.",
    )


def _detail(body: bytes) -> object:
    try:
        value = parse_json(body)
    except MalformedError:
        return None
    return value.get("detail") if isinstance(value, dict) else None


def _complaints(connection: Connection, body: bytes) -> str:
    """Quote the `loc` and `msg` of a 422's errors, never their `input`."""
    detail = _detail(body)
    entries = [entry for entry in detail if isinstance(entry, dict)] if isinstance(detail, list) else []
    told = [f"{_location(entry.get('loc'))}: {entry.get('msg')}" for entry in entries[:3]]
    text = json.dumps("; ".join(told))[1:-1].replace("\x7f", "\\u007f")[:300]
    return f": {text}" if text and connection.api_key not in text and not holds_credential(text) else ""


def _location(loc: object) -> str:
    return ".".join(map(str, loc)) if isinstance(loc, list) else str(loc)


def _host(location: str | None) -> str:
    try:
        host = urlsplit(location or "").hostname
    except ValueError:
        host = None
    return host if host and re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", host) else "another address"


def retry_after(text: str | None, date: str | None) -> float | None:
    """Give the seconds that a Retry-After header asks for, from 0 to 60; None where it makes no sense.

    A date counts from the answer's own Date header, so that no clock of ours matters (RFC 9110, 10.2.3).
    """
    stripped = (text or "").strip()
    if re.fullmatch(r"[0-9]{1,20}", stripped):
        return min(float(stripped), MAX_RETRY_AFTER)
    try:
        seconds = (parsedate_to_datetime(stripped) - parsedate_to_datetime(date or "")).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)
