"""Hooks of the site's build: the reference is generated from the code, links into the repository become text."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

import reference


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for name, text in reference.pages().items():
        files.append(File.generated(config, f"reference/{name}", content=text))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Turn links to files outside docs/ into text: the site works without the repository."""
    return re.sub(r"\[([^]]*)\]\(\.\./([^)]*)\)", _as_text, markdown)


def _as_text(link: re.Match[str]) -> str:
    text, path = link[1], link[2]
    return f"`{path}`" if path.startswith(text.strip("`")) else f"{text} (`{path}`)"
