"""An answer becomes deployments without secret values, or an error that quotes nothing of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from driftcheck.errors import LiveError, UsageError
from driftcheck.live import listing
from driftcheck.live.listing import Page, in_scope, narrowed, page_of, workspace_of
from driftcheck.model import REDACTED_MARKER, Deployment, Snapshot
from driftcheck.strict_json import MalformedError, parse
from tests.live.samples import LISTINGS, WORKSPACE, deployment, load

MARKER = dict(REDACTED_MARKER)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def parse_page(data: bytes) -> Page:
    return page_of(parse(data), len(data))


@pytest.mark.parametrize("path", LISTINGS, ids=lambda path: path.stem)
def test_the_recorded_answers_are_read_as_they_are_but_for_the_values_of_secrets(path: Any) -> None:
    page = parse_page(path.read_bytes())
    items = load(path)["resources"]
    assert [found.name for found in page.deployments if found] == [item["name"] for item in items]
    for found, item in zip(page.deployments, items, strict=True):
        assert found is not None
        assert found.value == {**item, "secrets": [{"name": secret["name"]} for secret in item["secrets"]]}


@pytest.mark.parametrize(
    ("secrets", "kept"),
    [
        ([{"name": "A", "value": "canary"}, {"name": "B"}], [{"name": "A"}, {"name": "B"}]),
        ([{"name": "A", "value": "canary", "history": ["canary"]}], [{"name": "A"}]),
        ([{"value": "canary"}], [{"name": None}]),
        ([{"name": {"canary": 1}}], [{"name": MARKER}]),
        (["canary", None], ["[redacted]", "[redacted]"]),
        ({"A": "canary"}, "[redacted]"),
        ("canary", "[redacted]"),
        (None, None),
        ([], []),
    ],
)
def test_K5_secret_values_are_dropped_by_the_parser_in_any_shape(secrets: Any, kept: Any) -> None:
    page = parse_page(encoded({"resources": [deployment(1, secrets=secrets)], "offset": 1}))
    assert page.deployments[0] is not None
    assert page.deployments[0].value["secrets"] == kept
    assert "canary" not in repr(page)


def test_D2_a_lone_surrogate_in_a_name_is_kept() -> None:
    page = parse_page(b'{"resources": [{"name": "a\\ud800", "id": "1"}], "offset": 1}')
    assert page.deployments[0] is not None
    assert page.deployments[0].name == "a\ud800"


def test_D3_unknown_values_of_enumerations_are_kept_as_they_are() -> None:
    item = deployment(1, status="BRAND_NEW", source="carrier_pigeon", brand_new_field={"x": [1]})
    page = parse_page(encoded({"resources": [item], "offset": 1}))
    assert page.deployments[0] is not None
    assert page.deployments[0].value["status"] == "BRAND_NEW"
    assert page.deployments[0].value["brand_new_field"] == {"x": [1]}


@pytest.mark.parametrize("value", [[], None, 5, {}, {"resources": None}, {"resources": {}}, {"detail": "no"}])
def test_P8_what_is_not_a_listing_is_refused(value: Any) -> None:
    with pytest.raises(MalformedError, match="resources"):
        parse_page(encoded(value))


@pytest.mark.parametrize(
    "item", [None, 5, "x", [], {}, {"id": "1"}, {"name": "a"}, {"name": "", "id": "1"}, {"name": 5}]
)
def test_P8_one_bad_item_makes_the_listing_incomplete(item: Any) -> None:
    page = parse_page(encoded({"resources": [deployment(1), item], "offset": 2}))
    (gap,) = listing.bad_items([(98, page)])
    assert "Item 100" in gap


def test_P8_many_bad_items_are_counted_rather_than_reported_one_by_one() -> None:
    page = parse_page(encoded({"resources": [None] * 5000, "offset": 0}))
    gaps = listing.bad_items([(0, page)])
    assert len(gaps) == listing.MAX_BAD_ITEMS + 1
    assert "4995 more" in gaps[-1]


def test_a_sound_listing_has_no_bad_items() -> None:
    page = parse_page(encoded({"resources": [deployment(1), deployment(2)], "offset": 2}))
    assert listing.bad_items([(0, page)]) == ()


def listed(*fields: dict[str, Any]) -> list[Deployment]:
    return [Deployment(f"d{number}", deployment(number, **own)) for number, own in enumerate(fields)]


def test_P10_the_workspace_is_the_one_asked_for_or_the_one_that_all_items_name() -> None:
    assert workspace_of(listed({}, {}), None) == WORKSPACE
    assert workspace_of(listed({}), WORKSPACE.upper()) == WORKSPACE.upper()
    assert workspace_of(listed({"tenant_id": None}), WORKSPACE) == WORKSPACE
    assert workspace_of(listed({"tenant_id": None}, {"tenant_id": 5}), None) is None
    assert workspace_of([], WORKSPACE) == WORKSPACE


def test_P10_items_of_another_workspace_are_an_error() -> None:
    with pytest.raises(LiveError, match="belongs to workspace"):
        workspace_of(listed({}), "00000000-0000-4000-8000-000000000000")
    with pytest.raises(LiveError, match="several workspaces"):
        workspace_of(listed({}, {"tenant_id": "00000000-0000-4000-8000-000000000000"}), None)


@pytest.mark.parametrize(
    ("scope", "fits"),
    [
        ({}, True),
        ({"name": "agent-00001"}, True),
        ({"name": "agent-0000"}, False),
        ({"name_contains": "gent-0"}, True),
        ({"name_contains": "GENT-0"}, False),
        ({"status": "READY"}, True),
        ({"status": "UNUSED"}, False),
        ({"deployment_type": "prod"}, True),
        ({"deployment_type": "dev"}, False),
        ({"deployment_ids": "x, 00000000-0000-0000-0000-000000000002"}, True),
        ({"deployment_ids": "x"}, False),
        ({"image_version": "1"}, False),
        ({"url": "https://x"}, False),
        ({"status": "READY", "name": "other"}, False),
        ({"tag_value_ids": "can't be checked", "remote_reconciled": "true"}, True),
    ],
)
def test_P11_a_scope_is_checked_exactly_on_our_side(scope: dict[str, str], fits: bool) -> None:
    item = deployment(1)
    assert in_scope(Deployment(item["name"], item), scope) is fits


def test_a_saved_listing_is_narrowed_to_a_scope() -> None:
    kept, other = (Deployment(f"d{n}", deployment(n, status=status)) for n, status in enumerate(("READY", "UNUSED")))
    snapshot = narrowed(
        Snapshot("live.json", (kept, other), scope={"name_contains": "d"}), {"name_contains": "d", "status": "READY"}
    )
    assert snapshot.deployments == (kept,)
    assert snapshot.scope == {"name_contains": "d", "status": "READY"}
    assert snapshot.complete


def test_a_narrowed_listing_is_incomplete_without_the_same_scope() -> None:
    snapshot = Snapshot("live.json", (), scope={"name_contains": "claims"})
    for scope in ({}, {"name_contains": "claim"}, {"status": "READY"}):
        (gap,) = narrowed(snapshot, scope).gaps
        assert "--name-contains claims" in gap
    assert narrowed(snapshot, {"name_contains": "claims", "status": "READY"}).complete


def test_agents_are_filtered_and_type_words_are_equal() -> None:
    agent = {"agent_id": "claims", "environment": "staging"}
    found = Deployment("d", {"agent": agent, "source_config": {"deployment_type": "serverless"}})
    assert in_scope(found, {"agent_id": "claims", "agent_environment": "staging", "deployment_type": "dev_zero"})
    assert not in_scope(found, {"agent_environment": "production"})
    assert not in_scope(Deployment("d", {"agent": None}), {"agent_id": "claims"})


def test_a_saved_listing_does_not_show_tags() -> None:
    scope = {"tag_value_ids": "t1"}
    assert not narrowed(Snapshot("live.json", ()), scope).complete
    assert narrowed(Snapshot("live.json", (), scope=scope), scope).complete
    with pytest.raises(UsageError, match="flavour"):
        narrowed(Snapshot("live.json", ()), {"flavour": "x"})
