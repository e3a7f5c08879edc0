"""What a mebibyte of a pull request can cost: processor time and memory of whole processes, in every command."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

from driftcheck.cli.main import main
from driftcheck.comparison import verdicts
from driftcheck.comparison.three_way import BaseDeclarations
from driftcheck.model import Declaration, Declarations, Deployment, Snapshot, Status
from tests.worst_inputs import COMMANDS, KINDS, MIB, measure, write

MOST: Final = {
    "validate": (5, 200),
    "check": (5, 200),
    "base": (6, 230),
    "plan": (6, 240),
    "adopt": (8, 320),
}
"""Seconds of processor time, the system's included, and MiB: what SECURITY.md says of each command."""
_BUSY: Final = 2
"""How many times as much processor time a machine takes that is busy with other tests."""
_WORST: Final = (
    *(
        "secrets",
        "labels",
        "deployments",
        "deployments-with-specs",
        "rules-by-different-glob",
        "policies",
        "nested-lists",
    ),
    *("nested-maps", "lists-in-maps", "args", "new-sidecars", "env", "documents", "files"),
)
"""The kinds that cost most; `python -m tests.worst_inputs` measures all of them."""

_GROWTH: Final = 2.6
_SMALL: Final = 6_000
_FEW: Final = {"secrets", "deployments", "overlays"}
"""Kinds of every run of the tests; the others are slow ones."""


@pytest.mark.slow
@pytest.mark.parametrize("name", _WORST)
def test_a_mebibyte_of_a_pull_request_takes_bounded_time_and_memory(name: str, tmp_path: Path) -> None:
    write(tmp_path, KINDS[name])
    assert sum(file.stat().st_size for file in tmp_path.rglob("*.yaml")) < 1.1 * MIB
    costs = {command: measure(tmp_path, command) for command in COMMANDS}
    assert {command: cost.status for command, cost in costs.items() if not 0 <= cost.status < 4} == {}
    over = {
        command: cost
        for command, cost in costs.items()
        if cost.seconds > _BUSY * MOST[command][0] or cost.mib > MOST[command][1]
    }
    assert over == {}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in _FEW else [pytest.mark.slow])
        for name in KINDS
        if not name.startswith(("rules-", "policies", "unused-rules"))
    ],
)
def test_twice_the_input_takes_about_twice_the_calls(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules times changes are left out: their work has a budget (test_ignores, test_policies)."""
    counted = []
    for size in (500, _SMALL, 2 * _SMALL):  # the first one loads what is loaded once
        folder = tmp_path / str(size)
        folder.mkdir()
        write(folder, KINDS[name], size, commits=False)
        monkeypatch.chdir(folder)
        paths = [path for path in ("deployments.yaml", "deployments", "overlays") if (folder / path).exists()]
        counted.append(calls(["adopt", "--live", "live.json", *paths]))  # which compares first, as `check` does
    assert counted[2] < _GROWTH * counted[1]


def calls(arguments: list[str]) -> int:
    """Run a command; returns how many functions it calls, which a busy machine does not change."""
    number = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        main(arguments)
    finally:
        sys.setprofile(None)
    return number


def test_more_changes_than_a_run_reports_leave_the_rest_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "MAX_CHANGES", 1)
    names = ("a", "b", "c")
    declared = [{"name": n, "source_config": {"resource_spec": {"max_scale": 1}}} for n in names]
    seen = [{"name": n, "source_config": {"resource_spec": {"max_scale": 2}}} for n in names]
    declarations = Declarations(
        deployments=tuple(Declaration(n, value, lambda _: None) for n, value in zip(names, declared, strict=True))
    )
    snapshot = Snapshot("live", tuple(Deployment(n, value) for n, value in zip(names, seen, strict=True)))
    judged = verdicts.assess(declarations, snapshot)
    assert [each.status for each in judged.comparisons] == [Status.DRIFTED, Status.UNKNOWN, Status.UNKNOWN]
    assert judged.gaps


def test_what_a_change_adopts_counts_as_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "MAX_CHANGES", 1)
    names = ("a", "b")
    declared, before = ({n: {"name": n, "shareable": value} for n in names} for value in (True, False))
    head, tip = (
        Declarations(deployments=tuple(Declaration(n, each[n], lambda _: None) for n in names))
        for each in (declared, before)
    )
    snapshot = Snapshot("live", tuple(Deployment(n, declared[n]) for n in names))
    judged = verdicts.assess(head, snapshot, BaseDeclarations(tip, (tip,)))
    assert [each.status for each in judged.comparisons] == [Status.IN_SYNC, Status.UNKNOWN]
    assert judged.gaps


def test_more_changes_are_reported_of_larger_declarations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "MAX_CHANGES", 1)
    declared = Declaration("a", {"name": "a", "source_config": {"resource_spec": {"max_scale": 1}}}, lambda _: None)
    live = Deployment("a", {"name": "a", "source_config": {"resource_spec": {"max_scale": 2}}})
    other = Deployment("b", {**live.value, "name": "b"})
    both = (declared, Declaration("b", {**declared.value, "name": "b"}, lambda _: None))
    judged = verdicts.assess(Declarations(deployments=both, size=2 * MIB), Snapshot("live", (live, other)))
    assert [each.status for each in judged.comparisons] == [Status.DRIFTED, Status.DRIFTED]
    assert not judged.gaps
