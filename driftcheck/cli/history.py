"""`driftcheck history`: open items, recorded runs and trends."""

from __future__ import annotations

import csv
import functools
import io
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final, TypeAlias

import click

from driftcheck import environment
from driftcheck.cli import console, options
from driftcheck.cli.outputs import (
    Output,
    Reporting,
    named_inputs,
    parse_output,
    refuse_inputs,
    write_report,
    write_texts,
)
from driftcheck.errors import UsageError
from driftcheck.formats.escaping import inert, inert_json, visible
from driftcheck.formats.wording import since_text
from driftcheck.history import store
from driftcheck.history.store import RunRow
from driftcheck.history.transitions import Item, values
from driftcheck.history.trend import Point, trend
from driftcheck.model import JSON
from driftcheck.settings import Flags

_BARS: Final = "▁▂▃▄▅▆▇█"
_MOST_POINTS: Final = 60
_MOST_ROWS: Final = 31
_COLUMNS: Final = (
    "target", "command", "deployment", "path", "rule", "severity", "owner", "began_after", "began_before", "first_seen",
    "changed_at", "last_seen", "resolved_at", "opened_run", "opened_sha256", "resolved_run", "resolved_sha256",
)  # fmt: skip


@click.group("history")
def command() -> None:
    """Show what is open and since when, and the runs that say so.

    The runs are those of `check` and `audit` with --history.
    """


def _database(url: str | None) -> str:
    """Return the URL of the history; raises UsageError if it is missing."""
    if url is None:
        raise UsageError("no history was named.", hint="Add --history sqlite:///FILE, or set DRIFTCHECK_HISTORY.")
    return url.strip()


_targets = click.option("--target", "targets", multiple=True, metavar="NAME", help="Only this target. Repeatable.")

_View: TypeAlias = Callable[[str, tuple[str, ...], str], str]
"""The text in a format of what the history at a URL holds, of some targets or of all."""


def _view(name: str, *formats: str) -> Callable[[_View], click.Command]:
    """Return a decorator that makes a command of a view, whose first format is the default."""

    def made(view: _View) -> click.Command:
        @functools.wraps(view)
        def run(history: str | None, targets: tuple[str, ...], output: Output) -> None:
            url = _database(history)
            refuse_inputs([output.file], named_inputs(Flags(history=url)))
            write_texts([(output.file, view(url, targets, output.format))])

        output = click.option(
            "-o",
            "--output",
            default=formats[0],
            metavar="FORMAT[=FILE]",
            callback=lambda _context, _parameter, value: parse_output(value, formats),
            help=f"{', '.join(formats)}; without FILE to standard output. Default: {formats[0]}.",
        )
        return command.command(name)(options.history(_targets(output(run))))

    return made


def _dumped(value: JSON) -> str:
    return inert_json(json.dumps(value, indent=2)) + "\n"


@_view("open", "text", "json")
def _open(url: str, targets: tuple[str, ...], output: str) -> str:
    """List what is open: worst first, then newest, with age and owner."""
    items = store.open_items(url, targets)
    if output == "json":
        return _dumped({"items": [_item_json(item) for item in items]})
    if not items:
        return "Nothing is open.\n"
    now = environment.report_time().strftime("%Y-%m-%dT%H:%M:%SZ")
    columns: dict[str, list[str]] = {
        "severity": [item.severity.value for item in items],
        "since": [since_text(item.first_seen, now) for item in items],
        "report": [item.report_id or "-" for item in items],
        "command": [item.command for item in items],
        "deployment": [_where(item) for item in items],
        "path or rule": [item.key.path or item.key.rule or "" for item in items],
        "owner": [item.owner or "-" for item in items],
    }
    return _table(columns, ("report", "command"))


def _item_json(item: Item) -> dict[str, JSON]:
    state = "new" if item.first_seen == item.last_seen else "changed" if item.changed_at == item.last_seen else "known"
    return {
        "target": item.target,
        "deployment": item.key.deployment,
        "path": item.key.path,
        "rule": item.key.rule,
        "first_seen": item.first_seen,
        "last_seen": item.last_seen,
        "state": state,
        "severity": item.severity.value,
        "owner": item.owner,
        "command": item.command,
        "report_id": item.report_id,
        "began_after": item.after,
        "began_before": item.before,
        "changed_at": item.changed_at,
        **values(item),
    }


def _where(item: Item) -> str:
    name = item.key.deployment or "(no deployment)"
    return name if item.target is None else f"{item.target}/{name}"


def _table(columns: dict[str, list[str]], optional: Iterable[str] = ()) -> str:
    """Return a table of columns by their heads; an optional column is left out if all its cells are equal."""
    kept = {head: cells for head, cells in columns.items() if head not in optional or len(set(cells)) > 1}
    shown = [[head, *map(visible, cells)] for head, cells in kept.items()]
    widths = [max(map(len, column)) for column in shown]
    rows = zip(*shown, strict=True)
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return inert("".join(f"{line}\n" for line in lines))


@_view("list", "text", "json")
def _list(url: str, targets: tuple[str, ...], output: str) -> str:
    """List the recorded runs, newest first."""
    records = _runs_json(reversed(store.runs(url, targets)))
    if output == "json":
        return _dumped({"runs": records})
    if not records:
        return "No run has been recorded.\n"
    columns: dict[str, list[str]] = {
        "run": [record["id"][:12] for record in records],
        "time": [record["generated_at"] for record in records],
        "command": [record["command"] for record in records],
        "report": [record["report_id"] or "-" for record in records],
        "target": [record["target"] or "-" for record in records],
        "outcome": [record["outcome"] + ("" if record["conclusive"] else " (not conclusive)") for record in records],
        "items": [f"{record['open']} open, +{record['opened']} -{record['resolved']}" for record in records],
    }
    return _table(columns, ("report", "target"))


def _runs_json(rows: Iterable[RunRow]) -> list[dict[str, Any]]:
    """Return the records of runs, one for each target."""
    return [
        {
            "id": row.id,
            "generated_at": row.generated_at,
            "command": row.info["command"],
            "report_id": row.info["report_id"],
            **{
                name: part[name]
                for name in ("target", "outcome", "conclusive", "open", "opened", "changed", "resolved")
            },
            "sha256": row.sha256,
        }
        for row in rows
        for part in row.parts
        if part["is_target"]
    ]


@command.command("show")
@click.argument("run_id", metavar="RUN")
@options.history
@options.rendering
def show_command(flags: Flags, reporting: Reporting, run_id: str) -> None:
    """Show the report of a run as it was.

    RUN is the id of the run, or the first characters of it.
    """
    from driftcheck.cli import run  # slow to load

    with run.failures_reported("history", reporting, reads=named_inputs(flags)):
        from driftcheck.formats.report_json import read

        write_report(read(store.report_text(_database(flags.history), run_id)), reporting)


@_view("trend", "text", "json", "html")
def _trend(url: str, targets: tuple[str, ...], output: str) -> str:
    """Show how many items were open, day by day."""
    found = trend(store.runs(url, targets), store.episodes(url, targets))
    if output == "html":
        from driftcheck.history.trend_page import render

        return render(found, f"Drift over time{''.join(f', {visible(name)}' for name in targets)}")
    if output == "json":
        points = [asdict(point) | {"open": point.open} for point in found.points]
        return _dumped({"points": points, "months": [asdict(month) for month in found.months]})
    return _trend_text(found.points)


def _trend_text(points: Sequence[Point]) -> str:
    if not points:
        return "No run has been recorded.\n"
    shown = points[-_MOST_ROWS:]
    columns = {
        "day": [point.at[:10] + ("" if point.conclusive else " ?") for point in shown],
        "errors": [str(point.errors) for point in shown],
        "warnings": [str(point.warnings) for point in shown],
        "opened, resolved": [f"+{point.opened} -{point.resolved}" for point in shown],
        "coverage": ["-" if point.coverage is None else f"{point.coverage * 100:.1f} %" for point in shown],
        "oldest": ["-" if point.oldest_days is None else f"{int(point.oldest_days)} d" for point in shown],
    }
    unknown = "? The last run of the day was inconclusive.\n" if not all(point.conclusive for point in shown) else ""
    earlier = f"({len(points) - _MOST_ROWS} earlier days: -o json, -o html)\n" if len(points) > _MOST_ROWS else ""
    return f"{_sparkline(points)}\n{_table(columns)}{unknown}{earlier}"


def _sparkline(points: Sequence[Point]) -> str:
    """Return the number of open items over time as a line of bars; digits if the terminal can't show them."""
    shown = points[:: -(-len(points) // _MOST_POINTS)]
    most = max(point.open for point in shown) or 1
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower()
    bars = _BARS if encoding.startswith("utf") else "01234567"
    line = "".join(bars[point.open * (len(bars) - 1) // most] for point in shown)
    return f"open  {line}  now {points[-1].open}, most {max(point.most for point in points)}"


@command.command("prune")
@options.history
@click.option("--keep", required=True, metavar="DAYS", callback=options.as_duration, help="Keep this many days (400d).")
def prune_command(history: str | None, keep: timedelta) -> None:
    """Delete runs, and items resolved, before the days to keep. What is open stays."""
    limit = (environment.report_time() - keep).strftime("%Y-%m-%dT%H:%M:%SZ")
    runs, items = store.prune(_database(history), limit)
    console.write(f"Deleted runs before {limit}: {runs}. Deleted items resolved before it: {items}.\n")


@_view("export", "jsonl", "csv")
def _export(url: str, targets: tuple[str, ...], output: str) -> str:
    """Write every item that was recorded, with its times.

    Each has the SHA-256 of the reports that opened and resolved it. JSON lines hold the runs too.
    """
    runs = store.runs(url, targets)
    sha256 = {row.id: row.sha256 for row in runs}
    items = [_exported(item, sha256) for item in store.all_items(url, targets)]
    if output == "csv":
        return _csv(items)
    records = [{"type": "run"} | record for record in _runs_json(runs)] + [{"type": "item"} | item for item in items]
    return inert_json("".join(json.dumps(record) + "\n" for record in records))


def _exported(item: Item, sha256: dict[str, str]) -> dict[str, JSON]:
    record = _item_json(item) | {
        "resolved_at": item.resolved_at,
        "opened_run": item.opened_run,
        "opened_sha256": sha256.get(item.opened_run),
        "resolved_run": item.resolved_run,
        "resolved_sha256": sha256.get(item.resolved_run or ""),
    }
    return {name: value for name, value in record.items() if name != "state"}


def _csv(items: Iterable[dict[str, JSON]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)  # whatever separates a reader's cells
    writer.writerow([*_COLUMNS, "declared", "live"])
    for item in items:
        values = [json.dumps(item[name]) if name in item else None for name in ("declared", "live")]
        writer.writerow([_cell(value) for value in [*(item[name] for name in _COLUMNS), *values]])
    return inert(text.getvalue())


def _cell(value: str | None) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    text = visible(value or "")
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "|", "%")) else text
