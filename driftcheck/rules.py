"""The catalogue of rules: what a finding's `rule` stands for; data, no logic.

An explanation is the rule's page in docs/rules.md and the answer of `driftcheck explain RULE`:
what it means, why it matters, what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from driftcheck.model import Severity

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its id, default severity, title (a short sentence) and explanation (Markdown)."""

    id: str
    severity: Severity
    title: str
    explanation: str


def _catalogue(*rules: Rule) -> dict[str, Rule]:
    return {rule.id: rule for rule in rules}


COMPARISON_RULES: Final = _catalogue(
    Rule(
        "drift",
        ERROR,
        "A live value differs from the declared one",
        "The deployment runs with another value than the YAML says. Bring live back, change the YAML, "
        "or write an ignore rule with its reason.",
    ),
    Rule(
        "missing-deployment",
        ERROR,
        "A declared deployment is not live",
        "The listing was read whole, the name was asked for once more, and no deployment has it. Create it, "
        "or take it out of the YAML.",
    ),
    Rule(
        "unmanaged-deployment",
        NOTE,
        "A live deployment is not declared",
        "Nobody wrote this deployment down, so nothing can be said of its configuration. Declare it "
        "(`driftcheck export` writes the YAML), or ignore it by name.",
    ),
    Rule(
        "unmanaged-preview",
        NOTE,
        "A pull-request preview is live",
        "The platform creates and deletes previews by itself; they are listed for completeness.",
    ),
    Rule(
        "unmanaged-managed-agent",
        NOTE,
        "A managed deep agent is live",
        "The platform creates managed agents by itself; they are listed for completeness.",
    ),
    Rule(
        "being-deleted",
        NOTE,
        "A deployment is being deleted",
        "Its status is `AWAITING_DELETE` or `AWAITING_FINAL_DELETE`. It counts neither as present nor as drifted; "
        "its name stays reserved until the deletion ends.",
    ),
    Rule(
        "rollout-pending",
        NOTE,
        "The latest revision is not the active one",
        "What the control plane lists, and what was compared, is the latest revision. Another one serves: the rollout "
        "is under way, was superseded, or failed. Look at the revisions of the deployment.",
    ),
    Rule(
        "ambiguous-name",
        ERROR,
        "Several live deployments have one name",
        "A name is unique in a workspace, so the listing contradicts itself, and none of them can be compared.",
    ),
    Rule(
        "unmodelled-field",
        NOTE,
        "A live field that driftcheck does not know",
        "The service is newer than this version of driftcheck. The field was carried along and not compared.",
    ),
    Rule(
        "wrong-workspace",
        WARNING,
        "None of the declared deployments is live",
        "The listing is not empty, but holds none of the declared names. Check endpoint, key and workspace.",
    ),
    Rule(
        "unused-ignore",
        WARNING,
        "An ignore rule matched nothing",
        "It hides nothing now, and may hide something later that nobody wanted hidden. Take it out, or mend its globs.",
    ),
    Rule(
        "expired-ignore",
        WARNING,
        "An ignore rule has expired",
        "It hides nothing any more. Renew it with a new date and reason, or take it out.",
    ),
    Rule(
        "catch-all-ignore",
        ERROR,
        "An ignore rule covers everything",
        "A rule for every path of every deployment would turn the check off. Name what may differ.",
    ),
    Rule(
        "policy-changed",
        WARNING,
        "The change under review alters the policy",
        "Ignore rules or configuration differ from the base revision. The base revision's policy decided this check.",
    ),
)

RULES: Final = COMPARISON_RULES
"""Every rule by its id."""
