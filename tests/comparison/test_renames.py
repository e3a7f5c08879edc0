"""Probable renames: a declared deployment is not live, and an undeclared live one has the same origin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.comparison.sides import rules, statuses, verdicts


def github(name: str, url: str = "https://github.com/acme/agent", path: str = "langgraph.json") -> dict[str, Any]:
    config, revision = {"repo_url": url}, {"langgraph_config_path": path}
    return {"name": name, "source": "github", "source_config": config, "source_revision_config": revision}


def image(name: str, uri: str) -> dict[str, Any]:
    return {
        "name": name,
        "source": "external_docker",
        "source_config": {},
        "source_revision_config": {"image_uri": uri},
    }


def renamed(declared: list[dict[str, Any]], live: list[dict[str, Any]], **options: Any) -> list[tuple[str | None, str]]:
    result = verdicts(declared, live, **options)
    return [(found.deployment, found.message) for found in result.findings if found.rule == "probable-rename"]


def test_the_same_repository_under_another_name_is_reported_with_that_name() -> None:
    ((name, message),) = renamed([github("before")], [github("after", "https://GitHub.com/Acme/agent.git")])
    assert name == "before"
    assert "after" in message
    assert statuses(verdicts([github("before")], [github("after")])) == {"after": "unmanaged", "before": "missing"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("registry.example.com/agent:1", "registry.example.com/agent:2"),
        ("registry.example.com:5000/agent", "registry.example.com:5000/agent:2"),
        ("agent:1", "agent@sha256:" + "0" * 64),
    ],
)
def test_the_same_image_of_any_tag_is_the_same_origin(one: str, other: str) -> None:
    assert [name for name, _ in renamed([image("before", one)], [image("after", other)])] == ["before"]


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        (github("a"), github("b", "https://github.com/acme/other")),
        (github("a"), github("b", path="other.json")),
        (image("a", "registry.example.com/agent:1"), image("b", "registry.example.com/other:1")),
        (image("a", "registry.example.com:5000/agent"), image("b", "registry.example.com:6000/agent")),
        ({"name": "a"}, {"name": "b"}),
        ({"name": "a", "source_config": None}, {"name": "b", "source_config": [1]}),
    ],
)
def test_another_origin_is_not_a_rename(declared: dict[str, Any], live: dict[str, Any]) -> None:
    assert renamed([declared], [live]) == []


def test_an_ambiguous_suggestion_is_not_made() -> None:
    assert renamed([github("a")], [github("b"), github("c")]) == []
    assert renamed([github("a"), github("b")], [github("c")]) == []


def test_what_is_still_there_or_declared_is_not_renamed() -> None:
    assert renamed([github("a")], [github("a"), github("b")]) == []
    assert renamed([github("a"), github("b")], [github("b")]) == []


def test_nothing_is_claimed_about_what_was_not_fully_seen() -> None:
    assert renamed([github("a")], [github("b")], gaps=("cut",)) == []
    assert renamed([github("a")], [github("b")], complete=False) == []


def test_a_deployment_in_deletion_is_not_renamed() -> None:
    live = [github("a") | {"status": "AWAITING_DELETE"}, github("b")]
    assert ("probable-rename", "a") not in rules(verdicts([github("a")], live))


def test_a_change_of_the_name_of_a_live_deployment_is_a_rename() -> None:
    result = verdicts([github("after")], [github("before")], [github("before")])
    assert statuses(result) == {"after": "proposed", "before": "unmanaged"}
    assert [rule for rule in rules(result) if rule[1]] == [
        ("proposed-creation", "after"),
        ("proposed-removal", "before"),
        ("proposed-rename", "after"),
    ]
    (found,) = (found for found in result.findings if found.rule == "proposed-rename")
    assert "before" in found.message


def test_a_change_renames_nothing_that_it_still_declares_or_that_was_never_declared() -> None:
    a, b, c = github("a"), github("b"), github("c")
    for declared, live, base in (([a, b], [a], [a]), ([b], [c], []), ([b], [a, c], [a, c]), ([b], [a, b], [a])):
        assert "proposed-rename" not in {rule for rule, _ in rules(verdicts(declared, live, base))}


def test_what_the_change_renames_is_not_what_a_missing_one_became() -> None:
    gone, before, after = github("gone"), github("before"), github("after")
    result = verdicts([gone, after], [before], [gone, before])
    assert ("proposed-rename", "after") in rules(result)
    assert "probable-rename" not in {rule for rule, _ in rules(result)}
