"""The one place that sends requests: GET only, to the configured origin only, bounded in size and time.

Nothing raised here has a cause or context that could hold the key: httpx and h11 quote headers.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from driftcheck import __version__
from driftcheck.errors import LiveError
from driftcheck.live.endpoint import LIST_PATH, Connection, is_loopback
from driftcheck.live.listing import Page, parse_page
from driftcheck.live.refusals import ADDRESS_HINT, PROXY_HINT, TransientError, malformed, refused
from driftcheck.strict_json import MalformedError

if TYPE_CHECKING:
    import httpx
    import tenacity

MAX_PAGE_BYTES: Final = 16 * 1024 * 1024
MAX_ERROR_BYTES: Final = 64 * 1024
MAX_READ_WAIT: Final = 10.0
"""Seconds without a byte after which an answer is given up."""


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
    turns: threading.Semaphore
    """Lets no more requests be under way at once than the connection allows."""
    idle: list[httpx.Client] = field(default_factory=list)
    """Clients of one connection each that wait for their next request."""
    sent: list[None] = field(default_factory=list)
    """Grows by one with each request that is sent."""

    def left(self) -> float:
        """Give the seconds that are left; raises LiveError where there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0 or self.stop.is_set():
            raise out_of_time(self.connection)
        return left


def load() -> None:
    """Load the libraries ahead of their first use, and what looking up a host name loads."""
    import encodings.idna

    import httpcore
    import httpx

    del encodings, httpcore, httpx


def begin(connection: Connection, sleep: Callable[[float], None] | None) -> Exchange:
    """Start the clock of a fetch; raises LiveError where the trusted certificates can't be read."""
    deadline = time.monotonic() + connection.timeout
    stop = threading.Event()

    def wait(seconds: float) -> None:
        stop.wait(seconds)

    turns = threading.Semaphore(connection.concurrency)
    return Exchange(connection, _trust(connection), deadline, sleep or wait, stop, turns)


def end(exchange: Exchange) -> None:
    """Have no more requests sent, and close the connections; one that is in use is closed when it comes back."""
    exchange.stop.set()
    while (client := _idle_client(exchange)) is not None:
        client.close()


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


@contextlib.contextmanager
def _client(exchange: Exchange) -> Iterator[httpx.Client]:
    """Lend a client of one connection for one request, once it is its turn; raises LiveError."""
    if not exchange.turns.acquire(timeout=exchange.left()):
        raise out_of_time(exchange.connection)
    try:
        client = _idle_client(exchange) or _open_client(exchange)
        try:
            yield client
        finally:
            exchange.idle.append(client)
    finally:
        exchange.turns.release()
        if exchange.stop.is_set():  # after the client came back: `end` may have been here before it did
            end(exchange)


def _idle_client(exchange: Exchange) -> httpx.Client | None:
    try:
        return exchange.idle.pop()
    except IndexError:
        return None


def _open_client(exchange: Exchange) -> httpx.Client:
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


def ask(exchange: Exchange, params: Mapping[str, str]) -> Page:
    """Ask for one page, again after a while where that may help; raises LiveError."""
    try:
        return _ask_once(exchange, params)
    except TransientError as error:
        return _ask_again(exchange, params, error)


def _ask_again(exchange: Exchange, params: Mapping[str, str], failure: TransientError) -> Page:
    """Go on where the first attempt failed, as long as there are attempts and time left; that one is counted, too."""
    import tenacity

    retries, waits = exchange.connection.retries, tenacity.wait_random_exponential(multiplier=0.5, max=20)
    failures = [failure]

    def attempt() -> Page:
        if failures:
            raise failures.pop()
        return _ask_once(exchange, params)

    def wait(state: tenacity.RetryCallState) -> float:
        asked = getattr(state.outcome and state.outcome.exception(), "retry_after", None)
        return waits(state) if asked is None else float(asked)

    def stop(state: tenacity.RetryCallState) -> bool:
        too_late = time.monotonic() + state.upcoming_sleep >= exchange.deadline
        return state.attempt_number > retries or too_late or exchange.stop.is_set()

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        wait=wait,
        stop=stop,
        sleep=exchange.sleep,
        reraise=True,
    )
    try:
        return retrying(attempt)
    except TransientError as error:
        attempts = retrying.statistics.get("attempt_number", 1)
        times = "once" if attempts == 1 else f"{attempts} times"
        raise LiveError(f"{error.message.removesuffix('.')} (asked {times}).", hint=error.hint) from None


def _ask_once(exchange: Exchange, params: Mapping[str, str]) -> Page:
    with _client(exchange) as client:
        body = _send(client, exchange, params)
    time.sleep(0)  # whoever waited for the turn sends now, rather than when the answer is parsed
    try:
        return parse_page(body)
    except MalformedError as problem:
        raise malformed(body, problem) from None


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
        failure = refused(response.status_code, response.headers, body, api_key=exchange.connection.api_key)
    except LiveError:
        raise
    except Exception as error:  # fourteen kinds were measured, and some quote the key
        failure = _no_answer(error)
    raise failure


def _body(response: httpx.Response, exchange: Exchange, limit: int) -> bytes:
    """Read a body of at most `limit` bytes, also when unpacked; an error's body is cut there instead."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise LiveError("The answer is packed in a way that was not asked for.", hint=PROXY_HINT)
    body = bytearray()
    for chunk in _unpacked(response.iter_raw(), exchange, limit + 1, gzip="gzip" in encoding):
        body += chunk
        if len(body) > limit and response.status_code == 200:
            mib = MAX_PAGE_BYTES // 1024 // 1024
            raise LiveError(f"One page of the listing is larger than {mib} MiB.", hint=PROXY_HINT)
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
        raise TransientError("The control plane's answer was cut off.", hint=PROXY_HINT)


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
        return LiveError("No TLS connection to the control plane came about.", hint=f"{ADDRESS_HINT} {PROXY_HINT}")
    if any(isinstance(kind, socket.gaierror) for kind in kinds):
        return TransientError("The control plane's host name is not known.", hint=ADDRESS_HINT)
    if any(isinstance(kind, httpx.ProxyError) for kind in kinds):
        return TransientError("The proxy refused the connection.", hint="Check HTTPS_PROXY, ALL_PROXY and NO_PROXY.")
    if any(isinstance(kind, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout) for kind in kinds):
        return TransientError("No connection to the control plane came about.", hint=f"{ADDRESS_HINT} {PROXY_HINT}")
    if any(isinstance(kind, httpx.TimeoutException) for kind in kinds):
        return TransientError("The control plane sent nothing for a while.", hint=PROXY_HINT)
    if any(isinstance(kind, httpx.TransportError | zlib.error | OSError) for kind in kinds):
        return TransientError("The connection to the control plane broke off.", hint=PROXY_HINT)
    return LiveError(f"The request could not be sent ({type(error).__name__}).", hint=ADDRESS_HINT)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
