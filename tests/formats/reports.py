"""Reports to render: samples of runs, a huge one, and hypothesis strategies full of hostile texts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from driftcheck.model import (
    ABSENT,
    Change,
    ChangeClass,
    ChangeKind,
    Comparison,
    DeclaredSummary,
    Detail,
    ExitStatus,
    Finding,
    HistoryNote,
    Impact,
    LiveSince,
    LiveSummary,
    Location,
    Outcome,
    Report,
    ResolvedItem,
    Severity,
    State,
    Status,
    Suppression,
    TargetSummary,
)
from driftcheck.paths import Item

FILE = "prod/agents.yaml"

LIVE = LiveSummary(
    source="https://api.host.langchain.com",
    workspace="7d1f0c2e-55d3-4e0e-8d26-8a5c8f6b2f10",
    fetched_at="2026-01-08T04:05:30Z",
    pages=3,
    requests=4,
    deployments=212,
    complete=True,
    gaps=(),
    inventory={"source": {"github": 210, "external_docker": 1}, "status": {"READY": 182, "AWAITING_DATABASE": 29}},
)

MAX_SCALE = Change(
    ChangeKind.MODIFIED,
    ("source_config", "resource_spec", "max_scale"),
    6,
    10,
    Location(FILE, 24, 20),
)
SIDECAR = Change(
    ChangeKind.MODIFIED,
    ("source_config", "resource_spec", "sidecars", Item("name", "otel"), "image"),
    "otel:0.104.0",
    "otel:0.99.0",
    Location(FILE, 31, 18),
    impact=Impact.NEW_REVISION,
)
LIMIT_GONE = Change(
    ChangeKind.REMOVED,
    ("source_config", "resource_spec", "cpu_limit"),
    4,
    None,
    Location(FILE, 26, 20),
    live_effective=2,
)
LABEL_ADDED = Change(
    ChangeKind.ADDED, ("source_config", "labels", "team.example/owner"), None, "payments", Location(FILE, 15, 5)
)
HIDDEN_ENV = Change(
    ChangeKind.MODIFIED,
    ("source_config", "resource_spec", "sidecars", Item("name", "otel"), "env", Item("name", "TOKEN"), "value"),
    None,
    None,
    Location(FILE, 35, 20),
    impact=Impact.NEW_REVISION,
    redacted=True,
)
IGNORED = replace(
    MAX_SCALE,
    suppressed=Suppression("load test until Friday, OPS-123", "2026-12-31", Location("driftcheck.yaml", 7, 5)),
)
COMMAND = Change(
    ChangeKind.MODIFIED,
    ("source_config", "resource_spec", "command"),
    ["python", "-m", "agent", "--listen", "0.0.0.0:8000", "--workers", "4", "--log-level", "info"],
    ["python", "-m", "agent", "--listen", "0.0.0.0:8000", "--workers", "16", "--log-level", "debug", "x" * 400],
    Location(FILE, 40, 18),
    impact=Impact.NEW_REVISION,
)

CLAIMS = Comparison(
    "claims-agent",
    Status.DRIFTED,
    "9f4f1a9e-6d6f-4bb1-b3a4-8d2a50c7f9f1",
    Location(FILE, 12, 5),
    (LIMIT_GONE, COMMAND, MAX_SCALE, HIDDEN_ENV, SIDECAR, LABEL_ADDED),
    (("source_config", "listener_config", "k8s_namespace"),),
    31,
    {"source": "external_docker", "status": "READY", "type": "prod"},
)
BILLING = Comparison("billing-agent", Status.MISSING, location=Location(FILE, 40, 5))
MISSING = Finding(
    "missing-deployment",
    Severity.ERROR,
    "declared, but the listing does not hold it",
    "Create it, or take it out of the YAML.",
    "billing-agent",
    location=Location(FILE, 40, 5),
)
MATCHING = tuple(
    Comparison(
        f"search-{number}",
        Status.IN_SYNC,
        f"00000000-0000-4000-8000-{number:012}",
        Location("prod/search.yaml", 3 + 9 * number, 5),
        compared=12,
        facts={"source": "github", "status": "READY", "type": "dev"},
    )
    for number in range(10)
)
UNMANAGED = tuple(
    Comparison(
        f"scratch-{number:03}",
        Status.UNMANAGED,
        f"00000000-0000-4000-9000-{number:012}",
        facts={"source": "github", "status": "READY" if number % 7 else "AWAITING_DATABASE", "type": "dev"},
    )
    for number in range(200)
)


def unmanaged_findings(severity: Severity = Severity.NOTE) -> tuple[Finding, ...]:
    return tuple(
        Finding("unmanaged-deployment", severity, "live, but not declared", deployment=each.name) for each in UNMANAGED
    )


def report(
    *deployments: Comparison,
    findings: tuple[Finding, ...] = (),
    status: ExitStatus = ExitStatus.DRIFT,
    command: str = "check",
    live: LiveSummary | None = LIVE,
    declared: DeclaredSummary | None = None,
) -> Report:
    ordered = tuple(sorted(deployments, key=lambda each: each.name))
    count = sum(each.status is not Status.UNMANAGED for each in ordered)
    return Report(
        driftcheck_version="0.1.0",
        command=command,
        generated_at="2026-01-08T04:05:34Z",
        outcome=Outcome[status.name],
        live=live,
        declared=declared or DeclaredSummary((FILE, "prod/search.yaml"), count),
        deployments=ordered,
        findings=findings,
    )


DRIFT = report(CLAIMS, BILLING, *MATCHING, *UNMANAGED, findings=(MISSING, *unmanaged_findings()))
IN_SYNC = report(*MATCHING, status=ExitStatus.IN_SYNC, live=replace(LIVE, deployments=10))
IN_SYNC_WITH_NOTES = report(*MATCHING, *UNMANAGED, status=ExitStatus.IN_SYNC, findings=unmanaged_findings())
ALL_IGNORED = report(
    replace(CLAIMS, status=Status.IN_SYNC, changes=(IGNORED,)),
    *MATCHING,
    status=ExitStatus.IN_SYNC,
    live=replace(LIVE, deployments=11),
)
INCOMPLETE = report(
    *MATCHING,
    Comparison("billing-agent", Status.UNKNOWN, location=Location(FILE, 40, 5)),
    status=ExitStatus.INCOMPLETE,
    live=replace(
        LIVE, complete=False, gaps=("the page at offset 198 could not be read: HTTP 503, after 5 tries in 31 s",)
    ),
)
ALLOWED_PARTIAL = replace(INCOMPLETE, outcome=Outcome.IN_SYNC)
INVALID = report(
    status=ExitStatus.INVALID,
    command="validate",
    live=None,
    declared=DeclaredSummary((FILE,), 3, complete=False),
    findings=(
        Finding(
            "unknown-field",
            Severity.ERROR,
            "`memory_limit` is no field of `resource_spec`",
            "Did you mean `memory_limit_mb`?",
            "claims-agent",
            ("source_config", "resource_spec", "memory_limit"),
            Location(FILE, 19, 9),
        ),
        Finding(
            "duplicate-key",
            Severity.ERROR,
            "a key is twice in one mapping",
            location=Location(FILE, 33, 7),
            related=(Location(FILE, 28, 7),),
        ),
        Finding(
            "name-leading-digit",
            Severity.WARNING,
            "the name begins with a digit",
            None,
            "1st",
            None,
            Location(FILE, 50, 5),
        ),
    ),
)
VALID = report(
    status=ExitStatus.IN_SYNC, command="validate", live=None, declared=DeclaredSummary((FILE, "prod/search.yaml"), 12)
)
AUDIT = replace(
    report(CLAIMS, BILLING, *MATCHING, *UNMANAGED, findings=(MISSING, *unmanaged_findings(Severity.ERROR))),
    command="audit",
)
INVENTORY = report(
    *UNMANAGED,
    command="audit",
    status=ExitStatus.IN_SYNC,
    findings=unmanaged_findings(),
    live=replace(LIVE, deployments=200, scope={"name_contains": "scratch"}),
    declared=DeclaredSummary(),
)
THREE_WAY = report(
    replace(
        CLAIMS,
        changes=(replace(MAX_SCALE, base=6), replace(SIDECAR, base="otel:0.98.0", change_class=ChangeClass.CONFLICT)),
    ),
    Comparison(
        "orders-agent",
        Status.PROPOSED,
        "1b4f",
        Location(FILE, 60, 5),
        (
            replace(MAX_SCALE, base=10, change_class=ChangeClass.PROPOSED, severity=Severity.NOTE),
            replace(
                LABEL_ADDED,
                kind=ChangeKind.MODIFIED,
                declared="payments",
                base="claims",
                change_class=ChangeClass.ADOPTED,
                severity=Severity.NOTE,
            ),
        ),
        compared=20,
    ),
    *MATCHING,
    declared=DeclaredSummary((FILE,), 12, base="4be1e9c6f1d2a0c3b5d7e9f1a2b4c6d8e0f1a3b5"),
    findings=(Finding("policy-changed", Severity.WARNING, "an ignore rule was added", location=Location(FILE, 80, 5)),),
)

DETAILED = report(
    replace(
        CLAIMS,
        changes=(
            replace(
                COMMAND,
                details=(
                    Detail(ChangeKind.MODIFIED, (6,), "4", "16"),
                    Detail(ChangeKind.MODIFIED, (8,), "info", "debug"),
                    Detail(ChangeKind.ADDED, (9,), None, "xx"),
                ),
            ),
        ),
    ),
)
WITH_HISTORY = replace(
    report(
        replace(
            CLAIMS,
            by_name_only=2,
            changes=(
                replace(SIDECAR, state=State.CHANGED, first_seen="2025-12-31T04:00:00Z"),
                replace(MAX_SCALE, severity=Severity.ERROR),
            ),
        ),
        replace(
            CLAIMS,
            name="alerts-agent",
            changes=(replace(MAX_SCALE, state=State.NEW, first_seen="2026-01-08T04:05:34Z"),),
        ),
    ),
    history=HistoryNote(
        "0194-run", "0193-run", None, "2026-01-08T04:05:34Z", open=2, oldest_open="2025-12-31T04:00:00Z"
    ),
    resolved=(ResolvedItem("orders-agent", "2026-01-08T01:00:00Z", "2026-01-08T02:00:00Z", path=("source",)),),
)
_STAGING = replace(LIVE, deployments=1, workspace="1c1f0c2e-55d3-4e0e-8d26-8a5c8f6b2f10", inventory={})
_PER_TARGET = {
    "production": (replace(CLAIMS, status=Status.IN_SYNC, changes=(), target="production"), Outcome.IN_SYNC),
    "staging": (replace(CLAIMS, changes=(MAX_SCALE,), target="staging"), Outcome.DRIFT),
}
TARGETS = replace(
    report(*(each for each, _ in _PER_TARGET.values())),
    report_id="targets",
    live=None,
    declared=DeclaredSummary(),
    targets=tuple(
        TargetSummary(name, _STAGING, DeclaredSummary((FILE,), 1), report(each).summary, outcome, complete=True)
        for name, (each, outcome) in _PER_TARGET.items()
    ),
)
ELSEWHERE = replace(
    THREE_WAY,
    outcome=Outcome.PASSED,
    findings=(),
    deployments=(
        THREE_WAY.deployments[1],
        replace(
            CLAIMS,
            name="other-agent",
            changes=(replace(MAX_SCALE, base=6, change_class=ChangeClass.ELSEWHERE, severity=Severity.WARNING),),
        ),
    ),
    declared=replace(THREE_WAY.declared, deployments=2),
)

SAMPLES = {
    "drift": DRIFT,
    "in-sync": IN_SYNC,
    "in-sync-with-notes": IN_SYNC_WITH_NOTES,
    "all-ignored": ALL_IGNORED,
    "incomplete": INCOMPLETE,
    "allowed-partial": ALLOWED_PARTIAL,
    "invalid": INVALID,
    "valid": VALID,
    "audit": AUDIT,
    "inventory": INVENTORY,
    "three-way": THREE_WAY,
    "detailed": DETAILED,
    "history": WITH_HISTORY,
    "targets": TARGETS,
    "elsewhere": ELSEWHERE,
}


def huge(deployments: int = 10_000, drifted: int = 2_500) -> Report:
    """Build a report of this many deployments, of which so many differ in two fields each."""
    return report(
        *(
            replace(CLAIMS, name=f"agent-{number:05}", changes=(MAX_SCALE, SIDECAR))
            if number < drifted
            else replace(MATCHING[0], name=f"agent-{number:05}")
            for number in range(deployments)
        ),
        live=replace(LIVE, deployments=deployments),
    )


HOSTILE = (
    "\x1b[31mred\x1b]0;title\x07",
    "::error::forged",
    "##[error]forged",
    "a\r\n::set-output name=x::y",
    "\u202eevil\u2066\u200b\u2028\u2029\x85\x9b31m",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "![x](https://example.com/x.png) [link](https://example.com) @everyone #1 https://example.com",
    "`code` ``fence`` ``` | pipe \\| pipe",
    "\ud800lone",
    "]]></system-out><failure/>&#0;\x00\ufffe",
    "-->\n</details></code>",
    "%0A::error::x,y:z%",
    '"quoted" \\ back\\slash \\n',
    "=cmd|' /C calc'!A0",
    "",
    "é漢字😀",
    "{{ 7*7 }} ${{ secrets.X }}",
)

texts = st.sampled_from(HOSTILE) | st.text(max_size=20)
optional_texts = st.none() | texts
names = st.sampled_from(["claims-agent", "billing-agent", "a", "b-1"]) | texts
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.just("x" * 700)
)
data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=5
)
segments = st.sampled_from(["source_config", "labels", "image_uri"]) | texts | st.integers(0, 99)
items = st.builds(Item, st.sampled_from(["name", "mountPath"]), texts)
paths = st.lists(segments | items, min_size=1, max_size=4).map(tuple)
locations = st.builds(
    Location, st.just(FILE) | texts.map(lambda text: text or "f"), st.integers(1, 9_999), st.integers(1, 200)
)
optional_locations = st.none() | locations
dates = st.none() | st.dates().map(str)
suppressions = st.none() | st.builds(Suppression, texts, dates, optional_locations, optional_texts, optional_texts)
booleans = st.booleans()
kinds = st.sampled_from(ChangeKind)
impacts = st.sampled_from(Impact)
classes = st.sampled_from(ChangeClass)
statuses = st.sampled_from(Status)
outcomes = st.sampled_from(Outcome)
commands = st.sampled_from(["check", "audit", "compare", "validate"])
severities = st.sampled_from(Severity)
states = st.none() | st.sampled_from(State)
seen = st.none() | st.just("2026-11-20T04:05:34Z") | texts
target_names = st.none() | st.sampled_from(["staging", "production"])
details = st.lists(st.builds(Detail, kinds, paths, data, data), max_size=2)
bases = st.just(ABSENT) | data


@st.composite
def changes(draw: st.DrawFn) -> Change:
    kind = draw(kinds)
    redacted = draw(booleans)
    base: Any = draw(bases)
    return Change(
        kind,
        draw(paths),
        None if redacted or kind is ChangeKind.ADDED else draw(data),
        None if redacted or kind is ChangeKind.REMOVED else draw(data),
        draw(optional_locations),
        draw(impacts),
        draw(classes) if base is not ABSENT else ChangeClass.DRIFT,
        draw(severities),
        redacted,
        draw(suppressions),
        None if redacted and base is not ABSENT else base,
        None if redacted else draw(scalars),
        None if redacted else draw(scalars),
        () if redacted else tuple(draw(details)),
        draw(states),
        draw(seen),
    )


some_changes = st.lists(changes(), min_size=1, max_size=3)
any_changes = st.lists(changes(), max_size=3)
unverifiable = st.lists(paths, max_size=2)
counts = st.integers(0, 500)
facts = st.dictionaries(st.sampled_from(["source", "type", "status"]), texts)
live_since = st.none() | st.builds(LiveSince, optional_texts, optional_texts, optional_texts)


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    status = draw(statuses)
    differing = status in (Status.DRIFTED, Status.PROPOSED)
    return Comparison(
        draw(names),
        status,
        draw(optional_texts),
        draw(optional_locations),
        tuple(draw(some_changes if differing else any_changes)),
        tuple(draw(unverifiable)),
        draw(counts),
        draw(facts),
        draw(target_names),
        draw(live_since),
        draw(counts),
    )


several_comparisons = st.lists(comparisons(), max_size=4, unique_by=lambda each: each.name)
findings = st.builds(
    Finding,
    st.sampled_from(["missing-deployment", "unmanaged-deployment", "unused-ignore", "rule-of-tomorrow"]),
    severities,
    texts,
    optional_texts,
    st.none() | names,
    st.none() | paths,
    optional_locations,
    st.lists(locations, max_size=2).map(tuple),
    suppressions,
    target_names,
    states,
    seen,
)
live_summaries = st.builds(
    LiveSummary,
    texts,
    optional_texts,
    optional_texts,
    counts,
    counts,
    counts,
    booleans,
    st.lists(texts, max_size=2).map(tuple),
    st.dictionaries(texts, texts, max_size=2),
    st.dictionaries(texts, st.dictionaries(texts, counts, max_size=2), max_size=2),
)
optional_live_summaries = st.none() | live_summaries
declared_summaries = st.builds(
    DeclaredSummary,
    st.lists(texts.map(lambda text: text or "f"), max_size=2).map(tuple),
    counts,
    booleans,
    optional_texts,
)
several_findings = st.lists(findings, max_size=4)
times = st.datetimes().map(lambda moment: f"{moment.replace(microsecond=0).isoformat()}Z")
optional_times = st.none() | times
resolved = st.lists(
    st.builds(ResolvedItem, names, texts, texts, path=paths, target=target_names)
    | st.builds(ResolvedItem, st.none() | names, texts, texts, rule=texts, target=target_names),
    max_size=2,
)
history_notes = st.none() | st.builds(
    HistoryNote, texts, optional_texts, optional_texts, optional_times, st.none() | counts, optional_times
)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Draw any report with parts of the right types; the parts need not agree with each other."""
    compared = draw(several_comparisons)
    report = Report(
        draw(texts),
        draw(commands),
        draw(times),
        draw(outcomes),
        draw(optional_live_summaries),
        draw(declared_summaries),
        tuple(sorted(compared, key=lambda each: (each.target or "", each.name))),
        tuple(draw(several_findings)),
        draw(optional_texts),
        resolved=tuple(draw(resolved)),
        history=draw(history_notes),
    )
    if draw(booleans):
        return _with_targets(draw, report)
    return replace(report, deployments=tuple(replace(each, target=None) for each in report.deployments))


def _with_targets(draw: st.DrawFn, report: Report) -> Report:
    deployments = tuple(replace(each, target=each.target or "production") for each in report.deployments)
    report = replace(report, deployments=tuple(sorted(deployments, key=lambda each: (each.target or "", each.name))))
    targets = tuple(
        TargetSummary(
            name,
            draw(optional_live_summaries),
            draw(declared_summaries),
            replace(report, deployments=tuple(each for each in report.deployments if each.target == name)).summary,
            draw(outcomes),
            draw(booleans),
        )
        for name in ("production", "staging")
    )
    return replace(report, live=None, declared=DeclaredSummary(), targets=targets)
