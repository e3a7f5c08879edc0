import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftcheck.formats import RenderOptions, wording
from driftcheck.formats.escaping import visible
from driftcheck.formats.text import render
from driftcheck.model import ExitStatus, Outcome, Report, Status
from tests.formats.reports import (
    ALL_IGNORED,
    ALLOWED_PARTIAL,
    AUDIT,
    CLAIMS,
    DRIFT,
    IN_SYNC,
    IN_SYNC_WITH_NOTES,
    INCOMPLETE,
    INVALID,
    INVENTORY,
    MAX_SCALE,
    SAMPLES,
    THREE_WAY,
    VALID,
    huge,
    report,
    reports,
)

PLAIN = RenderOptions()
VERBOSE = RenderOptions(verbose=1)


def without_color(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_drift_reads_well() -> None:
    assert render(DRIFT, PLAIN) == (
        "drifted  claims-agent  prod/agents.yaml:12\n"
        "  source_config.resource_spec.cpu_limit                  prod/agents.yaml:26\n"
        "      declared 4                live null, effectively 2\n"
        "  source_config.resource_spec.command                    prod/agents.yaml:40  takes a new revision\n"
        '      declared ["python", "-m", "agent", "--listen", "0.0.0.0:8000", "--workers", "4", "--log-level", '
        '"info"]\n'
        '      live     ["python", "-m", "agent", "--listen", "0.0.0.0:800 ... ' + "x" * 48 + '"] (500 characters)\n'
        "  source_config.resource_spec.max_scale                  prod/agents.yaml:24\n"
        "      declared 6                live 10\n"
        "  source_config.resource_spec.sidecars[name=otel].env[name=TOKEN].value  prod/agents.yaml:35"
        "  takes a new revision, values not shown\n"
        "      declared (hidden)         live (hidden)\n"
        "  source_config.resource_spec.sidecars[name=otel].image  prod/agents.yaml:31  takes a new revision\n"
        '      declared "otel:0.104.0"   live "otel:0.99.0"\n'
        '  source_config.labels["team.example/owner"]             prod/agents.yaml:15\n'
        '      declared (unset)          live "payments"\n'
        "\n"
        "missing  billing-agent  prod/agents.yaml:40\n"
        "  prod/agents.yaml:40:5: error: declared, but the listing does not hold it [missing-deployment]\n"
        "      Create it, or take it out of the YAML.\n"
        "\n"
        "note: A live deployment is not declared (200 times: scratch-000, scratch-001, scratch-002, scratch-003, "
        "scratch-004 and 195 more; each with -v) [unmanaged-deployment]\n"
        "\n"
        "Drift: 1 deployment differs from live in 6 fields, 1 is missing.\n"
        "(12 declared, 212 live (200 not declared), 151 fields compared, 0 ignored, 1 unverifiable)\n"
    )


def test_D14_all_is_well_takes_one_line_with_every_count() -> None:
    assert render(IN_SYNC, PLAIN) == (
        "In sync: 10 declared deployments match live. "
        "(10 declared, 10 live, 120 fields compared, 0 ignored, 0 unverifiable)\n"
    )


def test_three_hundred_unmanaged_deployments_do_not_drown_one_drift() -> None:
    text = render(DRIFT, PLAIN)
    assert text.count("scratch-") == 5
    assert "and 195 more" in text
    assert text.index("max_scale") < text.index("scratch-")
    assert render(DRIFT, VERBOSE).count("scratch-") == 200
    assert len(render(IN_SYNC_WITH_NOTES, PLAIN).splitlines()) == 3


def test_ignored_changes_are_shown_with_their_reason_and_counted() -> None:
    text = render(ALL_IGNORED, PLAIN)
    assert "max_scale: declared 6, live 10; load test until Friday, OPS-123 (until 2026-12-31)" in text
    assert "1 ignored" in text


def test_what_was_not_read_is_said_first() -> None:
    text = render(INCOMPLETE, PLAIN)
    assert text.startswith("Not everything could be read")
    assert "offset 198 could not be read" in text
    assert "\nIncomplete: it could not be told whether anything differs; 1 deployment is unknown.\n" in text


def test_a_passing_partial_check_says_that_it_was_partial() -> None:
    assert "Passed, but not everything was read" in render(ALLOWED_PARTIAL, PLAIN)


def test_findings_of_files_lead_with_their_place() -> None:
    text = render(INVALID, PLAIN)
    assert (
        "prod/agents.yaml:19:9: error: claims-agent: source_config.resource_spec.memory_limit: "
        "`memory_limit` is no field of `resource_spec` [unknown-field]\n    Did you mean `memory_limit_mb`?\n"
    ) in text
    assert "[duplicate-key]\n    see prod/agents.yaml:28:7\n" in text
    assert text.endswith("Invalid: 2 errors, 1 warning in 1 file.\n")


def test_valid_files_take_one_line() -> None:
    assert render(VALID, PLAIN) == "12 deployments in 2 files are valid.\n"


def test_an_audit_leads_with_inventory_and_coverage() -> None:
    text = render(AUDIT, PLAIN)
    assert text.startswith("Inventory of https://api.host.langchain.com, workspace 7d1f0c2e-")
    assert "  by source     github 210, external_docker 1\n" in text
    assert "  by status     READY 182, AWAITING_DATABASE 29\n" in text
    assert "  coverage      5.2% of the live deployments are declared\n" in text
    assert "  fields        151 declared fields compared, 1 not observable (0.7%), 1 live but not declared\n" in text
    assert "200 are live but not declared." in text


def test_an_inventory_without_declarations_claims_nothing() -> None:
    text = render(INVENTORY, PLAIN)
    assert "  only where name_contains = scratch\n" in text
    assert "Nothing is declared, so nothing was compared." in text


def test_the_base_revision_tells_who_moved() -> None:
    text = render(THREE_WAY, PLAIN)
    assert "older than this change" in text
    assert "conflict: declared and live both moved, takes a new revision" in text
    assert 'base "otel:0.98.0"   declared "otel:0.104.0"   live "otel:0.99.0"' in text
    assert "proposed by this change" in text
    assert "adopted: declared now as it is live" in text


def test_quiet_leaves_the_verdict() -> None:
    assert render(DRIFT, RenderOptions(quiet=True)).startswith("Drift: 1 deployment differs")
    assert len(render(DRIFT, RenderOptions(quiet=True)).splitlines()) == 2
    assert "offset 198" in render(INCOMPLETE, RenderOptions(quiet=True))


def test_verbose_lists_what_matches_and_what_is_not_observable() -> None:
    text = render(DRIFT, VERBOSE)
    assert "matches  search-3, 12 fields compared\n" in text
    assert "not observable: source_config.listener_config.k8s_namespace" in text


def test_values_are_shown_whole_at_the_highest_verbosity() -> None:
    assert "characters)" in render(DRIFT, PLAIN)
    wide = replace(CLAIMS, changes=(replace(MAX_SCALE, live="y" * 9_000),))
    assert "(9,002 characters)" in render(report(wide), VERBOSE)
    assert "y" * 9_000 in render(report(wide), RenderOptions(verbose=2))


def test_a_compared_pair_names_its_sides() -> None:
    text = render(replace(DRIFT, command="compare"), PLAIN)
    assert text.startswith("declared  prod/agents.yaml, prod/search.yaml\nlive      https://api.host.langchain.com\n")


@settings(max_examples=40)
@given(reports(), st.integers(0, 2), st.booleans())
def test_only_colour_differs_with_colour(drawn: Report, verbose: int, quiet: bool) -> None:
    options = RenderOptions(verbose=verbose, quiet=quiet)
    assert without_color(render(drawn, replace(options, color=True))) == render(drawn, options)


@settings(max_examples=40)
@given(reports())
def test_O1_O2_nothing_in_it_steers_a_terminal_or_a_runner(drawn: Report) -> None:
    text = render(drawn, VERBOSE)
    assert not [c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert "##[" not in text
    assert not re.search(r"(?m)^\s*::", text)


@settings(max_examples=40)
@given(reports())
def test_tells_every_change_and_finding(drawn: Report) -> None:
    text = render(drawn, VERBOSE).replace(r"##\x5b", "##[").replace(r"\x3a:", "::")
    for comparison in drawn.deployments:
        for change in comparison.changes:
            assert visible(comparison.name) in text
            assert wording.path_text(change.path) in text
    for finding in drawn.findings:
        assert finding.rule in text


@settings(max_examples=40)
@given(reports())
def test_says_in_sync_only_where_all_was_read_and_nothing_differs(drawn: Report) -> None:
    clean = replace(drawn, deployments=(), findings=())
    claims = "In sync" in render(clean, PLAIN)
    assert not claims or (clean.complete and clean.outcome.status is ExitStatus.IN_SYNC)


@pytest.mark.parametrize("status", [each for each in ExitStatus if each is not ExitStatus.IN_SYNC])
@pytest.mark.parametrize("sample", SAMPLES)
def test_no_other_outcome_says_in_sync(sample: str, status: ExitStatus) -> None:
    text = render(replace(SAMPLES[sample], outcome=Outcome[status.name]), VERBOSE)
    assert "in sync" not in text.lower()


def test_D14_nothing_compared_is_not_in_sync() -> None:
    empty = report(replace(CLAIMS, status=Status.IN_SYNC, changes=(), compared=0), status=ExitStatus.IN_SYNC)
    assert "No difference found, but no field could be compared." in render(empty, PLAIN)


def test_ten_thousand_deployments_with_five_thousand_changes() -> None:
    text = render(huge(), PLAIN)
    assert text.count("live 10\n") == 2_500
    assert "Drift: 2,500 deployments differ from live in 5,000 fields." in text
