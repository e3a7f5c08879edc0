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
    """One rule: its id, default severity, title (a short sentence), explanation (Markdown), and what to do next."""

    id: str
    severity: Severity
    title: str
    explanation: str
    hint: str | None = None


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
        "outside-scope",
        NOTE,
        "Declared deployments lie outside the scope that was asked for",
        "The listing was narrowed by filters of the endpoint. Declared deployments that it does not hold may well be "
        "live, so nothing is said of them.",
    ),
    Rule(
        "probable-rename",
        NOTE,
        "A missing deployment is probably live under another name",
        "A declared deployment is gone, and one that nobody declared has the same repository or image. A name can't be "
        "changed in place, so somebody created it anew.",
        "Declare the new name, or restore the old one.",
    ),
    Rule(
        "proposed-creation",
        NOTE,
        "The change under review adds this deployment, which is not live yet",
        "It is declared here, not at the base revision, and not live: the merge is to create it.",
    ),
    Rule(
        "proposed-adoption",
        NOTE,
        "The change under review declares a deployment that is live already",
        "It is declared here, not at the base revision, and live: from the merge on it is managed.",
    ),
    Rule(
        "proposed-removal",
        NOTE,
        "The change under review takes a live deployment out of the declarations",
        "It is declared at the base revision, not here, and still live: from the merge on nobody manages it, "
        "unless it is deleted.",
    ),
    Rule(
        "nothing-declared",
        ERROR,
        "Nothing is declared",
        "No file declares a deployment, so there is nothing to check, and a green result would mean nothing. "
        "`--allow-empty` accepts it.",
        "Check the paths, or pass --allow-empty.",
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
