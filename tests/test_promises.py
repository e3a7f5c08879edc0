"""Every case of the threat model has a test named after it, and the tests that SECURITY.md names exist."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SECURITY = (TESTS.parent / "SECURITY.md").read_text(encoding="utf-8")

CASES = {
    "R": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
    "Y": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21),
    "S": (1, 2, 3),
    "F": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14),
    "P": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
    "D": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14),
    "K": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    "O": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    "X": (1, 2, 3, 4, 5, 6, 7),
    "H": (1, 2, 3, 4, 5, 6),
}
"""The cases of priority 0 and 1 of docs/threat-model.md, sections 3.1 to 3.9."""


@cache
def names_of_tests() -> frozenset[str]:
    """The names of all test functions, in every module."""
    texts = (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    return frozenset(name for text in texts for name in re.findall(r"^ *def (test_\w+)\(", text, re.MULTILINE))


@cache
def cases_with_tests() -> frozenset[str]:
    """The cases in the names of tests, and those in the manifest of the hostile files."""
    manifest = json.loads((TESTS / "hostile" / "manifest.json").read_text(encoding="utf-8"))
    named = {case for name in names_of_tests() for case in re.findall(r"(?<=_)[A-Z]\d+(?=_|$)", name)}
    return frozenset(named | {case for entry in manifest for case in entry["faults"]})


KEYS = [f"{letter}{number}" for letter, numbers in CASES.items() for number in numbers]


def test_every_case_has_a_test() -> None:
    assert set(KEYS) <= cases_with_tests()


def promises() -> list[tuple[str, list[str]]]:
    rows = [line.strip("|").split("|") for line in SECURITY.splitlines() if line.startswith("| **")]
    return [(promise.split("**")[1], re.findall(r"`(\w+)`", tests)) for promise, tests in rows]


@pytest.mark.parametrize(("promise", "tests"), promises(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_promise_is_held_by_tests_that_exist(promise: str, tests: list[str]) -> None:
    assert tests
    assert set(tests) <= names_of_tests()


def test_all_promises_are_there() -> None:
    assert len(promises()) == 15
