"""How a run changes the open items, without a database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from driftcheck.history.items import Key, Part, Reach, Seen
from driftcheck.history.transitions import Item, Kind, Moment, Step, Transition, advance, document, united, values
from driftcheck.model import Outcome, Severity, State
from tests.history.reports import day

KEY = Key("a", path="source")
OTHER = Key("b", rule="missing-deployment")
NOW = Moment("r2", day(2), previous=day(1))


def seen(key: Key = KEY, value: str | None = '"live"', **times: str) -> Seen:
    return Seen(key, Severity.ERROR, value, '"declared"', **times)


def part(*shown: Seen, reach: Reach | None = None, conclusive: bool = True) -> Part:
    outcome = Outcome.DRIFT if conclusive else Outcome.INCOMPLETE
    return Part(None, "s", outcome, conclusive, reach or Reach(), {each.key: each for each in shown})


def item(key: Key = KEY, value: str | None = '"live"', first: int = 1, **given: object) -> Item:
    known = Item(key, Severity.ERROR, value, day(first), day(first), opened_run="r1", command="check")
    return replace(known, **given)  # type: ignore[arg-type]


def moved(step: Step) -> dict[str, list[Key]]:
    found = {name: [each.key for each in getattr(step, name)] for name in ("opened", "changed", "kept", "resolved")}
    return {name: keys for name, keys in found.items() if keys}


# --- one run ---


def test_an_item_that_is_not_open_is_opened_as_new() -> None:
    step = advance({}, part(seen()), NOW)
    assert moved(step) == {"opened": [KEY]}
    assert step.states == {KEY: (State.NEW, day(2))}
    (opened,) = step.opened
    assert (opened.first_seen, opened.opened_run, opened.value, opened.declared) == (
        day(2),
        "r2",
        '"live"',
        '"declared"',
    )


def test_an_open_item_of_the_same_value_is_kept_as_known() -> None:
    step = advance({KEY: item()}, part(seen()), NOW)
    assert moved(step) == {"kept": [KEY]}
    assert step.states == {KEY: (State.KNOWN, day(1))}
    assert [(each.first_seen, each.last_seen, each.changed_at) for each in step.kept] == [(day(1), day(2), None)]


def test_an_open_item_of_another_value_is_changed() -> None:
    step = advance({KEY: item(value='"earlier"')}, part(seen()), NOW)
    assert moved(step) == {"changed": [KEY]}
    assert step.states == {KEY: (State.CHANGED, day(1))}
    assert [(each.value, each.changed_at) for each in step.changed] == [('"live"', day(2))]


@pytest.mark.parametrize(("earlier", "now"), [(None, '"live"'), ('"live"', None), (None, None)])
def test_a_redacted_value_never_changes(earlier: str | None, now: str | None) -> None:
    assert moved(advance({KEY: item(value=earlier)}, part(seen(value=now)), NOW)) == {"kept": [KEY]}


def test_an_open_item_that_is_not_shown_is_resolved() -> None:
    step = advance({KEY: item(), OTHER: item(OTHER)}, part(seen(OTHER, None)), NOW)
    assert moved(step) == {"kept": [OTHER], "resolved": [KEY]}
    assert [(each.resolved_at, each.resolved_run) for each in step.resolved] == [(day(2), "r2")]
    assert KEY not in step.states


def test_what_a_narrowed_run_does_not_cover_stays_open() -> None:
    reach = Reach("names", names=("b*",))
    assert moved(advance({KEY: item(), OTHER: item(OTHER)}, part(reach=reach), NOW)) == {"resolved": [OTHER]}


def test_an_inconclusive_run_moves_nothing_and_knows_what_is_open() -> None:
    moment = replace(NOW, moves=False)
    step = advance({KEY: item()}, part(seen(), seen(OTHER), conclusive=False), moment)
    assert moved(step) == {}
    assert step.states == {KEY: (State.KNOWN, day(1))}


def test_a_run_of_a_branch_under_review_moves_nothing_and_names_what_is_new() -> None:
    step = advance({}, part(seen()), replace(NOW, moves=False))
    assert moved(step) == {}
    assert step.states == {KEY: (State.NEW, None)}


def test_a_run_that_is_recorded_again_shows_its_items_as_new_again() -> None:
    step = advance({KEY: item(opened_run="r2")}, part(seen()), NOW)
    assert step.states[KEY][0] is State.NEW


def test_what_a_newer_run_covers_is_left_to_it() -> None:
    late = replace(NOW, newer=(Reach("names", names=("a",)),))
    step = advance({OTHER: item(OTHER)}, part(seen()), late)
    assert moved(step) == {"resolved": [OTHER]}
    assert moved(advance({KEY: item()}, part(), late)) == {}


# --- when an item began ---


@pytest.mark.parametrize(
    ("previous", "times", "window"),
    [
        (None, {}, (None, 5)),
        (1, {}, (1, 5)),
        (1, {"created_at": day(3)}, (3, 5)),
        (4, {"created_at": day(3)}, (4, 5)),
        (1, {"created_at": day(9)}, (5, 5)),
        (1, {"updated_at": day(3)}, (1, 3)),
        (4, {"updated_at": day(3)}, (4, 5)),
        (1, {"updated_at": day(9)}, (1, 5)),
        (1, {"created_at": day(2), "updated_at": day(3)}, (2, 3)),
    ],
)
def test_an_item_began_after_the_last_run_without_it_and_between_creation_and_update(
    previous: int | None, times: dict[str, str], window: tuple[int | None, int]
) -> None:
    moment = Moment("r5", day(5), previous=None if previous is None else day(previous))
    (opened,) = advance({}, part(seen(**times)), moment).opened
    assert (opened.after, opened.before) == tuple(None if each is None else day(each) for each in window)


# --- episodes ---


def test_what_check_and_audit_saw_at_the_same_time_is_one_episode() -> None:
    checked = item(first=1, severity=Severity.WARNING, owner="team")
    audited = item(first=2, command="audit", last_seen=day(4))
    (found,) = united([audited, checked])
    assert (found.first_seen, found.last_seen, found.command) == (day(1), day(4), "audit, check")
    assert (found.severity, found.owner) == (Severity.ERROR, "team")


def test_an_episode_ends_with_the_run_that_looked_last() -> None:
    checked = item(first=1, resolved_at=day(3), resolved_run="r3")
    audited = item(first=2, command="audit", last_seen=day(4))
    assert [each.resolved_at for each in united([checked, audited])] == [None]
    settled = replace(audited, last_seen=day(2))
    assert [(each.resolved_at, each.resolved_run) for each in united([checked, settled])] == [(day(3), "r3")]


@pytest.mark.parametrize("other", [{"target": "eu"}, {"report_id": "x"}, {"key": OTHER}])
def test_items_of_other_targets_reports_or_fields_stay_apart(other: dict[str, object]) -> None:
    assert len(united([item(), replace(item(command="audit"), **other)])) == 2  # type: ignore[arg-type]


def test_two_episodes_of_one_command_stay_apart() -> None:
    earlier = item(first=1, resolved_at=day(2), resolved_run="r2", id=1)
    assert [each.first_seen for each in united([item(first=3, id=2), earlier])] == [day(1), day(3)]


# --- the document ---


def test_the_document_holds_values_unless_they_are_redacted() -> None:
    assert values(item(declared="1")) == {"declared": 1, "live": "live"}
    assert values(item(value=None)) == {}
    assert values(item(OTHER)) == {}


def test_an_outage_has_an_outcome_and_no_item() -> None:
    outage = Transition(Kind.OUTAGE, "eu", outcome="incomplete")
    sent = document("r1", day(1), "check", "ws", "incomplete", [outage, Transition(Kind.OPENED, None, item())])
    assert isinstance(sent, dict)
    first, second = sent["transitions"]
    assert first == {"kind": "outage", "target": "eu", "outcome": "incomplete"}
    assert (second["kind"], second["deployment"], second["path"], second["live"]) == ("opened", "a", "source", "live")
