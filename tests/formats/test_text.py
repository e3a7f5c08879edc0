import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck import formats
from driftcheck.formats import RenderOptions, view, wording
from driftcheck.formats.escaping import visible
from driftcheck.formats.text import render
from driftcheck.model import (
    ChangeClass,
    Comparison,
    ExitStatus,
    Finding,
    Impact,
    Location,
    Outcome,
    Report,
    Severity,
    Status,
    Suppression,
)
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
    IN_SYNC_WITH_NOTES,
    INCOMPLETE,
    INVALID,
    INVENTORY,
    MAX_SCALE,
    MISSING,
    SAMPLES,
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
from tests.loops import case

PLAIN = RenderOptions()
VERBOSE = RenderOptions(verbose=1)
WIDE = RenderOptions(verbose=1, width=1_000_000)


def joined(text: str) -> str:
    """Undo the wrapping of lines."""
    return " ".join(text.split())


def without_color(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_drift_reads_well() -> None:
    assert render(DRIFT, PLAIN) == (
        "missing  billing-agent  prod/agents.yaml:40\n"
        "  prod/agents.yaml:40:5: error: declared, but the listing does not hold it [missing-deployment]\n"
        "      Create it, or take it out of the YAML.\n"
        "\n"
        "drifted  claims-agent  prod/agents.yaml:12\n"
        "  source_config.resource_spec.cpu_limit                  prod/agents.yaml:26\n"
        "      declared 4                live null, effectively 2\n"
        "  source_config.resource_spec.command  prod/agents.yaml:40  reverting creates a new revision\n"
        '      declared ["python", "-m", "agent", "--lis ... rs", "4", "--log-level", "info"] (94 characters)\n'
        '      live     ["python", "-m", "agent", "--li ... ' + "x" * 29 + '"] (500 characters)\n'
        "  source_config.resource_spec.max_scale                  prod/agents.yaml:24\n"
        "      declared 6                live 10\n"
        "  source_config.resource_spec.sidecars[name=otel].env[name=TOKEN].value\n"
        "      prod/agents.yaml:35  reverting creates a new revision, values not shown\n"
        "      declared (hidden)         live (hidden)\n"
        "  source_config.resource_spec.sidecars[name=otel].image\n"
        "      prod/agents.yaml:31  reverting creates a new revision\n"
        '      declared "otel:0.104.0"   live "otel:0.99.0"\n'
        '  source_config.labels["team.example/owner"]             prod/agents.yaml:15\n'
        '      declared (unset)          live "payments"\n'
        "\n"
        "note: live, but not declared (200 deployments: scratch-000, scratch-001, scratch-002, scratch-003,\n"
        "    scratch-004 and 195 more; -v lists all) [unmanaged-deployment]\n"
        "\n"
        "To accept live: `driftcheck adopt --name claims-agent`.\n"
        "To revert live: `driftcheck plan --name claims-agent`.\n"
        "To create what is missing: `driftcheck plan --name billing-agent`.\n"
        "To remove it from the YAML: `driftcheck adopt --name billing-agent --missing remove`.\n"
        "\n"
        "Drift: 1 deployment drifted (6 fields), 1 missing.\n"
        "(12 declared, 212 live (200 unmanaged), 151 fields compared, 0 suppressed, 1 unverifiable)\n"
        "Workspace 7d1f0c2e-55d3-4e0e-8d26-8a5c8f6b2f10 at https://api.host.langchain.com,\n"
        "    2026-01-08T04:05:30Z\n"
    )


def test_what_differs_inside_a_structure_is_shown_instead_of_the_whole() -> None:
    text = render(DETAILED, PLAIN)
    assert (
        '      command[6]: "4" -> "16"\n      command[8]: "info" -> "debug"\n      command[9]: (unset) -> "xx"\n'
        in text
    )
    assert "--listen" not in text


def test_the_history_says_what_is_new_and_since_when() -> None:
    text = render(WITH_HISTORY, PLAIN)
    assert "prod/agents.yaml:24  first seen in this run\n" in text
    assert "changed, since 2025-12-31 (8 days)" in text
    assert text.index("max_scale") < text.index("sidecars")
    assert "Resolved since the last conclusive run:\n  orders-agent: source, since 2026-01-08 (today)\n" in text
    assert "1 new, 1 changed, 1 resolved" in text.replace("\n", " ")


def test_targets_are_grouped_the_worst_first() -> None:
    text = render(TARGETS, PLAIN)
    assert text.index("staging: Drift: 1 deployment drifted (1 field).") < text.index("production: In sync")
    assert text.rstrip().splitlines()[-1].startswith("(2 targets, 2 declared, 2 live, ")
    assert "driftcheck adopt --target staging --name claims-agent" in text


def test_what_the_change_does_not_touch_is_one_line_at_the_end() -> None:
    text = render(ELSEWHERE, PLAIN)
    assert "Not touched by this change: 1 deployment drifted (1 field): other-agent (-v lists all)" in text
    assert text.index("orders-agent") < text.index("Not touched")
    assert "this change alters 1 deployment and adopts 1 live value; 1 deployment drifted outside this" in joined(text)
    assert "not caused by this change" in render(ELSEWHERE, VERBOSE)


@pytest.mark.parametrize("width", [75, 80, 100, 200])
def test_lines_fit_the_width_unless_a_word_does_not(width: int) -> None:
    for sample in SAMPLES:
        with case(sample):
            for line in render(SAMPLES[sample], RenderOptions(width=width)).splitlines():
                assert len(line) <= width or len(line.split()) <= 2 or re.search("declared |live |`driftcheck ", line)


def test_D14_all_is_well_takes_a_few_lines_with_every_count() -> None:
    assert render(IN_SYNC, PLAIN) == (
        "In sync: 10 deployments match. (10 declared, 10 live, 120 fields compared, 0 suppressed, 0\n"
        "unverifiable)\n"
        "Workspace 7d1f0c2e-55d3-4e0e-8d26-8a5c8f6b2f10 at https://api.host.langchain.com,\n"
        "    2026-01-08T04:05:30Z\n"
    )


def test_three_hundred_unmanaged_deployments_do_not_drown_one_drift() -> None:
    text = render(DRIFT, PLAIN)
    assert text.count("scratch-") == 5
    assert "and 195 more" in text
    assert text.index("max_scale") < text.index("scratch-")
    assert render(DRIFT, VERBOSE).count("scratch-") == 200
    assert len(render(IN_SYNC_WITH_NOTES, PLAIN).splitlines()) <= 7


def test_ignored_changes_are_shown_with_their_reason_and_counted() -> None:
    text = render(ALL_IGNORED, PLAIN)
    assert "max_scale: declared 6, live 10; load test until Friday, OPS-123 (until 2026-12-31)" in joined(text)
    assert "1 suppressed" in joined(text)


def test_what_was_not_read_is_reported_first() -> None:
    text = render(INCOMPLETE, PLAIN)
    assert text.startswith("Incomplete results:\n")
    assert "offset 198 could not be read" in text
    assert "\nIncomplete: 1 deployment could not be checked.\n" in text


def test_a_passing_partial_check_says_that_it_was_partial() -> None:
    assert "Passed: 1 deployment could not be checked; not everything was read." in render(ALLOWED_PARTIAL, PLAIN)


def test_findings_of_files_lead_with_their_place() -> None:
    text = render(INVALID, PLAIN)
    assert (
        "prod/agents.yaml:19:9: error: claims-agent: source_config.resource_spec.memory_limit: "
        "`memory_limit` is no field of `resource_spec` [unknown-field] Did you mean `memory_limit_mb`? "
    ) in joined(text)
    assert "[duplicate-key]\n    see prod/agents.yaml:28:7\n" in text
    assert text.endswith("Invalid: 2 errors in 1 file, 1 warning.\n")


def test_valid_files_take_one_line() -> None:
    assert render(VALID, PLAIN) == "Valid: 12 deployments in 2 files.\n"


def test_an_audit_leads_with_inventory_and_coverage() -> None:
    text = render(AUDIT, PLAIN)
    assert text.startswith("Inventory: Workspace 7d1f0c2e-")
    assert "  by source     github 210, external_docker 1\n" in text
    assert "  by status     READY 182, AWAITING_DATABASE 29\n" in text
    assert "  coverage      5.1% of the 212 live deployments are declared\n" in text
    assert "  fields        151 declared fields compared, 1 unverifiable (0.7%), 1 live but not declared\n" in text
    assert "200 unmanaged." in text


def test_an_inventory_without_declarations_claims_nothing() -> None:
    text = render(INVENTORY, PLAIN)
    assert "  only where name_contains = scratch\n" in text
    assert "Nothing declared: no deployment was compared." in text


def test_the_base_revision_shows_which_side_moved() -> None:
    text = render(THREE_WAY, PLAIN)
    assert "not caused by this change" in text
    assert "conflict: this change and live differ from the base, merging creates a new revision" in joined(text)
    assert 'base "otel:0.98.0"   declared "otel:0.104.0"   live "otel:0.99.0"' in text
    assert "proposed by this change" in text
    assert "adopted: this change declares what is live" in text


def test_quiet_leaves_the_verdict() -> None:
    assert render(DRIFT, RenderOptions(quiet=True)).startswith("Drift: 1 deployment drifted")
    assert len(render(DRIFT, RenderOptions(quiet=True)).splitlines()) == 4
    assert "offset 198" in render(INCOMPLETE, RenderOptions(quiet=True))


def test_verbose_lists_what_matches_and_what_is_unverifiable() -> None:
    text = render(DRIFT, VERBOSE)
    assert "matches  search-3, 12 fields compared\n" in text
    assert "unverifiable: source_config.listener_config.k8s_namespace" in text


def test_values_are_shown_whole_at_the_highest_verbosity() -> None:
    assert "characters)" in render(DRIFT, PLAIN)
    wide = replace(CLAIMS, changes=(replace(MAX_SCALE, live="y" * 9_000),))
    assert "(9,002 characters)" in render(report(wide), VERBOSE)
    assert "y" * 9_000 in render(report(wide), RenderOptions(verbose=2))


def test_a_compared_pair_names_its_sides() -> None:
    text = render(replace(DRIFT, command="compare"), PLAIN)
    assert text.startswith("declared  prod/agents.yaml, prod/search.yaml\nlive      https://api.host.langchain.com\n")


@given(reports(), st.integers(0, 2), st.booleans())
def test_only_colour_differs_with_colour(drawn: Report, verbose: int, quiet: bool) -> None:
    options = RenderOptions(verbose=verbose, quiet=quiet)
    assert without_color(render(drawn, replace(options, color=True))) == render(drawn, options)


@given(reports())
def test_nothing_in_it_steers_a_terminal_and_every_change_and_finding_is_in_it(drawn: Report) -> None:
    text = render(drawn, WIDE)
    assert not [c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    text = text.replace(r"##\x5b", "##[").replace(r"\x3a:", "::")
    for part in view.parts(drawn):
        for comparison in part.deployments:
            for change in comparison.changes:
                assert visible(comparison.name) in text
                assert wording.path_text(change.path) in text
        for finding in part.findings:
            assert finding.rule in text


@pytest.mark.parametrize("status", [each for each in ExitStatus if each is not ExitStatus.IN_SYNC])
def test_no_other_outcome_says_in_sync(status: ExitStatus) -> None:
    for sample in SAMPLES:
        with case(sample):
            text = render(replace(SAMPLES[sample], outcome=Outcome[status.name]), VERBOSE)
            assert "In sync:" not in text.replace("production: In sync:", "")


def test_D14_nothing_compared_is_not_in_sync() -> None:
    empty = report(replace(CLAIMS, status=Status.IN_SYNC, changes=(), compared=0), status=ExitStatus.IN_SYNC)
    assert "Passed: no difference was found, but no field could be compared." in render(empty, PLAIN)


@pytest.mark.slow
def test_ten_thousand_deployments_with_five_thousand_changes() -> None:
    text = render(huge(), PLAIN)
    assert text.count("live 10\n") == 2_500
    assert "Drift: 2,500 deployments drifted (5,000 fields)." in text


def test_notes_on_declared_values_are_one_line_until_asked_for() -> None:
    findings = (
        Finding("long-name", Severity.NOTE, "the name is long", deployment="claims-agent"),
        Finding("cpu-rounded", Severity.NOTE, "`cpu` will be rounded", deployment="claims-agent"),
        Finding("cpu-rounded", Severity.NOTE, "`cpu_limit` will be rounded", deployment="claims-agent"),
    )
    noted = report(Comparison("claims-agent", Status.IN_SYNC, "1", compared=1), findings=findings)
    assert "3 notes on declared values: cpu-rounded 2, long-name 1 (-v lists all)" in render(noted, RenderOptions())
    assert "the name is long" in render(noted, RenderOptions(verbose=1))


def test_notes_on_declared_values_have_one_line_whether_something_drifted_or_not() -> None:
    drifted = noted(3, "long-name", "cpu-rounded")
    matching = replace(
        drifted, deployments=tuple(replace(e, status=Status.IN_SYNC, changes=()) for e in drifted.deployments)
    )
    for each in (drifted, matching):
        assert "6 notes on declared values: cpu-rounded 3, long-name 3 (-v lists all)\n" in render(each, PLAIN)


@pytest.mark.parametrize(
    ("number", "named"),
    [
        (1, "(claims-0)"),
        (5, "(5 deployments: claims-0, claims-1, claims-2, claims-3, claims-4)"),
        (7, "(7 deployments: claims-0, claims-1, claims-2, claims-3, claims-4 and 2 more; -v lists all)"),
    ],
)
@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_sum_names_five_deployments_and_offers_to_list_all_only_if_it_leaves_some_out(
    width: int, number: int, named: str
) -> None:
    assert named in " ".join(render(noted(number, "long-name"), RenderOptions(width=width)).split())


def test_errors_come_before_warnings_about_what_is_not_declared() -> None:
    leaving = Finding("being-deleted", Severity.WARNING, "A deployment is being deleted.", deployment="old-agent")
    shared = Finding("undeclared-sharing", Severity.WARNING, "It is shared.", deployment="old-agent")
    audit = report(
        CLAIMS,
        BILLING,
        *UNMANAGED,
        findings=(leaving, shared, MISSING, *unmanaged_findings(Severity.ERROR)),
        command="audit",
    )
    samples = [formats.render(name, audit, PLAIN) for name in ("text", "markdown", "html")]
    for written in samples:
        text = written.partition("Needs attention")[2] or written
        found = [
            "declared, but the listing",
            "otel:0.104.0",
            "scratch-004",
            "It is shared.",
            "A deployment is being deleted.",
        ]
        assert [text.index(each) for each in found] == sorted(text.index(each) for each in found)


def test_a_deployment_that_the_change_adds_is_shown_beside_what_it_alters() -> None:
    new = Comparison("brand-new", Status.PROPOSED, location=Location("prod/new.yaml", 2, 5))
    note = Finding("proposed-creation", Severity.NOTE, "The change under review adds it.", deployment="brand-new")
    under_review = replace(THREE_WAY, deployments=(*THREE_WAY.deployments, new), findings=(note,))
    text = render(under_review, PLAIN)
    assert "proposed  brand-new  prod/new.yaml:2\n  note: The change under review adds it." in text
    markdown = formats.render("markdown", under_review, PLAIN)
    assert "<details open><summary><b>proposed</b> <code>brand-new</code>" in markdown


def test_notes_on_what_the_change_does_not_touch_are_one_line() -> None:
    names = ["orders-agent", *(f"search-{number}" for number in range(4))]
    notes = tuple(Finding("long-name", Severity.NOTE, "too long", deployment=name) for name in names)
    under_review = replace(THREE_WAY, findings=notes)
    text = render(under_review, PLAIN)
    assert "note: long-name (orders-agent)" in text or "(orders-agent) [long-name]" in text
    assert "4 notes on deployments that this change does not touch: long-name 4 (-v lists all)\n" in text
    annotations = formats.render("github", under_review, PLAIN).splitlines()
    assert [each.count("too long") for each in annotations if each.startswith("::notice")].count(1) == 1
    assert "4 notes on deployments that this change does not touch::long-name 4" in "\n".join(annotations)
    assert render(under_review, VERBOSE).count("too long") == 5


def test_notes_on_files_are_counted_without_names_of_deployments() -> None:
    skipped = tuple(
        Finding("skipped-file", Severity.NOTE, "not read", location=Location(file, 1, 1)) for file in ("a.j2", "b.bak")
    )
    matching = report(Comparison("claims-agent", Status.IN_SYNC, "1", compared=1), findings=skipped)
    text = " ".join(render(matching, PLAIN).split())
    assert "(2 times; -v lists all) [skipped-file]" in text or "skipped-file 2" in text
    assert ": ;" not in text


def test_a_quiet_invalid_run_still_names_its_errors() -> None:
    text = render(INVALID, RenderOptions(quiet=True))
    assert "prod/agents.yaml:19:9: error:" in text
    assert "[unknown-field]" in text
    assert "warning:" not in text


def noted(number: int, *rules: str) -> Report:
    """Return a report of drifted deployments with notes of the rules on each."""
    drifted = [replace(CLAIMS, name=f"claims-{each}", changes=(MAX_SCALE,)) for each in range(number)]
    notes = [Finding(rule, Severity.NOTE, "said", "Do it.", each.name) for each in drifted for rule in rules]
    return report(*drifted, findings=tuple(notes))


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("number", [1, 2, 12])
@pytest.mark.parametrize(
    "rules", [("long-name",), ("long-name", "cpu-rounded"), ("long-name", "cpu-rounded", "scale-zero")]
)
def test_notes_take_no_more_lines_than_the_drift(width: int, number: int, rules: tuple[str, ...]) -> None:
    text = render(noted(number, *rules), RenderOptions(width=width))
    drift, _, rest = text.partition("\n\nnote: ") if "\n\nnote: " in text else text.partition("notes\x20on")
    notes = rest.partition("\n\n")[0].splitlines()
    assert "Do it." not in text
    assert len(notes) < len(drift.splitlines())
    assert render(noted(number, *rules), RenderOptions(verbose=1, width=width)).count("Do it.") == number * len(rules)


def test_unknown_deployments_are_one_line() -> None:
    unknown = [Comparison(f"agent-{number:02}", Status.UNKNOWN) for number in range(12)]
    text = render(report(*unknown, status=ExitStatus.INCOMPLETE), PLAIN)
    assert "12 unknown: agent-00, agent-01, agent-02, agent-03, agent-04 and 7 more (-v lists all)\n" in text
    assert text.count("agent-05") == 0
    assert render(report(*unknown, status=ExitStatus.INCOMPLETE), VERBOSE).count("unknown  agent-") == 12


def test_notes_of_every_target_come_after_the_drift_of_every_target() -> None:
    notes = tuple(
        Finding("long-name", Severity.NOTE, "the name is long", deployment="claims-agent", target=each.name)
        for each in TARGETS.targets
    )
    text = render(replace(TARGETS, findings=(*TARGETS.findings, *notes)), PLAIN)
    assert text.index("[long-name]") > max(text.rindex("drifted  "), text.index("production: In sync"))
    assert text.count("[long-name]") == 1


def test_a_missing_deployment_outside_the_change_comes_last() -> None:
    gone = Comparison("gone-agent", Status.MISSING, location=MAX_SCALE.location)
    finding = Finding("missing-elsewhere", Severity.WARNING, "not live", deployment="gone-agent")
    both = replace(ELSEWHERE, deployments=(*ELSEWHERE.deployments, gone), findings=(*ELSEWHERE.findings, finding))
    text = joined(render(both, PLAIN))
    assert "Not touched by this change: 1 deployment drifted (1 field), 1 missing: gone-agent, other-agent" in text
    assert text.index("orders-agent") < text.index("gone-agent")
    assert "1 deployment drifted and 1 missing outside this change" in text
    assert "1 warning" not in text


def test_a_long_command_continues_as_a_shell_reads_it() -> None:
    names = [f"an-agent-with-a-long-name-{number}" for number in range(5)]
    text = render(report(*(replace(CLAIMS, name=name, changes=(MAX_SCALE,)) for name in names)), PLAIN)
    lines = text[text.index("To accept live:") :].splitlines()
    assert lines[1].endswith(" \\")
    command = "\n".join(lines[1:]).partition("To revert")[0].replace("\\\n", " ")
    assert command.split() == ["driftcheck", "adopt", *(word for name in names for word in ("--name", name))]


def test_equal_warnings_of_matching_deployments_are_one_line() -> None:
    """With -v each is shown; one that a drifting deployment has, too, stays with it."""
    names = [f"agent-{number}" for number in range(4)]
    warning = Finding("rollout-pending", Severity.WARNING, "The latest revision is not the active one.")
    deployments = tuple(Comparison(name, Status.IN_SYNC, id=name, compared=1) for name in names)
    findings = tuple(replace(warning, deployment=name) for name in names)
    audit = replace(IN_SYNC, command="audit", deployments=deployments, findings=findings)
    text = render(audit, PLAIN)
    assert text.count("rollout-pending") == 1
    assert all(name in text for name in names)
    assert render(audit, VERBOSE).count("rollout-pending") == 4
    two = replace(audit, deployments=deployments[:2], findings=findings[:2])
    assert render(two, PLAIN).count("rollout-pending") == 2


@pytest.mark.parametrize("width", [60, 80, 100])
def test_unknown_deployments_are_one_line_at_every_width(width: int) -> None:
    unknown = [Comparison(f"agent-with-a-long-name-{number:02}", Status.UNKNOWN) for number in range(12)]
    text = render(report(*unknown, status=ExitStatus.INCOMPLETE), RenderOptions(width=width))
    (line,) = (each for each in text.splitlines() if "unknown" in each)
    assert line.startswith("12 unknown")
    assert line.endswith("(-v lists all)")


def test_what_the_change_does_comes_first_within_a_deployment_too() -> None:
    drift = replace(MAX_SCALE, path=("a",), base=6, change_class=ChangeClass.DRIFT)
    own = replace(MAX_SCALE, path=("b",), base=6, change_class=ChangeClass.PROPOSED)
    text = render(report(replace(CLAIMS, changes=(drift, own))), PLAIN)
    assert text.index("proposed by this change") < text.index("not caused by this change")


def suppressed_by(reason: str, name: str, fields: int) -> Comparison:
    change = replace(MAX_SCALE, suppressed=Suppression(reason))
    changes = tuple(replace(change, path=("source_config", f"field_{number}")) for number in range(fields))
    return replace(CLAIMS, name=name, status=Status.IN_SYNC, changes=changes)


def test_many_items_that_one_reason_suppresses_are_counted_and_others_are_listed() -> None:
    accepted = [suppressed_by("as exported", f"agent-{number}", 3) for number in range(3)]
    in_sync = report(*accepted, suppressed_by("load test", "claims", 1))
    text = render(in_sync, PLAIN)
    assert "Suppressed:\n  9 fields of 3 deployments; as exported (-v lists all)\n  claims: source_config" in text
    assert "agent-0" not in text
    listed = render(in_sync, VERBOSE)
    assert [listed.count(f"agent-{number}: source_config.field_2") for number in range(3)] == [1, 1, 1]


def test_items_of_one_deployment_are_counted_with_its_name() -> None:
    findings = tuple(
        Finding("long-name", Severity.NOTE, "Long.", deployment="claims", suppressed=Suppression("as exported"))
        for _ in range(2)
    )
    text = render(report(suppressed_by("as exported", "claims", 4), findings=findings), PLAIN)
    assert "  4 fields and 2 findings of claims; as exported (-v lists all)\n" in text


def test_the_effort_is_beside_the_deployment_unless_its_fields_differ_in_it() -> None:
    in_place = replace(MAX_SCALE, path=("source_config", "build_on_push"), impact=Impact.IN_PLACE)
    revised = replace(MAX_SCALE, impact=Impact.NEW_REVISION)
    alike = render(report(replace(CLAIMS, changes=(revised,)), status=ExitStatus.DRIFT), PLAIN)
    assert "  reverting creates a new revision\n  source_config" in alike
    mixed = render(report(replace(CLAIMS, changes=(revised, in_place)), status=ExitStatus.DRIFT), PLAIN)
    assert [line.split()[0] for line in mixed.splitlines() if "reverting" in line] == [
        "source_config.resource_spec.max_scale"
    ]


def test_a_conflict_is_named_in_the_heading_and_merging_resolves_it() -> None:
    change = replace(MAX_SCALE, base=1, change_class=ChangeClass.CONFLICT)
    text = render(report(replace(CLAIMS, changes=(change,)), status=ExitStatus.DRIFT), PLAIN)
    assert re.search(r"^conflict  \S+  \S+  merging changes it in place$", text, re.MULTILINE)
