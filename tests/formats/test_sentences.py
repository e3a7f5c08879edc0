"""No format names a subject twice or ends a sentence twice, for findings of any rule."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from driftcheck.declarations.loader import load
from driftcheck.formats import FORMATS, RenderOptions, report_json
from driftcheck.formats import render as render_format
from driftcheck.model import ExitStatus, Finding, Report, Severity, State, Suppression
from driftcheck.pipeline import Run, validate
from driftcheck.rules import RULES
from driftcheck.settings import Settings
from tests.cli.command import driftcheck
from tests.formats.reports import CLAIMS, MAX_SCALE, SAMPLES, report

ROOT = Path(__file__).parents[2]
PROSE = sorted(set(FORMATS) - {"json", "ndjson", "openmetrics"})
OPTIONS = RenderOptions(verbose=1, width=10_000, max_bytes=10_000_000)

DOUBLED_END = re.compile(r"(?<!\.)[.!?][.;,](?=[\s\"'<)]|\Z)|[;,] ?[;,]|\. \.(?!\.)")
DOUBLED_SUBJECT = re.compile(r"(?<![\w.\]`-])`?(?P<subject>[a-z][\w.\[\]=-]*)`?: `?(?P=subject)`?: ")
LEAF_AGAIN = re.compile(r"\.(?P<leaf>\w+): `(?P=leaf)`: ")


def from_rules() -> Iterator[Report]:
    """Yield findings of every rule whose texts end, or do not end, like a sentence; with ages and suppressed."""
    for end in ("", ".", "?"):
        findings = [
            Finding(
                rule,
                severity,
                f"`max_scale`: {title}{end}",
                f"Do this{end}",
                "claims-agent" if about else None,
                MAX_SCALE.path if about else None,
                MAX_SCALE.location,
                (MAX_SCALE.location,) if MAX_SCALE.location else (),
                state=State.NEW,
                suppressed=Suppression(f"Accepted{end}", "2026-12-31", owner="team") if about == 2 else None,
            )
            for rule, title, severity in [(each.id, each.title, each.severity) for each in RULES.values()]
            + [("policy:two-replicas", "Two replicas", Severity.ERROR)]
            for about in range(3)
        ]
        for chosen in (findings[::3], findings[1::3], findings[2::3]):
            yield report(replace(CLAIMS, changes=(MAX_SCALE,)), findings=tuple(chosen))
            if end == ".":
                yield report(findings=tuple(chosen), status=ExitStatus.INVALID)


def from_files() -> Iterator[Report]:
    """Yield the report of each example of an invalid file."""
    run = Run(Settings("validate"), now=datetime(2026, 11, 28, tzinfo=UTC))
    for file in sorted((ROOT / "examples/invalid").glob("*.yaml")):
        yield validate(load([str(file)]), run)


def from_cases() -> Iterator[Report]:
    for file in sorted((ROOT / "tests/cases").glob("*/report.json")):
        if file.parent.name != "hostile-values":
            yield report_json.read(file.read_text("utf-8"))


@pytest.mark.parametrize("name", PROSE)
@pytest.mark.parametrize("source", [from_rules, from_files, from_cases, SAMPLES.values])
def test_nothing_is_said_twice_and_no_sentence_ends_twice(name: str, source: object) -> None:
    assert callable(source)
    for number, subject in enumerate(source()):
        text = render_format(name, subject, OPTIONS)
        if name == "html":
            text = re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.DOTALL)
            text = re.sub(r"<[^>]+>", "", text)
        if name in ("html", "junit"):
            text = html.unescape(text)
        if name in ("sarif", "gitlab"):
            text = "\n".join(strings(json.loads(text)))
        for pattern in (DOUBLED_END, DOUBLED_SUBJECT, LEAF_AGAIN):
            found = pattern.search(text)
            assert not found, (number, text[max(found.start() - 120, 0) : found.end() + 60])


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(each)


@pytest.mark.parametrize("command", ["plan", "adopt"])
def test_commands_that_go_on_say_it_once_too(command: str, tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_text(
        "deployments:\n- name: claims-agent\n  source: external_docker\n  source_config: {resource_spec: {cpu: 500m}}\n"
        "  secrets: [x]\n"
    )
    run = driftcheck(command, "-q", "--live", str(ROOT / "examples/quickstart/live.json"), cwd=tmp_path)
    assert run.returncode == ExitStatus.INVALID
    assert "error: claims-agent: source_config.resource_spec.cpu: expected a number" in run.stderr
    assert "error: claims-agent: secrets[0]: expected a mapping" in run.stderr
    for pattern in (DOUBLED_END, DOUBLED_SUBJECT, LEAF_AGAIN):
        assert not pattern.search(run.stderr)
