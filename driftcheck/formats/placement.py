"""How CI's viewers keep hold of a result: the place they need for each, and an identity that lasts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from driftcheck.formats.wording import Entry
from driftcheck.model import Location, Report
from driftcheck.paths import format_path

_FALLBACK: Final = "deployments.yaml"


def pinned(entry: Entry, report: Report) -> Location:
    """Give an entry's place, or the first declared file's begin: viewers refuse a result that has none.

    Where nothing is declared it is the file in which declarations are looked for first (docs/contract.md).
    """
    if entry.location is not None:
        return entry.location
    return Location(report.declared.files[0] if report.declared.files else _FALLBACK, 1, 1)


def fingerprints(entries: Sequence[Entry]) -> list[str]:
    """Give each entry an identity made of rule, deployment and path: it outlasts moved lines and other values.

    What has no deployment is told apart by its file; equal ones are counted.
    """
    seen: Counter[str] = Counter()
    identities = []
    for entry in entries:
        file = entry.location.file if entry.location is not None and entry.deployment is None else None
        key = json.dumps([entry.rule, entry.deployment, format_path(entry.path or ()), file])
        seen[key] += 1
        identities.append(sha256(f"{key}{seen[key]}".encode()).hexdigest()[:32])
    return identities
