"""No secret value is in a change: env values, user parts of URLs, credentials of a known form (K5, K6)."""

from __future__ import annotations

import copy
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.model import ABSENT, REDACTED_MARKER, Change, ChangeKind
from driftcheck.paths import Item, Path, parse_path
from driftcheck.redaction.values import redact, without_secrets
from tests.comparison.declarations import declarations
from tests.comparison.echo import echo
from tests.comparison.mutations import mutations
from tests.comparison.sides import SCHEMA, sidecar, spec, verdicts

CANARY = "c4n4ry" + "0123456789abcdef" * 3
FORMS = (
    f"ghp_{CANARY}",
    f"lsv2_pt_{CANARY}",
    f"sk-ant-{CANARY}",
    f"postgres://u:{CANARY}@db/x",
    f"https://{CANARY}@h/",
)


def changes(declared: dict[str, Any], live: dict[str, Any], base: dict[str, Any] | None = None) -> list[Change]:
    result = verdicts([declared], [live], None if base is None else [base], strict=True)
    return [redact(change) for comparison in result.comparisons for change in comparison.changes]


def change(path: str, declared: Any, live: Any, **values: Any) -> Change:
    found = Change(ChangeKind.MODIFIED, parse_path(path), declared, live, **values)
    return redact(found)


ENV = "source_config.resource_spec.sidecars[name=otel].env"


# --- single values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"{ENV}[name=A].value", f"{ENV}[0].value", "secrets[name=A].value"])
def test_K6_a_different_secret_is_reported_without_its_value(path: str) -> None:
    found = change(path, "one", "two", base="three", declared_effective="", live_effective="")
    assert found.redacted
    assert (found.declared, found.live, found.base) == (None, None, None)
    assert (found.declared_effective, found.live_effective) == (None, None)
    assert change(path, "one", "two").base is ABSENT


@pytest.mark.parametrize("form", FORMS)
def test_K6_a_credential_in_the_path_hides_the_values(form: str) -> None:
    found = change("source_config.resource_spec.labels.x", "a", "b", base="c")
    assert (found.redacted, found.live) == (False, "b")
    for path in (("source_config", "resource_spec", "labels", form), ("secrets", Item("name", form), "name")):
        hidden = redact(Change(ChangeKind.MODIFIED, path, "a", "b", base="c"))
        assert (hidden.redacted, hidden.declared, hidden.live, hidden.base) == (True, None, None, None)


@pytest.mark.parametrize("form", FORMS)
def test_K6_a_credential_that_is_a_key_of_a_value_is_masked_with_what_it_holds(form: str) -> None:
    labels = {form: "1", "a": "2", f"{form}2": "3", "[redacted]": "4"}
    found = change("source_config.resource_spec.labels", None, labels)
    shown = {"[redacted 2]": "[redacted]", "a": "2", "[redacted 3]": "[redacted]", "[redacted]": "4"}
    assert (found.redacted, found.live) == (False, shown)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("side", ["declared", "live", "base"])
def test_K6_a_credential_of_a_known_form_is_shown_nowhere(form: str, side: str) -> None:
    values: dict[str, Any] = {"declared": "a", "live": "b", "base": "c"} | {side: f"--x={form}"}
    found = change(
        "source_config.resource_spec.sidecars[name=otel].args[0]",
        values["declared"],
        values["live"],
        base=values["base"],
    )
    assert found.redacted
    assert (found.declared, found.live, found.base) == (None, None, None)


@pytest.mark.parametrize(
    "url",
    [
        "https://user@git.example.com/x",
        "https://u:p@git.example.com/x",
        "https://x-token:@git.example.com/x",
        "a://b:c@d@e/f",
    ],
)
def test_K6_the_user_part_of_a_url_is_shown_nowhere(url: str) -> None:
    assert change("source_config.repo_url", url, "https://git.example.com/x").redacted
    assert change("source_config.repo_url", "https://git.example.com/x", url).redacted


@pytest.mark.parametrize(
    "value",
    [
        "https://git.example.com/x",
        "https://git.example.com/x@y",
        "user@example.com",
        "sk-learn",
        "registry/a@sha256:0",
        3,
    ],
)
def test_values_that_are_not_secret_are_shown(value: Any) -> None:
    found = change("source_config.repo_url", value, "other")
    assert not found.redacted
    assert (found.declared, found.live) == (value, "other")


# --- secrets inside larger values --------------------------------------------------------------------------------


def test_a_container_that_is_gone_is_shown_without_the_values_of_its_variables() -> None:
    container = sidecar(
        env=[{"name": "A", "value": CANARY}, {"name": "B", "valueFrom": {"x": 1}}], args=[f"--k=ghp_{CANARY}"]
    )
    (found,) = changes(container, spec(sidecars=[]))
    assert CANARY not in repr(found)
    assert found.declared["env"] == [{"name": "A"}, {"name": "B", "valueFrom": {"x": 1}}]
    assert found.declared["image"] == "otel:1"
    assert found.declared["args"] == ["[redacted]"]


@pytest.mark.parametrize(
    "env",
    [
        {"A": CANARY},
        [f"A={CANARY}"],
        f"A={CANARY}",
        [[{"name": "A", "value": CANARY}]],
        {"name": "A", "value": CANARY},
        [{"name": "A", "value": {"text": CANARY}}],
        [{"name": "A", "value": [CANARY]}, {"name": "A", "value": CANARY}],
        [{"name": "A", "value": CANARY}, None, CANARY],
    ],
)
@pytest.mark.parametrize("declared", [None, [], [{"name": "A", "value": "x"}], [{"name": "A"}, {"name": "A"}]])
def test_K6_D6_variables_of_an_unexpected_shape_are_not_shown(env: Any, declared: Any) -> None:
    for ours in (sidecar(env=declared), sidecar(), spec(sidecars=[]), spec(sidecars=None), spec()):
        found = changes(ours, sidecar(env=env))
        assert CANARY not in repr(found)
    assert changes(sidecar(env=[{"name": "B", "value": "x"}]), sidecar(env=env))


@pytest.mark.parametrize(
    "sidecars", [{"otel": {"env": {"A": CANARY}}}, [[{"env": CANARY}]], CANARY, {"name": "x", "env": [CANARY]}]
)
def test_K6_D6_containers_of_an_unexpected_shape_are_not_shown(sidecars: Any) -> None:
    for declared in (sidecar(), spec(sidecars=None), spec(sidecars=[])):
        assert CANARY not in repr(changes(declared, spec(sidecars=sidecars)))


def test_an_order_is_shown_by_names() -> None:
    one, two = {"name": "A", "value": CANARY}, {"name": "B", "value": f"$(A)-{CANARY}"}
    (found,) = changes(sidecar(env=[one, two]), sidecar(env=[two, one]))
    assert (found.declared, found.live, found.redacted) == (["A", "B"], ["B", "A"], False)
    (found,) = changes(sidecar(env=[one, two]), sidecar(env=[two, one]), sidecar(env=[one, two]))
    assert found.base == ["A", "B"]
    values = replace(found, declared=[CANARY], base=ABSENT, of_order=False)
    assert CANARY not in repr(redact(values)), "a list of texts is not taken for an order"


def test_what_a_snapshot_left_out_is_named_so() -> None:
    assert without_secrets({"a": dict(REDACTED_MARKER)}, SCHEMA) == {"a": "[redacted]"}


# --- all of it ---------------------------------------------------------------------------------------------------


@given(declarations("external_docker"), declarations("external_docker"), st.integers(0, 2**32))
def test_K6_a_planted_secret_is_in_no_change(declared: dict[str, Any], base: dict[str, Any], seed: int) -> None:
    random = Random(seed)
    live = echo(declared, "C", random)
    others = random.sample([mutation.live for mutation in mutations(declared, live, random)], 2)
    for side in (declared, base, *others):
        plant(side, random, ())
    for other in (base, *others):
        assert CANARY not in repr(changes(declared, other))
        assert CANARY not in repr(changes(declared, other, base | {"name": declared["name"]}))


def plant(value: Any, random: Random, path: Path) -> None:
    """Put a canary into every value that a report may not show."""
    for key, entry in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
        if isinstance(entry, dict | list):
            plant(entry, random, (*path, key))
        elif key == "value" and "env" in path:
            value[key] = f"{entry}{CANARY}{random.randrange(9)}"
        elif isinstance(entry, str) and key not in ("name", "source", "mountPath") and random.random() < 0.3:
            value[key] = f"{random.choice(FORMS)}{random.randrange(9)}"


@given(declarations(), st.integers(0, 2**32))
def test_redaction_hides_and_changes_nothing_else(declared: dict[str, Any], seed: int) -> None:
    random = Random(seed)
    for mutation in mutations(declared, echo(declared, "C", random), random):
        before = copy.deepcopy((declared, mutation.live))
        (comparison,) = verdicts([declared], [mutation.live]).comparisons
        for found in comparison.changes:
            shown = redact(found)
            assert (shown.kind, shown.path, shown.impact, shown.location) == (
                found.kind,
                found.path,
                found.impact,
                found.location,
            )
            assert redact(shown) == shown
            if not shown.redacted and not isinstance(found.declared, dict | list):
                assert shown.declared == found.declared
        assert (declared, mutation.live) == before
