import re
from collections import Counter
from dataclasses import replace

from hypothesis import given

from driftcheck.formats import RenderOptions
from driftcheck.formats.escaping import visible
from driftcheck.formats.github import MOST, render
from driftcheck.model import Finding, Location, Outcome, Report, Severity
from tests.formats.reports import DRIFT, HOSTILE, IN_SYNC, INCOMPLETE, INVALID, VALID, huge, report, reports

COMMAND = re.compile(r"::(?P<level>error|warning|notice) (?P<properties>[^:]*)::(?P<message>.*)")


WAYS_BACK = (
    "To accept live: `driftcheck adopt --name claims-agent`. To revert live: `driftcheck plan --name claims-agent`."
)


def annotations(text: str) -> list[dict[str, str]]:
    """Read the lines as the runner does: a command, its properties, its message; each unescaped."""
    read = []
    for line in text.split("\n")[:-2]:
        command = COMMAND.fullmatch(line)
        assert command, line
        properties = dict(part.split("=", 1) for part in command["properties"].split(","))
        unescaped_properties = {key: unescaped(value) for key, value in properties.items()}
        read.append({"level": command["level"], "message": unescaped(command["message"]), **unescaped_properties})
    return read


def unescaped(text: str) -> str:
    for code, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def shown(reported: Report) -> str:
    return render(reported, RenderOptions())


def test_each_change_is_at_its_line() -> None:
    first, *rest = annotations(shown(DRIFT))
    assert first == {
        "level": "error",
        "file": "prod/agents.yaml",
        "line": "40",
        "col": "5",
        "title": "billing-agent: missing-deployment",
        "message": "declared, but the listing does not hold it\nCreate it, or take it out of the YAML.",
    }
    scale = next(each for each in rest if "max_scale" in each["title"])
    assert (scale["line"], scale["message"]) == ("24", f"declared 6, live 10\n{WAYS_BACK}")


def test_the_verdict_is_the_last_line_and_no_annotation() -> None:
    assert shown(IN_SYNC).startswith("driftcheck: In sync: 10 deployments match. (10 declared, ")
    assert shown(DRIFT).splitlines()[-1].startswith("driftcheck: Drift: 1 deployment drifted")
    assert shown(VALID) == "driftcheck: Valid: 12 deployments in 2 files.\n"


def test_unmanaged_deployments_are_one_notice() -> None:
    notices = [each for each in annotations(shown(DRIFT)) if each["level"] == "notice"]
    assert [notice["message"] for notice in notices] == [
        "200 unmanaged deployments: scratch-000, scratch-001, scratch-002, scratch-003, scratch-004 and 195 more"
    ]


def test_what_was_not_read_is_an_error() -> None:
    assert "offset 198" in annotations(shown(INCOMPLETE))[0]["message"]
    gapless = replace(IN_SYNC, outcome=Outcome.DEFECT)
    assert annotations(shown(gapless))[0]["message"].startswith("Internal error:")


def test_findings_of_files_are_annotated() -> None:
    levels = [each["level"] for each in annotations(shown(INVALID))]
    assert levels == ["error"] * 3 + ["warning"]


def test_O7_at_most_ten_of_a_level_and_the_last_one_counts_the_rest() -> None:
    read = annotations(shown(huge()))
    assert len(read) == MOST
    assert read[-1]["title"] == "4,991 more"
    exactly = report(
        findings=tuple(
            Finding("unused-ignore", Severity.WARNING, "x", location=Location("a", n + 1, 1)) for n in range(10)
        )
    )
    assert [each["line"] for each in annotations(shown(exactly))] == [str(n + 1) for n in range(10)]


@given(reports())
def test_O1_every_line_is_a_command_of_ours(drawn: Report) -> None:
    text = shown(drawn)
    levels = Counter(each["level"] for each in annotations(text))
    assert not levels or max(levels.values()) <= MOST
    assert text.split("\n")[-2].startswith("driftcheck: ")
    assert "##[" not in text
    assert text.replace("\n", "").isprintable()


@given(reports())
def test_reports_every_active_change_and_finding_or_how_many_more(drawn: Report) -> None:
    read = annotations(shown(drawn))
    cut = any(each["title"].endswith(" more") for each in read)
    titles = " ".join(each["title"] + each["message"] for each in read)
    for comparison in drawn.deployments:
        for change in comparison.changes:
            if change.suppressed is None and not cut:
                assert visible(comparison.name).replace("##[", r"##\x5b") in titles


def test_O1_hostile_texts_stay_in_their_place() -> None:
    for text in HOSTILE:
        finding = Finding("unused-ignore", Severity.ERROR, text, text, text, location=Location(text or "f", 3, 4))
        read = annotations(shown(report(findings=(finding,))))
        assert len(read) == 1
        assert read[0]["line"] == "3"
        assert visible(text).replace("##[", r"##\x5b") in read[0]["message"]
