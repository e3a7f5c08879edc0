"""A fetch returns the whole listing, reports what is missing, or raises; never anything in between."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from driftcheck.errors import LiveError, UsageError
from driftcheck.live import fetch as fetch_module
from driftcheck.live.endpoint import Connection
from driftcheck.live.fetch import fetch
from driftcheck.model import Snapshot
from tests.live.conftest import Emulate
from tests.live.faults import Fault, Plan, create_app
from tests.live.memory import cut, fetch_from
from tests.live.raw_server import Conversation, answer, endless, serving
from tests.live.samples import KEY, LISTINGS, WORKSPACE, deployment, deployments, load


def fetch_emulated(
    emulate: Emulate, plan: Plan, items: list[dict[str, Any]], *, order: str = "given", **settings: Any
) -> Snapshot:
    connection = Connection(emulate(create_app(items, plan=plan, order=order)), KEY, **settings)
    return fetch(connection, names=tuple, scope={}, progress=lambda _: None, sleep=lambda _: None)


@pytest.mark.parametrize("path", LISTINGS, ids=lambda path: path.stem)
def test_a_recorded_listing_is_fetched_as_it_was_recorded(emulate: Emulate, path: Any) -> None:
    items = load(path)["resources"]
    snapshot = fetch_emulated(emulate, Plan(), items)
    assert snapshot.complete
    assert [found.name for found in snapshot.deployments] == sorted(item["name"] for item in items)
    assert snapshot.workspace == (WORKSPACE if any("tenant_id" in item for item in items) else None)
    assert "REDACTED-EXAMPLE" not in repr(snapshot)


def test_a_snapshot_records_how_it_was_read(emulate: Emulate) -> None:
    items, seen = deployments(250), list[int]()
    url = emulate(create_app(items))
    snapshot = fetch(Connection(url, KEY), names=lambda: ["agent-00001"], scope={}, progress=seen.append)
    assert dataclasses.replace(snapshot, deployments=(), fetched_at=None) == Snapshot(
        source=url, deployments=(), workspace=WORKSPACE, pages=3, requests=5, gaps=(), scope={}
    )
    assert snapshot.fetched_at is not None
    assert time.strptime(snapshot.fetched_at, "%Y-%m-%dT%H:%M:%SZ")
    assert len(snapshot.deployments) == 250
    assert seen[0] > 0
    assert seen == sorted(seen)
    assert seen[-1] == 250


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 199, 450, 1200])
def test_a_quiet_fetch_asks_no_more_than_promised(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    items = deployments(count)
    missing = ("never-1", "never-2")
    snapshot = fetch_from(monkeypatch, lambda params: cut(items, params), names=missing)
    assert snapshot.complete
    assert len(snapshot.deployments) == count
    assert snapshot.requests <= count / 99 + 3 + len(missing)


def test_the_names_are_asked_for_once_the_listing_is_there(emulate: Emulate) -> None:
    order: list[str] = []

    def names() -> tuple[str, ...]:
        order.append("names")
        return ()

    url = emulate(create_app(deployments(3)))
    fetch(Connection(url, KEY), names=names, scope={}, progress=lambda _: order.append("page"))
    assert order.count("names") == 1
    assert order[0] == "page"
    assert order[-1] == "names"


def test_a_missing_name_is_asked_for_by_both_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    queries: list[Mapping[str, str]] = []

    def serve(params: Mapping[str, str]) -> list[Any]:
        queries.append(params)
        return cut(deployments(2), params)

    snapshot = fetch_from(monkeypatch, serve, names=("agent-00000", "gone"))
    assert snapshot.complete
    assert queries[-1] == {"name": "gone", "name_contains": "gone", "limit": "100", "offset": "0"}
    assert len(queries) == 4


AGENT = {"agent": {"agent_id": "claims", "environment": "production"}}


@pytest.mark.parametrize("knows_the_filters", [True, False])
def test_a_missing_agent_is_asked_for_by_agent_and_environment(
    monkeypatch: pytest.MonkeyPatch, knows_the_filters: bool
) -> None:
    queries: list[Mapping[str, str]] = []

    def serve(params: Mapping[str, str]) -> list[Any]:
        queries.append(params)
        return [] if "agent_id" in params and knows_the_filters else cut(deployments(2), params)

    snapshot = fetch_from(monkeypatch, serve, names=("claims/production",))
    assert snapshot.complete
    query = {"agent_id": "claims", "agent_environment": "production", "limit": "100", "offset": "0"}
    assert query in queries
    assert "name" not in {key for sent in queries for key in sent}


def test_a_listed_agent_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    queries: list[Mapping[str, str]] = []

    def serve(params: Mapping[str, str]) -> list[Any]:
        queries.append(params)
        return cut([*deployments(2), {**deployment(7), **AGENT}], params)

    assert fetch_from(monkeypatch, serve, names=("claims/production",)).complete
    assert "agent_id" not in {key for sent in queries for key in sent}


def test_an_agent_that_only_its_filters_find_makes_the_listing_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = {**deployment(7), **AGENT}
    snapshot = fetch_from(
        monkeypatch,
        lambda params: [bound] if "agent_id" in params else cut(deployments(2), params),
        names=("claims/production",),
    )
    assert "listing lacks deployments" in snapshot.gaps[0]
    assert bound["name"] in {found.name for found in snapshot.deployments}


def test_P12_a_deployment_that_was_created_meanwhile_is_found_by_name_and_then_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = deployments(5)

    def serve(params: Mapping[str, str]) -> list[Any]:
        if "name" in params and len(items) == 5:
            items.append(deployment(77))
        return cut(items, params)

    snapshot = fetch_from(monkeypatch, serve, names=("agent-00077",))
    assert snapshot.complete
    assert "agent-00077" in {found.name for found in snapshot.deployments}


def test_P12_a_deployment_that_only_its_name_finds_makes_the_listing_incomplete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = deployments(6)
    snapshot = fetch_from(
        monkeypatch, lambda params: cut(items if "name" in params else items[:5], params), names=("agent-00005",)
    )
    assert "listing lacks deployments" in snapshot.gaps[0]
    assert "agent-00005" in {found.name for found in snapshot.deployments}


def test_P11_a_server_that_ignores_filters_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    items = deployments(120)
    without = {"name", "name_contains"}
    snapshot = fetch_from(
        monkeypatch,
        lambda params: cut(items, {key: value for key, value in params.items() if key not in without}),
        names=("gone", "agent-00005"),
    )
    assert snapshot.complete
    assert len(snapshot.deployments) == 120


def test_P11_a_response_that_contradicts_its_filter_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment appears late, on a service that ignores filters: a page of a hundred others is not an answer."""
    items, late = deployments(150), deployment(900)

    def serve(params: Mapping[str, str]) -> list[Any]:
        if "name" in params and late not in items:
            items.append(late)
        return cut(items, {"limit": params["limit"], "offset": params["offset"]})

    snapshot = fetch_from(monkeypatch, serve, names=(late["name"],))
    assert snapshot.complete
    assert late["name"] in {found.name for found in snapshot.deployments}


@pytest.mark.parametrize("knows_name", [False, True])
def test_P11_a_filter_that_matches_prefixes_only_makes_no_other_name_missing(
    monkeypatch: pytest.MonkeyPatch, knows_name: bool
) -> None:
    items = [deployment(1, name="agent-one"), deployment(2, name="my-agent"), deployment(3, name="your-agent")]

    def serve(params: Mapping[str, str]) -> list[Any]:
        found = [item for item in items if item["name"].startswith(params.get("name_contains", ""))]
        if knows_name and "name" in params:
            found = [item for item in found if item["name"] == params["name"]]
        return cut(found, {"limit": params["limit"], "offset": params["offset"]})

    scope = {"name_contains": "agent"}
    snapshot = fetch_from(monkeypatch, serve, names=("my-agent", "no-agent"), scope=scope)
    assert snapshot.complete
    assert [found.name for found in snapshot.deployments] == ["agent-one", "my-agent", "your-agent"]


def test_P6_a_listing_in_one_page_is_whole_although_its_order_is_not_stable(emulate: Emulate) -> None:
    for count in (2, 50, 99, 100):
        snapshot = fetch_emulated(emulate, Plan(), deployments(count), order="random")
        assert snapshot.complete
        assert len(snapshot.deployments) == count


def test_P11_a_scope_is_sent_recorded_and_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    queries: list[Mapping[str, str]] = []
    items = [deployment(1), deployment(2, status="UNUSED")]

    def serve(params: Mapping[str, str]) -> list[Any]:
        queries.append(params)
        return cut(items, {"limit": params["limit"], "offset": params["offset"]})

    snapshot = fetch_from(monkeypatch, serve, scope={"status": "UNUSED"})
    assert all(query["status"] == "UNUSED" for query in queries)
    assert snapshot.scope == {"status": "UNUSED"}
    assert [found.name for found in snapshot.deployments] == ["agent-00002"]


def test_a_name_outside_the_scope_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    items = deployments(3)
    scope = {"name_contains": "agent"}
    snapshot = fetch_from(monkeypatch, lambda params: cut(items, params), names=("billing",), scope=scope)
    assert snapshot.complete
    assert snapshot.requests == 3


def test_nothing_is_asked_for_of_which_a_scope_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    items = deployments(3)
    scope = {"status": "READY", "name_contains": "agent"}
    snapshot = fetch_from(monkeypatch, lambda params: cut(items, params), names=("agent-99999",), scope=scope)
    assert snapshot.requests == 3


@pytest.mark.parametrize("appears", [False, True])
def test_P12_very_many_missing_names_are_confirmed_by_reading_again(
    monkeypatch: pytest.MonkeyPatch, appears: bool
) -> None:
    items = deployments(5)
    late = deployment(7)
    asked: list[Mapping[str, str]] = []

    def serve(params: Mapping[str, str]) -> list[Any]:
        asked.append(params)
        return cut([*items, late] if appears and len(asked) > 3 else items, params)

    names = (late["name"], *(f"never-{number}" for number in range(2_000)))
    snapshot = fetch_from(monkeypatch, serve, names=names)
    assert snapshot.complete
    assert [found.name for found in snapshot.deployments] == [d["name"] for d in ([*items, late] if appears else items)]
    assert snapshot.requests == len(asked) == 6
    assert not any("name" in params for params in asked)


def test_a_filter_that_the_endpoint_does_not_know_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="flavour"):
        fetch(Connection("https://host", KEY), names=tuple, scope={"flavour": "x"}, progress=lambda _: None)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan(ignore=("offset",)), "returns the same page for every offset"),
        (Plan(ignore=("offset", "limit")), "returns the same page for every offset"),
        (Plan(cap=1), "shorter or longer"),
        (Plan(faults=(Fault("empty_page", offset=99),)), "changed while it was read"),
    ],
)
def test_P4_P5_P6_a_listing_that_contradicts_itself_is_incomplete_but_what_was_read_is_kept(
    emulate: Emulate, plan: Plan, words: str
) -> None:
    snapshot = fetch_emulated(emulate, plan, deployments(250))
    assert words in snapshot.gaps[0]
    assert snapshot.deployments
    assert snapshot.requests <= 20


def test_P6_a_random_order_is_incomplete_and_a_stable_one_is_not(emulate: Emulate) -> None:
    assert "order is not stable" in fetch_emulated(emulate, Plan(), deployments(250), order="random").gaps[0]
    assert fetch_emulated(emulate, Plan(), deployments(250), order="newest").complete


@pytest.mark.parametrize("plan", [Plan(cap=50), Plan(cap=7), Plan(ignore=("limit",))])
@pytest.mark.parametrize("offsets", ["next", "limit", "echo"])
def test_P3_P7_odd_page_sizes_and_offsets_do_no_harm(emulate: Emulate, plan: Plan, offsets: str) -> None:
    snapshot = fetch_emulated(emulate, dataclasses.replace(plan, offsets=offsets), deployments(250))
    assert snapshot.complete
    assert len(snapshot.deployments) == 250


@pytest.mark.parametrize("kind", ["no_offset", "odd_offset"])
def test_P7_an_offset_that_fits_no_reading_is_a_warning(emulate: Emulate, kind: str) -> None:
    snapshot = fetch_emulated(emulate, Plan(faults=(Fault(kind),)), deployments(150))
    assert snapshot.complete
    assert len(snapshot.deployments) == 150
    (warning,) = snapshot.warnings
    assert "`offset`" in warning


@pytest.mark.parametrize("offsets", ["next", "limit", "echo"])
def test_P7_an_offset_that_fits_a_reading_is_not_reported(emulate: Emulate, offsets: str) -> None:
    assert fetch_emulated(emulate, Plan(offsets=offsets), deployments(150)).warnings == ()


def test_P9_two_deployments_of_one_name_are_both_kept(emulate: Emulate) -> None:
    snapshot = fetch_emulated(emulate, Plan(), [deployment(1, name="twin"), deployment(2, name="twin")])
    assert [found.name for found in snapshot.deployments] == ["twin", "twin"]


def test_P10_another_workspace_than_the_one_asked_for_is_an_error(emulate: Emulate) -> None:
    with pytest.raises(LiveError, match="belongs to workspace"):
        fetch_emulated(emulate, Plan(), deployments(3), workspace="00000000-0000-4000-8000-000000000000")
    with pytest.raises(LiveError, match="several workspaces"):
        fetch_emulated(emulate, Plan(faults=(Fault("other_workspace", offset=99),)), deployments(150))


def test_F10_a_page_that_fails_leaves_a_gap_and_what_was_read_before(emulate: Emulate) -> None:
    snapshot = fetch_emulated(emulate, Plan(faults=(Fault("status", offset=99),)), deployments(250), retries=1)
    (gap,) = snapshot.gaps
    assert "could not be read to its end" in gap
    assert "503" in gap
    assert len(snapshot.deployments) >= 100


def test_F10_a_first_page_that_fails_is_an_error(emulate: Emulate) -> None:
    with pytest.raises(LiveError, match="503"):
        fetch_emulated(emulate, Plan(faults=(Fault("status"),)), deployments(3), retries=1)


def test_F10_a_failure_that_passes_leaves_no_trace(emulate: Emulate) -> None:
    faults = tuple(Fault("status", request=number) for number in (1, 3, 4, 6))
    snapshot = fetch_emulated(emulate, Plan(faults=faults), deployments(250))
    assert snapshot.complete
    assert len(snapshot.deployments) == 250
    assert snapshot.requests == 9


def test_a_question_for_a_name_that_fails_leaves_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(params: Mapping[str, str]) -> Any:
        return LiveError("no") if "name" in params else cut(deployments(3), params)

    snapshot = fetch_from(monkeypatch, serve, names=("gone",))
    assert "could be confirmed: no." in snapshot.gaps[0]
    assert len(snapshot.deployments) == 3


def test_a_listing_too_large_for_memory_is_given_up(emulate: Emulate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "MAX_LISTING_BYTES", 100_000)
    snapshot = fetch_emulated(emulate, Plan(), deployments(400))
    assert "larger than" in snapshot.gaps[0]


@pytest.mark.parametrize(
    "conversation",
    [
        pytest.param(endless(b"", b"", pause=5), id="silence"),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\n", b"X", pause=0.005), id="endless header"),
        pytest.param(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.001), id="continue for ever"),
        pytest.param(endless(b"HTTP/1.1 200 OK\r\n\r\n", b" ", pause=0.005), id="dripping body"),
    ],
)
def test_F5_F6_a_fetch_ends_at_its_deadline_with_any_server(conversation: Conversation) -> None:
    start = time.monotonic()
    with serving(conversation) as (url, _), pytest.raises(LiveError, match=r"in time|sent nothing"):
        fetch(Connection(url, KEY, timeout=0.4), names=tuple, scope={}, progress=lambda _: None)
    assert time.monotonic() - start < 20  # far less than it takes without a deadline, also where others work


def test_F5_a_deadline_in_the_middle_keeps_what_was_read(emulate: Emulate) -> None:
    plan = Plan(faults=(Fault("silence", offset=99, seconds=30),))
    start = time.monotonic()
    snapshot = fetch_emulated(emulate, plan, deployments(250), timeout=1.0, retries=0)
    assert time.monotonic() - start < 20
    assert not snapshot.complete
    assert len(snapshot.deployments) >= 100


def test_after_a_failed_fetch_no_request_is_repeated() -> None:
    busy = answer(b"{}", status="503 Busy", headers=("Retry-After: 0",))
    listing = answer(b'{"resources": null}')

    def converse(connection: Any, _: threading.Event) -> None:
        connection.sendall(busy if len(heads) > 1 else listing)

    with serving(converse) as (url, heads):
        connection = Connection(url, KEY, retries=100)
        with pytest.raises(LiveError):
            fetch(connection, names=tuple, scope={}, progress=lambda _: None)
        sent = len(heads)
        requests = [thread for thread in threading.enumerate() if thread.name.startswith("driftcheck-request")]
        for thread in requests:
            thread.join(30)
            assert not thread.is_alive()
        assert len(heads) <= sent + len(requests)  # those that were under way


def test_X1_a_defect_in_a_thread_reaches_the_one_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("a defect")

    monkeypatch.setattr(fetch_module, "ask", broken)
    with pytest.raises(RuntimeError, match="a defect"):
        fetch(Connection("http://127.0.0.1:1", KEY), names=tuple, scope={}, progress=lambda _: None)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_several_requests_are_under_way_and_no_more_than_allowed(emulate: Emulate, concurrency: int) -> None:
    under_way = most = asked = 0
    app = create_app(deployments(1500))

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        """Answer two requests; hold the next ones until several are under way, if several may be."""
        nonlocal under_way, most, asked
        asked, under_way = asked + 1, under_way + 1
        most = max(most, under_way)
        end = time.monotonic() + 8
        while asked > 2 and most < min(concurrency, 2) and time.monotonic() < end:
            await asyncio.sleep(0.001)
        under_way -= 1
        await app(scope, receive, send)

    connection = Connection(emulate(counting), KEY, concurrency=concurrency)
    snapshot = fetch(connection, names=tuple, scope={}, progress=lambda _: None)
    assert snapshot.complete
    assert min(concurrency, 2) <= most <= concurrency
    assert app.state.record.methods == {"GET": snapshot.requests}
    assert snapshot.requests <= snapshot.pages + 1 + concurrency


@pytest.mark.parametrize("key", [KEY, "plain-key-of-no-known-form", "eight888"])
def test_K3_a_key_that_the_service_echoes_is_nowhere_in_the_snapshot(emulate: Emulate, key: str) -> None:
    labels = {"echo": f"Bearer {key}", f"x-{key}": "1"}
    items = [deployment(1, display_name=key, source_config={"resource_spec": {"labels": labels}})]
    connection = Connection(emulate(create_app(items)), key)
    snapshot = fetch(connection, names=tuple, scope={}, progress=lambda _: None)
    assert key not in repr(snapshot)
    assert snapshot.deployments[0].value["display_name"] == "[redacted]"
