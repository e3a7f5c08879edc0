"""Export: what it declares, what it leaves out and reports, and the law that a check is in sync afterwards."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck import fields, pipeline
from driftcheck.declarations import loader
from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.export import COMMIT as COMMIT_WITHOUT_BRANCH
from driftcheck.declarations.export import HIDDEN, Exported, Note, declared_form
from driftcheck.declarations.writing import write
from driftcheck.model import ABSENT, REDACTED_MARKER, ChangeKind, Deployment, ExitStatus, Report, Severity, Snapshot
from driftcheck.paths import Item, Path, format_path, value_at
from driftcheck.settings import Policy, Settings
from tests.comparison.declarations import declaration
from tests.comparison.echo import Freedom, echo
from tests.declarations.live_deployments import CANARIES, COMMIT, deployments

SCHEMA = fields.deployment()


def exportable(*, odd: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    """Return deployments that may be declared: previews may not."""
    return deployments(odd=odd).filter(lambda live: not Deployment(live["name"], live).is_preview)


def exported(live: Mapping[str, Any]) -> Exported | None:
    found = pipeline.export(Snapshot("https://api.example.com", (Deployment(live["name"], live),)))
    return next(iter(found.deployments), None)


def strict_check(text: str, *live: Mapping[str, Any], strict: bool = True) -> Report:
    declarations = loader.declare([SourceText("exported.yaml", text.encode())])
    snapshot = Snapshot("https://api.example.com", tuple(Deployment(value["name"], value) for value in live))
    chosen = Settings("check", policy=Policy(strict=strict))
    return pipeline.check(declarations, snapshot, pipeline.Run(chosen, now=datetime(2026, 1, 8, tzinfo=UTC)))


def assert_in_sync(report: Report) -> None:
    assert [f for f in report.findings if f.severity is Severity.ERROR and f.suppressed is None] == []
    assert [c for d in report.deployments for c in d.changes if c.suppressed is None] == []
    assert report.outcome.status is ExitStatus.IN_SYNC


@given(live=exportable())
def test_an_export_of_any_live_deployment_is_strictly_in_sync(live: dict[str, Any]) -> None:
    found = exported(live)
    assert found is not None
    assert_in_sync(strict_check(write([found]), live))


@given(live=exportable(odd=False))
def test_what_fits_the_schema_needs_ignore_rules_for_contradictions_alone(live: dict[str, Any]) -> None:
    found = exported(live)
    assert found is not None
    report = strict_check(write([found]), live)
    assert_in_sync(report)
    refused = {format_path(note.path) for note in found.notes}
    refused |= {format_path(note.path[:-1]) for note in found.notes if isinstance(note.path[-1], Item)}
    for note in found.ignores:  # of two entries of one name, live has only the positions
        path = format_path(note.path)
        assert any(path.startswith(each) or each.startswith(path) for each in refused), (path, note.reason)


def test_a_value_that_contradicts_another_is_pinned_and_its_change_is_drift() -> None:
    """Without `strict` too, where other undeclared values are not reported."""
    live = {"name": "agent", "source": "github", "source_config": {"deployment_type": "prod"}}
    live |= {"deployment_tier": "SERVERLESS_S"}
    found = exported(live)
    assert found is not None
    text = write([found])
    assert "path: deployment_tier\n    live:\n      equals: SERVERLESS_S\n" in text
    for strict in (False, True):
        report = strict_check(text, live, strict=strict)
        assert_in_sync(report)
        assert report.summary.suppressed == 1
        assert "unused-ignore" not in {found.rule for found in report.findings}
        report = strict_check(text, {**live, "deployment_tier": "SERVERLESS_L"}, strict=strict)
        assert report.outcome.status is ExitStatus.DRIFT
        assert report.summary.suppressed == 0


@given(live=exportable(), strict=st.booleans(), data=st.data())
def test_a_change_of_a_value_that_an_ignore_rule_of_an_export_covers_is_drift(
    live: dict[str, Any], strict: bool, data: st.DataObject
) -> None:
    found = exported(live)
    assert found is not None
    pinned = [note.path for note in found.ignores if note.live is not ABSENT and _has(live, note.path)]
    if not pinned:
        return
    changed = copy.deepcopy(live)
    path = data.draw(st.sampled_from(pinned))
    _holder(changed, path)[_key(_holder(changed, path), path[-1])] = "another value"
    report = strict_check(write([found]), changed, strict=strict)
    active = [change.path for change in report.deployments[0].changes if change.suppressed is None]
    assert any(each == path[: len(each)] or path == each[: len(path)] for each in active), (path, active)
    if path != ("shareable",):  # undeclared sharing is a warning
        assert report.outcome.status is ExitStatus.DRIFT


def _holder(value: Any, path: Path) -> Any:
    return value if len(path) == 1 else value_at(value, path[:-1])


def _key(holder: Any, segment: object) -> Any:
    if isinstance(segment, Item):
        return next(
            n for n, each in enumerate(holder) if isinstance(each, dict) and each.get(segment.key) == segment.value
        )
    return segment


def _has(live: dict[str, Any], path: Path) -> bool:
    return value_at(live, path) not in (None, "another value")


@given(live=exportable())
def test_no_export_holds_a_secret(live: dict[str, Any]) -> None:
    found = exported(live)
    assert found is not None
    text = write([found])
    for canary in CANARIES:
        assert canary not in text


@given(live=exportable())
def test_order_of_keys_means_nothing(live: dict[str, Any]) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(entry) for entry in value] if isinstance(value, list) else value

    found, other = exported(live), exported(turned(live))
    assert found is not None
    assert other is not None
    assert write([found]) == write([other])


def form(live: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    value, notes = declared_form(live)
    return value, {format_path(note.path): note.reason for note in notes}


def spec(**values: Any) -> dict[str, Any]:
    return {"name": "agent", "source": "external_docker", "source_config": {"resource_spec": values}}


@pytest.mark.parametrize("ref", [None, "", "4c9f1b7", "HEAD", "another", COMMIT])
def test_the_branch_that_the_service_names_is_exported(ref: str | None) -> None:
    live = {"name": "agent", "source": "github", "source_config": {"repo_branch": "main"}}
    live |= {"source_revision_config": {"repo_ref": ref}}
    expected = {
        "name": "agent",
        "source": "github",
        "source_revision_config": {"repo_ref": "main"},
    }
    assert form(live) == (expected, {})


@pytest.mark.parametrize("url", ["https://smith.example.com/lgp/agent-1", f"https://agent-{'0a' * 16}.example.com"])
def test_an_assigned_url_is_not_exported(url: str) -> None:
    live = {"name": "agent", "source": "external_docker", "source_config": {"custom_url": url}}
    assert "source_config" not in form(live)[0]
    live["source_config"] = {"custom_url": "https://agent.example.com"}
    assert form(live)[0]["source_config"] == {"custom_url": "https://agent.example.com"}


def test_what_only_the_service_sets_is_left_out() -> None:
    live = {"name": "agent", "source": "github", "id": "1", "status": "READY", "updated_at": "x", "shareable": False}
    live["source_config"] = {"custom_url": "https://x.langgraph.app", "repo_branch": "main", "repo_url": "https://g/x"}
    live["source_revision_config"] = {"image_uri": "built@sha256:0", "repo_commit_sha": COMMIT, "repo_ref": "main"}
    assert form(live) == (
        {
            "name": "agent",
            "source": "github",
            "source_config": {"repo_url": "https://g/x"},
            "source_revision_config": {"repo_ref": "main"},
        },
        {},
    )


def test_what_the_service_derives_is_left_out_and_what_differs_from_it_stays() -> None:
    value, notes = form(spec(cpu=1, cpu_limit=2, queue_cpu=1, queue_cpu_limit=3, memory_mb=1024, memory_limit_mb=2048))
    assert value["source_config"]["resource_spec"] == {"cpu": 1, "memory_mb": 1024, "queue_cpu_limit": 3}
    assert notes == {}


def test_what_is_unset_is_left_out_and_an_empty_volume_stays() -> None:
    live = spec(cpu=None, labels={}, volumes=[{"name": "tmp", "emptyDir": {}, "secret": None}], sidecars=[])
    value, notes = form(live)
    assert value["source_config"]["resource_spec"] == {"volumes": [{"name": "tmp", "emptyDir": {}}]}
    assert notes == {}


def test_secrets_are_names() -> None:
    live = {"name": "agent", "secrets": [{"name": "B", "value": "canary"}, {"name": "A", "value": None}]}
    assert form(live) == ({"name": "agent", "secrets": [{"name": "A"}, {"name": "B"}]}, {})


def test_a_resolved_commit_is_its_branch_where_that_is_known_and_unverifiable_elsewhere() -> None:
    live: dict[str, Any] = {"name": "agent", "source": "github", "source_revision_config": {"repo_ref": COMMIT}}
    value, notes = form(live)
    assert "source_revision_config" not in value
    assert list(notes) == ["source_revision_config.repo_ref"]
    live["source_config"] = {"repo_branch": "develop"}
    assert form(live) == (
        {"name": "agent", "source": "github", "source_revision_config": {"repo_ref": "develop"}},
        {},
    )


@pytest.mark.parametrize("value", ["debug", "lsv2_sk_canary0123456789", dict(REDACTED_MARKER)])
def test_a_variable_is_exported_without_its_value_and_is_in_sync_without_an_ignore_rule(value: object) -> None:
    live = spec(sidecars=[{"name": "otel", "image": "otel:1", "env": [{"name": "LEVEL", "value": value}]}])
    found = exported(live)
    assert found is not None
    path = "source_config.resource_spec.sidecars[name=otel].env[name=LEVEL].value"
    assert [format_path(note.path) for note in found.notes] == [path]
    assert found.ignores == ()
    assert "- name: LEVEL\n                # value is not exported: it may hold a secret\n" in write([found])


def test_a_label_that_holds_a_secret_is_covered_by_an_ignore_rule() -> None:
    live = spec(labels={"team": "a", "token": "lsv2_sk_canary0123456789"})
    found = exported(live)
    assert found is not None
    report = strict_check(write([found]), live)
    (change,) = report.deployments[0].changes
    assert (change.kind, format_path(change.path)) == (ChangeKind.ADDED, "source_config.resource_spec.labels.token")
    assert change.suppressed is not None
    assert change.suppressed.reason == "not exported: it may hold a secret"


def test_what_the_schema_refuses_is_reported_and_the_rest_exported() -> None:
    live = {
        **spec(cpu=0.01, memory_mb=1024, sidecars=[{"name": "UPPER", "image": "x:1"}, {"name": "ok", "image": "y:1"}]),
        "deployment_tier": "COLOSSAL",
    }
    found = exported(live)
    assert found is not None
    assert found.value["source_config"] == {
        "resource_spec": {"memory_mb": 1024, "sidecars": [{"name": "ok", "image": "y:1"}]}
    }
    said = {format_path(note.path): note.reason for note in found.notes}
    assert said.keys() == {
        "deployment_tier",
        "source_config.resource_spec.cpu",
        "source_config.resource_spec.sidecars[name=UPPER]",
    }
    assert_in_sync(strict_check(write([found]), live))


@pytest.mark.parametrize("name", ["../../x", "UPPER", "with space", "a/b", "x" * 64])
def test_R9_a_name_that_the_schema_refuses_is_not_exported(name: str) -> None:
    assert exported({"name": name, "source": "github"}) is None


def test_a_field_that_the_schema_does_not_know_is_reported() -> None:
    value, notes = form({"name": "agent", "warp_drive": True})
    assert value == {"name": "agent"}
    assert list(notes) == ["warp_drive"]


def test_keyed_lists_come_in_order_of_identity_where_order_means_nothing() -> None:
    containers = [{"name": "b", "image": "b:1"}, {"name": "a", "image": "a:1"}]
    value, _ = form(spec(sidecars=containers, init_containers=containers))
    found = value["source_config"]["resource_spec"]
    assert [entry["name"] for entry in found["sidecars"]] == ["a", "b"]
    assert [entry["name"] for entry in found["init_containers"]] == ["b", "a"]


def test_notes_hold_no_values() -> None:
    live = spec(labels={"x": 7, "y": "ok"})
    found = exported(live)
    assert found is not None
    assert found.notes == (Note(("source_config", "resource_spec", "labels", "x"), found.notes[0].reason),)
    assert "7" not in found.notes[0].reason


@given(seed=st.integers(0, 2**32))
def test_of_what_can_be_declared_nothing_is_left_out_but_secrets_and_commits(seed: int) -> None:
    draw = Random(seed)
    live = echo(
        declaration(draw), draw.choice(("seed", "B", "B2", "C")), draw, Freedom(foreign=False, newer=False)
    ).live
    found = exported(live)
    assert found is not None
    assert {note.reason for note in found.notes} <= {HIDDEN, COMMIT_WITHOUT_BRANCH}
    assert found.ignores == ()
    assert_in_sync(strict_check(write([found]), live))


@given(seed=st.integers(0, 2**32))
def test_every_change_after_an_export_is_reported(seed: int) -> None:
    """An ignore rule of an export suppresses only what could not be exported."""
    draw = Random(seed)
    live = {**echo(declaration(draw, "external_docker"), "C", draw).live, "id": "1"}
    found = exported(live)
    assert found is not None
    spec = live["source_config"]["resource_spec"] or {}
    changed = {**live, "source_config": {**live["source_config"], "resource_spec": {**spec, "db_storage_gi": 4321}}}
    report = strict_check(write([found]), changed)
    assert report.outcome.status is ExitStatus.DRIFT
    (change,) = [c for c in report.deployments[0].changes if c.suppressed is None]
    assert change.live in (4321, {"db_storage_gi": 4321})
