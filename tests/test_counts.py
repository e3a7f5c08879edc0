"""The numbers of a report are the same in every format; those of JSON are the reference."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from driftcheck.formats import FORMATS
from driftcheck.formats.wording import counted
from tests.cli.inside import run_inside
from tests.cli.workspace import external, github, identity, saved

STATUSES = ("in_sync", "drifted", "proposed", "missing", "unmanaged", "unknown")


def declaration(deployment: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Declare the image, the scale and the secrets of a live deployment."""
    spec = deployment["source_config"]["resource_spec"]
    return {
        "name": deployment["name"],
        "source": deployment["source"],
        "source_config": {"resource_spec": {"min_scale": spec["min_scale"], "max_scale": spec["max_scale"]}},
        "source_revision_config": {"image_uri": deployment["source_revision_config"]["image_uri"]},
        "secrets": [{"name": each["name"]} for each in deployment["secrets"]],
        **more,
    }


def write(folder: Path, live: list[dict[str, Any]], deployments: list[dict[str, Any]], **more: Any) -> list[str]:
    saved(folder / "live.json", live)
    (folder / "deployments.yaml").write_text(yaml.safe_dump({"deployments": deployments, **more}))
    return ["check", "--live", "live.json"]


def by_name_only(folder: Path) -> list[str]:
    live = [external("a", 1), external("b", 2)]
    live[0]["secrets"] = [{"name": f"KEY_{number}", "value": "x"} for number in range(5)]
    return write(folder, live, list(map(declaration, live)))


def unverifiable(folder: Path) -> list[str]:
    live = [external("a", 1), {**external("b", 2), "latest_revision_id": None, "secrets": None}]
    declared = [declaration(external("a", 1), shareable=False), declaration(external("b", 2))]
    return write(folder, live, declared)


def suppressed(folder: Path) -> list[str]:
    live = [external("a", 1, max_scale=9), external("b", 2, max_scale=9), external("extra", 3)]
    declared = [declaration(external("a", 1)), declaration(external("b", 2))]
    rules = [
        {"deployment": "a", "path": "source_config.resource_spec.max_scale", "reason": "load test"},
        {"deployment": "extra", "unmanaged": True, "reason": "theirs"},
    ]
    return write(folder, live, declared, ignore=rules)


def accepted_absence(folder: Path) -> list[str]:
    live = [external("a", 1), external("b", 2, max_scale=9)]
    declared = [declaration(external(name, 1)) for name in ("a", "b", "gone", "away")]
    rules = [{"deployment": "gone", "missing": True, "reason": "comes next week"}]
    return write(folder, live, declared, ignore=rules)


def missing_and_unmanaged(folder: Path) -> list[str]:
    preview = {**github("pr-17", 7), "is_preview": True}
    agent = {**github("managed", 8), "is_managed_deep_agent": True}
    deleted = {**external("deleted", 9), "status": "AWAITING_DELETE"}
    live = [external("a", 1), external("new", 2), external("newer", 3), preview, agent, deleted]
    return write(folder, live, [declaration(external(name, 1)) for name in ("a", "gone", "deleted")])


def being_deleted(folder: Path) -> list[str]:
    leaving = [{**external(name, number), "status": "AWAITING_DELETE"} for number, name in ((8, "old"), (9, "older"))]
    return write(folder, [external("a", 1), *leaving], [declaration(external("a", 1))])


def audited(folder: Path) -> list[str]:
    return ["audit", *missing_and_unmanaged(folder)[1:]]


def narrowed(folder: Path) -> list[str]:
    return [*missing_and_unmanaged(folder), "--name", "a", "--name", "new*"]


def not_read(folder: Path) -> list[str]:
    write(folder, [], [declaration(external(name, 1)) for name in ("a", "b", "c")])
    return ["check"]


def recreated(folder: Path) -> list[str]:
    live = [external("a", 1), external("b", 2), external("c", 3)]
    later = deepcopy(live[:2])
    later[0]["id"] = identity(77)
    later[1]["source_config"]["resource_spec"]["max_scale"] = 9
    saved(folder / "before.json", live)
    saved(folder / "after.json", [*later, external("d", 4)])
    return ["compare", "before.json", "after.json"]


def targets(folder: Path) -> list[str]:
    staging, production = [external("a-st", 1), external("b-st", 2)], [external("a", 3, max_scale=9), external("x", 4)]
    saved(folder / "staging.json", staging)
    saved(folder / "production.json", production)
    declared = [declaration(external(name, 1)) for name in ("a", "b")]
    for each in declared:
        del each["source_revision_config"]
    (folder / "deployments.yaml").write_text(yaml.safe_dump({"deployments": declared}))
    config = {"staging": {"name_suffix": "-st"}, "production": {}}
    (folder / "driftcheck.yaml").write_text(yaml.safe_dump({"targets": config}))
    return ["check", "--live", "staging=staging.json", "--live", "production=production.json"]


VARIANTS = [
    by_name_only,
    unverifiable,
    suppressed,
    accepted_absence,
    missing_and_unmanaged,
    being_deleted,
    audited,
    narrowed,
    not_read,
    recreated,
    targets,
]


class Pairs(HTMLParser):
    """The terms of an HTML page with what they are, the figure's caption and the legend of the statuses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.terms: dict[str, str] = {}
        self.caption = ""
        self.legend: list[str] = []
        self._open: list[str] = []
        self._term = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = dict(attrs).get("class") or ""
        self._open.append(f"{tag}.{classes}")
        if tag == "dt":
            self._term = ""
        if tag == "li" and "ul.legend" in self._open:
            self.legend.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and not self._open.pop().startswith(f"{tag}."):
            pass

    def handle_data(self, data: str) -> None:
        tags = [each.partition(".")[0] for each in self._open]
        if "dt" in tags:
            self._term += data
        elif "dd" in tags:
            self.terms[self._term] = self.terms.get(self._term, "") + data
        elif "figcaption" in tags and not self.caption:
            self.caption = data
        elif "ul.legend" in self._open and "li" in tags:
            self.legend[-1] += data


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_format_counts_the_same(variant: Callable[[Path], list[str]], tmp_path: Path) -> None:
    arguments = variant(tmp_path)
    (tmp_path / "out").mkdir()
    outputs = [part for name in FORMATS if name != "text" for part in ("-o", f"{name}=out/{name}")]
    run = run_inside(*arguments, *outputs, "-o", "text", cwd=tmp_path)
    text = {name: (tmp_path / "out" / name).read_text() for name in FORMATS if name != "text"} | {"text": run.out}
    report = json.loads(text["json"])
    summary, deployments = report["summary"], report["deployments"]

    # JSON agrees with itself
    changes = [change for each in deployments for change in each["changes"]]
    active = [change for change in changes if change["suppressed"] is None]
    findings = [finding for finding in report["findings"] if finding["suppressed"] is None]
    absent = sum(each["id"] is None and not each["compared"] and each["status"] == "in_sync" for each in deployments)
    sides = [each["live"] for each in report["targets"]] if report["targets"] else [report["live"]]
    declared = [each["declared"] for each in report["targets"]] if report["targets"] else [report["declared"]]
    number_live = sum(side["deployments"] for side in sides)
    assert summary["changes"] == len(active)
    assert summary["suppressed"] == len(changes) - len(active) + len(report["findings"]) - len(findings)
    assert summary["by_name_only"] == sum(each["by_name_only"] for each in deployments)
    assert summary["unverifiable"] == sum(len(each["unverifiable"]) for each in deployments)
    assert sum(summary[status] for status in STATUSES) == len(deployments) - absent
    for target in report["targets"]:
        own = [each for each in deployments if each["target"] == target["name"]]
        assert sum(target["summary"][status] for status in STATUSES) == len(own)
    if report["complete"]:
        gone = {each["deployment"] for each in report["findings"] if each["rule"] == "being-deleted"}
        assert summary["unmanaged"] == number_live - len(gone - {each["name"] for each in deployments}) - sum(
            each["id"] is not None and each["status"] != "unmanaged" for each in deployments
        )

    # The line of numbers
    compared = sum(each["compared"] for each in deployments)
    leaving = [finding["deployment"] for finding in report["findings"] if finding["rule"] == "being-deleted"]
    apart = [f"{summary['unmanaged']} unmanaged"] if summary["unmanaged"] else []
    apart += [f"{len(leaving)} being deleted"] if leaving else []
    unmanaged = f" ({', '.join(apart)})" if apart else ""
    known = "an unknown number" if variant is not_read else str(number_live)
    numbers = [
        f"{sum(side['deployments'] for side in declared)} declared",
        f"{known} live{unmanaged}",
        f"{counted(compared, 'field')} compared",
        f"{summary['suppressed']} suppressed",
        f"{summary['unverifiable']} unverifiable",
    ]
    for name in ("text", "markdown", "github", "sarif"):
        assert ", ".join(numbers) in " ".join(text[name].split()).replace("live: ", ""), name
    assert " · ".join(numbers) in text["html"]
    page = Pairs(text["html"])
    number, names = summary["by_name_only"], "known by name only"
    for name in ("text", "markdown", "html", "github", "sarif", "junit"):
        said = re.findall(rf"([\d,]+) values? \([a-z, ]+\) (?:is|are) {names}", " ".join(text[name].split()))
        counts = [int(each) for each in said]
        assert number in (max(counts, default=0), sum(set(counts))), name

    # HTML
    assert page.terms["Changes"] == str(summary["changes"])
    assert page.terms["Suppressed"] == str(summary["suppressed"])
    assert page.terms["Fields compared"] == str(compared)
    assert page.terms["Unverifiable"] == str(summary["unverifiable"])
    assert page.terms["Known by name only"] == str(number)
    for severity, count in summary["findings"].items():
        assert page.terms[f"{severity.capitalize()} findings"] == str(count)
    assert page.caption == counted(len(deployments), "deployment")
    shown = {each.rsplit(" ", 1)[0].strip(): int(each.rsplit(" ", 1)[1]) for each in page.legend}
    words = {"in_sync": "Matches"}
    assert shown == {words.get(each, each.capitalize()): summary[each] for each in STATUSES if summary[each]}

    # Lists of single results
    defects = len({gap for side in sides for gap in side["gaps"]})
    assert len(json.loads(text["gitlab"])) == len(active) + len(findings) + defects
    assert len(json.loads(text["sarif"])["runs"][0]["results"]) == len(active) + len(findings)
    suites = {each.attrib["name"].rpartition(": ")[2]: each for each in ElementTree.fromstring(text["junit"])}
    assert len(suites["deployments"]) == len(deployments) if deployments else "deployments" not in suites
    failed = sum(len(case.findall("failure")) for case in suites.get("deployments", ()))
    if run.status == 1 and report["command"] == "check":
        assert failed == summary["drifted"] + summary["missing"]

    # OpenMetrics
    metrics: dict[str, float] = {}
    for line in text["openmetrics"].splitlines():
        if found := re.match(r"driftcheck_(\w+)\{(.*)\} (\S+)$", line):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', found[2]))
            key = next(
                (labels[each] for each in ("status", "severity") if each in labels and "deployment" not in labels), ""
            )
            metrics[f"{found[1]} {key}".strip()] = metrics.get(f"{found[1]} {key}".strip(), 0) + float(found[3])
    for status in STATUSES:
        assert metrics[f"deployments {status}"] == summary[status]
    for severity, count in summary["findings"].items():
        assert metrics[f"findings {severity}"] == count or report["targets"]
    assert metrics["suppressed"] == summary["suppressed"]
    assert metrics["unverifiable_fields"] == summary["unverifiable"]
    assert metrics["by_name_only_values"] == number
    assert metrics["compared_fields"] == compared
    assert metrics["declared_deployments"] == sum(side["deployments"] for side in declared)
    if not report["targets"]:
        assert metrics.get("coverage_ratio") == summary["coverage"]

    # Coverage is the share of what can be declared
    previews = sum(each["rule"] == "unmanaged-preview" for each in report["findings"])
    if report["complete"]:
        managed = sum(each["id"] is not None and each["status"] != "unmanaged" for each in deployments)
        assert summary["coverage"] == round(managed / (number_live - previews), 4)
        assert f"{int(summary['coverage'] * 1000 + 1e-6) / 10}" in text["html"]
