"""The ignore rules that a document declares."""

from __future__ import annotations

from typing import Any

import pytest

from driftcheck.declarations.ignore_rules import read_ignore_rules
from driftcheck.declarations.schema import validate
from driftcheck.model import Guard, IgnoreRule, Location
from driftcheck.yamlfile.positions import Text
from driftcheck.yamlfile.reader import parse


def read(entries: str) -> list[IgnoreRule]:
    data = f"deployments: []\nignore: {entries}\n".encode()
    parsed = parse(data)
    document: Any = parsed.documents[0]
    return list(read_ignore_rules(Text("a.yaml", data, parsed), 0, document, validate(document)))


def test_a_rule_covers_one_path_of_every_deployment_unless_it_says_more() -> None:
    assert read("[{path: source, reason: load test}]") == [
        IgnoreRule("load test", Location("a.yaml", 2, 10), deployment="*", path="source")
    ]


def test_every_field_of_a_rule_is_read() -> None:
    entry = "{deployment: t*, path: cpu, rule: drift, reason: r, owner: o, approved_by: a, expires: 2026-12-31}"
    (rule,) = read(f"[{entry}]")
    assert (rule.deployment, rule.path, rule.rule, rule.reason) == ("t*", "cpu", "drift", "r")
    assert (rule.owner, rule.approved_by, rule.expires) == ("o", "a", "2026-12-31")
    accepted = read("[{deployment: a, missing: true, reason: r}, {deployment: b, unmanaged: true, reason: r}]")
    assert [(rule.deployment, rule.missing, rule.unmanaged) for rule in accepted] == [
        ("a", True, False),
        ("b", False, True),
    ]


@pytest.mark.parametrize(
    ("condition", "guard"),
    [
        ("equals: null", Guard(equals=None)),
        ("equals: [1]", Guard(equals=[1])),
        ("in: [1, a]", Guard(is_in=(1, "a"))),
        ("between: [0, 1.5]", Guard(between=(0, 1.5))),
        ("matches: 'a*'", Guard(matches="a*")),
    ],
)
def test_a_condition_on_the_live_value_is_a_guard(condition: str, guard: Guard) -> None:
    (rule,) = read(f"[{{path: a, reason: b, live: {{{condition}}}}}]")
    assert rule.guard == guard


def test_a_rule_with_a_defect_is_left_out_and_the_others_are_read() -> None:
    rules = read("[{path: a}, {path: b, reason: x}, {path: c, reason: x, live: {}}, text]")
    assert [(rule.path, rule.location.column) for rule in rules] == [("b", 21)]


@pytest.mark.parametrize("entries", ["[]", "{path: a, reason: b}", "text", "null"])
def test_what_is_not_a_list_of_rules_declares_none(entries: str) -> None:
    assert read(entries) == []
