"""The JSON report in lines, for pipes: a head, each deployment, each finding, and an end with outcome and summary.

A stream without its last line was cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from driftcheck.formats import RenderOptions, report_json
from driftcheck.formats.escaping import inert_json
from driftcheck.model import Report


def render(report: Report, options: RenderOptions) -> str:
    """Render a report as lines of ASCII JSON, each an object with a `type`."""
    del options
    lines = (json.dumps(record, allow_nan=False) for record in _records(report))
    return inert_json("".join(f"{line}\n" for line in lines))


def _records(report: Report) -> Iterator[report_json.Record]:
    yield {"type": "report"} | report_json.head(report)
    for comparison in report.deployments:
        yield {"type": "deployment"} | report_json.deployment(comparison)
    for finding in report.findings:
        yield {"type": "finding"} | report_json.finding(finding)
    yield {"type": "end"} | report_json.verdict(report) | {"summary": report_json.summary(report.summary)}
