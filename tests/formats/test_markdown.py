import re
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from driftcheck.formats import RenderOptions, overall, view, wording
from driftcheck.formats.markdown import marker, render
from driftcheck.model import ExitStatus, Finding, Outcome, Report, Severity, Status
from tests.formats.reports import (
    AUDIT,
    DETAILED,
    DRIFT,
    ELSEWHERE,
    HOSTILE,
    IN_SYNC,
    INCOMPLETE,
    INVALID,
    LIVE,
    MAX_SCALE,
    TARGETS,
    THREE_WAY,
    WITH_HISTORY,
    huge,
    report,
    reports,
)

READER = MarkdownIt("commonmark", {"html": True}).enable("table")
OURS = {"h3", "h4", "p", "strong", "code", "ul", "li", "br", "details", "summary", "b"} | {
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
PLENTY = RenderOptions(max_bytes=10_000_000)


class Page(HTMLParser):
    """What a reader of the rendered Markdown gets: tags, whether they close, and text in and out of code."""

    def __init__(self, markdown: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.code: list[str] = []
        self.prose: list[str] = []
        self.text = ""
        self.feed(READER.render(markdown))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "br":
            self.open.append(tag)
        if tag == "code":
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "code" in self.open:
            self.code[-1] += data
        else:
            self.prose.append(data)


def hostile(text: str) -> Report:
    change = replace(MAX_SCALE, path=("labels", text), declared=text, live=[text], base={text: text})
    claims = replace(DRIFT.deployments[1], name=text, changes=(change,), facts={"source": text})
    return report(claims, findings=(replace(DRIFT.findings[0], message=text, hint=text, deployment=None),))


def test_verdict_first_then_the_worst() -> None:
    text = render(DRIFT, PLENTY)
    assert text.startswith(
        f"{marker(DRIFT)}\n### driftcheck: drift\n\n**1 deployment drifted (6 fields), 1 missing.**\n\n"
        "12 declared, 212 live (200 unmanaged), 151 fields compared, 0 suppressed, 1 unverifiable.\n\n"
        "Workspace `7d1f0c2e-55d3-4e0e-8d26-8a5c8f6b2f10` at `https://api.host.langchain.com`, "
        "`2026-01-08T04:05:30Z`.\n\n"
        "To accept live: `driftcheck adopt --name claims-agent`. "
        "To revert live: `driftcheck plan --name claims-agent`. "
        "To create what is missing: `driftcheck plan --name billing-agent`. "
        "To remove it from the YAML: `driftcheck adopt --name billing-agent --missing remove`.\n"
    )
    assert (
        text.index("<code>billing-agent</code>") < text.index("<code>claims-agent</code>") < text.index("scratch-000")
    )
    assert "| `source_config.resource_spec.max_scale`<br>`prod/agents.yaml:24` | `6` | `10` |\n" in text
    assert "<details open><summary><b>drifted</b>" in text
    assert "<details><summary><b>note</b> live, but not declared (200)</summary>" in text


def test_in_sync_is_short() -> None:
    assert render(IN_SYNC, PLENTY) == (
        f"{marker(IN_SYNC)}\n### driftcheck: in sync\n\n**10 deployments match.**\n\n"
        "10 declared, 10 live, 120 fields compared, 0 suppressed, 0 unverifiable.\n\n"
        "Workspace `7d1f0c2e-55d3-4e0e-8d26-8a5c8f6b2f10` at `https://api.host.langchain.com`, "
        "`2026-01-08T04:05:30Z`.\n"
    )


def test_what_was_not_read_is_reported_before_all_else() -> None:
    text = render(INCOMPLETE, PLENTY)
    assert "### driftcheck: incomplete" in text
    assert "**Incomplete results:**" in text
    assert text.index("offset 198") < text.index("billing")


def test_findings_show_names_as_code_and_sentences_as_prose() -> None:
    assert "`memory_limit` is no field of `resource_spec` (`unknown-field`, `prod/agents.yaml:19`)" in render(
        INVALID, PLENTY
    )


def test_the_base_revision_shows_which_side_moved() -> None:
    text = render(THREE_WAY, PLENTY)
    assert (
        'conflict: this change and live differ from the base, merging creates a new revision, base `"otel:0.98.0"` |'
        in text
    )
    assert "proposed by this change" in text


def test_what_differs_inside_a_structure_has_rows_of_its_own() -> None:
    text = render(DETAILED, PLENTY)
    assert '| `command[6]` | `"4"` | `"16"` |\n| `command[8]` | `"info"` | `"debug"` |\n' in text
    assert "--listen" not in text


def test_what_the_change_does_comes_first_and_what_it_does_not_touch_is_folded_at_the_end() -> None:
    text = render(ELSEWHERE, PLENTY)
    assert "**This change alters 1 deployment and adopts 1 live value; 1 deployment drifted" in text
    assert text.index("<details open><summary><b>proposed</b>") < text.index(
        "<details><summary><b>not touched by this change</b>: 1 deployment drifted (1 field)</summary>"
    )
    assert text.rstrip().endswith("</details>")


def test_locations_are_links_where_the_platform_shows_the_repository() -> None:
    options = replace(PLENTY, source_url="https://example.com/me/repo/blob/abc/", folder="/r/infra", repository="/r")
    link = "https://example.com/me/repo/blob/abc/infra/prod/agents.yaml"
    assert f"<br>[`prod/agents.yaml:24`]({link}#L24) |" in render(DRIFT, options)


@pytest.mark.parametrize("sample", [ELSEWHERE, TARGETS, DRIFT], ids=["base", "targets", "one"])
def test_notes_are_folded_behind_all_drift_and_before_what_the_change_does_not_touch(sample: Report) -> None:
    notes = [
        Finding("long-name", Severity.NOTE, "the name is long", deployment=each.name, target=each.target)
        for each in sample.deployments
        if each.status is not Status.UNMANAGED
    ]
    text = render(replace(sample, findings=(*sample.findings, *notes)), PLENTY)
    assert text.count("<b>note</b> A self-hosted name") == 1
    note = text.index("<details><summary><b>note</b> A self-hosted name")
    assert note > max(text.rfind("<b>drifted</b>"), text.rfind("<b>proposed</b>"), text.rfind("#### "))
    behind = text[note:]
    assert "<b>not touched by this change</b>" in behind or "not touched" not in text
    assert "<details open>" not in behind


def test_summaries_can_be_read_in_a_mail() -> None:
    text = render(DRIFT, PLENTY)
    assert "<code>claims-agent</code> (6 changes, <code>prod/agents.yaml:12</code>)" in text
    assert "&#" not in text


def test_targets_are_grouped_the_worst_first() -> None:
    text = render(TARGETS, PLENTY)
    assert text.startswith("<!-- driftcheck-report targets/check -->\n")
    assert text.index("#### `staging`\n\n**Drift**: 1 deployment drifted") < text.index("#### `production`")


def test_the_history_says_what_is_new_and_what_was_resolved() -> None:
    text = render(WITH_HISTORY, PLENTY)
    assert "<br>`prod/agents.yaml:24`<br>first seen in this run |" in text
    assert "changed, since 2025-12-31 (8 days)" in text
    assert "<b>resolved</b> since the last conclusive run (1)" in text


@pytest.mark.parametrize("name", ["eu", "a--><b>", "-", "x y"])
def test_the_marker_holds_the_identity_and_ends_where_it_should(name: str) -> None:
    line = render(replace(DRIFT, report_id=name), PLENTY).split("\n")[0]
    assert line.startswith("<!-- driftcheck-report ")
    assert line.endswith("/check -->")
    assert "--" not in line[4:-3]


def test_an_audit_has_its_inventory() -> None:
    assert "- by source: `github` 210, `external_docker` 1\n" in render(AUDIT, PLENTY)


def test_an_audit_that_read_nothing_does_not_count_zero_deployments() -> None:
    nothing = replace(LIVE, complete=False, pages=0, deployments=0, gaps=("no connection",), inventory={})
    text = render(replace(AUDIT, live=nothing, deployments=(), outcome=Outcome.INCOMPLETE), PLENTY)
    assert "- live deployments: unknown\n" in text
    assert "0 live" not in text


@pytest.mark.parametrize(
    "text", [*HOSTILE, "`", "``", " `a` ", "a\\|b|c", "|", "\\", "x\\", "www.example.com", ":tada:"]
)
def test_O3_hostile_texts_stand_in_code_and_read_as_they_are(text: str) -> None:
    page = Page(render(hostile(text), PLENTY))
    assert page.tags <= OURS
    assert page.attributes <= {"open"}
    assert page.open == []
    shown = wording.value_text(text).replace("##[", r"##\x5b")
    assert any(shown in (code, code.replace(r"\u007c", "|")) for code in page.code)
    prose = "".join(page.prose)
    for mark in ("@everyone", "#1", "example.com", ":tada:", "![", "]("):
        assert mark not in prose


@given(reports())
def test_O3_no_markup_of_the_data_is_live(drawn: Report) -> None:
    page = Page(render(drawn, PLENTY))
    assert page.tags <= OURS
    assert page.attributes <= {"open"}
    assert page.open == []


@given(reports())
def test_reports_every_change_and_finding(drawn: Report) -> None:
    text = render(drawn, PLENTY)
    assert not [c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert "Not shown, " not in text
    page = Page(text)
    codes = [code.replace(r"##\x5b", "##[").replace(r"\u007c", "|") for code in page.code]
    for part in view.parts(drawn):
        changes = [change for comparison in part.deployments for change in comparison.changes]
        for change in changes:
            assert wording.path_text(change.path).replace(r"\u007c", "|") in codes
        for finding in part.findings:
            title = wording.rule_title(finding.rule, [finding])
            assert finding.rule in text or {finding.rule, title} & {*codes} or _letters(title) in _letters(page.text)


def _letters(text: str) -> str:
    """Return a text without what Markdown may take for marks: code in a title is marked up."""
    return "".join(filter(str.isalnum, text))


@given(reports(), st.integers(60, 3_000))
def test_O7_never_over_budget_and_always_whole(drawn: Report, budget: int) -> None:
    text = render(drawn, RenderOptions(max_bytes=budget))
    assert len(text.encode()) <= budget
    assert text.endswith("\n")
    assert Page(text).open == []
    assert overall.verdict(drawn).word.lower() in text.lower()


@pytest.mark.parametrize("budget", range(0, 60, 7))
def test_O7_a_budget_too_small_for_anything_is_kept_too(budget: int) -> None:
    assert len(render(DRIFT, RenderOptions(max_bytes=budget)).encode()) <= budget


@pytest.mark.slow
@pytest.mark.parametrize("budget", [1_000, 65_536, 1_000_000])
def test_O7_ten_thousand_deployments_with_five_thousand_changes(budget: int) -> None:
    text = render(huge(), RenderOptions(max_bytes=budget))
    assert len(text.encode()) <= budget
    assert "2,500 deployments drifted (5,000 fields)" in text
    left = re.search(r"Not shown, to keep within the size limit: ([0-9,]+) changes", text)
    omitted = int(left[1].replace(",", "")) if left else 0
    assert text.count("<br>`prod/agents.yaml:") + omitted == 5_000
    assert left


def test_a_comment_is_the_default_budget() -> None:
    assert len(render(huge(), RenderOptions()).encode()) <= 65_536


@pytest.mark.parametrize("status", [each for each in ExitStatus if each is not ExitStatus.IN_SYNC])
def test_no_other_outcome_says_in_sync(status: ExitStatus) -> None:
    assert "in sync" not in render(replace(IN_SYNC, outcome=Outcome[status.name]), PLENTY).lower()
