"""Ignore rules: what they hide stays visible and counted (docs/contract.md, Declaration file)."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from driftcheck import ignores
from driftcheck.globs import matches
from driftcheck.ignores import Suppressions, holds, in_force
from driftcheck.model import (
    Change,
    ChangeKind,
    Comparison,
    Declaration,
    Finding,
    Guard,
    IgnoreRule,
    Location,
    Severity,
    Status,
    Suppression,
)
from driftcheck.paths import Item, Path, parse_path

PLACE = Location("agents.yaml", 3, 5)
TODAY = date(2026, 8, 22)
SPEC = "source_config.resource_spec"
FORM = "ghp_" + "Zq7" * 12


def rule(path: str | None = None, **values: Any) -> IgnoreRule:
    return IgnoreRule(reason="load test, OPS-123", location=PLACE, path=path, **values)


def change(path: str, live: Any = 2) -> Change:
    return Change(ChangeKind.MODIFIED, parse_path(path), 1, live)


def hidden(rules: list[IgnoreRule], *changes: Change, name: str = "claims") -> list[Change]:
    suppressions, _ = in_force(rules, TODAY)
    comparison = suppressions.suppress(Comparison(name, Status.DRIFTED, changes=changes))
    assert comparison.status is Status.DRIFTED
    return [found for found in comparison.changes if found.suppressed]


def is_catch_all(about: IgnoreRule) -> bool:
    _, findings = in_force([about], TODAY)
    return [found.rule for found in findings] == ["catch-all-ignore"]


def missing(rule_id: str, name: str = "claims") -> Finding:
    return Finding(rule_id, Severity.ERROR, "x", deployment=name)


def is_hidden(rules: list[IgnoreRule], finding: Finding) -> bool:
    suppressions, _ = in_force(rules, TODAY)
    return suppressions.suppress_finding(finding).suppressed is not None


# --- changes -----------------------------------------------------------------------------------------------------


def test_a_suppressed_change_stays_with_its_rule() -> None:
    cpu = change(f"{SPEC}.cpu")
    (found,) = hidden([rule(f"{SPEC}.cpu", expires="2026-12-31")], cpu)
    assert found.suppressed == Suppression("load test, OPS-123", "2026-12-31", PLACE)
    assert (found.path, found.live, found.declared) == (cpu.path, 2, 1)


@pytest.mark.parametrize(
    ("pattern", "path", "covers"),
    [
        (f"{SPEC}.max_scale", f"{SPEC}.max_scale", True),
        (f"{SPEC}.max_scale", f"{SPEC}.queue_max_scale", False),
        (f"{SPEC}.cpu", f"{SPEC}.cpu_limit", False),
        (f"{SPEC}.*_scale", f"{SPEC}.queue_max_scale", True),
        (f"{SPEC}.*", f"{SPEC}.labels.team", False),
        (f"{SPEC}.**", f"{SPEC}.labels.team", True),
        (f"{SPEC}.labels.**", f"{SPEC}.labels", True),
        ("**.cpu", f"{SPEC}.cpu", True),
        ("**.cpu", "cpu", True),
        (f"{SPEC}.sidecars[name=otel].image", f"{SPEC}.sidecars[name=otel].image", True),
        (f"{SPEC}.sidecars[name=otel].image", f"{SPEC}.sidecars[name=log].image", False),
        (f"{SPEC}.sidecars[name=*].image", f"{SPEC}.sidecars[name=log].image", True),
        (f"{SPEC}.sidecars.*.image", f"{SPEC}.sidecars[name=log].image", True),
        (f"{SPEC}.sidecars[name=otel].args[*]", f"{SPEC}.sidecars[name=otel].args[3]", True),
        (f'{SPEC}.labels["a.b/c"]', f'{SPEC}.labels["a.b/c"]', True),
        (f"{SPEC}.labels.*", f'{SPEC}.labels["a.b/c"]', True),
        ("secrets", "secrets[name=X]", False),
    ],
)
def test_a_rule_covers_what_its_glob_says(pattern: str, path: str, covers: bool) -> None:
    assert bool(hidden([rule(pattern)], change(path))) is covers


@pytest.mark.parametrize(
    ("deployment", "name", "covers"),
    [
        ("claims-*", "claims-agent", True),
        ("claims-*", "billing", False),
        ("*", "x", True),
        ("claims", "claims-agent", False),
    ],
)
def test_a_rule_covers_the_deployments_that_it_names(deployment: str, name: str, covers: bool) -> None:
    assert bool(hidden([rule("**.cpu", deployment=deployment)], change("cpu"), name=name)) is covers


def test_a_rule_of_a_declaration_file_covers_its_own_deployments() -> None:
    own = rule("**.cpu", scope=frozenset({"claims"}))
    assert hidden([own], change("cpu"))
    assert not hidden([own], change("cpu"), name="billing")


@pytest.mark.parametrize(
    ("guard", "live", "held"),
    [
        (Guard(between=(6, 20)), 6, True),
        (Guard(between=(6, 20)), 20.0, True),
        (Guard(between=(6, 20)), 21, False),
        (Guard(between=(0, 20)), True, False),
        (Guard(between=(6, 20)), "7", False),
        (Guard(between=(6, 20)), None, False),
        (Guard(equals=3), 3.0, True),
        (Guard(equals=1), True, False),
        (Guard(equals=True), 1, False),
        (Guard(equals=None), None, True),
        (Guard(equals=None), 0, False),
        (Guard(equals={"a": 1}), {"a": 1}, True),
        (Guard(equals={"a": 1}), {"a": True}, False),
        (Guard(equals=[0]), [False], False),
        (Guard(is_in=(1, "a")), "a", True),
        (Guard(is_in=(1, "a")), True, False),
        (Guard(is_in=()), None, False),
        (Guard(matches="otel:0.*"), "otel:0.104.0", True),
        (Guard(matches="otel:0.*"), "otel:1.0", False),
        (Guard(matches="otel:[0]*"), "otel:0.1", False),
        (Guard(matches="*"), 3, False),
    ],
)
def test_a_guard_is_about_the_live_value(guard: Guard, live: Any, held: bool) -> None:
    assert holds(guard, live) is held
    assert bool(hidden([rule("cpu", guard=guard)], change("cpu", live))) is held


CONTAINER = {"name": "n", "image": "i:1", "env": [{"name": "A", "value": "hunter2"}]}
SHOWN = {"name": "n", "image": "i:1", "env": [{"name": "A"}]}


def test_K6_a_guard_is_about_the_live_value_as_it_is_shown() -> None:
    added = Change(ChangeKind.ADDED, parse_path(f"{SPEC}.sidecars[name=n]"), None, CONTAINER)
    covering = f"{SPEC}.sidecars.**"
    assert hidden([rule(covering, guard=Guard(equals=SHOWN))], added)
    for guess in ("hunter2", "hunter3", "[redacted]", None):
        guessed = {**CONTAINER, "env": [{"name": "A", "value": guess}]}
        assert not hidden([rule(covering, guard=Guard(equals=guessed))], added)
        assert not hidden([rule(covering, guard=Guard(is_in=(guessed,)))], added)


@pytest.mark.parametrize("path", [f'{SPEC}.labels["{FORM}"]', f"secrets[name={FORM}].name"])
@pytest.mark.parametrize("guard", [Guard(equals=2), Guard(equals=None), Guard(is_in=(None, 2)), Guard(between=(0, 9))])
def test_K6_what_is_shown_as_redacted_fulfils_no_guard(path: str, guard: Guard) -> None:
    assert hidden([rule(f"{SPEC}.**"), rule("secrets.**")], change(path))
    assert not hidden([rule(f"{SPEC}.**", guard=guard), rule("secrets.**", guard=guard)], change(path))


@given(
    st.lists(st.sampled_from(("a", "b", "a.b", "c[0]", "d[name=x].e")), max_size=6),
    st.lists(st.sampled_from(("a", "*.b", "c[*]", "d.**", "z", "**.e")), max_size=4),
)
def test_D14_active_and_suppressed_are_all(paths: list[str], patterns: list[str]) -> None:
    changes = tuple(change(path) for path in paths)
    suppressions, _ = in_force([rule(pattern) for pattern in patterns], TODAY)
    comparison = suppressions.suppress(Comparison("x", Status.DRIFTED, changes=changes))
    assert [found.path for found in comparison.changes] == [found.path for found in changes]
    assert [found.live for found in comparison.changes] == [found.live for found in changes]
    unused = len(list(suppressions.unused((), strict=True)))
    assert unused + len(suppressions.used) == len(suppressions.rules)
    assert bool(suppressions.used) == any(found.suppressed for found in comparison.changes)


# --- rules that are findings themselves --------------------------------------------------------------------------


@pytest.mark.parametrize(("expires", "hides"), [("2026-08-22", True), ("2026-08-21", False), ("2026-12-31", True)])
def test_a_rule_holds_to_the_end_of_its_day_and_is_a_finding_afterwards(expires: str, hides: bool) -> None:
    expiring = rule("cpu", expires=expires)
    suppressions, findings = in_force([expiring], TODAY)
    assert bool(suppressions.rules) is hides
    assert [found.rule for found in findings] == ([] if hides else ["expired-ignore"])
    assert [found.location for found in findings] == ([] if hides else [PLACE])
    assert bool(hidden([expiring], change("cpu"))) is hides


QUOTED = ['**["*"]', '["**"]', '**.["*"]', '["*"].**', '["**"].**', '*["**"]', r'["\u002a*"]', "**[", "***.**"]


@pytest.mark.parametrize("path", ["**", "**.**", "*.**", "**.*", "*.*.**", *QUOTED])
def test_R8_a_rule_that_covers_everything_suppresses_nothing_and_is_a_finding(path: str) -> None:
    suppressions, findings = in_force([rule(path)], TODAY)
    assert not suppressions.rules
    assert [found.rule for found in findings] == ["catch-all-ignore"]
    assert not hidden([rule(path)], change("cpu"), change("a.b"))


@pytest.mark.parametrize(
    ("paths", "is_catch_all"),
    [
        (["source_config.**", "source_revision_config.**"], True),
        (["source_config.**", "*.image_uri", "*.repo_ref", "*.langgraph*", "*.source_tarball_path"], True),
        (["source_config.**", "source_revision_config.image_uri"], False),
        (["source_config.resource_spec.**", "source_revision_config.**"], False),
    ],
)
def test_R8_rules_that_cover_everything_together_hide_nothing(paths: list[str], is_catch_all: bool) -> None:
    rules = [rule(path) for path in paths]
    suppressions, findings = in_force(rules, TODAY)
    assert {found.rule for found in findings} == ({"catch-all-ignore"} if is_catch_all else set())
    assert bool(suppressions.rules) is not is_catch_all
    other = [replace(each, deployment=f"agent-{number}") for number, each in enumerate(rules)]
    assert in_force(other, TODAY)[1] == []
    assert not is_catch_all or in_force([*rules[:-1], replace(rules[-1], expires="2020-01-01")], TODAY)[0].rules


DIVERSE: list[Path] = [
    tuple(path)
    for depth in range(1, 6)
    for last in ("cpu", "a.b", "*", "", "[0]", '"', "é", 0, 7, Item("name", "x y"), Item("mountPath", "/etc"))
    for path in ([*(last for _ in range(depth))], [*("source_config" for _ in range(depth - 1)), last])
]
PIECES = ("*", "**", "***", ".", '["*"]', '["**"]', "[*]", "[name=*]", "[", "]", '"', "a", "a*", '[""]')


@given(st.lists(st.sampled_from(PIECES), max_size=5).map("".join))
@example("**[*]")
@example('["*"]**')
def test_R8_a_rule_that_covers_every_path_is_a_catch_all(pattern: str) -> None:
    if all(matches(pattern, path) for path in DIVERSE):
        assert is_catch_all(rule(pattern))


@pytest.mark.parametrize("path", ["source_config.**", "**.cpu", "*", "cpu", '["*"]', "***", "**[*]", '**[""]'])
def test_a_rule_that_names_what_it_covers_is_not_a_catch_all(path: str) -> None:
    assert not is_catch_all(rule(path))


def test_a_rule_that_matched_nothing_is_a_finding() -> None:
    suppressions, _ = in_force([rule("cpu"), rule("memory")], TODAY)
    suppressions.suppress(Comparison("x", Status.DRIFTED, changes=(change("cpu"),)))
    (found,) = suppressions.unused((), strict=True)
    assert (found.rule, found.location) == ("unused-ignore", PLACE)


def test_the_first_rule_that_covers_a_change_suppresses_it_and_the_others_are_unused() -> None:
    first, second = rule("cpu"), IgnoreRule("another reason", PLACE, path="cpu")
    (found,) = hidden([first, second], change("cpu"))
    assert found.suppressed is not None
    assert found.suppressed.reason == "load test, OPS-123"


# --- whole deployments -------------------------------------------------------------------------------------------


def test_a_missing_deployment_is_suppressed_only_by_a_rule_that_names_it_and_says_missing() -> None:
    named = rule(deployment="claims", missing=True)
    assert is_hidden([named], missing("missing-deployment"))
    assert not is_hidden([named], missing("missing-deployment", "billing"))
    assert not is_hidden([rule(deployment="cl*", missing=True)], missing("missing-deployment"))
    assert not is_hidden([rule(deployment="*", missing=True)], missing("missing-deployment"))
    assert not is_hidden([rule("source_config.**", deployment="claims")], missing("missing-deployment"))
    assert not is_hidden([rule(deployment="claims", unmanaged=True)], missing("missing-deployment"))


def test_R8_a_file_hides_no_deployment_of_another_file() -> None:
    elsewhere = rule(deployment="claims", missing=True, scope=frozenset({"billing"}))
    assert not is_hidden([elsewhere], missing("missing-deployment"))


@pytest.mark.parametrize("rule_id", ["unmanaged-deployment", "unmanaged-preview", "unmanaged-managed-agent"])
def test_an_unmanaged_deployment_is_suppressed_by_a_glob_over_its_name(rule_id: str) -> None:
    previews = rule(deployment="pr-*", unmanaged=True)
    assert is_hidden([previews], missing(rule_id, "pr-12"))
    assert not is_hidden([previews], missing(rule_id, "claims"))
    assert not is_hidden([rule(deployment="pr-12", missing=True)], missing(rule_id, "pr-12"))
    assert is_catch_all(rule(deployment="*", unmanaged=True))
    assert is_catch_all(rule(deployment="**", unmanaged=True))


@pytest.mark.parametrize("rule_id", ["ambiguous-name", "rollout-pending", "being-deleted", "wrong-workspace"])
def test_no_other_finding_can_be_suppressed(rule_id: str) -> None:
    rules = [rule(deployment="claims", missing=True), rule(deployment="claims", unmanaged=True)]
    assert not is_hidden(rules, missing(rule_id))
    assert not is_hidden(rules, Finding(rule_id, Severity.ERROR, "x"))


def test_a_suppressed_finding_counts_as_use() -> None:
    suppressions, _ = in_force([rule(deployment="claims", missing=True)], TODAY)
    suppressions.suppress_finding(missing("missing-deployment"))
    assert list(suppressions.unused((), strict=True)) == []
    assert isinstance(suppressions, Suppressions)


# --- what a rule covers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["**", "**.*", "*.**", "*e*.**", "source*.**", "s*.**", '["source"]*.**', "**.**"])
def test_R8_a_rule_that_covers_the_whole_configuration_is_a_catch_all_however_it_is_spelled(path: str) -> None:
    catches_all = not path.startswith('["')
    assert is_catch_all(rule(path)) is catches_all
    assert is_catch_all(rule(path, deployment="claims", unmanaged=True)) is catches_all


@pytest.mark.parametrize("path", ["source_config.**", f"{SPEC}.**", "**.labels.**", "*.resource_spec.*", "secrets.**"])
def test_a_rule_that_covers_a_part_is_not_a_catch_all(path: str) -> None:
    assert not is_catch_all(rule(path))
    assert is_catch_all(rule(path, unmanaged=True))


@pytest.mark.parametrize(
    ("about", "finding", "covers"),
    [
        ({"rule": "rollout-pending"}, "rollout-pending", True),
        ({"rule": "rollout-pending"}, "being-deleted", False),
        ({"rule": "policy:two-replicas"}, "policy:two-replicas", True),
        ({"rule": "policy:two-replicas", "deployment": "billing"}, "policy:two-replicas", False),
        ({"rule": "missing-deployment", "deployment": "claims"}, "missing-deployment", True),
        ({"rule": "missing-deployment", "deployment": "c*"}, "missing-deployment", False),
        ({"rule": "unmanaged-deployment", "deployment": "c*"}, "unmanaged-deployment", True),
        ({"rule": "unmanaged-deployment"}, "unmanaged-deployment", False),
    ],
)
def test_a_rule_about_findings_covers_those_of_its_id(about: dict[str, Any], finding: str, covers: bool) -> None:
    assert is_hidden([rule(**about)], missing(finding)) is covers


def test_owner_and_approval_are_shown_and_credentials_in_any_text_are_not() -> None:
    (found,) = hidden([rule(f"{SPEC}.cpu", owner="platform team", approved_by=FORM)], change(f"{SPEC}.cpu"))
    assert found.suppressed is not None
    assert (found.suppressed.owner, found.suppressed.approved_by) == ("platform team", "[redacted]")


# --- rules that suppressed nothing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "is_reported"),
    [
        (f"{SPEC}.cpu", True),
        (f"{SPEC}.labels.team", True),
        (f"{SPEC}.labels.other", True),
        (f"{SPEC}.memory_mb", False),
        (f"{SPEC}.memroy_mb", True),
        ("source_config.custom_url", False),
    ],
)
def test_an_unused_rule_is_reported_only_where_it_could_have_matched(path: str, is_reported: bool) -> None:
    value = {"source_config": {"resource_spec": {"cpu": 1, "labels": {"team": "a"}}}}
    declared = [Declaration("claims", value, lambda _: PLACE)]
    suppressions, _ = in_force([rule(path)], TODAY)
    assert bool(list(suppressions.unused(declared, strict=False))) is is_reported
    assert list(suppressions.unused(declared, strict=True))


def test_an_unused_rule_about_no_declared_deployment_is_reported() -> None:
    suppressions, _ = in_force([rule(f"{SPEC}.memory_mb", deployment="gone")], TODAY)
    assert list(suppressions.unused([Declaration("claims", {}, lambda _: PLACE)], strict=False))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("paths", "rules"),
    [
        ([f"{SPEC}.labels.k{n}" for n in range(2_000)], [{"path": f"{SPEC}.labels.k{n}"} for n in range(2_000)]),
        ([f"{SPEC}.labels.k{n}" for n in range(2_000)], [{"path": f"{SPEC}.labels.*x{n}*"} for n in range(2_000)]),
        (
            [f"{SPEC}.labels.k{n}" for n in range(2_000)],
            [{"path": f"{SPEC}.labels.**", "deployment": f"x{n}"} for n in range(2_000)],
        ),
    ],
    ids=["literal", "globs", "names"],
)
def test_two_thousand_rules_and_changes_take_little_time(paths: list[str], rules: list[dict[str, str]]) -> None:
    changes = tuple(change(path) for path in paths)
    begin = time.process_time()
    suppressions, _ = in_force([rule(**about) for about in rules], TODAY)
    suppressions.suppress(Comparison("claims", Status.DRIFTED, changes=changes))
    list(suppressions.unused([], strict=False))
    assert time.process_time() - begin < 2


MANY = 3_000
LABELS = [f"{SPEC}.labels.k{n}" for n in range(MANY)]


@pytest.mark.parametrize(
    "rules",
    [
        [rule(f"{SPEC}.labels.k*", guard=Guard(equals=f"x{n}")) for n in range(MANY)],
        [rule(f"{SPEC}.labels.k*", guard=Guard(is_in=tuple(map(str, range(MANY)))))] * MANY,
        [rule(f"**.*k*{n % 9}*k*{'*' * n}") for n in range(MANY)],
        [rule("**.*.**.k*.**", guard=Guard(matches=f"*{n}*")) for n in range(MANY)],
    ],
    ids=["guards", "long-guards", "globs", "stars"],
)
def test_rules_that_take_too_much_work_suppress_nothing_more_and_are_a_finding(
    rules: list[IgnoreRule], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ignores, "BUDGET", 1_000_000)
    begin = time.process_time()
    suppressions, _ = in_force([*rules, rule(f"{SPEC}.labels.k1")], TODAY)
    covered = change(f"{SPEC}.labels.k1")
    comparisons = [Comparison("claims", Status.DRIFTED, changes=(change(path),)) for path in LABELS]
    for comparison in comparisons:
        suppressions.suppress(comparison)
    (last,) = suppressions.suppress(Comparison("claims", Status.DRIFTED, changes=(covered,))).changes
    assert last.suppressed is None
    assert list(suppressions.unused([], strict=True)) == []
    assert [found.rule for found in suppressions.limit()] == ["yaml-limit"]
    assert time.process_time() - begin < 2


def test_names_that_take_too_much_work_leave_findings_unsuppressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ignores, "BUDGET", 100_000)
    suppressions, _ = in_force([rule(rule="no-revision", deployment=f"*{n}*x*") for n in range(MANY)], TODAY)
    for number in range(MANY):
        suppressions.suppress_finding(missing("no-revision", f"a{number}x"))
    assert suppressions.suppress_finding(missing("no-revision", "1x")).suppressed is None
    assert [found.rule for found in suppressions.limit()] == ["yaml-limit"]


def test_rules_within_the_budget_are_not_a_finding() -> None:
    suppressions, _ = in_force([rule(path) for path in LABELS], TODAY)
    suppressions.suppress(Comparison("claims", Status.DRIFTED, changes=tuple(map(change, LABELS))))
    assert len(suppressions.used) == MANY
    assert list(suppressions.limit()) == []


def test_a_path_of_many_stars_or_segments_is_matched_soon() -> None:
    begin = time.process_time()
    suppressions, _ = in_force([rule(".".join(["**"] * 100_000) + ".x"), rule("a." * 50_000 + "b")], TODAY)
    suppressions.suppress(Comparison("claims", Status.DRIFTED, changes=tuple(map(change, LABELS))))
    list(suppressions.unused([], strict=False))
    assert time.process_time() - begin < 3


@pytest.mark.parametrize(
    ("about", "message", "hint"),
    [
        (rule(f"{SPEC}.cpus"), f"`*` (`{SPEC}.cpus`) matched nothing", "Did you mean `cpu`?"),
        (rule("sharable"), "`*` (`sharable`)", "Did you mean `shareable`?"),
        (rule("zzz"), "`*` (`zzz`)", "No field has this path."),
        (rule(SPEC, deployment="claims"), f"`claims` (`{SPEC}`)", f"Write `{SPEC}.**`"),
        (
            rule(f"{SPEC}.cpu", deployment="nowhere"),
            f"`nowhere` (`{SPEC}.cpu`)",
            "No deployment of this name is declared",
        ),
        (rule(deployment="nowhere", missing=True), "`nowhere` (`missing`)", "Remove it"),
        (rule(f"{SPEC}.*pu"), f"`*` (`{SPEC}.*pu`)", "Remove it"),
    ],
)
def test_an_unused_rule_is_named_with_its_probable_mistake(about: IgnoreRule, message: str, hint: str) -> None:
    suppressions, _ = in_force([about], TODAY)
    declared = Declaration("claims", {"name": "claims"}, PLACE)
    (found,) = suppressions.unused([declared], strict=True)
    assert message in found.message
    assert hint in (found.hint or "")


def test_K7_a_credential_in_an_unused_rule_is_not_shown() -> None:
    suppressions, _ = in_force([rule(f"{SPEC}.labels.{FORM}", deployment="claims")], TODAY)
    (found,) = suppressions.unused([], strict=True)
    assert found.message == "An ignore rule matched nothing."
