"""The HTML page in a real browser: chromium through playwright; skipped, visibly, where either is absent."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from driftcheck.formats import RenderOptions, html
from driftcheck.model import Finding, Report, Severity, Status
from tests.formats.html_samples import ATTACKS, hostile
from tests.formats.reports import (
    AUDIT,
    CLAIMS,
    DRIFT,
    ELSEWHERE,
    IGNORED,
    INCOMPLETE,
    INVALID,
    SAMPLES,
    TARGETS,
    THREE_WAY,
    huge,
    report,
)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed, so the page is not tried in one"),
]

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
URL = "http://report.invalid/"
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (it is in group dev)")
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@dataclass
class Seen:
    """A page, and everything that it did besides being shown."""

    page: Any
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def assert_inert(self) -> None:
        assert self.requests == []
        assert self.dialogs == []
        assert self.messages == []
        assert self.page.evaluate("[window.violations ?? [], window.ran ?? null]") == [[], None]
        assert self.page.url.startswith(URL)


SOME_IGNORED = report(replace(CLAIMS, changes=(*CLAIMS.changes, IGNORED)))

Open = Callable[..., Any]


@pytest.fixture
def visit(browser: Any) -> Open:
    @contextmanager
    def opened(subject: Report, path: str = "", **context: Any) -> Iterator[Seen]:
        settings = {"viewport": {"width": 1280, "height": 900}} | context
        held = browser.new_context(**settings)
        try:
            seen = Seen(held.new_page())
            text = html.render(subject, RenderOptions())

            def answer(route: Any) -> None:
                if route.request.url == URL and route.request.is_navigation_request():
                    route.fulfill(body=text, content_type="text/html; charset=utf-8")
                else:
                    seen.requests.append(route.request.url)
                    route.abort()

            def dismiss(dialog: Any) -> None:
                seen.dialogs.append(dialog.message)
                dialog.dismiss()

            held.route("**/*", answer)
            seen.page.add_init_script(WATCH)
            seen.page.on("dialog", dismiss)
            seen.page.on("console", lambda message: seen.messages.append(message.text))
            seen.page.on("pageerror", lambda error: seen.messages.append(str(error)))
            seen.page.goto(URL + path)
            yield seen
        finally:
            held.close()

    return opened


def names(page: Any) -> list[str]:
    """Return the deployments that are shown."""
    return page.eval_on_selector_all(".deployment:not([hidden]) h3", "all => all.map((each) => each.textContent)")


def box(page: Any, name: str) -> Any:
    """Return a filter's box by its label."""
    return page.get_by_role("checkbox", name=name)


def until(page: Any, condition: str) -> None:
    """Ask until the condition holds; the page's policy keeps playwright's own wait from working."""
    assert any(page.evaluate(condition) for _ in range(500)), condition


def counted(page: Any) -> str:
    return page.get_by_role("status").inner_text()


# What can't happen


def all_attacks() -> Report:
    """Put every attack into one report: each in its own deployment, all together where there is one field."""
    joined, *each = (hostile(attack) for attack in (" ".join(ATTACKS), *ATTACKS))
    deployments = [comparison for subject in each for comparison in subject.deployments]
    findings = [finding for subject in each for finding in subject.findings]
    return replace(joined, deployments=(*joined.deployments, *deployments), findings=(*joined.findings, *findings))


@pytest.mark.parametrize("scripts", [True, False])
def test_O4_no_hostile_text_runs_asks_or_leaves(visit: Open, scripts: bool) -> None:
    with visit(all_attacks(), java_script_enabled=scripts) as seen:
        page = seen.page
        assert page.locator(".deployment").count() == len(ATTACKS) + 1
        if scripts:
            page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            for attack in ATTACKS:
                page.get_by_label("Any text").fill(attack.replace("\ud800", ""))
            page.get_by_role("button", name="Reset").click()
        page.locator("section:has(#suppressed-title) a").first.click()
        page.mouse.move(300, 300)
        page.mouse.click(300, 300)
        seen.assert_inert()


def test_O4_the_watch_sees_what_the_policy_stops(visit: Open) -> None:
    with visit(DRIFT) as seen:
        seen.page.evaluate(
            """() => {
                document.body.insertAdjacentHTML("beforeend", "<img src='http://elsewhere.invalid/x.png'>");
                document.body.setAttribute("onclick", "window.ran = 1");
                const script = document.createElement("script");
                script.textContent = "window.ran = 2";
                document.body.append(script);
                document.body.click();
            }"""
        )
        until(seen.page, "window.violations.length >= 3")
        assert {"img-src", "script-src-attr", "script-src-elem"} <= set(seen.page.evaluate("window.violations"))
        assert seen.page.evaluate("window.ran") is None
        assert seen.requests == []


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_asks_for_nothing_and_keeps_its_own_policy(visit: Open, name: str) -> None:
    with visit(SAMPLES[name]) as seen:
        seen.assert_inert()


# Filters


def test_the_filters_by_status_narrow_and_widen(visit: Open) -> None:
    with visit(DRIFT) as seen:
        page = seen.page
        assert counted(page) == "Showing 212 of 212 deployments"
        box(page, "Drifted").check()
        assert names(page) == ["claims-agent"]
        box(page, "Missing").check()
        assert names(page) == ["billing-agent", "claims-agent"]
        assert counted(page) == "Showing 2 of 212 deployments"
        page.get_by_role("button", name="Reset").click()
        until(page, "document.getElementById('shown').textContent.startsWith('Showing 212')")
        assert len(names(page)) == 212


def test_the_filter_by_severity_covers_deployments_and_findings(visit: Open) -> None:
    with visit(THREE_WAY) as seen:
        page = seen.page
        box(page, "Warning").check()
        assert counted(page) == "Showing 0 of 12 deployments and 1 of 1 other finding"
        assert page.get_by_text("an ignore rule was added").is_visible()
        box(page, "Warning").uncheck()
        box(page, "Note").check()
        assert names(page) == ["orders-agent"]
        assert not page.get_by_text("an ignore rule was added").is_visible()


def test_the_filters_by_name_and_by_text_look_for_parts_in_any_case(visit: Open) -> None:
    with visit(DRIFT) as seen:
        page = seen.page
        page.get_by_label("Name").fill("SCRATCH-19")
        assert names(page) == [f"scratch-19{number}" for number in range(10)]
        page.get_by_label("Name").fill("")
        page.get_by_label("Any text").fill("otel:0.99.0")
        assert names(page) == ["claims-agent"]
        box(page, "Missing").check()
        assert names(page) == []
        assert counted(page) == "Showing 0 of 212 deployments"


def test_the_filters_cover_findings_where_there_is_no_deployment(visit: Open) -> None:
    with visit(INVALID) as seen:
        page = seen.page
        page.get_by_label("Name").fill("claims")
        assert counted(page) == "Showing 1 of 3 findings"
        assert page.get_by_text("memory_limit_mb").is_visible()
        assert not page.get_by_text("prod/agents.yaml:33:7").is_visible()


def test_the_address_keeps_the_filters(visit: Open) -> None:
    with visit(DRIFT) as seen:
        page = seen.page
        box(page, "Missing").check()
        page.get_by_label("Name").fill("bill & co=")
        assert page.evaluate("location.hash") == "#name=bill+%26+co%3D&status=missing"
        page.evaluate("location.hash = 'status=drifted&name=claims'")
        until(page, "document.getElementById('shown').textContent.startsWith('Showing 1 ')")
        assert names(page) == ["claims-agent"]
        assert box(page, "Drifted").is_checked()
        assert not box(page, "Missing").is_checked()
    with visit(DRIFT, "#status=missing") as seen:
        assert names(seen.page) == ["billing-agent"]


def test_a_link_opens_the_deployment_it_leads_to(visit: Open) -> None:
    with visit(hostile("plain words here")) as seen:
        page = seen.page
        page.get_by_role("button", name="Close all").click()
        page.locator("section:has(#suppressed-title) a").first.click()
        until(page, "document.querySelector('.deployment').open")
        assert page.evaluate("document.activeElement.closest('.deployment').id") == "d1"


def test_thousands_of_deployments_are_filtered_in_one_go(visit: Open) -> None:
    with visit(huge(3_000, 300)) as seen:
        page = seen.page
        page.get_by_label("Any text").fill("agent-00299")
        assert names(page) == ["agent-00299"]
        assert counted(page) == "Showing 1 of 3,000 deployments"


# For everybody


def test_without_javascript_everything_is_shown_or_one_click_away_and_no_filter_is(visit: Open) -> None:
    with visit(AUDIT, java_script_enabled=False) as seen:
        page = seen.page
        assert not page.get_by_role("search").is_visible()
        for text in ("source_config.listener_config.k8s_namespace", "memory_limit", "otel"):
            for each in page.get_by_text(text, exact=False).all()[:5]:
                assert each.is_visible()
        assert page.get_by_text("prod/search.yaml:84:5").first.is_visible()
        page.get_by_text("200 live deployments are not declared").click()
        assert page.locator(".deployment:visible").count() == 212
        page.get_by_text("scratch-000").click()
        assert page.get_by_text("live, but not declared", exact=False).first.is_visible()


def test_on_paper_everything_is_shown_and_no_control_is(visit: Open) -> None:
    with visit(AUDIT) as seen:
        page = seen.page
        page.get_by_role("button", name="Close all").click()
        assert not page.get_by_text("0.104").is_visible()
        page.emulate_media(media="print")
        assert page.get_by_text("0.104").is_visible()
        assert not page.get_by_role("button", name="Reset").is_visible()
        assert not page.get_by_label("Name").is_visible()
        page.emulate_media(media="screen")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("details:not([open])").count() == 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator(".deployment[open]").count() == 0


def test_every_control_is_reached_and_worked_by_keyboard(visit: Open) -> None:
    with visit(THREE_WAY) as seen:
        page = seen.page
        reached = []
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                """() => {
                    const at = document.activeElement;
                    const ring = at.matches("[type=checkbox]") ? at.parentElement : at;
                    return [at.tagName, at.getAttribute("value") || at.name || at.textContent.slice(0, 40),
                            getComputedStyle(ring).outlineStyle];
                }"""
            )
            if focused[0] == "BODY":
                break
            assert focused[2] == "solid", focused
            reached.append(focused[1])
        assert reached[0] == "Skip to the results"
        first = reached.index("name")
        assert ["claims-agent" in reached[1], "orders-agent" in reached[2]] == [True, True]
        assert reached[first : first + 4] == ["name", "text", "drifted", "proposed"]
        assert reached[first + 9 : first + 12] == ["Reset", "Open all", "Close all"]
        assert sum("search-" in each for each in reached) == 10
        page.locator(".deployment summary").first.focus()
        page.keyboard.press("Enter")
        assert not page.locator(".deployment").first.evaluate("(each) => each.open")
        box(page, "Proposed").focus()
        page.keyboard.press("Space")
        assert names(page) == ["orders-agent"]


@pytest.mark.parametrize("width", [360, 1280])
def test_a_screen_reader_finds_landmarks_headings_and_tables(visit: Open, width: int) -> None:
    with visit(THREE_WAY, viewport={"width": width, "height": 800}) as seen:
        page = seen.page
        for role in ("banner", "main", "contentinfo", "search", "status"):
            assert page.get_by_role(role).count() == 1
        assert page.get_by_role("heading", level=1).inner_text() == "Drift"
        headings = page.get_by_role("heading", level=2).all_inner_texts()
        assert headings == ["Needs attention", "Other deployments", "Summary", "Inventory", "Findings by rule"]
        table = page.get_by_role("table", name="Fields of claims-agent that differ")
        heads = ["Field", "Base", "Declared", "Live"]
        assert table.get_by_role("columnheader").all_text_contents() == heads
        assert table.get_by_role("rowheader").count() == 2
        assert table.get_by_role("cell").count() == 6
        assert page.get_by_role("img", name="Deployments by status").count() == 1
        assert page.get_by_role("group", name="Status").get_by_role("checkbox").count() == 3


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => {
    const [r, g, b] = rgba(color).map((each) => each / 255)
      .map((each) => each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (rgba(color)[3] === 255) return color;
    }
    return getComputedStyle(document.documentElement).colorScheme.includes("dark") ? "#000" : "#fff";
  };
  const poor = new Set();
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!own || element.closest("svg, script, style") || !element.checkVisibility()) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.add(`${element.className} ${element.textContent.slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return [...poor];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "subject", [THREE_WAY, SOME_IGNORED, INCOMPLETE, INVALID], ids=["three-way", "ignored", "gap", "invalid"]
)
def test_text_is_readable_and_fits_at_every_width(visit: Open, subject: Report, scheme: str) -> None:
    with visit(subject, color_scheme=scheme) as seen:
        page = seen.page
        assert page.evaluate(CONTRAST) == []
        grounds = {"light": "rgb(247, 247, 245)", "dark": "rgb(20, 23, 26)"}
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == grounds[scheme]
        for width in (320, 360, 768, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def many_targets() -> Report:
    """Return a report of two targets with 40 deployments each, of which 20 drifted, and notes on all of them."""
    deployments = [
        replace(each, name=f"agent-{number:02}", status=status, changes=each.changes if drifted else ())
        for number in range(40)
        for each in TARGETS.deployments
        for drifted in [number % 2 == 0]
        for status in [Status.DRIFTED if drifted else Status.IN_SYNC]
    ]
    notes = [
        Finding("long-name", Severity.NOTE, "long", deployment=each.name, target=each.target) for each in deployments
    ]
    general = [Finding("unused-ignore", Severity.NOTE, "An ignore rule matched nothing.") for _ in range(10)]
    return replace(TARGETS, deployments=tuple(deployments), findings=(*TARGETS.findings, *notes, *general))


@pytest.mark.parametrize(("width", "height"), [(1600, 900), (900, 700), (390, 844)])
@pytest.mark.parametrize(
    "subject",
    [DRIFT, THREE_WAY, ELSEWHERE, TARGETS, many_targets()],
    ids=["one", "base", "elsewhere", "targets", "many"],
)
def test_the_first_deployment_is_on_the_first_screen_and_filters_come_after(
    visit: Open, subject: Report, width: int, height: int
) -> None:
    with visit(subject, viewport={"width": width, "height": height}) as seen:
        first = seen.page.locator(".deployment > summary").first.bounding_box()
        filters = seen.page.locator("#filters").bounding_box()
        assert first["y"] + first["height"] <= height or (subject.targets and width == 390)
        assert filters["y"] > first["y"]
        assert seen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
