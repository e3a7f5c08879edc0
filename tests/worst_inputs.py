"""The worst that a pull request can hold, one function for each kind, with a listing that differs from it everywhere.

`python -m tests.worst_inputs [KIND...]` measures every command on each of them: seconds of processor time and MiB.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from driftcheck.comparison.verdicts import MAX_CHANGES

MIB: Final = 2**20
GIT: Final = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]
COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "validate": ("validate",),
    "check": ("check", "--live", "live.json"),
    "base": ("check", "--live", "live.json", "--base", "HEAD~1"),
    "adopt": ("adopt", "--live", "live.json"),
    "plan": ("plan", "--live", "live.json"),
}


@dataclass(frozen=True, slots=True)
class Worst:
    """The files of a pull request, and what is live."""

    files: dict[str, str]
    live: list[dict[str, Any]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How large the files are together."""
        return sum(len(text) for text in self.files.values())


Kind = Callable[[int, str], Worst]
"""Takes the size in bytes and a value to repeat, which is different in each commit."""


def _fill(
    size: int, entry: Callable[[int], str], head: str = "", tail: str = "", most: int = MAX_CHANGES - 1
) -> tuple[str, int]:
    """Return a text of as many entries as fit, at most as many as a run reports of one deployment, and their number."""
    parts, left, number = [head], size - len(head) - len(tail), 0
    while number < most and (left := left - len(text := entry(number))) >= 0:
        parts.append(text)
        number += 1
    return "".join(parts) + tail, number


def _live(names: Iterable[str], **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, "id": f"{n:036}", "secrets": [], **more} for n, name in enumerate(names)]


def _spec(**spec: Any) -> dict[str, Any]:
    return {"source_config": {"resource_spec": spec}}


def _labels(number: int, value: str = "live") -> dict[str, str]:
    return {f"k{n}": value for n in range(number)}


def _only(text: str) -> dict[str, str]:
    return {"deployments.yaml": text}


def _one(text: str, **live: Any) -> Worst:
    """Return a file that declares `d0`, which is live."""
    return Worst(_only(text), _live(["d0"], **live))


def _each(text: str, number: int, **live: Any) -> Worst:
    """Return a file that declares as many deployments, all live and alike."""
    return Worst(_only(text), _live((f"d{n}" for n in range(number)), **live))


def _revisions(size: int, value: str, **live: Any) -> Worst:
    """Return deployments that each declare one field: what a mebibyte can hold most of."""
    text, number = _fill(
        size, lambda n: f"- {{name: d{n}, source_revision_config: {{repo_ref: {value}}}}}\n", "deployments:\n"
    )
    return _each(text, number, **live or _REVISION)


def _labelled(size: int, value: str) -> Worst:
    text, number = _fill(size, lambda n: f"k{n}: {value}, ", _IN_SPEC + "      labels: {", "}\n")
    return _one(text, **_spec(labels=_labels(number)))


def _configured(config: str, worst: Worst) -> Worst:
    return replace(worst, files={"driftcheck.yaml": config, **worst.files})


_ONE: Final = "deployments:\n- name: d0\n"
_IN_SPEC: Final = _ONE + "  source_config:\n    resource_spec:\n"
_REVISION: Final = {"source_revision_config": {"repo_ref": "live"}}


def secrets(size: int, value: str) -> Worst:
    text, _ = _fill(size, lambda n: f"  - name: {value}{n}\n", _ONE + "  secrets:\n")
    return _one(text)


def labels(size: int, value: str) -> Worst:
    return _labelled(size, value)


def labels_by_line(size: int, value: str) -> Worst:
    text, number = _fill(size, lambda n: f"        k{n}: {value}\n", _IN_SPEC + "      labels:\n")
    return _one(text, **_spec(labels=_labels(number)))


def labels_of_other_names(size: int, value: str) -> Worst:
    half = (MAX_CHANGES - 1) // 2
    text, number = _fill(size, lambda n: f"k{n}: {value}, ", _IN_SPEC + "      labels: {", "}\n", most=half)
    live = {f"live{n}": "x" for n in range(number)}
    return _one(text, **_spec(labels=live))


def deployments(size: int, value: str) -> Worst:
    return _revisions(size, value)


def deployments_by_line(size: int, value: str) -> Worst:
    text, number = _fill(
        size, lambda n: f"- name: d{n}\n  source_revision_config: {{repo_ref: {value}}}\n", "deployments:\n"
    )
    return _each(text, number, **_REVISION)


def deployments_with_specs(size: int, value: str) -> Worst:
    limits = {"a": 2, "b": 3}
    text, number = _fill(
        size,
        lambda n: f"- {{name: d{n}, source_config: {{resource_spec: {{max_scale: {limits[value]}}}}}}}\n",
        "deployments:\n",
    )
    return _each(text, number, **_spec(max_scale=9, min_scale=1, cpu=1.5))


def missing_deployments(size: int, value: str) -> Worst:
    text, _ = _fill(size, lambda n: f"- {{name: {value}{n}}}\n", "deployments:\n")
    return Worst(_only(text), _live(["other"]))


def recreated_deployments(size: int, value: str) -> Worst:
    sources = {"a": "internal_docker", "b": "external_docker"}
    text, number = _fill(size, lambda n: f"- {{name: d{n}, source: {sources[value]}}}\n", "deployments:\n")
    return _each(text, number, source="github")


def rules_by_glob(size: int, value: str) -> Worst:
    """Path globs in the configuration, none of which matches, times the changes of one deployment."""
    rules, _ = _fill(
        size // 2,
        lambda n: f"- {{path: '**.labels.*x{n}', reason: r, deployment: d0}}\n",
        "ignore:\n",
    )
    text, number = _fill(size // 2, lambda n: f"kx{n}: {value}, ", _IN_SPEC + "      labels: {", "}\n")
    live = {f"kx{n}": "live" for n in range(number)}
    return Worst({"driftcheck.yaml": rules, **_only(text)}, _live(["d0"], **_spec(labels=live)))


def rules_by_short_glob(size: int, value: str) -> Worst:
    """The same with globs that almost match: every part is in the text."""
    rules, _ = _fill(size // 2, lambda n: f"- {{path: '**.*k*{n % 7}*{n % 9}*z', reason: r}}\n", "ignore:\n")
    return _configured(rules, _labelled(size // 2, value))


def rules_by_different_glob(size: int, value: str) -> Worst:
    """The same with different globs, each of whose parts many texts hold."""
    rules, _ = _fill(size // 2, lambda n: f"- {{path: '**.*k*{'*'.join(str(n))}*z', reason: r}}\n", "ignore:\n")
    return _configured(rules, _labelled(size // 2, value))


def rules_that_match_all(size: int, value: str) -> Worst:
    """Guards that do not hold, on rules that match every change."""
    rules, _ = _fill(
        size // 2, lambda n: f"- {{path: '**.labels.k*', reason: r, live: {{equals: x{n}}}}}\n", "ignore:\n"
    )
    return _configured(rules, _labelled(size // 2, value))


def rules_by_deployment(size: int, value: str) -> Worst:
    """Globs over names, times deployments."""
    rules, _ = _fill(
        size // 2,
        lambda n: f"- {{path: source_revision_config.repo_ref, reason: r, deployment: '*x{n}*'}}\n",
        "ignore:\n",
    )
    return _configured(rules, _revisions(size // 2, value))


def rules_for_all(size: int, value: str) -> Worst:
    """Guarded rules about every deployment, in the file that declares them."""
    rules, _ = _fill(
        size // 2,
        lambda n: f"- {{path: source_revision_config.repo_ref, reason: r, live: {{in: [x{n}]}}}}\n",
        "ignore:\n",
    )
    text, number = _fill(
        size // 2, lambda n: f"- {{name: d{n}, source_revision_config: {{repo_ref: {value}}}}}\n", "deployments:\n"
    )
    return Worst(_only(text + rules), _live((f"d{n}" for n in range(number)), **_REVISION))


def rules_for_findings(size: int, value: str) -> Worst:
    """Rules about findings of every deployment, times missing deployments."""
    rules, _ = _fill(
        size // 2, lambda n: f"- {{rule: no-revision, reason: r{n}, deployment: '{value}*'}}\n", "ignore:\n"
    )
    text, _ = _fill(size // 2, lambda n: f"- {{name: {value}{n}}}\n", "deployments:\n")
    return Worst({"driftcheck.yaml": rules, **_only(text)}, _live(["other"]))


def unused_rules(size: int, value: str) -> Worst:
    rules, _ = _fill(size // 2, lambda n: f"- {{path: '**.*{n}*', reason: r, deployment: 'd{n}*'}}\n", "ignore:\n")
    worst = _revisions(size // 2, value, source_revision_config={"repo_ref": value})
    return _configured(rules, worst)


def rules_alone(size: int, value: str) -> Worst:
    rules, _ = _fill(size, lambda n: f"- {{path: '{value}{n}', reason: r}}\n", "ignore:\n")
    text = "deployments: [{name: d0}]\n"
    return Worst({"driftcheck.yaml": rules, **_only(text)}, _live(["d0"]))


def broken_rules(size: int, value: str) -> Worst:
    rules, _ = _fill(size, lambda n: f"- {{path: '{value}', reason: ''}}\n", "ignore:\n")
    return _one("deployments: [{name: d0}]\n" + rules)


def policies(size: int, value: str) -> Worst:
    """Policies that every deployment violates."""
    rules, _ = _fill(
        size // 2,
        lambda n: f"- {{id: p{n}, path: source_revision_config.repo_ref, schema: {{const: c}}}}\n",
        "policies:\n",
        most=256,
    )
    return _with_policies(size, value, rules)


def policies_by_deployment(size: int, value: str) -> Worst:
    rules, _ = _fill(
        size // 2,
        lambda n: f"- {{id: p{n}, path: name, schema: {{}}, deployment: '*x{n}*'}}\n",
        "policies:\n",
        most=256,
    )
    return _with_policies(size, value, rules)


def policies_of_many_values(size: int, value: str) -> Worst:
    """Policies that allow many values, and ask for many."""
    choices = ", ".join(f"v{n}" for n in range(size // 2_500))
    rules, _ = _fill(
        size // 2,
        lambda n: (
            f"- {{id: p{n}, path: '**', where: {{source_revision_config.repo_ref: [{choices}, {value}]}},"
            f" schema: {{enum: [{choices}]}}}}\n"
        ),
        "policies:\n",
        most=256,
    )
    return _with_policies(size, value, rules)


def _with_policies(size: int, value: str, rules: str) -> Worst:
    return _configured(rules, _revisions(size - len(rules), value))


def nested_lists(size: int, value: str) -> Worst:
    depth = 50
    inner = "[" * depth + value + "]" * depth
    text, number = _fill(
        size, lambda n: f"{inner}, ", _IN_SPEC + "      sidecars: [{name: s, image: i, args: [", "]}]\n"
    )
    deep: Any = "live"
    for _ in range(depth):
        deep = [deep]
    return _one(text, **_spec(sidecars=[{"name": "s", "image": "i", "args": [deep] * number}]))


def nested_maps(size: int, value: str) -> Worst:
    """Mappings as deep as an unlimited number of them may be."""
    depth = 7
    inner = "{a: " * depth + value + "}" * depth
    text, number = _fill(size, lambda n: f"- {{name: v{n}, csi: {inner}}}\n", _IN_SPEC + "      volumes:\n", "")
    text = text.replace("\n- {name: v", "\n      - {name: v")
    deep: Any = "live"
    for _ in range(depth):
        deep = {"a": deep}
    volumes = [{"name": f"v{n}", "csi": deep} for n in range(number)]
    return _one(text, **_spec(volumes=volumes))


def lists_in_maps(size: int, value: str) -> Worst:
    """Lists without identities in a map of free form, in each of many volumes; as many differ as are reported."""
    text, number = _fill(
        size,
        lambda n: f"      - {{name: v{n}, csi: {{a: [{value}], b: [{value}, {value}]}}}}\n",
        _IN_SPEC + "      volumes:\n",
    )
    volumes = [
        {"name": f"v{n}", "csi": {"a": [seen], "b": [seen, seen]}}
        for n, seen in enumerate(["live"] * (MAX_CHANGES // 3) + [value] * number)
        if n < number
    ]
    return _one(text, **_spec(volumes=volumes))


def args(size: int, value: str) -> Worst:
    head = _IN_SPEC + "      sidecars: [{name: s, image: i, args: ["
    text, number = _fill(size, lambda n: f"{value}{n}, ", head, "]}]\n")
    live = [{"name": "s", "image": "i", "args": [f"x{n}" for n in range(number)]}]
    return _one(text, **_spec(sidecars=live))


def args_mostly_equal(size: int, value: str) -> Worst:
    head = _IN_SPEC + "      sidecars: [{name: s, image: i, args: ["
    text, number = _fill(size, lambda n: f"{value}{n}, ", head, "]}]\n", most=size)
    seen = [f"x{n}" if n < MAX_CHANGES - 1 else f"{value}{n}" for n in range(number)]
    return _one(text, **_spec(sidecars=[{"name": "s", "image": "i", "args": seen}]))


def args_that_lack_one(size: int, value: str) -> Worst:
    """Every second one is live, so that every entry is compared with another one."""
    head = _IN_SPEC + "      sidecars:\n      - name: s\n        image: i\n        args:\n"
    text, number = _fill(size, lambda n: f"        - {value}{n}\n", head, most=size)
    seen = [f"{value}{n}" for n in range(number) if n % 9]
    return _one(text, **_spec(sidecars=[{"name": "s", "image": "i", "args": seen}]))


def secrets_mostly_equal(size: int, value: str) -> Worst:
    text, number = _fill(size, lambda n: f"  - name: S{n}{value}\n", _ONE + "  secrets:\n", most=size)
    seen = [{"name": f"S{n}{value}"} for n in range(MAX_CHANGES - 1, number)]
    return Worst(_only(text), [{"name": "d0", "id": "0", "secrets": seen}])


def labels_mostly_equal(size: int, value: str) -> Worst:
    text, number = _fill(size, lambda n: f"k{n}: {value}, ", _IN_SPEC + "      labels: {", "}\n", most=size)
    seen = {f"k{n}": "live" if n < MAX_CHANGES - 1 else value for n in range(number)}
    return _one(text, **_spec(labels=seen))


def nested_maps_mostly_equal(size: int, value: str) -> Worst:
    depth = 7
    inner = "{a: " * depth + value + "}" * depth
    text, number = _fill(
        size, lambda n: f"      - {{name: v{n}, csi: {inner}}}\n", _IN_SPEC + "      volumes:\n", most=size
    )
    volumes: list[Any] = []
    for n in range(number):
        deep: Any = "live" if n < MAX_CHANGES - 1 else value
        for _ in range(depth):
            deep = {"a": deep}
        volumes.append({"name": f"v{n}", "csi": deep})
    return _one(text, **_spec(volumes=volumes))


def args_by_line(size: int, value: str) -> Worst:
    head = _IN_SPEC + "      sidecars:\n      - name: s\n        image: i\n        args:\n"
    text, number = _fill(size, lambda n: f"        - {value}{n}\n", head)
    live = [{"name": "s", "image": "i", "args": [f"x{n}" if n % 2 else f"{value}{n}" for n in range(number)]}]
    return _one(text, **_spec(sidecars=live))


def sidecars(size: int, value: str) -> Worst:
    """Arguments of each sidecar that differ in a few entries: each has details of its own."""
    text, number = _fill(
        size,
        lambda n: f"      - {{name: s{n}, image: i, args: [{value}, x1, x2, x3]}}\n",
        _IN_SPEC + "      sidecars:\n",
    )
    live = [{"name": f"s{n}", "image": "i", "args": ["x", "x1", "x3", "y"]} for n in range(number)]
    return _one(text, **_spec(sidecars=live))


def long_lists(size: int, value: str) -> Worst:
    """Lists of the maximum length that details explain: aligning them takes quadratic time."""
    words = ", ".join(f"{value}{n % 7}" for n in range(290))
    text, number = _fill(
        size,
        lambda n: f"      - {{name: s{n}, image: i, args: [{words}]}}\n",
        _IN_SPEC + "      sidecars:\n",
    )
    live = [
        {"name": f"s{n}", "image": "i", "args": [f"{value}{(7 - k) % 5}" for k in range(290)]} for n in range(number)
    ]
    return _one(text, **_spec(sidecars=live))


def new_sidecars(size: int, value: str) -> Worst:
    text, _ = _fill(size, lambda n: f"      - {{name: {value}{n}, image: i}}\n", _IN_SPEC + "      sidecars:\n")
    return _one(text, **_spec(sidecars=[]))


def env(size: int, value: str) -> Worst:
    text, number = _fill(
        size,
        lambda n: f"{{name: E{n}, value: {value}}}, ",
        _IN_SPEC + "      sidecars: [{name: s, image: i, env: [",
        "]}]\n",
    )
    live = [{"name": "s", "image": "i", "env": [{"name": f"E{n}", "value": "live"} for n in range(number)]}]
    return _one(text, **_spec(sidecars=live))


def env_in_another_order(size: int, value: str) -> Worst:
    text, number = _fill(
        size,
        lambda n: f"{{name: E{n}, value: {value}$(E{n + 1})}}, ",
        _IN_SPEC + "      sidecars: [{name: s, image: i, env: [",
        "]}]\n",
    )
    entries = [{"name": f"E{n}", "value": f"{value}$(E{n + 1})"} for n in reversed(range(number))]
    return _one(text, **_spec(sidecars=[{"name": "s", "image": "i", "env": entries}]))


def init_containers_in_another_order(size: int, value: str) -> Worst:
    text, number = _fill(
        size,
        lambda n: f"      - {{name: c{n}, image: {value}}}\n",
        _IN_SPEC + "      init_containers:\n",
    )
    live = [{"name": f"c{n}", "image": "i"} for n in reversed(range(number))]
    return _one(text, **_spec(init_containers=live))


def long_text(size: int, value: str) -> Worst:
    head = _IN_SPEC + "      annotations:\n        text: |\n"
    text, number = _fill(size, lambda n: f"          {value}{n}\n", head)
    return _one(text, **_spec(annotations={"text": "\n".join(f"x{n}" for n in range(number))}))


def huge_scalar(size: int, value: str) -> Worst:
    text = _IN_SPEC + f"      annotations: {{text: '{value * (size - 200)}'}}\n"
    return _one(text, **_spec(annotations={"text": "x" * size}))


def aliased_labels(size: int, value: str, most: int = MAX_CHANGES // 61) -> Worst:
    entries = ", ".join(f"k{n}: {value}" for n in range(60))
    text, number = _fill(
        size,
        lambda n: f"- {{name: d{n}, source_config: {{resource_spec: {{labels: *l}}}}}}\n",
        f"x-labels: &l {{{entries}}}\ndeployments:\n",
        most=most,
    )
    return _each(text, number, **_spec(labels=_labels(60)))


def more_changes_than_a_run_reports(size: int, value: str) -> Worst:
    return aliased_labels(size, value, most=MAX_CHANGES - 1)


def aliased_lists(size: int, value: str) -> Worst:
    entries = ", ".join(f"{value}{n}" for n in range(60))
    text, number = _fill(
        size,
        lambda n: f"      - {{name: s{n}, image: i, args: *l}}\n",
        f"x-list: &l [{entries}]\n" + _IN_SPEC + "      sidecars:\n",
    )
    live = [{"name": f"s{n}", "image": "i", "args": ["x", "y"] * 30} for n in range(number)]
    return _one(text, **_spec(sidecars=live))


def merged_labels(size: int, value: str) -> Worst:
    entries = ", ".join(f"k{n}: {value}" for n in range(40))
    text, number = _fill(
        size,
        lambda n: f"- {{name: d{n}, source_config: {{resource_spec: {{labels: {{<<: *l, a: b}}}}}}}}\n",
        f"x-labels: &l {{{entries}}}\ndeployments:\n",
    )
    return _each(text, number, **_spec(labels=_labels(40)))


def defaults(size: int, value: str) -> Worst:
    entries = ", ".join(f"k{n}: {value}" for n in range(40))
    text, number = _fill(
        size,
        lambda n: f"- {{name: d{n}}}\n",
        f"defaults: {{source_config: {{resource_spec: {{labels: {{{entries}}}}}}}}}\ndeployments:\n",
    )
    return _each(text, number, **_spec(labels=_labels(40)))


def overlays(size: int, value: str) -> Worst:
    text, number = _fill(
        size // 2, lambda n: f"- {{name: d{n}, source_revision_config: {{repo_ref: x}}}}\n", "deployments:\n"
    )
    over, _ = _fill(
        size // 2, lambda n: f"- {{name: d{n}, source_revision_config: {{repo_ref: {value}}}}}\n", "overlay:\n"
    )
    live = _live((f"d{n}" for n in range(number)), **_REVISION)
    return Worst({"deployments/a.yaml": text, "overlays/b.yaml": over}, live)


def files(size: int, value: str) -> Worst:
    number = min(size // 50, 10_000)
    made = {
        f"deployments/{n}.yaml": f"deployments:\n- {{name: d{n}, source_revision_config: {{repo_ref: {value}}}}}\n"
        for n in range(number)
    }
    return Worst(made, _live((f"d{n}" for n in range(number)), **_REVISION))


def documents(size: int, value: str) -> Worst:
    text, number = _fill(
        size, lambda n: f"---\ndeployments: [{{name: d{n}, source_revision_config: {{repo_ref: {value}}}}}]\n"
    )
    return _each(text, number, **_REVISION)


def findings(size: int, value: str) -> Worst:
    """Advice on every deployment, several findings each."""
    text, number = _fill(
        size,
        lambda n: (
            f"- {{name: d{n}, source: github, source_config: {{resource_spec: {{min_scale: 9, max_scale: 1}}}},"
            f" source_revision_config: {{repo_ref: {value}}}}}\n"
        ),
        "deployments:\n",
    )
    return _each(text, number, **_REVISION)


def wrong_types(size: int, value: str) -> Worst:
    text, number = _fill(size, lambda n: f"- {{name: d{n}, shareable: {value}}}\n", "deployments:\n")
    return _each(text, number, **_REVISION)


def duplicates(size: int, value: str) -> Worst:
    text, _ = _fill(size, lambda n: f"- {{name: {value}}}\n", "deployments:\n")
    return Worst(_only(text), _live([value]))


def unmanaged_deployments(size: int, value: str) -> Worst:
    """Names that resemble those of live ones that are not declared."""
    text, number = _fill(size, lambda n: f"- {{name: {value}{n}-agent, source: github}}\n", "deployments:\n")
    return Worst(_only(text), _live((f"c{n}-agent" for n in range(number)), source="github"))


def declarations_removed(size: int, value: str) -> Worst:
    """One commit declares what the next one does not."""
    declared = _revisions(size, "a")
    return replace(declared, files=_only("deployments: []\n")) if value == "b" else declared


KINDS: Final[dict[str, Kind]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        secrets,
        labels,
        labels_by_line,
        labels_of_other_names,
        deployments,
        deployments_by_line,
        deployments_with_specs,
        missing_deployments,
        recreated_deployments,
        rules_by_glob,
        rules_by_short_glob,
        rules_by_different_glob,
        rules_that_match_all,
        rules_by_deployment,
        rules_for_all,
        rules_for_findings,
        unused_rules,
        rules_alone,
        broken_rules,
        policies,
        policies_by_deployment,
        policies_of_many_values,
        nested_lists,
        nested_maps,
        lists_in_maps,
        args,
        args_mostly_equal,
        args_that_lack_one,
        secrets_mostly_equal,
        labels_mostly_equal,
        nested_maps_mostly_equal,
        args_by_line,
        sidecars,
        long_lists,
        new_sidecars,
        env,
        env_in_another_order,
        init_containers_in_another_order,
        long_text,
        huge_scalar,
        aliased_labels,
        more_changes_than_a_run_reports,
        aliased_lists,
        merged_labels,
        defaults,
        overlays,
        files,
        documents,
        findings,
        wrong_types,
        duplicates,
        unmanaged_deployments,
        declarations_removed,
    )
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took."""

    status: int
    seconds: float
    """Of processor time, its own and the system's."""
    mib: float
    """The most memory that it held."""


def write(folder: Path, kind: Kind, size: int = MIB, *, commits: bool = True) -> None:
    """Make a repository of two commits that differ everywhere, and `live.json` beside them; or the files alone."""
    if commits:
        subprocess.run([*GIT, "init", "-q"], cwd=folder, check=True)
    for value in ("a", "b") if commits else ("b",):
        worst = kind(size, value)
        for name, text in worst.files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        if commits:
            subprocess.run([*GIT, "add", "."], cwd=folder, check=True)
            subprocess.run([*GIT, "commit", "-qm", value, "--allow-empty"], cwd=folder, check=True)
    listing = {"resources": worst.live, "offset": len(worst.live)}
    (folder / "live.json").write_text(json.dumps(listing))


def measure(folder: Path, command: str, *more: str) -> Cost:
    """Run a command in the folder, on all folders of declarations that are there."""
    paths = [name for name in ("deployments.yaml", "deployments", "overlays") if (folder / name).exists()]
    arguments = [sys.executable, "-m", "driftcheck", *COMMANDS[command], *paths, *more]
    errors = folder / "errors"
    with errors.open("wb") as stderr:
        wrapped = [sys.executable, "-I", "-S", "-c", _MEASURED, *arguments]
        done = subprocess.run(wrapped, cwd=folder, stdout=subprocess.PIPE, stderr=stderr, check=True)
    status, seconds, kib = done.stdout.split()[-3:]
    return Cost(int(status), float(seconds), int(kib) / 1024)


_MEASURED: Final = f"""
import os, resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_CPU, (40, 40))
resource.setrlimit(resource.RLIMIT_AS, ({4096 * MIB}, {4096 * MIB}))
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""
"""Runs a command within limits, from a small process: a child counts at least the memory of its parent at the fork."""


def main(names: Iterable[str]) -> None:
    """Print a table of kinds and commands."""
    print(f"{'':34}" + "".join(f"{command:>18}" for command in COMMANDS))
    for name in names or KINDS:
        print(f"{name:34}" + "".join(_cells(KINDS[name])), flush=True)


def _cells(kind: Kind) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(folder, kind)
        for command in COMMANDS:
            cost = measure(folder, command)
            yield f"{cost.seconds:7.1f}s{cost.mib:5.0f}M ={cost.status:2}"


if __name__ == "__main__":
    main(sys.argv[1:])
