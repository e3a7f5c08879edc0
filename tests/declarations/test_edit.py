"""The law of adopting: afterwards the declaration agrees with live, and every other byte is as it was."""

from __future__ import annotations

import copy
import difflib
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from driftcheck import fields
from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.edit import HIDDEN, SHARED, accept, appended, edit
from driftcheck.declarations.loader import declare
from driftcheck.declarations.overlays import merged
from driftcheck.model import Change
from driftcheck.paths import format_path
from tests.comparison.declarations import declarations
from tests.comparison.echo import echo
from tests.comparison.mutations import mutations
from tests.comparison.sides import spec, verdicts
from tests.loops import case
from tests.yamlfile.test_edit import Writer

FILES = {
    path.stem: path.read_bytes().decode()
    for path in sorted((Path(__file__).parent.parent / "data" / "odd-declarations").glob("*.yaml"))
}
PLAIN = FILES["plain"]
SEEDS = st.integers(0, 2**32).map(Random)


def changes_of(declared: dict[str, Any], live: dict[str, Any]) -> tuple[Change, ...]:
    (comparison,) = verdicts([declared], [live]).comparisons
    return comparison.changes


def in_files(texts: dict[str, str], name: str) -> dict[str, Any]:
    """Return the effective declaration of a name in files."""
    found = declare([SourceText(file, text.encode()) for file, text in texts.items()])
    value = next((each.value for each in found.deployments if each.name == name), None)
    assert value is not None, [f"{finding.rule}: {finding.message}" for finding in found.findings]
    return dict(value)


def adopted(texts: dict[str, str], live: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Adopt every change of a live deployment; returns the files afterwards, and what was refused by path or name."""
    declared = in_files(texts, live["name"])
    accepted = accept(declared, live, changes_of(declared, live))
    sources = [SourceText(file, text.encode()) for file, text in texts.items()]
    edited = edit(sources, {live["name"]: accepted}, [])
    left = [*accepted.refused, *edited.left.get(live["name"], {}).items()]
    refused = {format_path(path): reason for path, reason in left} | dict(edited.refused)
    return texts | {file: data.decode() for file, data in edited.texts.items()}, refused


def lines_changed(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[:1] in "+-"]


@settings(phases=[Phase.explicit, Phase.generate])  # shrinking takes minutes
@given(declarations(), SEEDS, st.data())
def test_adopt_then_check_is_in_sync(declared: dict[str, Any], random: Random, data: st.DataObject) -> None:
    seen = echo(declared, "C", random)
    live = data.draw(st.sampled_from([mutation.live for mutation in mutations(declared, seen, random)]))
    defaults = {}
    body = copy.deepcopy(declared)
    for key in list(body):
        if key not in ("name", "agent") and data.draw(st.booleans()):
            defaults[key] = body.pop(key)
    document = ({"defaults": defaults} if defaults else {}) | {"deployments": [body], "x-last": 1}
    text = Writer(data.draw, "\n").document(document)
    after, refused = adopted({"a.yaml": text}, live)
    left = changes_of(in_files(after, declared["name"]), live)
    for change in left:
        assert any(format_path(change.path).startswith(path) or path == declared["name"] for path in refused), (
            change,
            refused,
        )


BASE = """\
defaults:
  source: external_docker  # all of them
  source_config:
    resource_spec: {min_scale: 1, cpu: 1}
deployments:
  # the first
  - name: claims
    source_config:
      resource_spec:
        max_scale: 6   # autoscaler
        labels: {team: a}
    source_revision_config: {image_uri: "registry.example.com/a:1"}
  - name: billing
    source_revision_config: {image_uri: "registry.example.com/a:1"}
"""


def live_of(text: str, name: str, **changed: Any) -> dict[str, Any]:
    value: dict[str, Any] = copy.deepcopy(in_files({"a.yaml": text}, name))
    value["source_config"]["resource_spec"] |= changed
    return value


@pytest.mark.parametrize(
    ("changed", "diff"),
    [
        ({"max_scale": 12}, ["-         max_scale: 6   # autoscaler", "+         max_scale: 12   # autoscaler"]),
        ({"cpu": 2}, ["+         cpu: 2"]),
        ({"max_scale": None}, ["-         max_scale: 6   # autoscaler"]),
        ({"min_scale": None}, ["+         min_scale: null"]),
        ({"labels": {"team": "b"}}, ["-         labels: {team: a}", "+         labels: {team: b}"]),
        ({"labels": {"team": "a", "x": "1"}}, ["-         labels: {team: a}", '+         labels: {team: a, x: "1"}']),
        ({"labels": None}, ["-         labels: {team: a}"]),
    ],
    ids=["own", "default", "unset", "unset-default", "map", "map-entry", "map-unset"],
)
def test_only_the_lines_concerned_change(changed: dict[str, Any], diff: list[str]) -> None:
    after, refused = adopted({"a.yaml": BASE}, live_of(BASE, "claims", **changed))
    assert not refused
    shown = [line for line in lines_changed(BASE, after["a.yaml"]) if not line.startswith("?")]
    assert shown == diff


def test_a_value_of_the_defaults_is_not_changed_for_others() -> None:
    after, _ = adopted({"a.yaml": BASE}, live_of(BASE, "billing", cpu=4))
    assert in_files(after, "claims") == in_files({"a.yaml": BASE}, "claims")
    assert in_files(after, "billing")["source_config"]["resource_spec"]["cpu"] == 4


SIDECAR = """\
deployments:
  - name: claims
    source: external_docker
    secrets:
      - name: A
      - name: B  # b
    source_config:
      resource_spec:
        sidecars:
          - name: otel
            image: otel:1
            args: [--a, --b]
            env:
              - {name: TOKEN, value: x}
"""


def test_names_of_secrets_are_added_and_removed() -> None:
    live = in_files({"a.yaml": SIDECAR}, "claims") | {"secrets": [{"name": "A"}, {"name": "C"}]}
    after, refused = adopted({"a.yaml": SIDECAR}, live)
    assert not refused
    assert "      - name: A\n      - name: C\n" in after["a.yaml"]
    assert "name: B" not in after["a.yaml"]


def test_a_value_that_may_be_secret_is_not_adopted() -> None:
    live = copy.deepcopy(in_files({"a.yaml": SIDECAR}, "claims"))
    live["source_config"]["resource_spec"]["sidecars"][0]["env"][0]["value"] = "planted"
    after, refused = adopted({"a.yaml": SIDECAR}, live)
    assert after["a.yaml"] == SIDECAR
    assert set(refused.values()) == {HIDDEN}


def test_whole_sidecars_and_arguments_are_adopted() -> None:
    live = copy.deepcopy(in_files({"a.yaml": SIDECAR}, "claims"))
    sidecars = live["source_config"]["resource_spec"]["sidecars"]
    sidecars[0]["args"] = ["--a", "--new", "--b"]
    sidecars.append({"name": "proxy", "image": "envoy:1", "command": None})
    after, refused = adopted({"a.yaml": SIDECAR}, live)
    assert not refused
    assert "args: [--a, --new, --b]" in after["a.yaml"]
    assert after["a.yaml"].endswith("          - name: proxy\n            image: envoy:1\n")


def test_a_missing_deployment_is_removed() -> None:
    edited = edit([SourceText("a.yaml", BASE.encode())], {}, ["claims"])
    text = edited.texts["a.yaml"].decode()
    assert "claims" not in text
    assert "# the first" not in text
    assert "- name: billing" in text


def test_an_unmanaged_deployment_is_appended() -> None:
    text = appended(BASE.encode(), [{"name": "new", "source": "github"}]).decode()
    assert text == BASE + "  - name: new\n    source: github\n"


OVERLAY = """\
overlay:
  - name: claims
    source_config: {resource_spec: {min_scale: 3}}
"""


def test_a_shared_file_is_not_changed() -> None:
    sources = [SourceText("base.yaml", BASE.encode()), SourceText("production.yaml", OVERLAY.encode(), path_index=1)]
    declared = merged(
        in_files({"a": BASE}, "claims"),
        {"source_config": {"resource_spec": {"min_scale": 3}}},
        fields.deployment(),
    )
    live = copy.deepcopy(declared)
    live["source_config"]["resource_spec"] |= {"max_scale": 9, "min_scale": 4}
    accepted = accept(declared, live, changes_of(declared, live))
    edited = edit(sources, {"claims": accepted}, [], may_change=lambda file: file == "production.yaml")
    assert edited.texts == {
        "production.yaml": OVERLAY.replace("{min_scale: 3}", "{min_scale: 4, max_scale: 9}").encode()
    }
    refused = edit(sources[:1], {"claims": accepted}, [], may_change=lambda file: False)
    assert refused.texts == {}
    assert refused.refused == {"claims": SHARED}


def test_every_deployment_of_a_shared_file_gets_an_overlay() -> None:
    names = ("one", "two")
    base = "deployments:\n" + "".join(f"  - name: {name}\n    display_name: old\n" for name in names)
    sources = [SourceText("base.yaml", base.encode()), SourceText("own.yaml", b"overlay: []\n", path_index=1)]
    wanted = {}
    for name in names:
        declared, live = {"name": name, "display_name": "old"}, {"name": name, "display_name": "new"}
        wanted[name] = accept(declared, live, changes_of(declared, live))
    edited = edit(sources, wanted, [], may_change=lambda file: file == "own.yaml")
    assert edited.texts == {"own.yaml": b"overlay: [{name: one, display_name: new}, {name: two, display_name: new}]\n"}


def test_a_spec_without_changes_is_left_alone() -> None:
    declared = spec(max_scale=6)
    accepted = accept(declared, declared, ())
    assert (accepted.value, accepted.paths, accepted.refused) == (declared, (), ())


CHANGES: dict[str, tuple[Any, int]] = {
    "number": (lambda live: live["source_config"]["resource_spec"].update(max_scale=9), 1),
    "map": (lambda live: live["source_config"]["resource_spec"]["labels"].update(team="y", more="1"), 2),
    "arguments": (lambda live: live["source_config"]["resource_spec"]["sidecars"][0]["args"].insert(1, "--new"), 1),
    "name": (lambda live: live["secrets"].append({"name": "B"}), 1),
    "unset": (lambda live: live["source_config"]["resource_spec"].update(max_scale=None), 1),
}
"""Changes of live, and how many values each of them has."""


@pytest.mark.parametrize("change", CHANGES)
def test_odd_files_say_what_is_live_and_keep_everything_else(change: str) -> None:
    for name in FILES:
        with case(name):
            text = FILES[name]
            live = copy.deepcopy(in_files({"a.yaml": text}, "a"))
            before = names_and_values(text)
            CHANGES[change][0](live)
            changes = changes_of(in_files({"a.yaml": text}, "a"), live)
            assert len(changes) == CHANGES[change][1]

            after, refused = adopted({"a.yaml": text}, live)

            assert not refused
            assert not changes_of(in_files(after, "a"), live)
            others = {other: value for other, value in names_and_values(after["a.yaml"]).items() if other != "a"}
            assert others == {other: value for other, value in before.items() if other != "a"}
            comments = text.count("#")
            assert comments - 3 <= after["a.yaml"].count("#") <= comments
            assert after["a.yaml"].count("\r\n") == after["a.yaml"].count("\n") or "\r\n" not in text
            assert after["a.yaml"].endswith("\n") == text.endswith("\n")


def test_there_are_sixty_odd_files() -> None:
    assert len(FILES) == 60


def names_and_values(text: str) -> dict[str, Any]:
    found = declare([SourceText("a.yaml", text.encode())])
    return {each.name: each.value for each in found.deployments}


def test_a_change_in_a_long_file_is_one_line_long() -> None:
    entry = PLAIN.removeprefix("deployments:\n")
    entries = [
        entry.replace("name: a", f"name: a{n}").replace("max_scale: 2", f"max_scale: 2  # {n}") for n in range(300)
    ]
    text = "deployments:\n" + "".join(entries)
    assert text.count("\n") > 4000
    live = copy.deepcopy(names_and_values(text)["a150"])
    live["source_config"]["resource_spec"]["max_scale"] = 9
    after, refused = adopted({"a.yaml": text}, live)
    assert not refused
    assert lines_changed(text, after["a.yaml"]) == ["-         max_scale: 2  # 150", "+         max_scale: 9  # 150"]
