import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given

from driftcheck.formats import RenderOptions, html, overall, view, wording
from driftcheck.formats.escaping import visible
from driftcheck.model import (
    Change,
    ChangeKind,
    ExitStatus,
    Finding,
    Location,
    Outcome,
    Report,
    Severity,
    Status,
    Suppression,
)
from tests.formats.html_samples import ATTACKS, hostile
from tests.formats.reports import (
    ALL_IGNORED,
    ALLOWED_PARTIAL,
    AUDIT,
    BILLING,
    CLAIMS,
    DETAILED,
    DRIFT,
    ELSEWHERE,
    IN_SYNC,
    INCOMPLETE,
    INVALID,
    INVENTORY,
    LIVE,
    MATCHING,
    MAX_SCALE,
    SAMPLES,
    SIDECAR,
    TARGETS,
    THREE_WAY,
    UNMANAGED,
    VALID,
    WITH_HISTORY,
    huge,
    report,
    reports,
    unmanaged_findings,
)

VOID = {"meta", "input", "wbr", "link", "br", "img", "rect", "circle"}


class Page(HTMLParser):
    """What a page holds: every element with its attributes, and the text outside of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.raw: dict[str, str] = {}
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], "an element was left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("style", "script"):
            self.raw[self.open[-1]] = self.raw.get(self.open[-1], "") + data
        else:
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def skeleton(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def render(subject: Report) -> str:
    return html.render(subject, RenderOptions())


def squeezed(text: str) -> str:
    """Remove white space, since a value may take several lines, and backticks, which a page shows as code."""
    return re.sub(r"[\s`]+", "", text)


def texts_of(changes: Iterable[Change], findings: Iterable[Finding]) -> Iterable[str]:
    """Return what a page must show of changes and findings."""
    for change in changes:
        yield wording.path_text(change.path)
        yield wording.location_text(change.location, column=True)
        if not change.redacted:
            yield from (wording.value_text(side) for side in (change.declared, change.live) if side is not None)
            yield from (piece for row in wording.details(change) for piece in row)
        if change.suppressed:
            yield wording.reason_text(change.suppressed)
    for finding in findings:
        yield from map(visible, (finding.message, finding.rule, finding.hint or ""))
        yield wording.location_text(finding.location, column=True)
        yield wording.path_text(finding.path or ())


def assert_tells_everything(subject: Report) -> None:
    text = squeezed(Page(render(subject)).text)
    for part in [view.common(subject), *view.parts(subject)] if subject.targets else [subject]:
        changes = [change for comparison in part.deployments for change in comparison.changes]
        for piece in texts_of(changes, [each for each in part.findings if each.suppressed is None]):
            assert squeezed(piece) in text
        for comparison in part.deployments:
            assert squeezed(visible(comparison.name)) in text
            for path in comparison.unverifiable:
                assert squeezed(wording.path_text(path)) in text
    for gap in overall.gaps(subject):
        assert squeezed(gap) in text


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_reports_every_change_finding_gap_and_deployment(name: str) -> None:
    assert_tells_everything(SAMPLES[name])


@given(reports())
def test_any_report_makes_a_whole_and_well_formed_page(subject: Report) -> None:
    assert_tells_everything(subject)


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_O4_hostile_texts_add_no_element_and_no_attribute(attack: str) -> None:
    harmless = "harmless text"
    assert Page(render(hostile(attack))).skeleton == Page(render(hostile(harmless))).skeleton


@given(reports())
def test_O4_a_page_holds_one_script_its_own_and_refers_to_nothing_outside(subject: Report) -> None:
    page = Page(render(subject))
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert page.raw == Page(render(IN_SYNC)).raw
    assert not {tag for tag, _ in page.elements} & {"img", "iframe", "object", "embed", "link", "base", "use", "image"}
    for _, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("src", "style", "action") for name in attributes)
        assert re.fullmatch(r"#(d\d+|results)", attributes.get("href") or "#results")


@given(reports())
def test_O1_O2_nothing_that_steers_a_reader_is_left_in_the_page(subject: Report) -> None:
    for line in render(subject).split("\n"):
        assert visible(line) == line


def test_the_policy_admits_the_pages_own_style_and_script_and_nothing_else() -> None:
    page = Page(render(DRIFT))
    digests = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for name, text in page.raw.items()
    }
    policies = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policies == [
        f"default-src 'none'; style-src 'sha256-{digests['style']}'; script-src 'sha256-{digests['script']}'; "
        "base-uri 'none'; form-action 'none'"
    ]


def test_the_pages_own_files_hold_nothing_that_leaves_the_page() -> None:
    raw = Page(render(DRIFT)).raw
    assert not re.search(r"url\((?!#)|@import|https?:|//", raw["style"].replace("/*", "").replace("*/", ""))
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|fetch|XMLHttp|https?:", raw["script"]
    )


def title(subject: Report) -> tuple[str | None, str]:
    text = render(subject)
    assert text.startswith("<!doctype html>\n")
    tone = re.search(r'<header class="(\w+)">', text)
    heading = re.search(r"<h1>(.*?)</h1>", text)
    assert tone is not None
    assert heading is not None
    return tone[1], heading[1]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (IN_SYNC, ("in_sync", "In sync")),
        (ALL_IGNORED, ("in_sync", "In sync")),
        (DRIFT, ("drift", "Drift")),
        (INVALID, ("invalid", "Invalid")),
        (INCOMPLETE, ("incomplete", "Incomplete")),
        (replace(DRIFT, outcome=Outcome.DEFECT), ("defect", "Internal error")),
        (replace(DRIFT, outcome=Outcome.IN_SYNC), ("neutral", "Passed")),
        (ALLOWED_PARTIAL, ("incomplete", "Passed")),
        (INVENTORY, ("neutral", "Nothing declared")),
        (VALID, ("in_sync", "Valid")),
    ],
)
def test_the_verdict_has_the_colour_of_the_truth(subject: Report, expected: tuple[str, str]) -> None:
    assert title(subject) == expected


@given(reports())
def test_green_is_only_what_was_read_whole_and_differs_in_nothing(subject: Report) -> None:
    if title(subject)[0] == "in_sync":
        assert subject.outcome.status is ExitStatus.IN_SYNC
        assert subject.complete
        assert subject.summary.changes == 0
        assert {each.status for each in subject.deployments} <= {Status.IN_SYNC, Status.UNMANAGED}


def test_what_was_not_read_is_reported_above_a_drift_too() -> None:
    live = replace(LIVE, complete=False, gaps=("the third page is missing",))
    text = Page(render(replace(DRIFT, live=live))).text
    assert text.index("the third page is missing") < text.index("Needs attention")
    assert "Unknown. It is known only for a workspace that was read completely" in text


def names_in_order(subject: Report) -> list[str]:
    return re.findall(r"<h3>(.*?)</h3>", render(subject))


def test_the_worst_is_first_and_open() -> None:
    text = render(DRIFT)
    assert names_in_order(DRIFT)[:3] == ["billing-agent", "claims-agent", "scratch-000"]
    assert [item["id"] for item in Page(text).all("details") if "open" in item] == ["d1", "d2"]


def test_unmanaged_deployments_do_not_keep_drift_folded() -> None:
    assert [item["id"] for item in Page(render(AUDIT)).all("details") if "open" in item] == ["d1", "d2"]


def test_at_most_a_screenful_of_many_drifted_deployments_is_open() -> None:
    items = Page(render(huge(100, 90))).all("details")
    assert sum("open" in item for item in items if item.get("class") == "deployment") == 25


def side(change: Change, name: str) -> str:
    """Return the text of a side's cell."""
    text = render(report(replace(CLAIMS, changes=(change,))))
    cell = re.search(rf'<td role="cell" class="{name}">(.*?)</td>', text, re.DOTALL)
    assert cell is not None
    return re.sub("<.*?>", "", cell[1])


def test_what_differs_inside_a_structure_has_rows_of_its_own_and_the_whole_is_folded() -> None:
    text = squeezed(Page(render(DETAILED)).text)
    assert 'command[6]"4""16"command[8]"info""debug"command[9](unset)"xx"' in text
    assert text.count("Wholevalue") == 2


def test_effective_unset_and_secret_values_look_different() -> None:
    removed = Change(ChangeKind.REMOVED, ("cpu_limit",), 4, None)
    assert side(removed, "live") == "unset"
    assert side(replace(removed, live_effective=2), "live") == "null effectively 2"
    secret = replace(removed, declared=None, redacted=True)
    assert side(secret, "declared") == "secret value, never shown"
    assert side(secret, "live") == "unset"


def test_a_long_value_is_folded_and_still_whole() -> None:
    change = Change(ChangeKind.MODIFIED, ("script",), "a" * 5_000 + " begin", "a" * 5_000 + " end")
    text = side(change, "live")
    assert text.startswith("&#34;aaaa")
    assert "a …" in text
    assert text.endswith(f"{'a' * 5_000} end&#34;")


def test_targets_are_sections_and_a_matrix() -> None:
    text = render(TARGETS)
    page = squeezed(Page(text).text)
    assert page.index("stagingDrift1deploymentdrifted") < page.index("productionInsync")
    assert "DeploymentproductionstagingclaimsagentMatchesDrifted".replace("claimsagent", "claims-agent") in page
    assert len({each["href"] for each in Page(text).all("a") if each.get("title") == "claims-agent"}) == 2


@pytest.mark.parametrize("suffix", ["-staging", "-stg", "2"])
def test_names_of_a_target_are_paired_without_its_suffix(suffix: str) -> None:
    (first, second) = TARGETS.deployments
    (production, staging) = TARGETS.targets
    renamed = replace(
        TARGETS,
        deployments=(first, replace(second, name=f"claims-agent{suffix}")),
        targets=(production, replace(staging, name_suffix=suffix)),
    )
    assert "Deploymentproductionstagingclaims-agentMatchesDrifted" in squeezed(Page(render(renamed)).text)


def test_the_matrix_begins_with_what_differs_and_folds_the_rest() -> None:
    matching = [
        replace(each, name=f"a-{number:02}", status=Status.IN_SYNC, changes=())
        for number in range(40)
        for each in TARGETS.deployments
    ]
    text = render(replace(TARGETS, deployments=(*matching, *TARGETS.deployments)))
    page = squeezed(Page(text).text)
    assert "Deploymentproductionstagingclaims-agentMatchesDrifteda-00MatchesMatches" in page
    assert "38moredeployments" in page


@pytest.mark.parametrize("report_id", [LIVE.workspace, None, "nightly"])
def test_the_workspace_is_labelled_and_shown_once(report_id: str | None) -> None:
    page = squeezed(Page(render(replace(DRIFT, report_id=report_id))).text)
    assert f"Workspace{LIVE.workspace}" in page
    assert page.count(str(LIVE.workspace)) == 1
    assert page.count("nightly") == 2 * (report_id == "nightly")


def test_notes_and_what_the_change_does_not_touch_come_last() -> None:
    notes = [Finding("run-note", Severity.NOTE, "something general", target=each.name) for each in TARGETS.targets]
    text = render(replace(TARGETS, findings=(*TARGETS.findings, *notes)))
    assert text.index("<summary>2 notes</summary>") > text.index('id="part-3"')


def test_what_the_change_does_not_touch_is_folded() -> None:
    text = render(ELSEWHERE)
    assert text.index("orders-agent") < text.index("Not touched by this change: 1 deployment drifted")
    folded = [each for each in Page(text).all("details") if each.get("class") == "elsewhere"]
    assert folded == [{"class": "elsewhere"}]


def test_the_filters_come_after_what_needs_attention() -> None:
    text = render(DRIFT)
    assert text.index("claims-agent") < text.index('id="filters"') < text.index("search-0")


def test_locations_are_links_where_the_platform_shows_the_repository() -> None:
    options = RenderOptions(source_url="https://example.com/me/repo/blob/abc/")
    links = {each.get("href") for each in Page(html.render(DRIFT, options)).all("a")}
    assert "https://example.com/me/repo/blob/abc/prod/agents.yaml#L24" in links


def test_the_history_says_what_is_new_and_what_was_resolved() -> None:
    text = Page(render(WITH_HISTORY)).text
    assert "changed, since" not in text
    assert "since 2025-12-31 (8 days)" in text
    assert "Resolved since the last conclusive run" in text


def test_a_base_is_shown_beside_declared_and_live() -> None:
    text = Page(render(THREE_WAY)).text
    assert "BaseDeclaredLive" in text
    assert '"otel:0.98.0""otel:0.104.0""otel:0.99.0"' in text
    assert "conflict: this change and live differ from the base" in text
    assert "BaseDeclaredLive" not in Page(render(DRIFT)).text


def test_what_is_suppressed_is_gathered_by_its_rule() -> None:
    rule = Suppression("load test, OPS-123", "2026-12-31", Location("driftcheck.yaml", 7, 5))
    text = Page(render(ALL_IGNORED)).text
    assert "Suppressed" in text
    subject = report(
        replace(CLAIMS, changes=(replace(MAX_SCALE, suppressed=rule), SIDECAR)),
        findings=(Finding("unmanaged-deployment", Severity.NOTE, "live only", deployment="x", suppressed=rule),),
    )
    ignored = Page(render(subject)).text.partition("Findings by rule")[2] or Page(render(subject)).text
    assert squeezed(
        "Suppressed: load test, OPS-123 (until 2026-12-31) driftcheck.yaml:7:5 "
        "claims-agent source_config.resource_spec.max_scale x unmanaged-deployment"
    ) in squeezed(ignored)


def test_an_audit_has_the_inventory() -> None:
    pending = replace(CLAIMS, facts={**CLAIMS.facts, "pending_since": "2026-01-02T03:04:05Z"})
    text = Page(render(report(pending, *MATCHING, command="audit"))).text
    assert "1 rollout is pending; the oldest since 2026-01-02T03:04:05Z: claims-agent." in text
    assert f"{overall.field_coverage(report(pending, *MATCHING))}." in text
    assert squeezed("SourceShareDeployments github 210 external_docker 1") in squeezed(text)


def test_findings_are_counted_by_rule() -> None:
    text = squeezed(Page(render(AUDIT)).text)
    assert squeezed("Error unmanaged-deployment A live deployment is not declared 200") in text


@pytest.mark.parametrize(("deployments", "shown"), [(3, "33.3"), (1, "100.0"), (10_000, "0.0")])
def test_coverage_is_never_rounded_up(deployments: int, shown: str) -> None:
    subject = report(CLAIMS, live=replace(LIVE, deployments=deployments))
    assert f"{shown}\u202f% of" in Page(render(subject)).text


def test_every_part_of_the_bar_can_be_seen_and_all_of_it_is_filled() -> None:
    subject = report(CLAIMS, BILLING, *(replace(MATCHING[0], name=f"m{number}") for number in range(998)))
    page = Page(render(subject))
    parts = [each for each in page.all("rect") if each.get("height") == "20"]
    assert [each["class"] for each in parts] == ["drifted", "missing", "in_sync"]
    assert all(int(each["width"] or 0) >= 15 for each in parts)
    assert sum(int(each["width"] or 0) for each in parts) == 1000
    assert "Deployments by status: 1 Drifted, 1 Missing, 998 Matches" in page.text


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_is_made_for_readers_of_all_kinds(name: str) -> None:
    page = Page(render(SAMPLES[name]))
    tags = Counter(tag for tag, _ in page.elements)
    assert tags["h1"] == tags["main"] == tags["header"] == tags["footer"] == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(identities)) == len(identities)
    for _, attributes in page.elements:
        for reference in (attributes.get("aria-labelledby"), (attributes.get("href") or "").removeprefix("#")):
            assert not reference or reference in identities
    assert all("scope" in each for each in page.all("th"))
    assert tags["caption"] == tags["table"]


@pytest.mark.slow
def test_ten_thousand_deployments_make_a_page_of_a_few_megabytes() -> None:
    text = render(huge())
    assert text.count('<details class="deployment"') == 10_000
    assert text.count('<tr role="row"><th role="rowheader"') == 5_000
    assert len(text.encode()) < 10_000_000


@pytest.mark.parametrize(("number", "is_open"), [(3, True), (200, False)])
def test_unmanaged_deployments_that_fail_the_run_need_attention(number: int, is_open: bool) -> None:
    findings = unmanaged_findings(Severity.ERROR)[:number]
    text = render(replace(AUDIT, deployments=(*AUDIT.deployments[:1], *UNMANAGED[:number]), findings=findings))
    folded = [each for each in Page(text).all("details") if each.get("class") == "elsewhere"]
    assert ["open" in each for each in folded] == [is_open]
    assert text.index(f"{number} live deployments are not declared") < text.index('id="filters"')
    assert text.count("<h3>scratch-000</h3>") == 1


def test_an_audit_begins_with_its_inventory_and_a_deployment_with_what_differs() -> None:
    audit = render(AUDIT)
    assert audit.index('id="inventory-title"') < audit.index("Needs attention")
    assert audit.count('id="inventory-title"') == 1
    drift = render(DRIFT)
    assert drift.index('<code class="rule">missing-deployment') < drift.index("Declared in")
    body = drift[drift.index("claims-agent</h3>") :]
    assert body.index("max_scale") < body.index("<dt>Id</dt>")
