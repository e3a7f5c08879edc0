"""Settings: flags come before the environment, the environment before the file, the file before the defaults."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from driftcheck import settings
from driftcheck.declarations.config import Config, Target
from driftcheck.errors import LiveError, UsageError
from driftcheck.model import ChangeClass, Severity
from driftcheck.settings import Access, Flags, Settings

ONE, TWO, THREE, FOUR = (f"{number}1111111-1111-4111-8111-111111111111" for number in range(1, 5))
FILE = Path("driftcheck.yaml")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Start without variables, in a folder with one file of declarations."""
    for name in os.environ:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deployments.yaml").write_text("deployments: []\n")
    return monkeypatch


def resolve(
    command: str = "check", config: Config | None = None, target: Target | None = None, **flags: Any
) -> Settings:
    return settings.resolve(command, Flags(**flags), config or Config(file=FILE), target)


def access(config: Config | None = None, target: Target | None = None, **flags: Any) -> Access:
    found = resolve("check", config, target, **flags).access
    assert found is not None
    return found


def workspace(config: Config | None = None, target: Target | None = None, **flags: Any) -> tuple[str, str] | None:
    found = resolve("check", config, target, **flags).workspace
    return (found.id, found.origin) if found else None


# --- precedence ---


def test_the_workspace_comes_from_flag_target_environment_or_file_in_this_order(bare: pytest.MonkeyPatch) -> None:
    config = Config(workspace=FOUR, file=FILE)
    target = Target("eu", config, workspace=TWO)
    assert workspace() is None
    assert workspace(config) == (FOUR, "driftcheck.yaml")
    bare.setenv("LANGSMITH_WORKSPACE_ID", THREE)
    assert workspace(config) == (THREE, "LANGSMITH_WORKSPACE_ID")
    assert workspace(Config(file=FILE, targets=(target,)), target) == (TWO, "target eu of driftcheck.yaml")
    assert workspace(config, target, workspace=ONE) == (ONE, "--workspace")


def test_the_endpoint_comes_from_flag_target_environment_or_file_in_this_order(bare: pytest.MonkeyPatch) -> None:
    config = Config(region="eu", file=FILE)
    us, eu = access().endpoint, access(config).endpoint
    assert us != eu
    assert access(config, region="us").endpoint == us
    bare.setenv("LANGGRAPH_HOST_URL", "https://own.example.com")
    assert access(config).endpoint == "https://own.example.com"
    target = Target("staging-eu", config, region="eu")
    assert access(config, target).endpoint == eu
    bare.setenv("DRIFTCHECK_ENDPOINT_STAGING_EU", "https://staging.example.com")
    assert access(config, target).endpoint == "https://staging.example.com"
    assert access(config, target, endpoint="https://flag.example.com").endpoint == "https://flag.example.com"


def test_a_target_has_a_key_of_its_own_before_the_common_ones(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("LANGSMITH_API_KEY", "common")
    target = Target("staging-eu", Config())
    assert (access().api_key, access(target=target).api_key) == ("common", "common")
    bare.setenv("DRIFTCHECK_API_KEY_STAGING_EU", "own")
    assert (access().api_key, access(target=target).api_key) == ("common", "own")
    bare.setenv("ANOTHER", "named")
    assert access(api_key_env="ANOTHER").api_key == "named"


def test_the_policy_comes_from_flags_before_the_file() -> None:
    config = Config(fail_on="note", strict=True, severities={"drift": Severity.WARNING}, file=FILE)
    assert (resolve().policy.fail_on, resolve().policy.strict) == (Severity.ERROR, False)
    assert (resolve(config=config).policy.fail_on, resolve(config=config).policy.strict) == (Severity.NOTE, True)
    chosen = resolve(config=config, fail_on="never", strict=False).policy
    assert (chosen.fail_on, chosen.strict, chosen.severities) == (None, False, {"drift": Severity.WARNING})


def test_the_paths_are_the_given_ones_those_of_the_file_or_the_defaults() -> None:
    config = Config(paths=("infra",), file=FILE)
    assert resolve().paths == ("deployments.yaml",)
    assert resolve(config=config).paths == ("infra",)
    assert resolve(config=config, paths=("a.yaml",)).paths == ("a.yaml",)


def test_without_any_path_there_is_nothing_to_check(tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").unlink()
    with pytest.raises(UsageError, match="nothing to check"):
        resolve()
    assert resolve(allow_empty=True).paths == ()
    assert resolve("audit").paths == ()


# --- values ---


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        (None, {ChangeClass.DRIFT, ChangeClass.CONFLICT}),
        ("elsewhere", {ChangeClass.ELSEWHERE}),
        (" drift , proposed,", {ChangeClass.DRIFT, ChangeClass.PROPOSED}),
    ],
)
def test_a_gate_is_a_list_of_classes(text: str | None, classes: set[ChangeClass]) -> None:
    assert resolve(base="main", gate=text).policy.gate == classes


@pytest.mark.parametrize("text", ["all", "drift;conflict", "Drift", ","])
def test_a_gate_of_anything_else_is_a_usage_error_that_names_the_classes(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(base="main", gate=text)
    assert "drift, elsewhere, proposed, conflict, adopted, outdated" in str(caught.value.hint)


def test_a_class_of_a_gate_is_suggested_if_one_is_close() -> None:
    with pytest.raises(UsageError, match="unknown class of --gate: drfit") as caught:
        resolve(base="main", gate="proposed,drfit")
    assert str(caught.value.hint).startswith("Did you mean drift? ")


def test_options_that_need_another_one_are_usage_errors_without_it() -> None:
    with pytest.raises(UsageError, match="--gate requires --base"):
        resolve(gate="drift")
    with pytest.raises(UsageError, match="--fail-on-new requires --history"):
        resolve(fail_on_new=True)
    with pytest.raises(UsageError, match="--remind requires --notify"):
        resolve(history="sqlite:///h.db", remind=timedelta(days=7))
    with pytest.raises(UsageError, match="exclude each other"):
        resolve(endpoint="https://a.example", region="eu")


@pytest.mark.parametrize(("text", "hours"), [("7d", 168), ("7", 168), ("12h", 12), (" 2w ", 336)])
def test_a_duration_is_a_number_of_hours_days_or_weeks(text: str, hours: int) -> None:
    assert settings.duration(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "0", "0d", "-1", "1.5d", "d", "1m", "123456"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        settings.duration(text)


def test_a_workspace_that_is_not_an_id_is_a_usage_error_that_says_where_it_is_from(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("LANGSMITH_WORKSPACE_ID", "production")
    with pytest.raises(UsageError, match="production given by LANGSMITH_WORKSPACE_ID"):
        resolve()


@pytest.mark.parametrize(
    "name",
    ["lsv2_pt_0000000000canary", "lsv2_canary", "ls__canary", "AKIACANARY0000000000", "can-ary", "9canary", "A=B"],
)
def test_K1_what_may_be_a_key_is_no_name_of_a_variable_and_is_not_repeated(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(api_key_env=name)
    assert name not in f"{caught.value.message} {caught.value.hint}"


def test_no_secret_is_in_the_text_of_settings(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("LANGSMITH_API_KEY", "canary")
    found = resolve(history="postgresql://user:canary@db/x", notify=("slack://canary",))
    assert found.access is not None
    assert found.access.api_key == "canary"
    assert "canary" not in repr(found)


# --- targets ---

TARGETS = Config(targets=(Target("eu", Config()), Target("us", Config()), Target("us-old", Config())), file=FILE)


def selected(*globs: str, **flags: Any) -> list[str | None]:
    return [run.target for run in settings.resolve_targets("check", Flags(targets=globs, **flags), TARGETS)]


def test_globs_select_targets_in_the_order_of_the_file() -> None:
    assert selected() == ["eu", "us", "us-old"]
    assert selected("us*") == selected("us-old", "us") == ["us", "us-old"]
    with pytest.raises(UsageError, match="no target is named asia"):
        selected("eu", "asia")
    with pytest.raises(UsageError, match="--target requires"):
        settings.resolve_targets("check", Flags(targets=("eu",)), Config(file=FILE))


def test_each_target_has_its_own_live_file() -> None:
    flags = Flags(live=("eu=eu.json", "us=us.json"))
    assert [run.live for run in settings.resolve_targets("check", flags, TARGETS)] == ["eu.json", "us.json", None]
    (alone,) = settings.resolve_targets("check", Flags(live=("a=b.json",), targets=("eu",)), TARGETS)
    assert alone.live == "a=b.json"
    for live, problem in (
        (("live.json",), "names no target"),
        (("eu=a", "eu=b"), "given twice"),
        (("eu=",), "names no"),
    ):
        with pytest.raises(UsageError, match=problem):
            settings.resolve_targets("check", Flags(live=live), TARGETS)


def test_one_workspace_for_several_targets_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="several targets"):
        selected(workspace=ONE)
    assert selected("eu", workspace=ONE) == ["eu"]


def test_standard_input_is_read_once() -> None:
    with pytest.raises(UsageError, match="read once"):
        selected(paths=("-",))
    with pytest.raises(UsageError, match="read once"):
        selected(live=("eu=-", "us=-"))
    with pytest.raises(UsageError, match="read once"):
        selected("eu", paths=("-",), live=("eu=-",))


def test_targets_whose_variables_have_one_name_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match="DRIFTCHECK_API_KEY_A_B"):
        settings.select_targets([Target("a-b", Config()), Target("a_b", Config())], ())


# --- connections ---


@pytest.mark.parametrize(
    ("concurrency", "runs", "at_once", "share"), [(4, 1, 1, 4), (4, 2, 2, 2), (4, 3, 3, 1), (4, 9, 4, 1), (1, 3, 1, 1)]
)
def test_runs_share_the_connections(concurrency: int, runs: int, at_once: int, share: int) -> None:
    asking = Settings("check", access=Access("https://a.example", "key", concurrency=concurrency))
    found, shared = settings.share_connections([asking] * runs)
    assert found == at_once
    assert [run.access.concurrency for run in shared if run.access] == [share] * runs


def test_runs_that_ask_nobody_are_read_at_once() -> None:
    runs = [Settings("check", live="a.json")] * 3
    assert settings.share_connections(runs) == (3, tuple(runs))


def test_a_connection_needs_a_key() -> None:
    with pytest.raises(LiveError, match="LANGSMITH_API_KEY"):
        settings.connection(resolve())
    with pytest.raises(LiveError, match="no API key: MY_KEY is not set"):
        settings.connection(resolve(api_key_env="MY_KEY"))
    with pytest.raises(UsageError, match="does not read from the network"):
        settings.connection(resolve(live=("live.json",)))


def test_a_connection_asks_for_the_workspace_with_its_origin(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("LANGSMITH_API_KEY", "key")
    found = settings.connection(resolve(workspace=ONE, timeout=7.0, retries=2))
    assert (found.workspace, found.workspace_origin, found.timeout, found.retries) == (ONE, "--workspace", 7.0, 2)
