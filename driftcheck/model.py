"""The domain's types: immutable values, standard library only.

A value is *declared* (in the YAML) or *live* (listed by the control plane). What is not known
has a value too (`Status.UNKNOWN`, `complete=False`, `unverifiable`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Final, TypeAlias

from driftcheck.errors import ExitStatus as ExitStatus
from driftcheck.paths import Path

JSON: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, a list of them, or a dict from str to them."""


class Severity(StrEnum):
    """The severity of a change or finding."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return _SEVERITY_RANK[self]


_SEVERITY_RANK: Final = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


class ChangeKind(StrEnum):
    """How a live value differs from the declared one."""

    MODIFIED = "modified"
    REMOVED = "removed"
    """Declared, but not live."""
    ADDED = "added"
    """Live, but not declared."""


class Impact(StrEnum):
    """The effort of reverting live to the declared value."""

    IN_PLACE = "in-place"
    NEW_REVISION = "new-revision"
    RECREATE = "recreate"


class ChangeClass(StrEnum):
    """Which side changed since the base revision; without one, every change is `drift`."""

    DRIFT = "drift"
    """Live changed, in a deployment that the change under review touches."""
    ELSEWHERE = "elsewhere"
    """Live changed, in a deployment that the change under review does not touch."""
    PROPOSED = "proposed"
    """The change under review alters the declaration; live did not change."""
    CONFLICT = "conflict"
    """Both changed, to different values."""
    ADOPTED = "adopted"
    """Both changed, to the same value."""
    OUTDATED = "outdated"
    """Live has the value that the tip of the base declares now; the branch under review does not have it yet."""


class State(StrEnum):
    """The state of a change or finding in the history."""

    NEW = "new"
    CHANGED = "changed"
    """Known, with another live value than at the last conclusive run."""
    KNOWN = "known"


class Status(StrEnum):
    """The status of one deployment."""

    IN_SYNC = "in_sync"
    DRIFTED = "drifted"
    PROPOSED = "proposed"
    MISSING = "missing"
    UNMANAGED = "unmanaged"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """The outcome of a run."""

    IN_SYNC = "in_sync"
    PASSED = "passed"
    """Nothing counts, but unsuppressed differences remain."""
    DRIFT = "drift"
    INVALID = "invalid"
    INCOMPLETE = "incomplete"
    DEFECT = "defect"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return _OUTCOME_RANK[self]

    @property
    def status(self) -> ExitStatus:
        """The exit status of the outcome (docs/contract.md, Exit status)."""
        return ExitStatus.IN_SYNC if self is Outcome.PASSED else ExitStatus[self.name]


_OUTCOME_RANK: Final = {
    Outcome.DEFECT: 0,
    Outcome.INVALID: 1,
    Outcome.INCOMPLETE: 2,
    Outcome.DRIFT: 3,
    Outcome.PASSED: 4,
    Outcome.IN_SYNC: 5,
}


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A position in a file that the user wrote; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NO_LOCATION: Final = Location("", 0, 0)
"""Replaces a location that does not matter or is missing; it sorts before all others."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """The ignore rule that suppresses a change or finding."""

    reason: str
    expires: str | None = None
    location: Location | None = None
    owner: str | None = None
    approved_by: str | None = None


class Absent(Enum):
    """The type of ABSENT."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
"""Marks a missing value; null is a value."""


REDACTED_MARKER: Final[Mapping[str, str]] = {"$driftcheck": "redacted"}
"""Replaces a secret in a snapshot; the value can't be compared."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One difference inside a changed structure (a list of arguments, a map, a long text)."""

    kind: ChangeKind
    path: Path
    """Relative to the path of the change."""
    declared: JSON = None
    live: JSON = None


@dataclass(frozen=True, slots=True)
class Change:
    """One field in which declared and live differ; in a report, its values are redacted."""

    kind: ChangeKind
    path: Path
    declared: JSON
    live: JSON
    location: Location | None = None
    impact: Impact = Impact.IN_PLACE
    change_class: ChangeClass = ChangeClass.DRIFT
    severity: Severity = Severity.ERROR
    redacted: bool = False
    suppressed: Suppression | None = None
    base: JSON | Absent = ABSENT
    """The value at the base revision, where a check was given one."""
    declared_effective: JSON = None
    """The value that the service uses for a declared null."""
    live_effective: JSON = None
    """The value that the service uses for a live null."""
    details: tuple[Detail, ...] = ()
    """The inside of a structured change; empty for scalars."""
    state: State | None = None
    """None if no history was read."""
    first_seen: str | None = None
    """When a conclusive run first reported it, an ISO time in UTC."""
    of_order: bool = field(default=False, compare=False, repr=False)
    """Whether the values are the identities of a list's entries in their order; redaction needs it, no saved report."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact to report that is not a change of a field.

    `message` and `hint` never hold a value of the data: it could be a secret.
    """

    rule: str
    severity: Severity
    message: str
    hint: str | None = None
    deployment: str | None = None
    path: Path | None = None
    location: Location | None = None
    related: tuple[Location, ...] = ()
    suppressed: Suppression | None = None
    target: str | None = None
    state: State | None = None
    first_seen: str | None = None
    excerpt: str | None = field(default=None, compare=False, repr=False)
    """The line at the location, if it may be shown; only for people, and in no saved report."""

    @property
    def key(self) -> tuple[str | None, str | None]:
        """Target and name of the deployment that it is about."""
        return self.target, self.deployment


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition on the live value for an ignore rule to apply; exactly one is set."""

    equals: JSON | Absent = ABSENT
    is_in: tuple[JSON, ...] | None = None
    between: tuple[float, float] | None = None
    matches: str | None = None
    """A glob over a text; only `*` is special."""


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """One entry of `ignore`, in a declaration file (for its own deployments) or in the configuration."""

    reason: str
    location: Location
    deployment: str = "*"
    """A glob over the name; only `*` is special."""
    path: str | None = None
    """A pattern over the path (`globs.matches`); None if the rule is about whole deployments."""
    rule: str | None = None
    """The id of the findings that it suppresses, instead of `path`."""
    owner: str | None = None
    approved_by: str | None = None
    expires: str | None = None
    """An ISO date, the last day on which the rule applies."""
    guard: Guard | None = None
    missing: bool = False
    """Whether the rule is about the whole deployment being missing; it then names it in full."""
    unmanaged: bool = False
    """Whether the rule is about undeclared live deployments."""
    scope: frozenset[str] | None = None
    """The names declared in the rule's own file; None for a rule of the configuration, which covers all."""


@dataclass(frozen=True, slots=True)
class HousePolicy:
    """One entry of `policies` in the configuration: what the effective value at a path must be."""

    id: str
    path: str
    """A pattern over the path (`globs.matches`)."""
    schema: JSON
    """A JSON Schema of the effective value; null if nothing is set."""
    location: Location = field(compare=False)
    target: str = "*"
    deployment: str = "*"
    where: Mapping[str, JSON] = field(default_factory=dict)
    """Values of other fields, by path, without which the policy does not apply."""
    severity: Severity = Severity.ERROR
    message: str | None = None
    reason: str | None = None
    applies_to: frozenset[str] = frozenset({"declared", "live"})

    @property
    def rule(self) -> str:
        """The rule id of its findings."""
        return f"policy:{self.id}"


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declared deployment, merged with the `defaults` of its document and with overlays."""

    name: str
    value: Mapping[str, JSON]
    locate: Callable[[Path], Location | None] = field(compare=False, repr=False)
    """Returns the location of the value at a path, or of the nearest value around it; slow on first use.

    None if it was not written in a file (two listings are compared)."""


@dataclass(frozen=True, slots=True)
class Declarations:
    """What the files declare, and whether all of it was read."""

    files: tuple[str, ...] = ()
    deployments: tuple[Declaration, ...] = ()
    ignores: tuple[IgnoreRule, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Defects of the files: those that keep something from being read, and those of the rules."""
    complete: bool = True
    """False if a file, a document or a deployment could not be read."""
    size: int = field(default=0, compare=False)
    """Bytes of the files; how much work they may cause depends on it."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A live deployment as listed; values of its `secrets` were dropped when it was parsed."""

    name: str
    value: Mapping[str, JSON]

    @property
    def id(self) -> str | None:
        """The deployment's id, if it is a string."""
        return self.text("id")

    @property
    def type(self) -> str | None:
        """The deployment type, as the service names it."""
        config = self.value.get("source_config")
        kind = config.get("deployment_type") if isinstance(config, dict) else None
        return kind if isinstance(kind, str) else None

    @property
    def is_preview(self) -> bool:
        """Whether a pull request made it; the platform creates and deletes these."""
        return self.value.get("is_preview") is True

    @property
    def is_managed_agent(self) -> bool:
        """Whether it runs a managed deep agent."""
        return self.value.get("is_managed_deep_agent") is True

    @property
    def is_being_deleted(self) -> bool:
        """Whether it counts neither as present nor as drifted, because it is being deleted (docs/API.md 3.1.14)."""
        return self.text("status") in _DELETION_STATUSES

    @property
    def is_rollout_pending(self) -> bool:
        """Whether the latest revision, which the listing shows, is not the active one (docs/API.md 3.2.1).

        Previews come and go, so theirs does not count.
        """
        latest = self.value.get("latest_revision_id")
        return latest not in (None, self.value.get("active_revision_id")) and not self.is_preview

    @property
    def since(self) -> LiveSince | None:
        """Times and revision from the listing; None if it has none of them."""
        given = self.text("created_at"), self.text("updated_at"), self.text("latest_revision_id")
        return None if given == (None, None, None) else LiveSince(*given)

    def text(self, key: str) -> str | None:
        """Return a top-level field, if it is a string."""
        value = self.value.get(key)
        return value if isinstance(value, str) else None


_DELETION_STATUSES: Final = frozenset({"AWAITING_DELETE", "AWAITING_FINAL_DELETE"})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is live, and whether all of it was read."""

    source: str
    """The origin that was asked, or the file that was read."""
    deployments: tuple[Deployment, ...]
    workspace: str | None = None
    fetched_at: str | None = None
    pages: int = 0
    requests: int = 0
    gaps: tuple[str, ...] = ()
    """What could not be read or contradicts itself, a sentence each; the listing is complete if this is empty."""
    scope: Mapping[str, str] = field(default_factory=dict)
    """The filters that were sent, by their name in the query; deployments outside of them were not listed."""
    warnings: tuple[str, ...] = ()
    """Oddities of the listing that do not make it incomplete, a sentence each."""
    target: str | None = None
    """The target of the configuration that a saved listing was read for."""

    @property
    def complete(self) -> bool:
        """Whether the whole listing (of the scope) was seen."""
        return not self.gaps


@dataclass(frozen=True, slots=True)
class Comparison:
    """One deployment's verdict."""

    name: str
    status: Status
    id: str | None = None
    location: Location | None = None
    changes: tuple[Change, ...] = ()
    unverifiable: tuple[Path, ...] = ()
    compared: int = 0
    """How many declared fields were compared."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Facts of a live deployment, for inventories: `source`, `type` and `status` as the service names them."""
    target: str | None = None
    live_since: LiveSince | None = None
    by_name_only: int = 0
    """How many values are declared only by name and can't be compared (secrets, variables)."""

    @property
    def key(self) -> tuple[str | None, str]:
        """Target and name, which identify a deployment in a report."""
        return self.target, self.name

    @property
    def is_accepted_absence(self) -> bool:
        """Whether it is in sync because an ignore rule accepts that it is missing; no status counts it."""
        return self.status is Status.IN_SYNC and self.id is None and not self.compared


@dataclass(frozen=True, slots=True)
class LiveSince:
    """Times and revision of a live deployment from the listing; None if the listing has none."""

    created_at: str | None = None
    updated_at: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class LiveSummary:
    """How the live side was read."""

    source: str
    workspace: str | None
    fetched_at: str | None
    pages: int
    requests: int
    deployments: int
    complete: bool
    gaps: tuple[str, ...]
    scope: Mapping[str, str] = field(default_factory=dict)
    inventory: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """How many of the live deployments have each `source`, `type` and `status`."""

    @property
    def is_read(self) -> bool:
        """Whether anything was read; otherwise the number of deployments is unknown instead of 0."""
        return self.complete or self.pages > 0 or self.deployments > 0


@dataclass(frozen=True, slots=True)
class DeclaredSummary:
    """How the declared side was read."""

    files: tuple[str, ...] = ()
    deployments: int = 0
    complete: bool = True
    base: str | None = None
    """The commit that `--base` named."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A report in numbers, derived from its parts."""

    statuses: Mapping[Status, int]
    """How many deployments have each status."""
    changes: int
    """Active changes of all classes."""
    suppressed: int
    """Suppressed changes and findings."""
    unverifiable: int
    """Declared fields that could not be compared."""
    coverage: float | None
    """The share of live deployments that are declared; None if it can't be known."""
    findings: Mapping[Severity, int]
    """Active findings."""
    by_name_only: int = 0
    """Values that are declared only by name and can't be compared."""


@dataclass(frozen=True, slots=True)
class TargetSummary:
    """How the run of one target ended."""

    name: str
    live: LiveSummary | None
    declared: DeclaredSummary
    summary: Summary
    outcome: Outcome
    complete: bool
    name_suffix: str = ""
    """What the target appends to the declared names."""


@dataclass(frozen=True, slots=True)
class ResolvedItem:
    """A change or finding that the last conclusive run had and this one no longer has."""

    deployment: str | None
    first_seen: str
    last_seen: str
    path: Path | None = None
    """Of a change; None for a finding, which has a rule."""
    rule: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryNote:
    """The outcome of recording the run in the history."""

    run: str
    previous: str | None = None
    """The last conclusive run of the same identity."""
    error: str | None = None
    last_conclusive: str | None = None
    """When the last conclusive run was made, this one included; None if there was none."""
    open: int | None = None
    """How many items are open; None if the history could not be read."""
    oldest_open: str | None = None
    """When the oldest of them was first reported."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run found."""

    driftcheck_version: str
    command: str
    generated_at: str
    outcome: Outcome
    live: LiveSummary | None
    declared: DeclaredSummary
    deployments: tuple[Comparison, ...] = ()
    """Sorted by target, then name."""
    findings: tuple[Finding, ...] = ()
    report_id: str | None = None
    """Identity among reports of other workspaces or targets (docs/contract.md, `--report-id`)."""
    targets: tuple[TargetSummary, ...] = ()
    """Empty if the run was not split into targets."""
    resolved: tuple[ResolvedItem, ...] = ()
    history: HistoryNote | None = None

    @property
    def complete(self) -> bool:
        """Whether both sides of every target were read completely."""
        if self.targets:
            return all(target.complete for target in self.targets)
        return self.declared.complete and (self.live is None or self.live.complete)

    @property
    def summary(self) -> Summary:
        """The numbers of the report."""
        statuses = Counter(each.status for each in self.deployments if not each.is_accepted_absence)
        changes = [change for comparison in self.deployments for change in comparison.changes]
        active = [finding for finding in self.findings if finding.suppressed is None]
        severities = Counter(finding.severity for finding in active)
        suppressed = sum(change.suppressed is not None for change in changes)
        return Summary(
            statuses={status: statuses[status] for status in Status},
            changes=len(changes) - suppressed,
            suppressed=suppressed + len(self.findings) - len(active),
            unverifiable=sum(len(comparison.unverifiable) for comparison in self.deployments),
            coverage=self._coverage(),
            findings={severity: severities[severity] for severity in Severity},
            by_name_only=sum(comparison.by_name_only for comparison in self.deployments),
        )

    @property
    def declarable(self) -> int:
        """How many live deployments can be declared: all but previews."""
        sides = [target.live for target in self.targets] if self.targets else [self.live]
        previews = sum(finding.rule == "unmanaged-preview" for finding in self.findings)
        return sum(side.deployments for side in sides if side is not None) - previews

    def _coverage(self) -> float | None:
        """Return the declared share of the live deployments that can be declared."""
        sides = [target.live for target in self.targets] if self.targets else [self.live]
        if not self.complete or any(side is None for side in sides):
            return None
        live = self.declarable
        declared = sum(c.id is not None and c.status is not Status.UNMANAGED for c in self.deployments)
        return round(declared / live, 4) if live > 0 else None
