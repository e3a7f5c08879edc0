"""A report as text, one module a format, loaded when it is asked for.

A format is a module with `render(report, options) -> str`: pure, the same bytes for the same
report, every piece of the data made harmless where the text will be shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from driftcheck.model import Report


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How a report is to be shown; a format passes over what it has no use for."""

    color: bool = False
    """Terminal colours; nothing else of a text differs with them."""
    verbose: int = 0
    quiet: bool = False
    max_bytes: int = 65_536
    """The most bytes of UTF-8 that Markdown may take; the default is the limit of a comment on GitHub."""


FORMATS: Final[dict[str, str]] = {
    "text": "driftcheck.formats.text:render",
    "json": "driftcheck.formats.json:render",
    "ndjson": "driftcheck.formats.ndjson:render",
    "markdown": "driftcheck.formats.markdown:render",
    "html": "driftcheck.formats.html:render",
    "sarif": "driftcheck.formats.sarif:render",
    "junit": "driftcheck.formats.junit:render",
    "github": "driftcheck.formats.github:render",
    "gitlab": "driftcheck.formats.gitlab:render",
    "openmetrics": "driftcheck.formats.openmetrics:render",
}
"""Every format by the name it is asked for: where its function stands."""


def load(name: str) -> Callable[[Report, RenderOptions], str]:
    """Load the format of this name (a key of `FORMATS`), and give its function."""
    module, _, function = FORMATS[name].partition(":")
    rendering: Callable[[Report, RenderOptions], str] = getattr(import_module(module), function)
    return rendering


def render(name: str, report: Report, options: RenderOptions) -> str:
    """Render a report in the format of this name (a key of `FORMATS`)."""
    return load(name)(report, options)
