"""driftcheck.yaml: what it may contain, and how everything else is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from driftcheck.declarations.config import (
    Config,
    ConfigurationError,
    find_config,
    load_config,
    parse_config,
    require_nearest,
)
from driftcheck.declarations.discovery import SourceText
from driftcheck.declarations.policy_checks import MAX_TARGETS
from driftcheck.errors import UsageError
from driftcheck.model import Guard, Location, Severity


def parse(text: str) -> Config:
    return parse_config(SourceText("driftcheck.yaml", text.encode()), Path("/tree"))


def errors(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return caught.value.message.splitlines()


def test_everything_that_a_configuration_may_say() -> None:
    config = parse(
        """\
paths: [deployments, more/*.yaml]
workspace: 7d1f0c3e-0000-4000-8000-000000000000
region: eu
fail-on: warning
strict: true
severities:
  unused-ignore: error
  unpinned-image: note
ignore:
  - deployment: "claims-*"
    path: source_config.resource_spec.max_scale
    reason: load test
    expires: 2026-12-31
    live: {in: [6, 20]}
  - deployment: retired
    missing: true
    reason: going
"""
    )
    assert config.paths == ("deployments", "more/*.yaml")
    assert (config.workspace, config.region) == ("7d1f0c3e-0000-4000-8000-000000000000", "eu")
    assert (config.fail_on, config.strict) == ("warning", True)
    assert config.severities == {"unused-ignore": Severity.ERROR, "unpinned-image": Severity.NOTE}
    first, second = config.ignores
    assert (first.deployment, first.path, first.expires) == (
        "claims-*",
        "source_config.resource_spec.max_scale",
        "2026-12-31",
    )
    assert (first.guard, first.scope) == (Guard(is_in=(6, 20)), None)
    assert first.location == Location("driftcheck.yaml", 10, 5)
    assert (second.missing, second.path, second.reason) == (True, None, "going")


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "x-shared: &a {}\n"])
def test_a_configuration_may_say_nothing(text: str) -> None:
    config = parse(text)
    assert (config.paths, config.ignores, config.severities, config.strict) == ((), (), {}, None)


@pytest.mark.parametrize(
    "key", ["endpoint", "api-key", "api_key_env", "ca-file", "output", "proxy", "include", "headers"]
)
def test_R1_where_to_connect_and_write_is_not_a_setting(key: str) -> None:
    (error,) = errors(f"region: eu\n{key}: x\n")
    assert error.startswith("driftcheck.yaml:2:1: ")


def test_every_defect_is_a_finding_with_its_location_and_a_line_of_the_message() -> None:
    lines = errors("regoin: eu\nfail-on: sometimes\nseverities: {no-such-rule: error}\nstrict: no\n")
    assert [line.split(": ")[0] for line in lines] == [
        "driftcheck.yaml:1:1",
        "driftcheck.yaml:2:10",
        "driftcheck.yaml:3:14",
        "driftcheck.yaml:4:9",
    ]
    assert "`region`" in lines[0]
    assert '`"no"`' in lines[3]
    with pytest.raises(ConfigurationError) as caught:
        parse("regoin: eu\nfail-on: sometimes\n")
    assert [(found.rule, str(found.location)) for found in caught.value.findings] == [
        ("unknown-field", "driftcheck.yaml:1:1"),
        ("invalid-value", "driftcheck.yaml:2:10"),
    ]


def test_more_targets_than_can_be_compared_are_an_error() -> None:
    many = "".join(f"  t{number}: {{}}\n" for number in range(MAX_TARGETS))
    assert len(parse(f"targets:\n{many}").targets) == MAX_TARGETS
    (line,) = errors(f"targets:\n{many}  another: {{}}\n")
    assert line.startswith("driftcheck.yaml:1:1: there are more than 200 targets")


def test_an_unknown_rule_is_an_error_with_a_suggestion() -> None:
    (line,) = errors("severities: {unused-ignroe: error}\n")
    assert line.startswith("driftcheck.yaml:1:14: ")
    assert "unused-ignore" in line


@pytest.mark.parametrize("written", ["off", '"off"', "'off'"])
def test_a_rule_is_turned_off_with_or_without_quotes(written: str) -> None:
    text = f"severities: {{unpinned-image: {written}}}\n"
    assert parse(text).off == {"unpinned-image"}
    target = f"targets:\n  a:\n    workspace: 7d1f0c3e-0000-4000-8000-000000000000\n    {text}"
    assert parse(target).targets[0].config.off == {"unpinned-image"}


@pytest.mark.parametrize("written", ["off", '"off"', "false"])
def test_a_rule_that_cannot_be_turned_off_is_reported_however_it_is_written(written: str) -> None:
    (message,) = (line for line in errors(f"severities: {{rollout-pending: {written}}}\n") if "turned off" in line)
    assert "driftcheck.yaml:1:14: `rollout-pending` can't be turned off. Write `rollout-pending: note`" in message
    assert "ignore rule with `rule: rollout-pending`" in message


def test_a_range_without_numbers_is_an_error() -> None:
    text = "ignore: [{path: a.b, reason: r, live: {between: [20, 2]}}]\n"
    assert errors(text) == ["driftcheck.yaml:1:49: no number is in this range. Write the smaller number first."]
    assert parse(text.replace("20, 2", "2, 2")).ignores


def test_false_as_a_severity_is_an_error_that_names_the_words() -> None:
    (message,) = errors("severities: {unpinned-image: false}\n")
    assert message.endswith(
        "`unpinned-image`: expected a string, got a boolean. Write one of error, warning, note, off."
    )


@pytest.mark.parametrize("text", ["strict: off\n", "workspace: off\n", "severities: off\n", "fail-on: off\n"])
def test_off_is_ambiguous_everywhere_else(text: str) -> None:
    assert any("`off` is a boolean in YAML 1.1" in line for line in errors(text))


@pytest.mark.parametrize("text", ["- a\n", "text\n", "a: [\n", "a: 1\na: 1\n", "region: eu\n---\nregion: us\n"])
def test_anything_but_a_single_mapping_is_an_error(text: str) -> None:
    assert errors(text)[0].startswith("driftcheck.yaml:")


def test_K7_errors_do_not_quote_values() -> None:
    for text in (
        "region: canary-5c1d\n",
        "strict: canary-5c1d\n",
        "ignore: [{path: a, reason: x, live: canary-5c1d}]\n",
    ):
        assert "canary" not in "\n".join(errors(text))


def test_the_nearest_configuration_up_to_the_root_of_the_repository_is_found(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    below = root / "a" / "b"
    below.mkdir(parents=True)
    (root / ".git").mkdir()
    (tmp_path / "driftcheck.yaml").write_text("region: us\n")
    assert find_config(below) is None
    (root / "driftcheck.yaml").write_text("region: eu\n")
    assert find_config(below) == root / "driftcheck.yaml"
    (root / "a" / "driftcheck.yaml").write_text("region: eu\n")
    assert find_config(below) == root / "a" / "driftcheck.yaml"


def test_outside_of_a_repository_only_the_current_folder_is_looked_at(tmp_path: Path) -> None:
    below = tmp_path / "a"
    below.mkdir()
    (tmp_path / "driftcheck.yaml").write_text("region: us\n")
    assert find_config(below) is None
    assert find_config(tmp_path) == tmp_path / "driftcheck.yaml"


def test_R4_a_configuration_is_read_under_the_rules_of_declarations(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / ".git").mkdir()
    (tmp_path / "elsewhere.yaml").write_text("region: canary-5c1d\n")
    (folder / "driftcheck.yaml").symlink_to("../elsewhere.yaml")
    with pytest.raises(UsageError) as caught:
        load_config(folder / "driftcheck.yaml")
    assert "canary" not in caught.value.message
    with pytest.raises(UsageError):
        load_config(folder / "missing.yaml")
    (tmp_path / "own.yaml").write_text("region: eu\n")
    assert load_config(tmp_path / "own.yaml").region == "eu"


@pytest.mark.parametrize("path", ["/", "/etc/**", "..", "deployments/../../other", "../x/*.yaml", "'-'"])
def test_a_path_outside_the_tree_is_a_finding_at_its_line(path: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(f"paths:\n  - deployments\n  - {path}\n")
    assert [(f.rule, str(f.location)) for f in caught.value.findings] == [("invalid-value", "driftcheck.yaml:3:5")]


def test_paths_reach_as_far_as_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    source = SourceText("driftcheck.yaml", b"paths: [../deployments]")
    assert parse_config(source, tmp_path / "sub").paths == ("../deployments",)
    with pytest.raises(ConfigurationError):
        parse_config(SourceText("driftcheck.yaml", b"paths: [../../deployments]"), tmp_path / "sub")


class TestNearest:
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        for folder in (".git", "staging/eu", "shared"):
            (tmp_path / folder).mkdir(parents=True)
        for name in ("driftcheck.yaml", "staging/driftcheck.yaml"):
            (tmp_path / name).write_text("region: eu\n")
        (tmp_path / "staging" / "a.yaml").write_text("")
        return tmp_path

    @pytest.mark.parametrize("path", ["staging", "staging/eu", "staging/a.yaml", "staging/*.yaml", "./staging/"])
    def test_a_nearer_configuration_is_a_usage_error_that_names_both(self, repository: Path, path: str) -> None:
        with pytest.raises(UsageError) as caught:
            require_nearest([path], repository / "driftcheck.yaml", repository)
        assert "staging/driftcheck.yaml" in caught.value.message
        assert "and driftcheck.yaml is in use" in caught.value.message

    @pytest.mark.parametrize("path", ["shared", ".", "missing.yaml", "-", "*.yaml"])
    def test_the_one_in_use_may_be_the_nearest(self, repository: Path, path: str) -> None:
        require_nearest([path], repository / "driftcheck.yaml", repository)

    def test_a_configuration_further_up_is_not_nearer(self, repository: Path) -> None:
        require_nearest(["../shared"], repository / "staging" / "driftcheck.yaml", repository / "staging")

    def test_no_configuration_in_use_is_not_the_nearest(self, repository: Path, tmp_path: Path) -> None:
        with pytest.raises(UsageError):
            require_nearest([str(repository / "staging")], None, tmp_path.parent)
