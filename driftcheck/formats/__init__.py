"""Output formats: one module each, loaded on demand.

A format is a module with a pure function `render(report, options) -> str`: the same report gives the same bytes, and
all data is escaped for where the text will be shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Final

from driftcheck.model import Report

PIPE_WIDTH: Final = 100
"""Columns of text in a pipe or a file."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The selection of a command line, repeated in the commands that reports suggest."""

    options: str = ""
    """Paths and options that other commands take as well, quoted for a shell."""
    targets: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    base: str = ""
    """The revision that `--base` named, quoted for a shell; empty if it can't be shown."""


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """Options of a report; a format ignores those that it does not need."""

    color: bool = False
    """Terminal colours in text, which change nothing else."""
    verbose: int = 0
    quiet: bool = False
    max_bytes: int = 65_536
    """The most bytes of UTF-8 that Markdown may take; the default is the limit of a comment on GitHub."""
    width: int = PIPE_WIDTH
    """Columns of text."""
    folder: str = ""
    """The folder from which files are named, absolute."""
    repository: str = ""
    """The root of the repository that holds the folder, absolute; empty outside of one."""
    config: str = ""
    """The configuration file, where one is in use."""
    asked: Asked = Asked()
    source_url: str = ""
    """The address below which the platform shows the repository's files at this commit, with a final slash."""


FORMATS: Final[dict[str, str]] = {
    "text": "text",
    "json": "report_json",
    "ndjson": "ndjson",
    "markdown": "markdown",
    "html": "html",
    "sarif": "sarif",
    "junit": "junit",
    "github": "github",
    "gitlab": "gitlab",
    "openmetrics": "openmetrics",
}
"""The name of each format, and its module."""


def render(name: str, report: Report, options: RenderOptions) -> str:
    """Render a report in the format of this name (a key of `FORMATS`)."""
    rendered: str = import_module(f"{__name__}.{FORMATS[name]}").render(report, options)
    return rendered
