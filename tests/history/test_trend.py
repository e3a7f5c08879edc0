"""The trend: its numbers, and its page in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftcheck.history import store
from driftcheck.history.trend import Trend, trend
from driftcheck.history.trend_page import render
from driftcheck.model import Severity
from tests.history.reports import change, comparison, day, finding, keep, report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def recorded(url: str) -> Trend:
    return trend(store.runs(url), store.all_items(url))


def test_a_day_is_shown_as_its_last_run_left_it(sqlite: str) -> None:
    drift = [comparison("a", [change(), change("labels.x", severity=Severity.WARNING)]), comparison("b")]
    keep(sqlite, "r1", report(0, drift))
    keep(sqlite, "r2", report(0.5, [comparison("a", [change()]), comparison("b")]))
    keep(sqlite, "r3", report(4, complete=False))
    points = recorded(sqlite).points
    assert [(p.at, p.errors, p.warnings, p.opened, p.resolved, p.conclusive) for p in points] == [
        (day(0.5), 1, 0, 2, 1, True),
        (day(4), 1, 0, 0, 0, False),
    ]
    assert [p.oldest_days for p in points] == [0.5, 4]


def test_coverage_is_the_last_known_one(sqlite: str) -> None:
    keep(sqlite, "r1", report(0, [comparison("a"), comparison("b")]))
    keep(sqlite, "r2", report(1, complete=False))
    assert [round(p.coverage, 3) for p in recorded(sqlite).points if p.coverage] == [0.667, 0.667]


def test_months_show_the_median_time_to_resolve(sqlite: str) -> None:
    for name, days in (("a", 1), ("b", 3), ("c", 20)):
        keep(sqlite, f"{name}1", report(0, [comparison(name, [change()])], report_id=name))
        keep(sqlite, f"{name}2", report(days, report_id=name))
    [month] = recorded(sqlite).months
    assert (month.month, month.resolved, month.median_days, month.longest_days) == ("2026-01", 3, 3, 20)


def filled(url: str, days: int) -> Trend:
    for number in range(days):
        changes = [change(f"labels.k{i}") for i in range(number % 7)]
        warnings = [finding("rollout-pending", f"d{i}", severity=Severity.WARNING) for i in range(number % 3)]
        keep(url, f"r{number}", report(number, [comparison("a", changes)], warnings, complete=number % 11 != 10))
    return recorded(url)


def test_each_number_of_the_charts_is_in_a_table(sqlite: str) -> None:
    found = filled(sqlite, 40)
    page = render(found, "Drift")
    rows = re.findall(r'<tr><th scope="row">(\d{4}-\d\d-\d\d)</th><td>(\d+)</td><td>(\d+)</td>', page)
    assert rows == [(p.at[:10], str(p.errors), str(p.warnings)) for p in reversed(found.points)]
    assert "<script" not in page
    assert not re.search(r'\s(?:style|on\w+)="', page)
    assert not re.search(r'(?:src|href)="', page)


@pytest.mark.parametrize("days", [0, 1, 2])
def test_a_short_history_has_a_page(sqlite: str, days: int) -> None:
    keep(sqlite, "elsewhere", report(0, command="audit"))
    found = filled(sqlite, days)
    assert "nan" not in render(found, "Drift")
    assert "No run has been recorded yet." in render(Trend((), ()), "Drift")


def test_a_title_is_escaped() -> None:
    assert "<b>" not in render(Trend((), ()), "<b>Drift</b>")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium is installed, so the page is not tried in one")
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        yield launched
        launched.close()


CONTRAST = """
() => {
  const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = (c) => rgb(c).map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (c !== "rgba(0, 0, 0, 0)") return c;
    }
    return "rgb(255, 255, 255)";
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
  };
  const texts = [...document.querySelectorAll("h1, h2, p, dt, dd, td, th, li, span, summary")].slice(0, 200)
    .map((e) => ratio(getComputedStyle(e).color, behind(e)));
  const lines = [...document.querySelectorAll("svg path")].map((e) => ratio(getComputedStyle(e).stroke, behind(e)));
  return [Math.min(...texts), Math.min(...lines)];
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 820, 1400])
def test_the_page_fits_and_can_be_read_at_every_width(
    browser: Any, tmp_path: Path, sqlite: str, width: int, scheme: str
) -> None:
    file = tmp_path / "trend.html"
    file.write_text(render(filled(sqlite, 40), "Drift over time"), "utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("request", lambda request: None if request.url == file.as_uri() else messages.append(request.url))
    page.goto(file.as_uri())
    assert messages == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    text, line = page.evaluate(CONTRAST)
    assert text >= 4.5
    assert line >= 3
    names = page.get_by_role("img")
    assert names.count() == 4
    assert "errors" in names.first.get_attribute("aria-label")
    page.close()
