"""The catalogue: every rule explained, and every rule about files shown by an example that triggers it alone."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.lint import lint, lint_in_context
from driftcheck.declarations.loader import declare
from driftcheck.declarations.policy_checks import policy_violations
from driftcheck.declarations.schema import validate
from driftcheck.rules import COMPARISON_RULES, LINT_RULES, LOADING_RULES, RULES, VALIDATION_RULES
from tests.loops import case

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "invalid"
IN_CONTEXT = {"type-not-in-region", "missing-listener"}
"""Rules that depend on more than the declaration."""
DECLARATIONS = sorted(example for example in EXAMPLES.iterdir() if example.stem not in {"unknown-rule", *IN_CONTEXT})
"""All examples that are judged by themselves."""
SHOWN = sorted(VALIDATION_RULES | LINT_RULES)


def triggered(example: Path) -> list[str]:
    """Return the rules that a file breaks, read without driftcheck's loader."""
    document = yaml.load(example.read_text(encoding="utf-8"), yaml.CSafeLoader)
    if example.stem == "unknown-rule":
        return [violation.rule for violation in policy_violations(document)]
    broken = [violation.rule for violation in validate(document)]
    if not broken:
        broken = [found.rule for value in document["deployments"] for found in lint(value["name"], value)]
    if example.stem in IN_CONTEXT:
        (value,) = document["deployments"]
        broken += [found.rule for found in lint_in_context(value, region="aws", is_new=True)]
    return broken


def test_the_example_of_a_rule_triggers_it_and_nothing_else() -> None:
    for rule in SHOWN:
        with case(rule):
            assert triggered(EXAMPLES / f"{rule}.yaml") == [rule]


def test_an_example_that_is_loaded_is_one_finding_with_its_location() -> None:
    for example in DECLARATIONS:
        with case(example.stem):
            data = example.read_bytes()
            (finding,) = declare([SourceText(example.name, data)]).findings
            assert (finding.rule, finding.severity) == (example.stem, RULES[example.stem].severity)
            assert finding.location is not None
            assert 1 < finding.location.line <= len(data.splitlines())


def test_an_example_begins_with_what_is_wrong_with_it() -> None:
    for rule in SHOWN:
        with case(rule):
            first = (EXAMPLES / f"{rule}.yaml").read_text(encoding="utf-8").splitlines()[0]
            assert re.fullmatch(r"# \w.*\.", first)


def test_every_example_belongs_to_a_rule() -> None:
    assert {example.stem for example in EXAMPLES.iterdir()} <= set(RULES)


def test_no_rule_is_in_two_parts_of_the_catalogue() -> None:
    parts = [COMPARISON_RULES, LOADING_RULES, VALIDATION_RULES, LINT_RULES]
    assert sum(map(len, parts)) == len(RULES)


def test_every_rule_is_named_and_explained() -> None:
    for rule in RULES.values():
        with case(rule.id):
            assert rule is RULES[rule.id]
            assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", rule.id)
            assert rule.title
            assert rule.title[-1] not in ".!?"
            assert len(rule.explanation) > 20
            assert rule.explanation.endswith((".", ")"))
            assert rule.hint is None or rule.hint not in rule.explanation, "explained twice"
