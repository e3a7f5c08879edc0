"""The JSON report in lines, for pipes: a head, each deployment, finding and resolved item, and an end with the verdict.

A stream without its last line is incomplete.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from driftcheck.formats import RenderOptions
from driftcheck.formats.escaping import inert_json
from driftcheck.formats.report_json import Record, to_record
from driftcheck.model import Report


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as lines of ASCII JSON, each an object with a `type`."""
    del options
    lines = (json.dumps(record, allow_nan=False) for record in _records(to_record(report)))
    return inert_json("".join(f"{line}\n" for line in lines))


def _records(report: Record) -> Iterator[Record]:
    lists = {kind: report.pop(key) for kind, key in _LISTS.items()}
    summary = report.pop("summary")
    yield {"type": "report"} | report
    for kind, records in lists.items():
        yield from ({"type": kind} | record for record in records)
    yield {"type": "end", "outcome": report["outcome"], "complete": report["complete"], "summary": summary}


_LISTS = {"deployment": "deployments", "finding": "findings", "resolved": "resolved"}
