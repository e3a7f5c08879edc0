"""The trend as one HTML file: SVG charts, each with a table of the same numbers.

The page runs no script and sends no requests. Numbers and dates alone are drawn, so the charts hold no text of the
data; labels are HTML next to the drawing, which may be stretched to any width.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib import resources
from typing import Final

from driftcheck.history.trend import Point, Trend

_WIDTH: Final = 1000
_HEIGHT: Final = 200


@dataclass(frozen=True, slots=True)
class _Series:
    name: str
    style: str
    values: Sequence[float | None]


def render(trend: Trend, title: str) -> str:
    """Render the trend as a self-contained page."""
    style = resources.files(__package__).joinpath("trend.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    body = "".join(_sections(trend)) if trend.points else "<p>No run has been recorded yet.</p>"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n{body}</main>\n</body>\n</html>\n"
    )


def _sections(trend: Trend) -> Iterable[str]:
    points = trend.points
    last = points[-1]
    yield f"<p>{_count(len(points), 'day')} with runs, {points[0].at[:10]} to {last.at[:10]}.</p>\n"
    yield '<dl class="figures">'
    yield _figure("Open errors", f"{last.errors}")
    yield _figure("Open warnings", f"{last.warnings}")
    yield _figure("Oldest open item", _days(last.oldest_days))
    yield _figure("Coverage", _percent(last.coverage))
    yield "</dl>\n"
    if not last.conclusive:
        yield '<p class="warning">The last run was inconclusive: open items may have changed since.</p>\n'
    yield '<div class="charts">\n'
    counts = (
        _Series("Errors", "error", [point.errors for point in points]),
        _Series("Warnings", "warning", [point.warnings for point in points]),
    )
    yield _chart("Open items", "by severity", points, counts)
    coverage = _Series("Coverage", "plain", [None if p.coverage is None else p.coverage * 100 for p in points])
    yield _chart("Coverage", "share of live deployments that are declared", points, [coverage], top=100, per_cent=" %")
    age = _Series("Age", "plain", [point.oldest_days for point in points])
    yield _chart("Age of the oldest open item", "in days", points, [age])
    yield _resolution(trend)
    yield "</div>\n"
    yield _table(points)


def _figure(name: str, value: str) -> str:
    return f"<div><dt>{name}</dt><dd>{value}</dd></div>"


def _chart(
    name: str,
    unit: str,
    points: Sequence[Point],
    series: Sequence[_Series],
    *,
    top: float | None = None,
    per_cent: str = "",
) -> str:
    known = [value for each in series for value in each.values if value is not None]
    if len(points) < 2 or not known:
        return _empty(name, unit, "No data yet." if not known else "No data yet: a line needs runs on two days.")
    top = top or _rounded_up(max(known))
    times = [datetime.fromisoformat(point.at).timestamp() for point in points]
    lines = "".join(_line(times, each, top) for each in series)
    gaps = legend = ""
    if len(series) > 1:
        gaps = "".join(_gap(times, index) for index, point in enumerate(points) if not point.conclusive)
        entries = [(each.style, each.name) for each in series]
        entries += [("gap", "Inconclusive runs")] if gaps else []
        legend = "".join(f'<li class="{style}">{text}</li>' for style, text in entries)
        legend = f'<ul class="legend">{legend}</ul>'
    summary = "; ".join(_summary(each, points, per_cent) for each in series)
    scale = [f"{value:g}{per_cent}" for value in (top, top / 2, 0)]
    middle = datetime.fromtimestamp((times[0] + times[-1]) / 2, UTC).strftime("%Y-%m-%d")
    ends = (points[0].at[:10], *([middle] if len(points) > 2 else []), points[-1].at[:10])
    return _framed(name, unit, f"{name}, {unit}: {summary}.", gaps + lines, scale, ends, legend=legend)


def _empty(name: str, unit: str, text: str) -> str:
    return (
        f'<figure>\n<figcaption><h2>{name}</h2><p class="unit">{unit}</p></figcaption>\n'
        f'<p class="empty">{text}</p>\n</figure>\n'
    )


def _framed(
    name: str,
    unit: str,
    summary: str,
    drawing: str,
    scale: Sequence[str],
    ends: Sequence[str],
    *,
    legend: str = "",
    table: str = "",
) -> str:
    grid = "".join(f'<line class="grid" x1="0" x2="{_WIDTH}" y1="{y}" y2="{y}"/>' for y in (0, _HEIGHT // 2, _HEIGHT))
    scale_text = "".join(f"<span>{text}</span>" for text in scale)
    ends_text = "".join(f"<span>{text}</span>" for text in ends)
    return (
        f'<figure>\n<figcaption><h2>{name}</h2><p class="unit">{unit}</p></figcaption>\n{legend}'
        f'<div class="plot"><div class="scale" aria-hidden="true">{scale_text}</div>'
        f'<svg role="img" aria-label="{escape(summary)}" viewBox="0 -4 {_WIDTH} {_HEIGHT + 8}" '
        f'preserveAspectRatio="none">{grid}{drawing}</svg>'
        f'<div class="ends" aria-hidden="true">{ends_text}</div></div>\n{table}</figure>\n'
    )


def _summary(series: _Series, points: Sequence[Point], per_cent: str) -> str:
    known = [(value, point.at[:10]) for value, point in zip(series.values, points, strict=True) if value is not None]
    highest, day = max(known)
    last, last_day = known[-1]
    return (
        f"{series.name.lower()} {round(last, 1):g}{per_cent} on {last_day}, "
        f"highest {round(highest, 1):g}{per_cent} on {day}"
    )


def _x(times: Sequence[float], index: int) -> float:
    return (times[index] - times[0]) / (times[-1] - times[0]) * _WIDTH


def _line(times: Sequence[float], series: _Series, top: float) -> str:
    """Draw steps: a value holds until the next run."""
    commands: list[str] = []
    drawing = False
    for index, value in enumerate(series.values):
        if value is None:
            drawing = False
            continue
        x, y = _x(times, index), _HEIGHT - value / top * _HEIGHT
        commands.append(f"H{x:.1f}V{y:.1f}" if drawing else f"M{x:.1f} {y:.1f}")
        drawing = True
    if len(commands) == 1:  # a single point is a short line
        commands.append("h20")
    return f'<path class="{series.style}" d="{"".join(commands)}"/>' if commands else ""


def _gap(times: Sequence[float], index: int) -> str:
    start = _x(times, index)
    end = _x(times, index + 1) if index + 1 < len(times) else start
    return f'<rect class="gap" x="{start:.1f}" y="0" width="{max(end - start, 3):.1f}" height="{_HEIGHT}"/>'


def _resolution(trend: Trend) -> str:
    months = trend.months
    if not months:
        return _empty("Time to resolve", "median days, by month", "Nothing has been resolved yet.")
    top = _rounded_up(max(month.median_days for month in months))
    step = _WIDTH / len(months)
    bars = "".join(
        f'<rect class="bar" x="{index * step + step * 0.15:.1f}" width="{step * 0.7:.1f}" '
        f'y="{_HEIGHT - month.median_days / top * _HEIGHT:.1f}" height="{month.median_days / top * _HEIGHT:.1f}"/>'
        for index, month in enumerate(months)
    )
    summary = "; ".join(f"{m.month}: {m.median_days:.1f} days, {_count(m.resolved, 'item')}" for m in months)
    rows = "".join(
        f'<tr><th scope="row">{m.month}</th><td>{m.resolved}</td><td>{m.median_days:.1f}</td>'
        f"<td>{m.longest_days:.1f}</td></tr>"
        for m in months
    )
    table = (
        '<details><summary>Months as a table</summary><div class="table" tabindex="0" role="region" '
        'aria-label="Time to resolve by month"><table><thead><tr><th scope="col">Month</th>'
        '<th scope="col">Resolved</th><th scope="col">Median days</th><th scope="col">Longest</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>\n"
    )
    return _framed(
        "Time to resolve",
        "median days, by month",
        f"Time to resolve, median days by month: {summary}.",
        bars,
        [f"{value:g}" for value in (top, top / 2, 0)],
        (months[0].month, months[-1].month),
        table=table,
    )


def _table(points: Sequence[Point]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{p.at[:10]}</th><td>{p.errors}</td><td>{p.warnings}</td><td>{p.opened}</td>'
        f"<td>{p.resolved}</td><td>{_percent(p.coverage)}</td><td>{_days(p.oldest_days)}</td>"
        f"<td>{'yes' if p.conclusive else 'no'}</td></tr>\n"
        for p in reversed(points)
    )
    heads = ("Day", "Errors", "Warnings", "Opened", "Resolved", "Coverage", "Oldest", "Conclusive")
    columns = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return (
        '<section><h2>Day by day</h2>\n<div class="table" tabindex="0" role="region" aria-label="Day by day">'
        f"<table><thead><tr>{columns}</tr></thead>\n<tbody>\n{rows}</tbody></table></div></section>\n"
    )


def _rounded_up(value: float) -> float:
    """Return the next larger number that is round, as is its half."""
    if value <= 2:
        return 2
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (2, 4, 6, 8, 10) if value <= power * step)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _days(days: float | None) -> str:
    return "none" if days is None else _count(int(days), "day")


def _percent(share: float | None) -> str:
    return "not known" if share is None else f"{share * 100:.1f} %"
