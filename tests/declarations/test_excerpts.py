"""Errors in files come with the line that they are about, unless it may hold a secret."""

from __future__ import annotations

from dataclasses import replace

import pytest

from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.excerpts import masked
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


ODD = """\
# a comment with sk-ant-api03-plantedAAAAAAAAAAAAAAAA
x-a: &a planted
x-list: &list
  - {name: A, value: planted}
x-entry: &entry {value: planted, name: C}
defaults:
  source_config: {resource_spec: {sidecars: [{name: z, env: [{"name": Q, "value": "pl\\x61nted"}]}]}}
deployments:
  - name: a
    source_config:
      resource_spec:
        labels: {url: "https://user:planted@host/x", shown: shown}
        sidecars:
          - name: s
            env:
              - name: B
                value: *a
              - <<: *entry
                name: D
              - name: E
                value: |  # shown
                  planted

                    planted
              - name: F
                value: "planted \\
                  planted"
              - name: shown
                valueFrom: {secretKeyRef: {name: shown, key: shown}}
          - name: t
            env: *list
overlay:
  - name: a
    source_config: {resource_spec: {init_containers: [{name: i, env: [{name: K, value: 'planted'}]}]}}
"""


@pytest.mark.parametrize("text", [ODD, "\ufeff" + ODD, ODD.replace("\n", "\r\n")])
def test_K7_no_value_that_may_be_secret_is_left_in_the_text_of_a_file(text: str) -> None:
    shown = masked(text.encode())
    assert "planted" not in shown
    assert "\\x61" not in shown
    assert shown.count("shown") == ODD.count("shown")
    assert [len(line) - len(line.rstrip("\r")) for line in shown.split("\n")] == [
        len(line) - len(line.rstrip("\r")) for line in text.split("\n")
    ]
