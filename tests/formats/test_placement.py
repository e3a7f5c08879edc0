from dataclasses import replace

from driftcheck.formats.placement import fingerprints, pinned
from driftcheck.formats.wording import Entry
from driftcheck.model import DeclaredSummary, Location, Severity
from tests.formats.reports import DRIFT, FILE

LOOSE = Entry("duplicate-key", Severity.ERROR, "twice", location=Location("a.yaml", 3, 1))
FIELD = Entry("drift", Severity.ERROR, "differs", deployment="a", path=("b",), location=Location("a.yaml", 3, 1))


def test_an_identity_is_rule_deployment_and_path() -> None:
    moved = replace(FIELD, location=Location("b.yaml", 90, 7), message="otherwise", severity=Severity.NOTE)
    assert fingerprints([FIELD]) == fingerprints([moved])
    assert fingerprints([FIELD]) != fingerprints([replace(FIELD, path=("c",))])
    assert fingerprints([FIELD]) != fingerprints([replace(FIELD, deployment="b")])


def test_what_has_no_deployment_is_told_apart_by_its_file() -> None:
    assert fingerprints([LOOSE]) != fingerprints([replace(LOOSE, location=Location("b.yaml", 3, 1))])
    assert fingerprints([LOOSE]) == fingerprints([replace(LOOSE, location=Location("a.yaml", 4, 1))])


def test_equal_ones_are_counted() -> None:
    assert len(set(fingerprints([LOOSE, LOOSE, LOOSE]))) == 3


def test_a_result_without_a_place_is_pinned_to_the_first_declared_file() -> None:
    homeless = replace(FIELD, location=None)
    assert pinned(FIELD, DRIFT) == FIELD.location
    assert pinned(homeless, DRIFT) == Location(FILE, 1, 1)
    assert pinned(homeless, replace(DRIFT, declared=DeclaredSummary())) == Location("deployments.yaml", 1, 1)
