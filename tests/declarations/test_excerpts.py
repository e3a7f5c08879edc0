"""Errors in files come with the line that they are about, unless it may hold a secret."""

from __future__ import annotations

from dataclasses import replace

import pytest

from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.loader import declare
from driftcheck.formats import RenderOptions, render
from driftcheck.model import Finding, Severity
from tests.formats.reports import IN_SYNC

SIDECAR = "sidecars:\n          - name: s\n            image: i\n            "
SPEC = "deployments:\n  - name: a\n    source_config:\n      resource_spec:\n        "


def errors(text: str) -> list[Finding]:
    found = declare([SourceText("a.yaml", text.encode())]).findings
    return [each for each in found if each.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{SPEC}cpu: 500m\n", "        cpu: 500m"),
        (f"{SPEC}cpuu: 1\n", "        cpuu: 1"),
        ("deployments:\n  - name: a\n  source: github\n", "  source: github"),
        ("deployments:\r\n  - nane: a\r\n", "  - nane: a"),
    ],
)
def test_an_error_shows_its_line(text: str, line: str) -> None:
    assert line in {found.excerpt for found in errors(text)}


@pytest.mark.parametrize(
    "text",
    [
        "deployments:\n  - name: a\n    secrets: [{name: T, value: planted}]\n",
        "deployments:\n  - name: a\n    secrets:\n      - {nam: planted}\n",
        f"{SPEC}sidecars: [{{name: s, image: i, env: [{{name: 1 2, value: planted}}]}}]\n",
        f"{SPEC}labels:\n          api_key: planted\n          api_key: planted\n",
        "deployments:\n  - name: a\n    display_name: |\n      first\n    planted\n",
        f"{SPEC}{SIDECAR}env:\n            - {{name: P, valu: planted}}\n",
        f"{SPEC}{SIDECAR}env:\n            - name: P\n              valu: planted\n",
        f"{SPEC}{SIDECAR}env:\n            - DB=planted\n",
        f"{SPEC}{SIDECAR}env: 'DB: planted'\n",
        f"{SPEC}labels:\n          note: |\n            login: planted\x01\n",
        "deployments:\n  - name: a\n    source_config: {repo_url: 'https://user:planted@example.com/x', x: 1}\n",
    ],
)
def test_K7_a_line_that_may_hold_a_secret_is_not_shown(text: str) -> None:
    found = errors(text)
    assert found
    assert all("planted" not in (each.excerpt or "") for each in found)


def test_the_caret_is_below_the_column() -> None:
    (found,) = errors(f"{SPEC}cpu: 500m\n")
    report = replace(IN_SYNC, findings=(found,))
    text = render("text", report, RenderOptions(verbose=1))
    above, caret = next(
        (line, below) for line, below in zip(text.splitlines(), text.splitlines()[1:], strict=False) if "5 | " in line
    )
    assert above.index("500m") == caret.index("^")
    assert "5 | " not in render("text", report, RenderOptions())


def test_a_long_line_has_no_excerpt_and_an_odd_one_is_escaped() -> None:
    assert [each.excerpt for each in errors(f"{SPEC}cpu: {'5' * 400}m\n")] == [None]
    found = errors(f"{SPEC}cpu: 5\u202em\n")
    text = render("text", replace(IN_SYNC, findings=tuple(found)), RenderOptions(verbose=1))
    assert "\\u202e" in text
    assert "\u202e" not in text
