from dataclasses import replace

import pytest
from hypothesis import given

from driftcheck.formats import RenderOptions, view
from driftcheck.formats.view import Result, anchored, fingerprints, rooted
from driftcheck.model import (
    Change,
    ChangeClass,
    Comparison,
    DeclaredSummary,
    Finding,
    Location,
    Report,
    Severity,
    Status,
)
from tests.formats.reports import CLAIMS, DRIFT, MAX_SCALE, TARGETS, THREE_WAY, reports

DUPLICATE = Finding("duplicate-key", Severity.ERROR, "twice", location=Location("a.yaml", 3, 1))


def result(item: Change | Finding, deployment: Comparison = CLAIMS) -> Result:
    """Return the one result of a report that holds nothing else."""
    is_finding = isinstance(item, Finding)
    (only,) = view.results(
        replace(
            DRIFT,
            deployments=() if is_finding else (replace(deployment, changes=(item,)),),
            findings=(item,) if is_finding else (),
        )
    )
    return only


LOOSE = result(DUPLICATE)
FIELD = result(MAX_SCALE)
INSIDE = RenderOptions(folder="/home/me/repo/infra", repository="/home/me/repo")


@given(reports())
def test_results_hold_every_active_change_and_finding_the_worst_first(drawn: Report) -> None:
    results = view.results(drawn)
    items = [*(change for each in drawn.deployments for change in each.changes), *drawn.findings]
    assert len(results) == sum(item.suppressed is None for item in items)
    assert [each.item.severity.rank for each in results] == sorted(each.item.severity.rank for each in results)


def test_unmanaged_deployments_come_after_findings_of_the_same_severity() -> None:
    rules = [each.rule for each in view.results(replace(DRIFT, findings=DRIFT.findings[::-1]))]
    assert rules == ["missing-deployment"] + ["drift"] * 6 + ["unmanaged-deployment"] * 200


def test_changes_in_conflict_come_first_then_those_of_the_change_under_review() -> None:
    classes = [ChangeClass.DRIFT, ChangeClass.ADOPTED, ChangeClass.PROPOSED, ChangeClass.CONFLICT]
    changes = tuple(replace(MAX_SCALE, change_class=each) for each in classes)
    (block,) = view.blocks(replace(DRIFT, deployments=(replace(CLAIMS, changes=changes),)))
    assert [change.change_class for change in block.changes] == [classes[3], classes[2], classes[1], classes[0]]


def test_deployments_of_which_nothing_is_known_are_sorted_by_name() -> None:
    unknown = tuple(Comparison(name, Status.UNKNOWN, location=Location("a.yaml", 1, 1)) for name in ("a", "b", "c"))
    note = Finding("long-name", Severity.NOTE, "too long", deployment="c")
    shown = view.view(replace(DRIFT, deployments=unknown, findings=(note,)), folds_notes=True)
    assert [block.comparison.name for block in shown.unknown] == ["a", "b", "c"]


def test_blocks_are_worst_first() -> None:
    order = [block.comparison.name for block in view.blocks(THREE_WAY)][:3]
    assert order == ["claims-agent", "orders-agent", "search-0"]


@given(reports())
def test_every_deployment_and_finding_is_in_one_part_of_the_view(drawn: Report) -> None:
    parts = [view.common(drawn), *view.parts(drawn)] if drawn.targets else [drawn]
    blocks, findings = 0, 0
    for part in parts:
        shown = view.view(part)
        above = [*shown.shown, *shown.unknown, *shown.elsewhere]
        blocks += len(above) + len(shown.others)
        findings += len(shown.general) + len(shown.warnings) + sum(len(group.findings) for group in shown.sums)
        findings += sum(len(block.findings) for block in above)
        findings += sum(isinstance(item, Finding) for _, item, _ in shown.suppressed)
    assert blocks == len(drawn.deployments)
    assert findings == len(drawn.findings)


def test_targets_are_parts_the_worst_first() -> None:
    assert [part.report_id for part in view.parts(TARGETS)] == ["staging", "production"]
    assert view.parts(DRIFT) == [DRIFT]


def test_an_identity_is_report_rule_deployment_and_path() -> None:
    moved = result(replace(MAX_SCALE, location=Location("b.yaml", 90, 7), live=7, severity=Severity.NOTE))
    assert fingerprints([FIELD], DRIFT) == fingerprints([moved], DRIFT)
    assert fingerprints([FIELD], DRIFT) != fingerprints([result(replace(MAX_SCALE, path=("c",)))], DRIFT)
    assert fingerprints([FIELD], DRIFT) != fingerprints([result(MAX_SCALE, replace(CLAIMS, name="b"))], DRIFT)
    assert fingerprints([FIELD], DRIFT) != fingerprints([FIELD], replace(DRIFT, report_id="staging"))
    assert fingerprints([FIELD], DRIFT) != fingerprints([FIELD], replace(DRIFT, command="audit"))


def test_what_has_no_deployment_is_known_by_its_file_and_equal_ones_are_numbered() -> None:
    other = result(replace(DUPLICATE, location=Location("b.yaml", 3, 1)))
    assert fingerprints([LOOSE], DRIFT) != fingerprints([other], DRIFT)
    assert len(set(fingerprints([LOOSE, LOOSE, LOOSE], DRIFT))) == 3


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("a.yaml", "infra/a.yaml"),
        ("./deployments//a.yaml", "infra/deployments/a.yaml"),
        ("../other/a.yaml", "other/a.yaml"),
        ("/home/me/repo/a.yaml", "a.yaml"),
        ("../../outside.yaml", "../../outside.yaml"),
        ("/home/me/repository/a.yaml", "/home/me/repository/a.yaml"),
    ],
)
def test_files_are_named_from_the_root_of_the_repository(file: str, named: str) -> None:
    assert rooted(file, INSIDE) == named


def test_without_a_repository_files_are_named_as_they_were() -> None:
    assert rooted("./a//b.yaml", RenderOptions(folder="/somewhere")) == "a/b.yaml"
    assert rooted("/x/a.yaml", RenderOptions()) == "/x/a.yaml"


@pytest.mark.parametrize(
    ("files", "config", "place"),
    [
        (("prod/a.yaml", "prod/b.yaml"), "", "infra/prod"),
        (("prod/a.yaml",), "", "infra/prod"),
        (("a.yaml", "prod/b.yaml"), "driftcheck.yaml", "infra/driftcheck.yaml"),
        (("../a.yaml",), "", "a.yaml"),
        (("../a.yaml", "../b.yaml"), "", "driftcheck.yaml"),
        ((), "", "driftcheck.yaml"),
    ],
)
def test_what_is_in_no_file_is_at_the_configuration_or_the_declarations(
    files: tuple[str, ...], config: str, place: str
) -> None:
    subject = replace(DRIFT, declared=DeclaredSummary(files))
    assert anchored(None, subject, replace(INSIDE, config=config)) == Location(place, 1, 1)
    assert anchored(Location("a.yaml", 3, 4), subject, INSIDE) == Location("infra/a.yaml", 3, 4)


def test_a_location_is_linked_where_the_platform_shows_the_repository() -> None:
    options = replace(INSIDE, source_url="https://example.com/me/repo/blob/abc/")
    assert view.source_link(Location("a b.yaml", 3, 4), options) == (
        "https://example.com/me/repo/blob/abc/infra/a%20b.yaml#L3"
    )
    assert view.source_link(Location("../../a.yaml", 3, 4), options) is None
    assert view.source_link(Location("a.yaml", 3, 4), INSIDE) is None
