"""Fetches a snapshot: reads pages in parallel, proves that none is missing, and reads inconsistent ones again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Final, TypeVar

from driftcheck.errors import LiveError
from driftcheck.live.client import Client, ask, opened
from driftcheck.live.endpoint import Connection
from driftcheck.live.listing import (
    Page,
    bad_items,
    by_name,
    check_scope,
    filters_for,
    in_scope,
    is_label_in_scope,
    labels,
    workspace_of,
)
from driftcheck.live.paging import LIMIT, Inconsistency, Reading
from driftcheck.model import Deployment, Snapshot

MAX_READINGS: Final = 5
"""How often a listing that changes meanwhile is read before the fetch gives up."""

MAX_ASKED: Final = 200
"""The number of names that get their own queries; the service may accept no more than 2,000 requests a minute."""

MAX_LISTING_BYTES: Final = 256 * 1024 * 1024

_Asked = TypeVar("_Asked", int, str)
"""What a request asks for: an offset or a name."""


def fetch(
    connection: Connection,
    *,
    names: Callable[[], Collection[str]],
    scope: Mapping[str, str],
    progress: Callable[[int], None],
    sleep: Callable[[float], None] | None = None,
) -> Snapshot:
    """Return the live deployments; what remains uncertain is a gap.

    `names` returns the declared names (`agent/environment` of what is declared by its agent) and is called once, after
    the listing: each name that was not listed gets its own query, or if these are very many, the listing is
    read again. `scope` maps the endpoint's filters (`listing.FILTERS`) to their values. `progress` gets the number of
    deployments seen so far. `sleep` waits between attempts, given seconds. Raises LiveError if nothing could be
    read or the deployments belong to another workspace, UsageError for a filter that the endpoint does not know.
    """
    check_scope(scope)
    with opened(connection, sleep) as client:
        requests = Requests(client)
        try:
            return _Fetch(requests, scope, progress).run(names)
        except LiveError as error:
            proxy = f" (through the proxy {client.proxy})" if client.proxy and client.proxy not in error.message else ""
            raised = LiveError(f"{connection.endpoint}{proxy}: {error.message}", hint=error.hint)
            raised.requests = len(client.sent)
            raise raised from None
        finally:
            requests.close()


class Requests:
    """Requests in threads, one for each that may be under way; they are not awaited past the deadline."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._executor = ThreadPoolExecutor(client.connection.concurrency, thread_name_prefix="driftcheck-request")
        self._under_way: set[Future[Page]] = set()

    def submit(self, params: Mapping[str, str]) -> Future[Page]:
        """Send a request as soon as a thread is free."""
        future = self._executor.submit(ask, self.client, params)
        self._under_way.add(future)
        return future

    def first_of(self, futures: Collection[Future[Page]]) -> Future[Page]:
        """Wait for the next response or failure among requests; raises LiveError when the time is up."""
        done, _ = wait(futures, timeout=self.client.left(), return_when=FIRST_COMPLETED)
        if not done:
            raise self.client.out_of_time()
        future = done.pop()
        self._under_way.discard(future)
        return future

    def close(self) -> None:
        """Send nothing more; a thread that still waits for a response ends because its connection is closed."""
        self.client.close()
        self._executor.shutdown(wait=False, cancel_futures=True)
        wait(self._under_way, timeout=0.1)


class _Fetch:
    """One run of `fetch`: what was read so far, and what remains uncertain."""

    def __init__(self, requests: Requests, scope: Mapping[str, str], progress: Callable[[int], None]) -> None:
        self._requests = requests
        self._connection = requests.client.connection
        self._scope = dict(scope)
        self._sent_scope = dict(scope)
        """The filters that are sent: those of the scope, except one that the service turned out to misunderstand."""
        self._progress = progress
        self._inconsistencies: list[Inconsistency] = []
        self._readings_left = MAX_READINGS
        self._pages: dict[int, Page] = {}
        self._known: dict[str, Deployment] = {}
        self._gaps: list[str] = []
        self._warnings: list[str] = []

    def run(self, names: Callable[[], Collection[str]]) -> Snapshot:
        started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._list()
        if not self._gaps:
            self._confirm({name for name in names() if is_label_in_scope(name, self._scope)})
        deployments, asked = self._deployments(), self._connection
        return Snapshot(
            source=asked.endpoint,
            deployments=tuple(d for d in deployments if in_scope(d, self._scope)),
            workspace=workspace_of(deployments, asked.workspace, asked.workspace_origin, asked.workspace_hint),
            fetched_at=started,
            pages=sum(len(page) > 1 or (len(page) == 1 and offset == 0) for offset, page in self._pages.items()),
            requests=len(self._requests.client.sent),
            gaps=tuple(self._gaps),
            scope=self._scope,
            warnings=tuple(self._warnings),
        )

    def _list(self) -> None:
        """Read the listing until the responses are consistent, as often as it may be read."""
        while self._readings_left and not self._gaps:
            self._readings_left -= 1
            uneven = Inconsistency.UNEVEN in self._inconsistencies or len(self._inconsistencies) > 1
            reading = Reading(lookahead=1 if uneven else self._connection.concurrency, careful=uneven)
            try:
                self._read(reading)
            except LiveError as error:
                self._give_up("The listing could not be read to its end", error)
            if reading.inconsistency is None:
                self._gaps += bad_items(self._pages.items())
                return
            self._inconsistencies.append(reading.inconsistency)
        if not self._gaps:
            reasons = ", and ".join(dict.fromkeys(each.value for each in self._inconsistencies))
            self._gaps.append(f"The listing was inconsistent each of {MAX_READINGS} times it was read: {reasons}.")

    def _read(self, reading: Reading) -> None:
        """Drive one reading to its end; raises LiveError for a request that fails for good."""
        self._pages = {}
        busy: dict[Future[Page], int] = {}
        size = 0
        while not reading.done and reading.inconsistency is None:
            for offset in reading.wants(busy.values())[: self._connection.concurrency - len(busy)]:
                busy[self._requests.submit({**self._sent_scope, **_page_params(offset)})] = offset
            offset, page = self._answer(busy)
            size += page.size
            if size > MAX_LISTING_BYTES:
                raise LiveError(f"it is larger than {MAX_LISTING_BYTES // 1024 // 1024} MiB")
            self._pages[offset] = page
            self._check_offset(offset, page)
            reading.receive(offset, page.ids)
            if len(reading):
                self._progress(len(reading))

    def _check_offset(self, requested: int, page: Page) -> None:
        """Warn about an `offset` that fits no reading; pages are counted, so it does not matter."""
        if page.offset not in (requested, requested + len(page), requested + LIMIT) and not self._warnings:
            self._warnings.append(
                "The API returns an `offset` that is neither the requested nor the next one; "
                "pages were read by counting instead."
            )

    def _answer(self, busy: dict[Future[Page], _Asked]) -> tuple[_Asked, Page]:
        """Return the next response to requests under way, and what it was asked for; raises LiveError for a failure."""
        future = self._requests.first_of(busy)
        asked, page = busy.pop(future), future.result()
        for identity, deployment in zip(page.ids, page.deployments, strict=True):
            if identity is not None and deployment is not None:
                self._known[identity] = deployment
        return asked, page

    def _confirm(self, names: set[str]) -> None:
        """Confirm that every name that was not listed is missing.

        Each gets its own query. If one finds a deployment, or its response contradicts its filters and so
        proves nothing, or there are very many names, the listing is read again: a name that two readings lack is
        confirmed, too.
        """
        found: set[str] = set()
        confirmed: set[str] = set()
        while missing := sorted(names - self._names() - confirmed):
            earlier = found
            try:
                found, unclear = (set(), set(missing)) if len(missing) > MAX_ASKED else self._query(missing)
            except LiveError as error:
                self._give_up("Not every declared name that was not listed could be confirmed", error)
                return
            if not found and not unclear:
                return
            if (found and found <= earlier) or not self._readings_left:
                self._gaps.append("The listing lacks deployments that the API returns when asked by name.")
                return
            if found:  # the service understands a filter by name in its own way, so only here the scope is applied
                self._sent_scope = {key: value for key, value in self._scope.items() if key != "name_contains"}
            self._list()
            if self._gaps:
                return
            confirmed.update(unclear - self._names())

    def _query(self, names: Sequence[str]) -> tuple[set[str], set[str]]:
        """Query each name; return the ids in the responses that the listing lacks, and the names that stay unclear.

        A response with other deployments only comes from a service that ignores the filters, or filters by
        substring: the requested one may be on a later page.
        """
        busy = {self._requests.submit({**filters_for(name), **_page_params(0)}): name for name in names}
        answered: set[str] = set()
        unclear: set[str] = set()
        while busy:
            name, page = self._answer(busy)
            answered.update(identity for identity in page.ids if identity is not None)
            if len(page) and not any(found is not None and name in labels(found) for found in page.deployments):
                unclear.add(name)
        outside = {identity for identity, found in self._known.items() if not in_scope(found, self._scope)}
        return answered - outside - {d.id for d in self._deployments()}, unclear

    def _names(self) -> set[str]:
        return {label for deployment in self._deployments() for label in labels(deployment)}

    def _give_up(self, what: str, error: LiveError) -> None:
        if not self._known and not any(self._pages.values()):
            raise error
        self._gaps.append(f"{what}: {error.message}.")

    def _deployments(self) -> tuple[Deployment, ...]:
        """Return what the last reading listed; after a gap, also everything else that was seen under other names."""
        listed: dict[str, Deployment] = {}
        without_id: list[Deployment] = []
        for page in self._pages.values():
            for identity, deployment in zip(page.ids, page.deployments, strict=True):
                if deployment is not None and identity is not None:
                    listed[identity] = deployment
                elif deployment is not None:
                    without_id.append(deployment)
        others = [*without_id, *(self._known.values() if self._gaps else ())]
        names = {deployment.name for deployment in listed.values()}
        unlisted = {other.name: other for other in others if other.name not in names}
        return by_name([*listed.values(), *unlisted.values()])


def _page_params(offset: int) -> dict[str, str]:
    return {"limit": str(LIMIT), "offset": str(offset)}
