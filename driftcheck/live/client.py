"""The HTTP client: the only place that sends requests. GET only, to one origin, bounded in size and time.

No error raised here has a cause or context, which could hold the key: httpx and h11 quote headers. Of a response's
body, only the location and message of a 422's entries are quoted.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import re
import ssl
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from driftcheck import __version__
from driftcheck.errors import LiveError
from driftcheck.live.endpoint import LIST_PATH, Connection, is_loopback
from driftcheck.live.listing import Page, page_of
from driftcheck.redaction.known import holds_known, known_secrets, may_hold_known, value_without_known
from driftcheck.redaction.patterns import holds_credential, is_secret
from driftcheck.strict_json import MalformedError, parse

if TYPE_CHECKING:
    import httpx
    import tenacity

MAX_PAGE_BYTES: Final = 16 * 1024 * 1024
MAX_ERROR_BYTES: Final = 64 * 1024
MAX_READ_WAIT: Final = 10.0
"""Seconds without a byte after which a request is given up."""

MAX_RETRY_AFTER: Final = 60.0

RETRIED: Final = frozenset({429, 500, 502, 503, 504})

_PROXY_HINT: Final = "Check whether a proxy, gateway or VPN is in between, or try again later."
_PROXY_VARIABLES: Final = "Check HTTPS_PROXY, ALL_PROXY and NO_PROXY."
_ADDRESS_HINT: Final = (
    "Check the endpoint: self-hosted control planes are at https://<langsmith-host>/api-host, "
    "the vendor's at https://api.host.langchain.com, or of another region (--region)."
)
_REGION_HINT: Final = "whether the key belongs to this endpoint's region (--region, LANGSMITH_ENDPOINT)"


class TransientError(LiveError):
    """A failure that may be temporary; `retry_after` in seconds, if the response set it."""

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


@dataclass(slots=True)
class Client:
    """An open client, shared by the threads of one fetch."""

    connection: Connection
    http: httpx.Client
    proxy: str | None
    """Host and port of the proxy in use, for messages."""
    deadline: float
    """On the monotonic clock."""
    sleep: Callable[[float], None]
    """Waits between attempts, given seconds."""
    stop: threading.Event
    """Set when no more responses are needed."""
    sent: list[None]
    """Grows by one with each request."""

    def left(self) -> float:
        """Return the seconds that are left; raises LiveError if there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0 or self.stop.is_set():
            raise self.out_of_time()
        return left

    def close(self) -> None:
        """Send no more requests and close all connections, also those in use."""
        self.stop.set()
        self.http.close()

    def out_of_time(self) -> LiveError:
        """Return the error for a fetch that took longer than it may."""
        return LiveError(
            f"the control plane did not answer in time (--timeout {self.connection.timeout:g} seconds)",
            hint="Raise --timeout, or check whether the service or a proxy is slow.",
        )


@contextlib.contextmanager
def opened(connection: Connection, sleep: Callable[[float], None] | None = None) -> Iterator[Client]:
    """Open a client and start the clock of a fetch; raises LiveError if certificates or proxy can't be used."""
    import httpx

    deadline = time.monotonic() + connection.timeout
    stop = threading.Event()

    def wait(seconds: float) -> None:
        stop.wait(seconds)

    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": f"driftcheck/{__version__}",
        "X-Api-Key": connection.api_key,
    }
    if connection.workspace is not None:
        headers["X-Tenant-Id"] = connection.workspace
    proxy = proxy_for(connection.endpoint)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=connection.concurrency)
    trust = _trust(connection)
    try:
        http = httpx.Client(headers=headers, verify=trust, proxy=proxy, trust_env=False, limits=limits)
    except ImportError:
        raise LiveError(
            "the proxy of the environment is a SOCKS proxy, which needs an additional package",
            hint="Install it with: pip install 'httpx[socks]', or set NO_PROXY for this host.",
        ) from None
    except Exception:  # whatever it is, it may quote a proxy's password
        raise LiveError("the proxy of the environment can't be used", hint=_PROXY_VARIABLES) from None
    proxy_host = urlsplit(proxy).netloc.rpartition("@")[2] if proxy else None  # without its user part
    client = Client(connection, http, proxy_host, deadline, sleep or wait, stop, [])
    try:
        yield client
    finally:
        client.close()


def proxy_for(endpoint: str) -> str | None:
    """Return the proxy that the environment names for an endpoint, None if the host is to be reached directly.

    The standard library reads HTTPS_PROXY, ALL_PROXY and the system's settings; more forms of NO_PROXY than it knows
    are matched here. Loopback is always reached directly.
    """
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or is_loopback(host) or urllib.request.proxy_bypass(parts.netloc):
        return None
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    entries = proxies.get("no", "").replace(",", " ").split()
    if any(_covers(entry, host.rstrip("."), port) for entry in entries):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


_ENTRY: Final = re.compile(r"(?:\[(?P<literal>[^\]]*)\]|(?P<name>[^:]*))(?::(?P<port>[0-9]{1,5}))?")


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Return whether an entry of NO_PROXY (`*`, a domain, address or network; perhaps with a port) covers a host."""
    parts = _ENTRY.fullmatch(entry)
    if parts is not None and parts["port"] and int(parts["port"]) != port:
        return False
    covered = entry if parts is None else parts["literal"] or parts["name"] or ""
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(covered, strict=False)
    except ValueError:
        domain = covered.lower().removeprefix("*").strip(".")
        return covered == "*" or (domain != "" and f".{host}".endswith(f".{domain}"))


def _trust(connection: Connection) -> ssl.SSLContext:
    """Return the certificates to trust: `ca_file`, else SSL_CERT_FILE or SSL_CERT_DIR, else certifi's.

    `ssl.create_default_context` is not used because it fails if SSLKEYLOGFILE can't be written.
    Raises LiveError if the certificates can't be read; plain http needs none, and loading them takes time.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if connection.endpoint.startswith("http:"):
        return context
    file, folder = connection.ca_file or os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        if file:
            context.load_verify_locations(cafile=file)
        elif folder:
            context.load_verify_locations(capath=folder)
        else:
            import certifi

            context.load_verify_locations(cafile=certifi.where())
    except OSError:
        raise LiveError(
            "the trusted certificates can't be read",
            hint="Check --ca-file, SSL_CERT_FILE and SSL_CERT_DIR: they name PEM files or a folder of them.",
        ) from None
    return context


def ask(client: Client, params: Mapping[str, str]) -> Page:
    """Return one page, after retries if they may help; raises LiveError."""
    import tenacity

    waits = tenacity.wait_random_exponential(multiplier=0.5, max=20)

    def wait(state: tenacity.RetryCallState) -> float:
        asked = getattr(state.outcome and state.outcome.exception(), "retry_after", None)
        return waits(state) if asked is None else float(asked)

    def stop(state: tenacity.RetryCallState) -> bool:
        too_late = time.monotonic() + state.upcoming_sleep >= client.deadline
        return state.attempt_number > client.connection.retries or too_late or client.stop.is_set()

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        wait=wait,
        stop=stop,
        sleep=client.sleep,
        reraise=True,
    )
    try:
        return retrying(_ask_once, client, params)
    except TransientError as error:
        attempts = retrying.statistics.get("attempt_number", 1)
        what, colon, why = error.message.partition(": ")
        times = f" ({attempts} attempts)" if attempts > 1 else ""
        raise LiveError(f"{what}{times}{colon}{why}", hint=error.hint) from None


def _ask_once(client: Client, params: Mapping[str, str]) -> Page:
    body = _send(client, params)
    try:
        value = parse(body)
        secrets = known_secrets([client.connection.api_key])
        if may_hold_known(body, secrets):
            value = value_without_known(value, secrets)
        return page_of(value, len(body))
    except MalformedError as problem:
        raise malformed(body, problem) from None


def _send(client: Client, params: Mapping[str, str]) -> bytes:
    """Send one request and return the body of a response with status 200; everything else is raised."""
    import httpx

    url = client.connection.endpoint + LIST_PATH
    timeout = httpx.Timeout(min(MAX_READ_WAIT, client.left()))
    client.sent.append(None)
    failure: LiveError
    try:
        with client.http.stream("GET", url, params=dict(params), timeout=timeout) as response:
            body = _body(response, client)
        if response.status_code == 200:
            return body
        failure = refused(response.status_code, response.headers, body, api_key=client.connection.api_key)
    except LiveError:
        raise
    except Exception as error:  # fourteen kinds were measured, and some quote the key
        failure = _no_answer(error, client.proxy)
    raise failure


def _body(response: httpx.Response, client: Client) -> bytes:
    """Return a body of at most the allowed size, also when unpacked; an error's body is cut there instead."""
    is_good = response.status_code == 200
    limit = MAX_PAGE_BYTES if is_good else MAX_ERROR_BYTES
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise LiveError("unsupported Content-Encoding in the response", hint=_PROXY_HINT)
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS) if "gzip" in encoding else None
    body = bytearray()
    for chunk in response.iter_raw():
        client.left()
        body += chunk if unpack is None else unpack.decompress(chunk, limit + 1)
        if len(body) > limit and is_good:
            mib = MAX_PAGE_BYTES // 1024 // 1024
            raise LiveError(f"one page of the listing is larger than {mib} MiB", hint=_PROXY_HINT)
        if len(body) > limit:
            return bytes(body)
    if unpack is not None and not unpack.eof:
        raise TransientError("the response was cut off", hint=_PROXY_HINT)
    return bytes(body)


# --- what a failure means ---


def malformed(body: bytes, problem: MalformedError) -> LiveError:
    """Return the error for a status 200 with a body that is not a listing; a retry may help if it was cut off."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return LiveError(
            "the response is HTML, not JSON: something else answers at this address",
            hint=f"{_ADDRESS_HINT} A login page or captive portal may be in between.",
        )
    if not body.strip():
        return TransientError("the response is empty", hint=_PROXY_HINT)
    if problem.cut:
        return TransientError("the response was cut off", hint=_PROXY_HINT)
    return LiveError(f"the response is not a list of deployments: {problem}", hint=_ADDRESS_HINT)


def refused(status: int, headers: Mapping[str, str], body: bytes, *, api_key: str) -> LiveError:
    """Return the error for a status other than 200 (docs/API.md 1.5); header names are in lower case."""
    if status in RETRIED:
        what = "the control plane has received too many requests" if status == 429 else "the control plane failed"
        return TransientError(
            f"{what} ({status})",
            hint="Try again later, or send fewer requests at once: --concurrency 1." if status == 429 else _PROXY_HINT,
            retry_after=retry_after(headers.get("retry-after"), headers.get("date")),
        )
    if 300 <= status < 400:
        return LiveError(
            f"the control plane redirects ({status}) to {_host(headers.get('location'), api_key)}; "
            "the redirect was not followed because it would send the API key there",
            hint="If that address is right, use it as the endpoint.",
        )
    if status == 422:
        return LiveError(
            f"the control plane rejected the request (422){_complaints(body, api_key)}",
            hint="Check the filters, if any were given; otherwise the service may be newer than this driftcheck.",
        )
    message, hint = _forbidden(body) if status == 403 else _REFUSALS.get(status, _UNEXPECTED)
    return LiveError(f"{message} ({status})", hint=hint)


_UNEXPECTED: Final = ("unexpected response from the control plane", _ADDRESS_HINT)

_REFUSALS: Final[Mapping[int, tuple[str, str]]] = {
    204: ("the response is empty", _ADDRESS_HINT),
    401: ("the API key was not accepted", f"Check the key, whether it has expired, and {_REGION_HINT}."),
    404: (
        "no list of deployments at this address",
        "The endpoint is probably wrong: self-hosted control planes are at https://<langsmith-host>/api-host, "
        "and each region of the vendor has its own.",
    ),
    407: ("the proxy requires authentication", _PROXY_VARIABLES),
}


def _forbidden(body: bytes) -> tuple[str, str]:
    detail = _detail(body)
    text = detail.lower() if isinstance(detail, str) else ""
    if "requires workspace specification" in text:
        return (
            "the API key belongs to an organization and needs a workspace",
            "Name the workspace with --workspace or LANGSMITH_WORKSPACE_ID.",
        )
    if "not enabled" in text:
        return (
            "LangSmith Deployment is not enabled for this organization",
            f"Check the key, the workspace, and {_REGION_HINT}; an administrator can enable it.",
        )
    return (
        "the API key may not list the deployments of this workspace",
        "It needs the permission deployments:read (a Workspace Viewer has it). Check the workspace, "
        f"{_REGION_HINT}, and whether a firewall is in between.",
    )


def _detail(body: bytes) -> object:
    try:
        value = parse(body)
    except MalformedError:
        return None
    return value.get("detail") if isinstance(value, dict) else None


def _complaints(body: bytes, api_key: str) -> str:
    """Return the `loc` and `msg` of a 422's entries, escaped and cut, never their `input`."""
    detail = _detail(body)
    entries = [entry for entry in detail if isinstance(entry, dict)] if isinstance(detail, list) else []
    quoted = "; ".join(f"{_location(entry.get('loc'))}: {entry.get('msg')}" for entry in entries[:3])
    if not quoted or holds_known(quoted, known_secrets([api_key])) or is_secret(quoted):
        return ""
    return ": " + json.dumps(quoted)[1:-1].replace("\x7f", "\\u007f")[:300]


def _location(loc: object) -> str:
    return ".".join(map(str, loc)) if isinstance(loc, list) else str(loc)


def _host(location: str | None, api_key: str) -> str:
    try:
        host = urlsplit(location or "").hostname
    except ValueError:
        host = None
    if host is None or re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", host) is None:
        return "another address"
    is_secret_host = holds_known(host, known_secrets([api_key])) or holds_credential(host)
    return "another address" if is_secret_host else host


def retry_after(text: str | None, date: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, from 0 to 60; None if it is not valid.

    A date counts from the response's own Date header, so that the local clock does not matter (RFC 9110, 10.2.3).
    """
    stripped = (text or "").strip()
    if re.fullmatch(r"[0-9]{1,20}", stripped):
        return min(float(stripped), MAX_RETRY_AFTER)
    try:
        seconds = (parsedate_to_datetime(stripped) - parsedate_to_datetime(date or "")).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _no_answer(error: Exception, proxy: str | None) -> LiveError:
    """Return the error for a request without a response, only from the kinds of the exceptions.

    Their texts may quote the key.
    """
    import socket

    import httpx

    kinds = [*_chain(error)]
    through = f" through the proxy {proxy}" if proxy else ""
    address = f"{_ADDRESS_HINT} {_PROXY_VARIABLES if proxy else _PROXY_HINT}"

    def is_a(*types: type[BaseException]) -> bool:
        return any(isinstance(kind, types) for kind in kinds)

    if is_a(ssl.SSLCertVerificationError):
        return LiveError(
            f"the control plane's certificate is not trusted, has expired or is for another host{through}",
            hint="Name the certificates of your organization's own authority with --ca-file or SSL_CERT_FILE.",
        )
    if is_a(ssl.SSLError):
        return LiveError(f"could not establish a TLS connection to the control plane{through}", hint=address)
    if is_a(httpx.ProxyError):
        return TransientError(f"the proxy {proxy} refused the connection", hint=_PROXY_VARIABLES)
    if is_a(socket.gaierror):
        whose = f"the proxy {proxy}" if proxy else "the control plane"
        return TransientError(f"could not connect to {whose}: unknown host name", hint=address)
    if is_a(httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
        why = ": connection refused" if is_a(ConnectionRefusedError) else ""
        why = ": timed out" if is_a(httpx.ConnectTimeout, httpx.PoolTimeout) else why
        return TransientError(f"could not connect to the control plane{through}{why}", hint=address)
    if is_a(httpx.TimeoutException):
        return TransientError(f"the control plane sent nothing for a while{through}", hint=_PROXY_HINT)
    if is_a(httpx.TransportError, zlib.error, OSError):
        return TransientError(f"the connection to the control plane was lost{through}", hint=_PROXY_HINT)
    return LiveError(f"the request could not be sent ({type(error).__name__})", hint=_ADDRESS_HINT)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
