"""The list endpoint -> Snapshot: pages read at once, proved to be all, read again where they contradict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from driftcheck.errors import LiveError
from driftcheck.live.client import Exchange, begin
from driftcheck.live.endpoint import Connection
from driftcheck.live.listing import Page, bad_items, by_name, check_scope, in_scope, workspace_of
from driftcheck.live.paging import LIMIT, Reading, Trouble
from driftcheck.live.workers import Workers
from driftcheck.model import Deployment, Snapshot

MAX_READINGS: Final = 5
"""How often a listing that changes meanwhile is read before it is given up: once, and four times more."""

MAX_ASKED: Final = 200
"""So many names are asked for one by one; the service may take no more than 2,000 requests a minute (API.md 1.5)."""

MAX_LISTING_BYTES: Final = 256 * 1024 * 1024


def fetch(
    connection: Connection,
    *,
    names: Callable[[], Collection[str]],
    scope: Mapping[str, str],
    progress: Callable[[int], None],
    sleep: Callable[[float], None] | None = None,
) -> Snapshot:
    """List the live deployments, and say of what could not be settled that it is a gap.

    `names` gives the declared names and is called once, when the listing is there: each one not seen is asked for
    once more, or where these are very many, the listing is read again. `scope` maps the endpoint's filters
    (`listing.FILTERS`) to their values. `progress` is told how many deployments were seen so far. `sleep` waits between
    attempts, given seconds. Raises LiveError where nothing could be read or the answers belong to another workspace,
    UsageError for a filter that the endpoint does not know.
    """
    check_scope(scope)
    workers = Workers(begin(connection, sleep))
    try:
        return _Fetch(workers, scope, progress).run(names)
    except LiveError as error:
        raise _of(error, workers.exchange) from None
    finally:
        workers.close()


def _of(error: LiveError, exchange: Exchange) -> LiveError:
    """Give the error of a fetch that gave nothing, with what was asked: whom, and how often."""
    told = LiveError(f"{exchange.connection.endpoint}: {error.message}", hint=error.hint)
    told.requests = len(exchange.sent)
    return told


class _Fetch:
    """One run of `fetch`: what was read so far, and what could not be settled."""

    def __init__(self, workers: Workers, scope: Mapping[str, str], progress: Callable[[int], None]) -> None:
        self._workers = workers
        self._connection = workers.exchange.connection
        self._scope = dict(scope)
        self._progress = progress
        self._rounds = 0
        self._troubles: list[Trouble] = []
        self._readings_left = MAX_READINGS
        self._pages: dict[int, Page] = {}
        """The answers of the last reading by their offset."""
        self._known: dict[str, Deployment] = {}
        """All that any answer held, by id; the latest wins."""
        self._gaps: list[str] = []

    def run(self, names: Callable[[], Collection[str]]) -> Snapshot:
        started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._list()
        if not self._gaps:
            self._confirm({name for name in names() if self._is_in_scope(name)})
        deployments = self._deployments()
        return Snapshot(
            source=self._connection.endpoint,
            deployments=tuple(d for d in deployments if in_scope(d, self._scope)),
            workspace=workspace_of(deployments, self._connection.workspace),
            fetched_at=started,
            pages=sum(len(page) > 1 or (len(page) == 1 and offset == 0) for offset, page in self._pages.items()),
            requests=len(self._workers.exchange.sent),
            gaps=tuple(self._gaps),
            scope=self._scope,
        )

    def _is_in_scope(self, name: str) -> bool:
        """Tell whether a deployment of this name would have been listed, whatever else it is."""
        return all(key == "name_contains" and text in name for key, text in self._scope.items())

    def _list(self) -> None:
        """Read the listing until the answers fit together, as often as it may be read."""
        while self._readings_left and not self._gaps:
            self._readings_left -= 1
            uneven = Trouble.UNEVEN in self._troubles or len(self._troubles) > 1
            reading = Reading(lookahead=1 if uneven else self._connection.concurrency, careful=uneven)
            try:
                self._read(reading)
            except LiveError as error:
                self._give_up("The listing could not be read to its end", error)
            if reading.trouble is None:
                self._gaps += bad_items(self._pages.items())
                return
            self._troubles.append(reading.trouble)
        if not self._gaps:
            reasons = ", and ".join(dict.fromkeys(trouble.value for trouble in self._troubles))
            self._gaps.append(f"The listing contradicted itself each of {MAX_READINGS} times it was read: {reasons}.")

    def _read(self, reading: Reading) -> None:
        """Drive one reading to its end; raises LiveError for a request that fails for good."""
        self._rounds += 1
        self._pages = {}
        busy: set[int] = set()
        size = 0
        while not reading.done and reading.trouble is None:
            for offset in reading.wants(busy)[: self._workers.capacity - len(busy)]:
                busy.add(offset)
                self._workers.submit((self._rounds, offset), self._params(offset))
            offset, page = self._answer()
            busy.discard(offset)
            size += page.size
            if size > MAX_LISTING_BYTES:
                raise LiveError(f"It is larger than {MAX_LISTING_BYTES // 1024 // 1024} MiB.")
            self._pages[offset] = page
            reading.receive(offset, page.ids)
            if len(reading):
                self._progress(len(reading))

    def _params(self, offset: int, **filters: str) -> dict[str, str]:
        return {**filters, **self._scope, "limit": str(LIMIT), "offset": str(offset)}

    def _answer(self) -> tuple[Any, Page]:
        """Give the next answer of this round; those to an earlier one, given up since, are passed over."""
        while True:
            (rounds, asked), answer = self._workers.answer()
            if rounds != self._rounds:
                continue
            if isinstance(answer, LiveError):
                raise answer
            self._remember(answer)
            return asked, answer

    def _remember(self, page: Page) -> None:
        for identity, deployment in zip(page.ids, page.deployments, strict=True):
            if identity is not None and deployment is not None:
                self._known[identity] = deployment

    def _confirm(self, names: set[str]) -> None:
        """Ask once more for every name that was not listed; where one is found, the listing is read again.

        Where very many are not, the listing is read again instead: a name that two readings lack is confirmed, too.
        """
        found: set[str] = set()
        confirmed: set[str] = set()
        while missing := sorted(names - self._names() - confirmed):
            if len(missing) > MAX_ASKED and self._readings_left:
                self._list()
                if self._gaps:
                    return
                confirmed.update(set(missing) - self._names())
                continue
            before = found
            try:
                found = self._unlisted(missing)
            except LiveError as error:
                self._give_up("Not every declared name that was not listed could be asked for once more", error)
                return
            if not found:
                return
            if found <= before or not self._readings_left:
                self._gaps.append("Asked for by name, the API gives deployments that its listing does not hold.")
                return
            self._list()

    def _unlisted(self, names: Sequence[str]) -> set[str]:
        """Ask for each name and give the ids in the answers that the listing does not hold.

        Both filters are sent, since older services know only one of them and pass over the other (API.md 1.2).
        """
        self._rounds += 1
        for name in names:
            self._workers.submit((self._rounds, name), self._params(0, name=name, name_contains=name))
        answered = [identity for _ in names for identity in self._answer()[1].ids]
        return {identity for identity in answered if identity is not None} - {d.id for d in self._deployments()}

    def _names(self) -> set[str]:
        return {deployment.name for deployment in self._deployments()}

    def _give_up(self, what: str, error: LiveError) -> None:
        if not self._known and not any(self._pages.values()):
            raise error
        self._gaps.append(f"{what}: {error.message}")

    def _deployments(self) -> tuple[Deployment, ...]:
        """Give what the last reading listed; after a gap, all else that was seen under other names too."""
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
