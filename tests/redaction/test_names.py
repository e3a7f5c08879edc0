"""Credentials used as names are masked in every report, and different ones stay different (K5, K6)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.model import (
    Change,
    ChangeKind,
    Comparison,
    Finding,
    LiveSummary,
    Location,
    Severity,
    Status,
)
from driftcheck.paths import Item, Path, format_path, sort_key
from driftcheck.redaction.names import mask, mask_summary
from driftcheck.redaction.patterns import is_secret

GITHUB = "ghp_" + "Zq7" * 12
POSTGRES = "postgres://app:Hunter2@db/x"
RELATIVE = "//app:Hunter2@db/x"
CREDENTIALS = (GITHUB, POSTGRES, RELATIVE)
PLACE = Location("agents.yaml", 3, 5)


def comparison(*paths: Path, name: str = "claims", **values: Any) -> Comparison:
    changes = tuple(Change(ChangeKind.MODIFIED, path, 1, 2, PLACE) for path in paths)
    return Comparison(name, Status.DRIFTED, changes=changes, **values)


def finding(deployment: str | None = "claims", path: Path | None = None, message: str = "x") -> Finding:
    return Finding("unmodelled-field", Severity.NOTE, message, deployment=deployment, path=path)


def masked(*comparisons: Comparison) -> list[Comparison]:
    return list(mask(comparisons, ())[0])


def paths(found: Comparison) -> list[str]:
    return [format_path(change.path) for change in found.changes]


def test_K5_an_identity_that_is_a_credential_is_masked_and_its_values_are_not_shown() -> None:
    (found,) = masked(comparison(("secrets", Item("name", GITHUB)), ("secrets", Item("name", "z"))))
    assert paths(found) == ['secrets[name="[redacted]"]', "secrets[name=z]"]
    hidden, shown = found.changes
    assert (hidden.redacted, hidden.declared, hidden.live, hidden.location) == (True, None, None, PLACE)
    assert (shown.redacted, shown.declared, shown.live) == (False, 1, 2)


def test_two_masked_paths_stay_two() -> None:
    names = [Item("name", text) for text in (*CREDENTIALS, "[redacted]")]
    (found,) = masked(comparison(*(("secrets", name) for name in names)))
    assert paths(found) == [f'secrets[name="[redacted{number}]"]' for number in (" 2", " 3", " 4", "")]


def test_a_mask_is_the_same_wherever_a_path_of_a_deployment_goes_through_it() -> None:
    sidecars, volumes = ("sidecars", Item("name", GITHUB)), ("volumes", Item("name", GITHUB))
    before = comparison((*sidecars, "image"), (*volumes, "x"), unverifiable=((*sidecars, "labels", POSTGRES),))
    (found,), (after,) = mask([before], [finding(path=(*sidecars, RELATIVE))])
    assert paths(found) == ['sidecars[name="[redacted]"].image', 'volumes[name="[redacted]"].x']
    assert list(map(format_path, found.unverifiable)) == ['sidecars[name="[redacted]"].labels["[redacted]"]']
    assert format_path(after.path or ()) == 'sidecars[name="[redacted]"]["[redacted]"]'


def test_names_of_deployments_are_masked_and_stay_apart_in_findings_and_messages() -> None:
    before = [comparison(name=name) for name in ("[redacted]", GITHUB, f"{GITHUB}x", "a")]
    renamed = f"Probably renamed: the live deployment {GITHUB}x has the same origin."
    findings = [finding(GITHUB), finding("a", message=renamed), finding(None), finding(POSTGRES)]
    found, after = mask(before, findings)
    assert [each.name for each in found] == ["[redacted 2]", "[redacted 3]", "[redacted]", "a"]
    assert [each.deployment for each in after] == ["[redacted 2]", "a", None, "[redacted 4]"]
    assert after[1].message == "Probably renamed: the live deployment [redacted 3] has the same origin."


def test_ids_and_facts_are_masked() -> None:
    facts = {"source": POSTGRES, "type": "dev", "status": RELATIVE, "pending_since": GITHUB}
    (found,) = masked(comparison(id=GITHUB, facts=facts))
    assert found.id == "[redacted]"
    assert found.facts == {fact: "dev" if fact == "type" else "[redacted]" for fact in facts}


def test_the_summary_of_live_is_masked_and_counts_stay_whole() -> None:
    tally = {"READY": 3, GITHUB: 2, POSTGRES: 2, "dev": 1}
    live = LiveSummary(POSTGRES, GITHUB, RELATIVE, 1, 1, 8, False, ("a", GITHUB), {"x": GITHUB}, {"status": tally})
    found = mask_summary(live)
    assert not any(credential in repr(found) for credential in (*CREDENTIALS, "Hunter2"))
    assert found.inventory == {"status": {"[redacted]": 4, "READY": 3, "dev": 1}}
    assert found.gaps == ("a", "[redacted]")
    plain = LiveSummary("https://h", None, None, 1, 1, 8, True, (), {}, {"status": {"READY": 8}})
    assert mask_summary(plain) == plain


segments: st.SearchStrategy[Any] = (
    st.integers(0, 3)
    | st.sampled_from((*CREDENTIALS, "a", "[redacted]", "[redacted 2]"))
    | st.builds(Item, st.just("name"), st.sampled_from((*CREDENTIALS, "a", "[redacted]")))
)
drawn_paths = st.lists(st.lists(segments, min_size=1, max_size=3).map(tuple), max_size=8, unique=True)


@given(drawn_paths)
def test_K6_no_masked_path_holds_a_credential_or_meets_another(drawn: list[Path]) -> None:
    (found,) = masked(comparison(*drawn))
    assert len(set(paths(found))) == len(drawn)
    assert not any(is_secret(path) for path in paths(found))
    assert {change.path for change in found.changes if not change.redacted} == set(drawn) - set(
        filter(_holds_secret, drawn)
    )
    assert [change.live for change in found.changes] == [None if change.redacted else 2 for change in found.changes]


def _holds_secret(path: Path) -> bool:
    return any(is_secret(segment.value if isinstance(segment, Item) else segment) for segment in path)


@given(st.permutations([("labels", text) for text in (*CREDENTIALS, "a")]))
def test_O10_masks_do_not_depend_on_the_order(drawn: list[Path]) -> None:
    assert masked(comparison(*drawn)) == masked(comparison(*sorted(drawn, key=sort_key)))


@pytest.mark.parametrize("secret", ["task-runner", "a@b", "https://h"])
def test_what_holds_no_credential_is_returned_unchanged(secret: str) -> None:
    comparisons, findings = [comparison(("labels", secret), name=secret)], [finding(secret)]
    found, after = mask(comparisons, findings)
    assert found is comparisons
    assert after is findings
