"""The hostile corpus: every file quickly leads to the finding in the manifest, and no finding quotes it.

`manifest.json` lists each file with its case of docs/threat-model.md, rule and location of the finding (null
where the file is odd but harmless), which deployments can still be compared, and whether that is all of them. Files
that are large are made here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driftcheck.declarations import loader
from driftcheck.declarations.discovery import SourceText
from driftcheck.model import Declarations, Severity
from tests.loops import case

HOSTILE = Path(__file__).parent / "hostile"
MANIFEST: list[dict[str, Any]] = json.loads((HOSTILE / "manifest.json").read_text(encoding="utf-8"))
CANARY = "canary-5c1d"
MIB = 2**20
SECONDS = 8.0
"""Of processor time, on a machine that is busy with other tests; alone each takes less than two seconds."""

ADVICE = {"missing-source", "unpinned-image", "incomplete-for-create"}
"""What lint reports about declarations as short as these."""


def declare(data: bytes) -> Declarations:
    return loader.declare([SourceText("hostile.yaml", data)])


def by_name(entry: dict[str, Any]) -> str:
    return "-".join([*entry["faults"], entry["file"].removesuffix(".yaml")])


def test_the_corpus_is_large_enough_and_its_manifest_complete() -> None:
    assert len(MANIFEST) >= 60
    assert sorted(entry["file"] for entry in MANIFEST) == sorted(path.name for path in HOSTILE.glob("*.yaml"))


def test_a_hostile_file_has_the_finding_of_its_manifest() -> None:
    for entry in MANIFEST:
        with case(entry["file"]):
            declared = declare((HOSTILE / entry["file"]).read_bytes())
            found = {(finding.rule, finding.location.line, finding.location.column) for finding in located(declared)}
            rules = {rule for rule, _, _ in found} - ADVICE
            if entry["rule"] is None:
                assert rules == set()
            elif entry["line"] is None:
                assert entry["rule"] in rules
            elif entry["column"] is None:
                assert (entry["rule"], entry["line"]) in {(rule, line) for rule, line, _ in found}
            else:
                assert (entry["rule"], entry["line"], entry["column"]) in found
            assert [deployment.name for deployment in declared.deployments] == entry["deployments"]
            assert declared.complete is entry["complete"]


def test_S2_nothing_of_a_hostile_file_is_quoted_and_every_location_exists() -> None:
    for entry in MANIFEST:
        with case(entry["file"]):
            data = (HOSTILE / entry["file"]).read_bytes()
            lines = max(len(data.splitlines()), 1)
            for finding in located(declare(data)):
                assert CANARY not in f"{finding.message} {finding.hint}"
                assert 1 <= finding.location.line <= lines


def located(declared: Declarations) -> list[Any]:
    assert all(finding.location is not None for finding in declared.findings)
    return list(declared.findings)


def test_Y18_every_hostile_file_is_reported_in_one_run_and_hides_no_other() -> None:
    declared = loader.load(["tests/hostile"], here=str(HOSTILE.parent.parent))
    files = {finding.location.file.removeprefix("tests/hostile/") for finding in located(declared)}
    assert files >= {entry["file"] for entry in MANIFEST if entry["rule"] is not None}
    assert "sound" in {deployment.name for deployment in declared.deployments}
    assert not declared.complete


# --- files too large to store ---

SOUND = "deployments:\n- name: sound\n  source: github\n"


def nested_aliases(width: int) -> str:
    levels = [f"x-0: &n0 [{'x,' * width}]"]
    levels += [f"x-{n}: &n{n} [{f'*n{n - 1},' * width}]" for n in range(1, 12)]
    return "\n".join(levels) + "\n" + SOUND


def labels(count: int) -> str:
    return "{" + ",".join(f"k{n}: v" for n in range(count)) + "}"


LARGE: dict[str, tuple[str, Callable[[], str]]] = {
    "Y1-brackets": ("yaml-limit", lambda: "[" * MIB),
    "Y1-entries": ("yaml-limit", lambda: "- " * (MIB // 2)),
    "Y1-braces": ("yaml-limit", lambda: "{a: " * (MIB // 4)),
    "Y1-complex-keys": ("yaml-limit", lambda: "? " * (MIB // 2)),
    "Y1-complex-keys-in-brackets": ("yaml-limit", lambda: "[? " * (MIB // 3)),
    "Y2-wide-alias-bomb": ("yaml-limit", lambda: nested_aliases(1000)),
    "Y2-alias-of-megabyte": ("yaml-limit", lambda: f"x-a: &a '{'z' * MIB}'\nx-b: [{'*a,' * 1000}]\n{SOUND}"),
    "Y2-same-deployment-again": ("duplicate-name", lambda: "deployments:\n- &a {name: one}\n" + "- *a\n" * 20_000),
    "Y3-wide-merge": ("yaml-limit", lambda: f"x-a: &a {labels(20_000)}\nx-b:\n" + "- {<<: *a}\n" * 20_000 + SOUND),
    "Y3-defaults-laid-under-many": (
        "yaml-limit",
        lambda: (
            f"defaults: {{source_config: {{resource_spec: {{labels: {labels(10_000)}}}}}}}\ndeployments:\n"
            + "".join(f"- {{name: a{n}, source_config: {{resource_spec: {{labels: {{a: b}}}}}}}}\n" for n in range(900))
        ),
    ),
    "Y5-tags": ("yaml-tag", lambda: "- !a b\n" * (MIB // 7)),
    "Y5-directives": ("yaml-directive", lambda: "%TAG ! tag:example.com,2000:\n" * 50_000),
    "Y5-documents": ("yaml-limit", lambda: "---\n" * (MIB // 4)),
    "Y5-tiny-documents": ("wrong-type", lambda: "--- a\n" * (MIB // 6)),
    "Y5-documents-without-deployments": ("missing-field", lambda: "--- {}\n" * 5_000),
    "Y5-keys": ("unknown-field", lambda: "".join(f"k{n}: 1\n" for n in range(80_000))),
    "Y5-different-keys": ("yaml-limit", lambda: "".join(f"k{n}: 1\n" for n in range(510_000))),
    "Y5-different-quoted-keys": ("yaml-limit", lambda: "".join(f"'k{n}': 1\n" for n in range(510_000))),
    "Y5-long-text": ("wrong-type", lambda: "a" * MIB),
    "Y5-empty-lists": ("yaml-limit", lambda: "[" + "[]," * (MIB // 3) + "]"),
    "Y5-values": ("yaml-limit", lambda: "[" + "1," * 4_100_000 + "]"),
    "Y5-no-text-at-all": ("empty-file", lambda: "\n#" * (MIB // 2)),
    "Y7-duplicate-keys": ("duplicate-key", lambda: "a: 1\n" * (MIB // 5)),
    "Y8-duplicate-names": ("duplicate-name", lambda: "deployments:\n" + "- name: a\n" * 20_000),
    "Y9-ambiguous-scalars": ("ambiguous-scalar", lambda: "- no\n" * (MIB // 5)),
    "Y10-digits": ("number-range", lambda: "1" * MIB),
    "Y10-sexagesimal": ("number-range", lambda: "1" + ":59" * 100_000),
    "Y14-invisible-characters": ("invisible-character", lambda: "# " + "\u200b" * (MIB // 3) + "\n" + SOUND),
    "Y15-control-character-at-the-end": ("control-character", lambda: "# " + "x" * MIB + "\x01"),
    "Y20-digits-and-a-letter": ("wrong-type", lambda: "1" * MIB + "x"),
    "Y20-underscores": ("number-range", lambda: "1_" * (MIB // 2)),
    "Y20-undefined-aliases": ("yaml-alias", lambda: "[" + "*a," * (MIB // 3) + "]"),
    "Y20-nameless-deployments": ("missing-field", lambda: "deployments:\n" + "- {}\n" * 20_000),
    "Y20-too-many-deployments": (
        "yaml-limit",
        lambda: "deployments:\n" + "".join(f"- name: a{n}\n" for n in range(25_001)),
    ),
    "Y20-unknown-fields": (
        "unknown-field",
        lambda: "deployments:\n- name: one\n" + "".join(f"  memry{n}: 1\n" for n in range(40_000)),
    ),
    "Y20-unknown-ignore-fields": (
        "unknown-field",
        lambda: SOUND + "ignore:\n" + "- {pth: a, reason: b}\n" * 20_000,
    ),
    "Y20-references": (
        "missing-source",
        lambda: (
            "deployments:\n- name: one\n  source_config: {resource_spec: {sidecars: "
            f"[{{name: a, image: 'b:1', env: [{{name: X, value: '{'$(' * (MIB // 2)}'}}]}}]}}}}\n"
        ),
    ),
}


HEAVY = {
    *("Y5-values", "Y5-empty-lists", "Y5-different-keys", "Y5-different-quoted-keys", "Y5-keys"),
    *("Y2-same-deployment-again", "Y8-duplicate-names", "Y20-unknown-ignore-fields", "Y20-unknown-fields"),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in HEAVY)) for name in LARGE])
def test_large_hostile_file_ends_soon_with_its_finding(name: str) -> None:
    rule, make = LARGE[name]
    data = make().encode()
    started = time.process_time()
    declared = declare(data)
    assert time.process_time() - started < SECONDS
    assert rule in {finding.rule for finding in declared.findings}
    assert len(declared.findings) < 3_100


def test_Y5_a_file_over_the_size_limit_is_not_parsed() -> None:
    started = time.process_time()
    declared = declare(b"#" * (32 * MIB + 1))
    assert [finding.rule for finding in declared.findings] == ["yaml-limit"]
    assert time.process_time() - started < SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Y20-nameless-deployments", "Y20-unknown-fields", "Y8-duplicate-names"])
def test_a_cut_list_of_findings_is_never_mistaken_for_all(name: str) -> None:
    declared = declare(LARGE[name][1]().encode())
    assert "too-many-findings" in {finding.rule for finding in declared.findings}
    assert not declared.complete
    assert Severity.ERROR in {finding.severity for finding in declared.findings}


def test_honest_files_are_below_every_limit() -> None:
    entry = SPEC_OF_HONEST.replace("\n", "\n  ")
    count = 2_000
    text = "x-base: &base\n  source: external_docker\n  source_config:\n" + entry + "\ndeployments:\n"
    text += "".join(f"- name: agent-{n}\n  <<: *base\n" for n in range(count))
    declared = declare(text.encode())
    assert len(declared.deployments) == count
    assert declared.complete
    assert {finding.severity for finding in declared.findings} <= {Severity.WARNING, Severity.NOTE}


SPEC_OF_HONEST = "    resource_spec:\n      min_scale: 2\n      max_scale: 6\n      labels:\n" + "\n".join(
    f"        label-{n}: value-{n}" for n in range(70)
)
