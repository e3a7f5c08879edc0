"""Reports of other workspaces, targets, commands and identities never overwrite each other in what collects them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest
import yaml

from tests.cli.inside import run_inside
from tests.cli.workspace import TENANT, external, saved

FORMATS: Final = ("markdown", "sarif", "junit", "gitlab", "openmetrics", "json")
OTHER: Final = TENANT.replace("9c38", "aaaa")
ODD: Final = (
    "a",
    "A",
    "a/b",
    "a/check",
    "ä ö",
    'x"y',
    "a--b",
    "a b",
    "a\\",
    "#1",
    "-->",
    "a,b=c",
    "%2F",
    "/",
    "a\\nb",
)

Texts = dict[str, str]


def declarations(folder: Path) -> None:
    text = yaml.safe_dump(
        {
            "deployments": [
                {"name": name, "source": "external_docker", "source_config": {"resource_spec": {"max_scale": 5}}}
                for name in ("claims", "billing", "gone")
            ]
        }
    )
    (folder / "deployments.yaml").write_text(text)
    for name, workspace in (("one", TENANT), ("other", OTHER)):
        live = [external("claims", 1), external("billing", 2), external("extra", 3)]
        saved(folder / f"{name}.json", [{**each, "tenant_id": workspace} for each in live])


def rendered(folder: Path, *arguments: str) -> Texts:
    out = folder / "out"
    out.mkdir(exist_ok=True)
    outputs = [part for name in FORMATS for part in ("-o", f"{name}=out/{name}")]
    assert run_inside(*arguments, *outputs, cwd=folder).status == 1
    return {name: (out / name).read_text() for name in FORMATS}


def two_workspaces(folder: Path) -> Iterable[Texts]:
    for name in ("one", "other"):
        yield rendered(folder, "check", "--live", f"{name}.json")


def two_targets_of_one_workspace(folder: Path) -> Iterable[Texts]:
    targets = {name: {"workspace": TENANT} for name in ("staging", "production")}
    (folder / "driftcheck.yaml").write_text(yaml.safe_dump({"targets": targets}))
    for name in targets:
        yield rendered(folder, "check", "--target", name, "--live", f"{name}=one.json")


def two_commands(folder: Path) -> Iterable[Texts]:
    for command in ("check", "audit"):
        yield rendered(folder, command, "--live", "one.json")


def odd_identities(folder: Path) -> Iterable[Texts]:
    for report_id in ODD:
        yield rendered(folder, "check", "--live", "one.json", "--report-id", report_id)


def keys(texts: Texts) -> dict[str, list[str]]:
    """Return the keys by which readers identify the content of a report."""
    (run,) = json.loads(texts["sarif"])["runs"]
    category = run["automationDetails"]["id"].rpartition("/")[0]
    cases = ElementTree.fromstring(texts["junit"]).iter("testcase")
    return {
        "markdown": [texts["markdown"].split("\n", 1)[0]],
        "sarif": [category],
        "junit": [f"{case.attrib['classname']} {case.attrib['name']}" for case in cases],
        "suites": [each.attrib["name"] for each in ElementTree.fromstring(texts["junit"])],
        "gitlab": [each["fingerprint"] for each in json.loads(texts["gitlab"])],
        "openmetrics": re.findall(r"^driftcheck_\w+\{.*\}(?= )", texts["openmetrics"], re.MULTILINE),
    }


@pytest.mark.parametrize("variant", [two_workspaces, two_targets_of_one_workspace, two_commands, odd_identities])
def test_no_two_reports_share_what_a_reader_knows_them_by(
    variant: Callable[[Path], Iterable[Texts]], tmp_path: Path
) -> None:
    declarations(tmp_path)
    reports = [keys(texts) for texts in variant(tmp_path)]
    for report in reports:
        for name, known in report.items():
            assert known, name
            assert len(set(known)) == len(known), name
    for one, other in combinations(reports, 2):
        for name in one:
            assert not set(one[name]) & set(other[name]), name


@pytest.mark.parametrize("report_id", ["a\nb", "a\x1b[31m", "\u202ea", "a\u00a0b"])
def test_an_identity_that_can_not_be_seen_is_refused(report_id: str, tmp_path: Path) -> None:
    declarations(tmp_path)
    run = run_inside("check", "--live", "one.json", "--report-id", report_id, cwd=tmp_path)
    assert run.status == 2
    assert "only characters that can be seen" in run.err


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_reads_the_files_of_a_folder_together(tmp_path: Path) -> None:
    declarations(tmp_path)
    texts = [each["openmetrics"] for each in odd_identities(tmp_path)]
    families: dict[str, list[str]] = {}
    for text in texts:
        for line in text.splitlines():
            if found := re.match(r"(?:# (?:TYPE|HELP) )?(driftcheck_\w+)", line):
                families.setdefault(found[1], []).append(line)
    together = "\n".join(line for lines in families.values() for line in dict.fromkeys(lines)) + "\n"
    promtool = ["promtool", "check", "metrics"]
    run = subprocess.run(promtool, input=together, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
