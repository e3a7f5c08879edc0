"""Recording runs, and reading them, on both databases."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from driftcheck.history import store
from driftcheck.history.database import HistoryError
from driftcheck.history.items import Scope
from driftcheck.model import Outcome, Report, State, Status, Suppression
from tests.history.reports import (
    MIN_SCALE,
    change,
    comparison,
    day,
    finding,
    keep,
    parsed,
    render,
    report,
    with_targets,
)

DRIFT = [comparison("a", [change()]), comparison("b")]
SYNC = [comparison("a"), comparison("b")]


def states(made: object) -> list[tuple[str, str, State | None, str | None]]:
    found = [(c.name, "path", x.state, x.first_seen) for c in made.deployments for x in c.changes]
    return found + [(f.deployment, f.rule, f.state, f.first_seen) for f in made.findings]


def open_keys(url: str) -> set[tuple[str | None, str | None]]:
    return {(item.key.deployment, item.key.path or item.key.rule) for item in store.open_items(url)}


def test_an_item_is_opened_known_changed_resolved_and_reopened(url: str) -> None:
    assert states(keep(url, "r1", report(1, DRIFT))) == [("a", "path", State.NEW, day(1))]
    assert states(keep(url, "r2", report(2, DRIFT))) == [("a", "path", State.KNOWN, day(1))]
    other = [comparison("a", [change(live=5)]), comparison("b")]
    assert states(keep(url, "r3", report(3, other))) == [("a", "path", State.CHANGED, day(1))]
    gone = keep(url, "r4", report(4, SYNC))
    assert [(item.deployment, item.path, item.first_seen, item.last_seen) for item in gone.resolved] == [
        ("a", parsed(MIN_SCALE), day(1), day(3))
    ]
    assert keep(url, "r5", report(5, SYNC)).resolved == ()
    assert states(keep(url, "r6", report(6, DRIFT))) == [("a", "path", State.NEW, day(6))]
    assert len(store.all_items(url)) == 2


def test_an_inconclusive_run_moves_nothing_and_leaves_the_unknown_without_a_state(url: str) -> None:
    keep(url, "r1", report(1, DRIFT))
    for number, outcome in enumerate((Outcome.INCOMPLETE, Outcome.INVALID, Outcome.DEFECT), 2):
        made = report(
            number, [comparison("b", [change()])], complete=outcome is not Outcome.INCOMPLETE, outcome=outcome
        )
        kept = keep(url, f"r{number}", made)
        assert states(kept) == [("b", "path", None, None)]
        assert kept.resolved == ()
    assert open_keys(url) == {("a", MIN_SCALE)}
    assert [run.info["conclusive"] for run in store.runs(url)] == [True, False, False, False]


def test_a_partial_listing_that_was_accepted_resolves_nothing(url: str) -> None:
    keep(url, "r1", report(1, DRIFT))
    keep(url, "r2", report(2, SYNC, complete=False, outcome=Outcome.IN_SYNC))
    unknown = [comparison("a", status=Status.UNKNOWN), comparison("b")]
    keep(url, "r3", report(3, unknown, outcome=Outcome.IN_SYNC))
    assert open_keys(url) == {("a", MIN_SCALE)}


def test_a_run_narrowed_by_name_resolves_within_its_globs_only(url: str) -> None:
    keep(url, "r1", report(1, [comparison("a", [change()]), comparison("b", [change()])], [finding("wrong-workspace")]))
    keep(url, "r2", report(2, [comparison("a")]), Scope(names=("a*",)))
    assert open_keys(url) == {("b", MIN_SCALE), (None, "wrong-workspace")}
    keep(url, "r3", report(3, []), Scope(names=("b",)))
    assert open_keys(url) == {(None, "wrong-workspace")}
    keep(url, "r4", report(4, SYNC))
    assert open_keys(url) == set()


def test_a_run_narrowed_by_paths_resolves_what_it_compared_only(url: str) -> None:
    keep(url, "r1", report(1, [comparison("a", [change()]), comparison("b", [change()])]))
    unmanaged = comparison("b", status=Status.UNMANAGED)
    keep(url, "r2", report(2, [comparison("a"), unmanaged]), Scope(paths=("a.yaml",)))
    assert open_keys(url) == {("b", MIN_SCALE)}


def test_a_run_over_the_same_paths_resolves_what_is_no_longer_declared(url: str) -> None:
    scope = Scope(paths=("team",))
    keep(url, "r1", report(1, [comparison("a", [change()])]), scope)
    keep(url, "r2", report(2, [comparison("b")]), scope)
    assert open_keys(url) == set()


def test_a_deployment_that_left_a_filter_keeps_its_items(url: str) -> None:
    scope = Scope(filters={"status": "READY"})
    keep(url, "r1", report(1, [comparison("a", [change()])]), scope)
    keep(url, "r2", report(2, [comparison("b")]), scope)
    assert open_keys(url) == {("a", MIN_SCALE)}
    keep(url, "r3", report(3, [comparison("a")]), scope)
    assert open_keys(url) == set()


def test_each_target_is_conclusive_or_not_by_itself(url: str) -> None:
    both = [comparison("a", [change()], "staging"), comparison("a", [change()], "production")]
    keep(url, "r1", with_targets(report(1, both), dict.fromkeys(("staging", "production"), Outcome.DRIFT)))
    none = [comparison("a", target="staging"), comparison("a", target="production")]
    outcomes = {"staging": Outcome.IN_SYNC, "production": Outcome.INCOMPLETE}
    kept = keep(url, "r2", with_targets(report(2, none, complete=False), outcomes))
    assert [(item.target, item.deployment) for item in kept.resolved] == [("staging", "a")]
    assert [item.target for item in store.open_items(url)] == ["production"]


def test_a_target_is_the_same_one_whether_it_was_selected_alone_or_not(url: str) -> None:
    both = [comparison("a", [change()], "staging"), comparison("a", [change()], "production")]
    keep(url, "r1", with_targets(report(1, both), dict.fromkeys(("staging", "production"), Outcome.DRIFT)))
    alone = with_targets(report(2, [comparison("a", target="staging")]), {"staging": Outcome.IN_SYNC})
    keep(url, "r2", replace(alone, report_id="staging"))
    assert [item.target for item in store.open_items(url)] == ["production"]


def test_reports_of_another_identity_share_nothing_and_an_audit_settles_what_a_check_saw(url: str) -> None:
    keep(url, "r1", report(1, DRIFT))
    assert states(keep(url, "r2", report(2, DRIFT, report_id="other")))[0][2] is State.NEW
    assert len(store.open_items(url)) == 2
    assert keep(url, "r3", report(3, SYNC, command="audit")).resolved == ()  # a run is compared with its own kind
    assert [item.report_id for item in store.open_items(url)] == ["other"]


def test_a_run_with_a_base_reads_the_history_and_changes_no_item(url: str) -> None:
    keep(url, "r1", report(1, DRIFT))
    review = report(2, [comparison("a"), comparison("b", [change()])])
    kept = keep(url, "r2", replace(review, declared=replace(review.declared, base="0" * 40)))
    assert states(kept) == [("b", "path", State.NEW, None)]
    assert open_keys(url) == {("a", MIN_SCALE)}


def test_recording_twice_changes_nothing(url: str) -> None:
    first = keep(url, "r1", report(1, DRIFT))
    before = store.all_items(url), store.runs(url)
    assert keep(url, "r1", report(1, DRIFT)) == first
    assert (store.all_items(url), store.runs(url)) == before


def test_a_run_that_is_recorded_late_does_not_undo_what_is_known_since(url: str) -> None:
    keep(url, "r1", report(1, SYNC))
    keep(url, "r3", report(3, SYNC))
    keep(url, "r2", report(2, DRIFT))
    assert open_keys(url) == set()
    keep(url, "r5", report(5, [comparison("a")]), Scope(names=("a",)))
    keep(url, "r4", report(4, [comparison("a", [change()]), comparison("b", [change()])]))
    assert open_keys(url) == {("b", MIN_SCALE)}


def test_the_owner_of_an_exception_that_ended_owns_the_item(url: str) -> None:
    exception = Suppression("why", owner="payments")
    keep(url, "r1", report(1, [comparison("a", [change(suppressed=exception)])], [finding("x", suppressed=exception)]))
    keep(url, "r2", report(2, [comparison("a", [change(), change("labels.x")])], [finding("x")]))
    owners = {(item.key.path or item.key.rule): item.owner for item in store.open_items(url)}
    assert owners == {MIN_SCALE: "payments", "labels.x": None, "x": "payments"}
    assert {transition["owner"] for transition in notified(url, report(3, SYNC))} == {"payments", None}


def notified(url: str, made: Report) -> list[dict[str, Any]]:
    keep(url, f"at {made.generated_at}", made, destinations=("json#1",))
    [message] = store.claim(url, ["json#1"])
    return message.document["transitions"]


def test_an_outage_is_one_of_the_runs_whose_workspace_was_read(url: str) -> None:
    keep(url, "r1", report(1, DRIFT, report_id="workspace-as-read"))
    unread = report(2, complete=False, report_id="driftcheck.yaml")
    assert [(t["kind"], t["target"]) for t in notified(url, unread)] == [("outage", None)]
    after = notified(url, report(3, DRIFT, report_id="workspace-as-read"))
    assert [t["kind"] for t in after] == ["recovered"]


def test_a_run_of_targets_that_failed_as_a_whole_resolves_nothing(url: str) -> None:
    drift = [comparison("a", [change()], "staging")]
    keep(url, "r1", with_targets(report(1, drift), {"staging": Outcome.DRIFT}))
    failed = with_targets(report(2, outcome=Outcome.INVALID), {"staging": Outcome.IN_SYNC})
    keep(url, "r2", failed, Scope(names=("a",)))
    assert open_keys(url) == {("a", MIN_SCALE)}


def test_redacted_values_are_not_stored_and_never_change(url: str) -> None:
    secret = [comparison("a", [change(live="***", redacted=True)])]
    other = [comparison("a", [change(live="****", redacted=True)])]
    keep(url, "r1", report(1, secret))
    assert states(keep(url, "r2", report(2, other)))[0][2] is State.KNOWN
    assert store.open_items(url)[0].value is None


def test_H5_values_of_any_kind_survive(url: str) -> None:
    values = [2**63, -(2**80), "nul \x00 and \ud800", 1.5, {"b": [None, True], "a": {}}]
    names = ["a", "nul-\x00", "sur-\udc80"]
    made = [comparison(name, [change(f"labels.k{i}", value) for i, value in enumerate(values)]) for name in names]
    keep(url, "r1", report(1, made))
    assert {state for _, _, state, _ in states(keep(url, "r2", report(2, made)))} == {State.KNOWN}
    stored = [item for item in store.open_items(url) if item.key.deployment == "nul-\x00"]
    assert {item.value for item in stored} == {json.dumps(v, sort_keys=True, separators=(",", ":")) for v in values}


def test_a_long_path_is_an_item_as_any_other(url: str) -> None:
    made = [comparison("a", [change("labels." + "k" * 20_000)])]
    keep(url, "r1", report(1, made))
    assert states(keep(url, "r2", report(2, made)))[0][2] is State.KNOWN


def test_a_finding_at_one_more_location_changes_the_item(url: str) -> None:
    one = [finding("some-rule", "a", path=parsed("labels.x"))]
    two = [*one, finding("some-rule", "a", path=parsed("labels.y"))]
    keep(url, "r1", report(1, SYNC, one))
    assert {state for _, _, state, _ in states(keep(url, "r2", report(2, SYNC, two)))} == {State.CHANGED}


def test_the_report_is_kept_as_it_was_with_its_sha_256(url: str) -> None:
    kept = keep(url, "run-1", report(1, DRIFT))
    text = store.report_text(url, "run")
    assert text == render(kept)
    assert [run.sha256 for run in store.runs(url)] == [hashlib.sha256(text.encode()).hexdigest()]


def test_an_unknown_or_ambiguous_run_is_refused(url: str) -> None:
    keep(url, "run-1", report(1, SYNC))
    keep(url, "run-2", report(2, SYNC))
    for name in ("run", "x", ""):
        with pytest.raises(HistoryError):
            store.report_text(url, name)


def test_pruning_keeps_what_is_open_and_the_last_runs(url: str) -> None:
    keep(url, "r1", report(1, [comparison("a", [change()]), comparison("b", [change()])]))
    keep(url, "r2", report(2, DRIFT))
    keep(url, "r3", report(3, [], complete=False))
    assert store.prune(url, day(100)) == (1, 1)
    assert [run.id for run in store.runs(url)] == ["r2", "r3"]
    assert open_keys(url) == {("a", MIN_SCALE)}
    assert states(keep(url, "r4", report(200, DRIFT)))[0][2] is State.KNOWN


def messages(url: str, destination: str = "json#1") -> list[list[tuple[str, str | None]]]:
    claimed = store.claim(url, [destination])
    store.settle(url, claimed, [])
    return [[(t["kind"], t.get("deployment")) for t in message.document["transitions"]] for message in claimed]


def test_six_runs_send_four_messages(url: str) -> None:
    more = [comparison("a", [change()]), comparison("b", [change()])]
    runs = [
        report(1, SYNC),
        report(2, DRIFT),
        report(3, DRIFT),
        report(4, more),
        report(5, complete=False),
        report(6, SYNC),
    ]
    for number, made in enumerate(runs):
        keep(url, f"r{number}", made, destinations=("json#1",))
    assert messages(url) == [
        [("opened", "a")],
        [("opened", "b")],
        [("outage", None)],
        [("recovered", None), ("resolved", "a"), ("resolved", "b")],
    ]
    assert messages(url) == []


def test_an_outage_is_announced_once_and_its_items_are_not_announced_again(url: str) -> None:
    for number, made in enumerate(
        [report(1, DRIFT), *(report(n, complete=False) for n in (2, 3, 4)), report(5, DRIFT)]
    ):
        keep(url, f"r{number}", made, destinations=("json#1",))
    assert messages(url) == [[("opened", "a")], [("outage", None)], [("recovered", None)]]


@pytest.mark.parametrize("identity", ["driftcheck.yaml", "infra/driftcheck.yaml"])
def test_an_outage_before_the_first_run_that_read_the_workspace_recovers(url: str, identity: str) -> None:
    for number, (made, other) in enumerate([(False, identity), (False, identity), (True, "w"), (True, "v")], 1):
        run = report(number, DRIFT if made else [], complete=made, report_id=other)
        keep(url, f"r{number}", run, destinations=("json#1",))
    assert messages(url) == [[("outage", None)], [("recovered", None), ("opened", "a")], [("opened", "a")]]


def test_the_outage_of_another_report_does_not_recover(url: str) -> None:
    keep(url, "r1", report(1, complete=False, report_id="nightly"), destinations=("json#1",))
    keep(url, "r2", report(2, DRIFT, report_id="w"), destinations=("json#1",))
    assert messages(url) == [[("outage", None)], [("opened", "a")]]


def test_reminders_repeat_what_stays_open(url: str) -> None:
    for number in range(16):
        keep(url, f"r{number}", report(number, DRIFT), destinations=("json#1",), remind=timedelta(days=7))
    assert messages(url) == [[("opened", "a")], [("reminder", "a")], [("reminder", "a")]]


def test_a_message_is_kept_until_it_was_sent_and_is_claimed_by_one_run(url: str) -> None:
    keep(url, "r1", report(1, DRIFT), destinations=("json#1", "slack#1"))
    claimed = store.claim(url, ["json#1"])
    assert [message.destination for message in claimed] == ["json#1"]
    assert store.claim(url, ["json#1"]) == ()
    store.settle(url, [], claimed)
    assert len(store.claim(url, ["json#1"])) == 1
    assert len(store.claim(url, ["slack#1"])) == 1


def _record_many(arguments: tuple[str, int]) -> None:
    url, writer = arguments
    for number in range(8):
        name = f"w{writer}"
        keep(url, f"{name}-{number}", report(number, [comparison(name, [change()])], report_id=name))


def test_H3_several_writers_lose_nothing(url: str) -> None:
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_record_many, [(url, writer) for writer in range(3)]))
    assert len(store.runs(url)) == 24
    assert open_keys(url) == {(f"w{writer}", MIN_SCALE) for writer in range(3)}


WRITER = """
import sys
from tests.history.reports import change, comparison, keep, report
for number in range(10_000):
    changes = [change()] if number % 2 else []
    keep(sys.argv[1], f"r{number}", report(number / 1000, [comparison(f"d{i}", changes) for i in range(20)]))
    print(number, flush=True)
"""


def test_H1_a_run_that_is_killed_is_recorded_whole_or_not_at_all(url: str, tmp_path: Path) -> None:
    for attempt in range(4):
        process = subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, cwd=os.getcwd())
        assert process.stdout is not None
        for _ in range(3 + attempt):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        runs = store.runs(url)
        last = int(runs[-1].id[1:])
        assert [run.id for run in runs] == [f"r{number}" for number in range(last + 1)]
        assert len(store.open_items(url)) == (20 if last % 2 else 0)
        for run in runs[-2:]:
            assert json.loads(store.report_text(url, run.id))["generated_at"] == run.generated_at


def test_a_new_file_is_readable_by_its_owner_alone(sqlite: str) -> None:
    keep(sqlite, "r1", report(1, SYNC))
    assert stat.S_IMODE(os.stat(sqlite.removeprefix("sqlite:///")).st_mode) == 0o600
