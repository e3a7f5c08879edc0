"""The classes of a three-way comparison: the truth table of docs/contract.md, With --base."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.model import ABSENT, Change, ChangeClass, Comparison, Status
from tests.comparison.declarations import declarations
from tests.comparison.echo import echo
from tests.comparison.mutations import mutations
from tests.comparison.sides import at, classes, rules, spec, statuses, verdicts
from tests.loops import case

A, B, C = "a", "b", "c"


def named(name: str, **values: Any) -> dict[str, Any]:
    return {"name": name, "source": "external_docker", **values}


def three_way(base: dict[str, Any], head: dict[str, Any], live: dict[str, Any], *, strict: bool = False) -> Comparison:
    (comparison,) = verdicts([head], [live], [base], strict=strict).comparisons
    return comparison


TABLE = [
    (A, A, A, None, Status.IN_SYNC),
    (A, B, A, ChangeClass.PROPOSED, Status.PROPOSED),
    (A, A, C, ChangeClass.ELSEWHERE, Status.DRIFTED),
    (A, B, C, ChangeClass.CONFLICT, Status.DRIFTED),
    (A, B, B, ChangeClass.ADOPTED, Status.IN_SYNC),
]
"""The truth table of docs/contract.md, With --base."""


def check_row(
    base: dict[str, Any], head: dict[str, Any], live: dict[str, Any], change_class: ChangeClass | None, status: Status
) -> None:
    comparison = three_way(base, head, live)
    assert [change.change_class for change in comparison.changes] == ([change_class] if change_class else [])
    assert comparison.status is status
    for change in comparison.changes:
        assert change.base is not ABSENT


@pytest.mark.parametrize(
    "place", ["display_name", "source_config.custom_url", "source_config.resource_spec.service_account_name"]
)
@pytest.mark.parametrize(("base", "head", "live", "change_class", "status"), TABLE)
def test_the_five_rows_for_a_scalar(
    place: str, base: str, head: str, live: str, change_class: ChangeClass | None, status: Status
) -> None:
    check_row(at(place, base), at(place, head), at(place, live), change_class, status)


@pytest.mark.parametrize(("base", "head", "live", "change_class", "status"), TABLE)
def test_the_five_rows_for_a_map_entry(
    base: str, head: str, live: str, change_class: ChangeClass | None, status: Status
) -> None:
    three = [spec(labels={"team": value, "other": "x"}) for value in (base, head, live)]
    check_row(three[0], three[1], three[2], change_class, status)


@pytest.mark.parametrize(("base", "head", "live", "change_class", "status"), TABLE)
def test_the_five_rows_for_the_field_of_a_list_entry(
    base: str, head: str, live: str, change_class: ChangeClass | None, status: Status
) -> None:
    three = [spec(sidecars=[{"name": "x", "image": "i"}, {"name": "otel", "image": v}]) for v in (base, head, live)]
    check_row(three[0], three[1], three[2], change_class, status)


@pytest.mark.parametrize(("base", "head", "live", "change_class", "status"), TABLE)
def test_the_five_rows_for_a_word_of_a_list(
    base: str, head: str, live: str, change_class: ChangeClass | None, status: Status
) -> None:
    three = [spec(sidecars=[{"name": "otel", "image": "i", "args": ["-c", v, "-d"]}]) for v in (base, head, live)]
    check_row(three[0], three[1], three[2], change_class, status)


ORDERS = {A: ("x", "y", "z"), B: ("y", "x", "z"), C: ("z", "y", "x")}


@pytest.mark.parametrize(("base", "head", "live", "change_class", "status"), TABLE)
def test_the_five_rows_for_an_order(
    base: str, head: str, live: str, change_class: ChangeClass | None, status: Status
) -> None:
    def side(order: str) -> dict[str, Any]:
        return spec(init_containers=[{"name": name, "image": "i"} for name in ORDERS[order]])

    check_row(side(base), side(head), side(live), change_class, status)
    for change in three_way(side(base), side(head), side(live)).changes:
        assert (change.base, change.declared, change.live) == tuple(list(ORDERS[o]) for o in (base, head, live))


SIDES = (ABSENT, None, A, B, C)


def test_the_whole_table_for_a_scalar() -> None:
    """There is no drift from a base that does not declare a field; a head that does not declare it requires nothing."""
    for base, head, live in product(SIDES, SIDES, SIDES[1:]):
        with case((base, head, live)):
            three = [
                named("claims") | ({} if value is ABSENT else {"display_name": value}) for value in (base, head, live)
            ]
            comparison = three_way(three[0], three[1], three[2])
            assert [change.change_class for change in comparison.changes] == expected_of_scalar(base, head, live)
            for change in comparison.changes:
                assert (change.base, change.declared, change.live) == (None if base is ABSENT else base, head, live)


def expected_of_scalar(base: Any, head: Any, live: Any) -> list[ChangeClass]:
    if head is ABSENT:
        return []
    if base is ABSENT:
        adopted = [ChangeClass.ADOPTED] if live is not None else []
        return adopted if head == live else [ChangeClass.PROPOSED]
    return expected_of_value(base, head, live)


def expected_of_value(base: Any, head: Any, live: Any) -> list[ChangeClass]:
    if head == live:
        return [] if base == head else [ChangeClass.ADOPTED]
    if head == base:
        return [ChangeClass.ELSEWHERE]
    return [ChangeClass.PROPOSED if base == live else ChangeClass.CONFLICT]


@pytest.mark.parametrize("kind", ["map", "list"])
def test_the_whole_table_for_entries_that_come_and_go(kind: str) -> None:
    for base, head, live in product((None, A, B, C), repeat=3):
        with case((base, head, live)):

            def side(value: Any) -> dict[str, Any]:
                if kind == "map":
                    return spec(labels={"stays": "x"} | ({} if value is None else {"team": value}))
                return spec(
                    sidecars=[{"name": "x", "image": "i"}] + ([] if value is None else [{"name": "y", "image": value}])
                )

            comparison = three_way(side(base), side(head), side(live))
            assert [change.change_class for change in comparison.changes] == expected_of_value(base, head, live)


EQUAL = [
    (spec(cpu=1, cpu_limit=2), spec(cpu=1, cpu_limit=None), spec(cpu=1)),
    (spec(cpu=1), spec(cpu=1.0), spec(cpu=1)),
    (spec(labels=None), spec(labels={}), spec()),
    (spec(memory_mb=2048, queue_memory_mb=2048), spec(memory_mb=2048), spec(memory_mb=2048.0, queue_memory_mb=None)),
    tuple(
        spec(sidecars=[{"name": "x", "image": "i", "resources": {"limits": {"cpu": cpu}}}])
        for cpu in ("500m", "0.5", ".5")
    ),
]


@pytest.mark.parametrize("forms", EQUAL)
def test_forms_of_one_value_are_one_value_on_all_three_sides(forms: tuple[dict[str, Any], ...]) -> None:
    for base, head, live in product(forms, repeat=3):
        assert classes(three_way(base, head, live)) == []


@pytest.mark.parametrize(
    ("base", "head", "live", "expected"),
    [
        ((1, 2), (1, 2), (1, None), []),
        ((1, 2), (1, 4), (1, None), [("proposed", "removed", "cpu_limit")]),
        ((1, 4), (1, 4), (1, None), [("elsewhere", "removed", "cpu_limit")]),
        ((1, 4), (1, 3), (1, None), [("conflict", "removed", "cpu_limit")]),
        ((1, 4), (1, 2), (1, None), [("adopted", "modified", "cpu_limit")]),
        ((1, 2), (2, 4), (1, None), [("proposed", "modified", "cpu"), ("proposed", "removed", "cpu_limit")]),
        ((1, None), (2, None), (1, 2), [("proposed", "modified", "cpu")]),
        ((1, None), (1, None), (1, 3), [("elsewhere", "added", "cpu_limit")]),
        ((1, None), (1, 3), (1, 3), [("adopted", "removed", "cpu_limit")]),
        ((1, 3), (1, None), (1, 3), [("proposed", "added", "cpu_limit")]),
        ((1, 3), (1, 3), (1, None), [("elsewhere", "removed", "cpu_limit")]),
        ((1, 3), (1, None), (1, None), [("adopted", "added", "cpu_limit")]),
    ],
)
def test_the_table_holds_for_effective_values(
    base: tuple[Any, Any], head: tuple[Any, Any], live: tuple[Any, Any], expected: list[tuple[str, str, str]]
) -> None:
    three = [spec(cpu=cpu, cpu_limit=limit) for cpu, limit in (base, head, live)]
    assert classes(three_way(three[0], three[1], three[2])) == expected


def test_an_adopted_null_says_what_it_is() -> None:
    (change,) = three_way(spec(cpu=1, cpu_limit=4), spec(cpu=1, cpu_limit=2), spec(cpu=1, cpu_limit=None)).changes
    assert (change.base, change.declared, change.live, change.live_effective) == (4, 2, None, 2)


def test_each_field_has_a_verdict_of_its_own() -> None:
    base = spec(cpu=1, memory_mb=128, min_scale=1, max_scale=1, labels={"a": "1"})
    head = spec(cpu=2, memory_mb=128, min_scale=2, max_scale=2, labels={"a": "1", "b": "2"})
    live = spec(cpu=1, memory_mb=256, min_scale=3, max_scale=2, labels={"a": "1"})
    assert sorted(classes(three_way(base, head, live))) == [
        ("adopted", "modified", "max_scale"),
        ("conflict", "modified", "min_scale"),
        ("drift", "modified", "memory_mb"),
        ("proposed", "modified", "cpu"),
        ("proposed", "removed", "labels.b"),
    ]


def test_an_order_and_an_entry_are_two_changes() -> None:
    def side(order: str, image: str) -> dict[str, Any]:
        return spec(init_containers=[{"name": name, "image": image if name == "x" else "i"} for name in order])

    assert classes(three_way(side("xy", "1"), side("xy", "2"), side("yx", "1"))) == [
        ("drift", "modified", "init_containers"),
        ("proposed", "modified", "init_containers[name=x].image"),
    ]
    assert classes(three_way(side("xy", "1"), side("yx", "1"), side("xy", "2"))) == [
        ("proposed", "modified", "init_containers"),
        ("drift", "modified", "init_containers[name=x].image"),
    ]


def test_a_whole_object_that_is_gone_meets_the_edits_in_it() -> None:
    gone = at("source_config.resource_spec", None)
    path = "source_config.resource_spec"
    assert classes(three_way(spec(cpu=1), spec(cpu=1), gone)) == [("elsewhere", "removed", path)]
    assert classes(three_way(spec(cpu=1), spec(cpu=2), gone)) == [("conflict", "removed", path)]
    assert classes(three_way(gone, spec(cpu=2), gone)) == [("proposed", "removed", path)]
    assert classes(three_way(named("claims"), spec(cpu=1, memory_mb=128), spec(cpu=1, memory_mb=256))) == [
        ("proposed", "modified", "memory_mb"),
        ("adopted", "removed", "cpu"),
    ]


def test_a_commit_declared_at_the_base_is_an_edit_like_any_other() -> None:
    commit = "4c9f1b7a0d" * 4
    three = [at("source_revision_config.repo_ref", ref, "github") for ref in (commit, "main", commit)]
    live = at("source_config.repo_branch", "dev", "github") | {"source_revision_config": {"repo_ref": commit}}
    assert [c for c, _, _ in classes(three_way(three[0], three[1], live))] == ["proposed"]


# --- whole deployments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "head", "live", "status", "rule"),
    [
        (True, True, True, "in_sync", None),
        (True, True, False, "missing", "missing-elsewhere"),
        (False, True, False, "proposed", "proposed-creation"),
        (False, True, True, "in_sync", "proposed-adoption"),
        (True, False, True, "unmanaged", "proposed-removal"),
        (True, False, False, None, None),
        (False, False, True, "unmanaged", "unmanaged-deployment"),
    ],
)
def test_the_table_for_whole_deployments(
    base: bool, head: bool, live: bool, status: str | None, rule: str | None
) -> None:
    other = named("other")
    three = [[other] + ([named("a")] if there else []) for there in (base, head, live)]
    result = verdicts(three[1], three[2], three[0])
    assert statuses(result) == {"other": "in_sync"} | ({"a": status} if status else {})
    assert rules(result) == ([(rule, "a")] if rule else [])


def test_an_edited_deployment_that_vanished_is_missing_whatever_the_edit() -> None:
    result = verdicts(
        [named("a"), named("b", display_name="y")], [named("a")], [named("a"), named("b", display_name="x")]
    )
    assert statuses(result) == {"a": "in_sync", "b": "missing"}
    assert rules(result) == [("missing-deployment", "b")]


def test_a_rename_in_live_alone_is_missing_elsewhere_and_unmanaged() -> None:
    origin = {"source_config": {}, "source_revision_config": {"image_uri": "registry.example.com/a:1"}}
    declared = [named("a", **origin), named("other")]
    result = verdicts(declared, [named("b", **origin), named("other")], declared)
    assert statuses(result) == {"a": "missing", "b": "unmanaged", "other": "in_sync"}
    assert rules(result) == [("missing-elsewhere", "a"), ("probable-rename", "a"), ("unmanaged-deployment", "b")]


def test_all_that_a_new_declaration_asks_for_is_proposed() -> None:
    result = verdicts([named("a", display_name="x")], [named("a", display_name="y")], [])
    assert classes(result.comparisons[0]) == [("proposed", "modified", "display_name")]
    assert statuses(result) == {"a": "proposed"}


def test_a_rename_is_a_creation_and_a_removal() -> None:
    result = verdicts([named("after")], [named("before")], [named("before")])
    assert statuses(result) == {"after": "proposed", "before": "unmanaged"}
    assert [rule for rule in rules(result) if rule[1]] == [
        ("proposed-creation", "after"),
        ("proposed-removal", "before"),
    ]
    adopted = verdicts([named("after")], [named("after")], [named("before")])
    assert statuses(adopted) == {"after": "in_sync"}
    assert rules(adopted) == [("proposed-adoption", "after")]


def test_a_new_declaration_of_what_is_being_deleted_is_to_be_created() -> None:
    live = [named("a", status="AWAITING_DELETE"), named("b")]
    assert statuses(verdicts([named("a"), named("b")], live, [named("b")])) == {"a": "proposed", "b": "in_sync"}
    assert statuses(verdicts([named("a"), named("b")], live, [named("a"), named("b")])) == {
        "a": "missing",
        "b": "in_sync",
    }


def test_an_incomplete_listing_says_nothing_about_the_base_either() -> None:
    result = verdicts([named("a")], [named("b")], [], gaps=("cut",))
    assert statuses(result) == {"a": "unknown", "b": "unknown"}


# --- laws of the three-way check ---------------------------------------------------------------------------------


@given(declarations(), st.integers(0, 2**32))
def test_without_an_edit_all_is_elsewhere_and_equal_to_the_two_way_check(declared: dict[str, Any], seed: int) -> None:
    random = Random(seed)
    for mutation in mutations(declared, echo(declared, "C", random), random):
        with_base = three_way(declared, declared, mutation.live)
        without = verdicts([declared], [mutation.live]).comparisons[0]
        assert [plain(change) for change in with_base.changes] == [plain(change) for change in without.changes]
        assert {change.change_class for change in with_base.changes} == {ChangeClass.ELSEWHERE}


@given(declarations(), st.integers(0, 2**32))
def test_what_only_the_review_changes_is_proposed_and_what_it_writes_down_adopted(
    declared: dict[str, Any], seed: int
) -> None:
    """The live side of a mutation, used as a declaration, is an edit; what live agrees with stays in sync."""
    seen = echo(declared, "C", Random(seed)).live
    head = {**declared, "display_name": "the new name", "shareable": True}
    base = {**declared, "display_name": "the old name", "shareable": False}
    before = {**seen, "display_name": "the old name", "shareable": False}
    assert classes(three_way(base, head, before)) == [
        ("proposed", "modified", "display_name"),
        ("proposed", "modified", "shareable"),
    ]
    assert three_way(base, head, before).status is Status.PROPOSED
    after = {**seen, "display_name": "the new name", "shareable": True}
    assert [c for c, _, _ in classes(three_way(base, head, after))] == ["adopted", "adopted"]
    assert three_way(base, head, after).status is Status.IN_SYNC


def plain(change: Change) -> tuple[Any, ...]:
    return (change.kind, change.path, change.declared, change.live, change.impact)
