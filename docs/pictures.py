"""Terminal pictures and screenshots from real runs over examples/quickstart: `python docs/pictures.py`.

The SVGs hold what the commands print. The screenshots need Chromium and are left alone without it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
QUICKSTART = ROOT / "examples" / "quickstart"
RUNS = {
    "check": "check deployments --live live.json",
    "adopt": "adopt deployments --live live.json --path source_config.resource_spec.max_scale",
    "explain": "explain cpu_limit",
}
COLORS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#79c0ff", "35": "#d2a8ff", "36": "#76e3ea"}
SCREENS = {"report": (1280, 900), "report-small": (390, 844)}
LINE, CHARACTER, MARGIN = 19, 8.43, 18


def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    for name, arguments in RUNS.items():
        (PICTURES / f"{name}.svg").write_text(picture(arguments), encoding="utf-8")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("No Chromium was found: the screenshots are not updated.")  # noqa: T201
    else:
        screenshots(chromium)


def picture(arguments: str) -> str:
    """Return one run of the command as an SVG."""
    command = [sys.executable, "-m", "driftcheck", *arguments.split()]
    if arguments.startswith("check"):
        command += ["--color", "always"]
    ran = subprocess.run(command, cwd=QUICKSTART, capture_output=True, text=True, check=False, timeout=60)
    return svg([f"$ driftcheck {arguments}", *ran.stdout.rstrip("\n").split("\n")])


def svg(lines: list[str]) -> str:
    """Draw lines with terminal colours."""
    width = max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines) * CHARACTER + 2 * MARGIN
    height = len(lines) * LINE + 2 * MARGIN
    text = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + LINE * number + 14}">{_spans(line)}</text>'
        for number, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}">\n'
        "<style>text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #e6edf3; "
        "white-space: pre } .b { font-weight: bold } .d { fill: #9198a1 }</style>\n"
        f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n{text}\n</svg>\n'
    )


def _spans(line: str) -> str:
    spans, codes = [], ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b["):
            codes = part[2:-1]
        elif part:
            spans.append(_span(part, codes.split(";")))
    return "".join(spans)


def _span(text: str, codes: list[str]) -> str:
    names = " ".join(name for code, name in (("1", "b"), ("2", "d")) if code in codes)
    colors = [COLORS[code] for code in codes if code in COLORS]
    marks = (f' class="{names}"' if names else "") + (f' style="fill:{colors[0]}"' if colors else "")
    return f"<tspan{marks}>{escape(text)}</tspan>" if marks else escape(text)


def screenshots(chromium: str) -> None:
    """Photograph the HTML report on a large and on a small screen."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "report.html"
        command = [sys.executable, "-m", "driftcheck", *RUNS["check"].split(), "-o", f"html={page_file}"]
        subprocess.run(command, cwd=QUICKSTART, check=False, timeout=60)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (width, height) in SCREENS.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(page_file.as_uri())
            page.screenshot(path=PICTURES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
