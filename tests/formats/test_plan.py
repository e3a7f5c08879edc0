"""Plans as text, Markdown, JSON and a shell script that is run against the emulated control plane."""

from __future__ import annotations

import copy
import html
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from driftcheck import fields
from driftcheck.formats.plan import FORMATS, render, summary
from driftcheck.live.emulator import Behaviour, Emulator, app_of
from driftcheck.plan import Effect, NotPlanned, Plan, PlanTarget, Precondition, Step, placeholder, plan_deployment
from tests.comparison.sides import snapshot, spec, verdicts
from tests.loopback import running

KEY = "lsv2_sk_0123456789abcdef"
ID = "11111111-1111-4111-8111-111111111111"
WORKSPACE = "22222222-2222-4222-8222-222222222222"

LIVE = {
    **spec(max_scale=12, cpu=1, labels={"odd": 'it\'s "quoted" $HOME \\ back `tick`'}),
    "id": ID,
    "tenant_id": WORKSPACE,
    "latest_revision_id": "33333333-3333-4333-8333-333333333333",
    "active_revision_id": "33333333-3333-4333-8333-333333333333",
    "updated_at": "2026-01-01T00:00:00Z",
    "created_at": "2026-01-01T00:00:00Z",
    "source_revision_config": {"image_uri": "registry.example.com/a:1"},
    "secrets": [],
    "status": "READY",
}
DECLARED = spec(max_scale=6, cpu=1)

SAMPLE = Plan(
    steps=(
        Step(
            "claims",
            "PATCH",
            f"/v2/deployments/{ID}",
            {"secrets": [{"name": "A", "value": placeholder(("secrets",))}]},
            Effect.NEW_REVISION,
            fields=(("secrets",),),
            precondition=Precondition(ID, None, "t"),
            warnings=("A rollout is pending.",),
            needs=("secrets[name=A].value",),
        ),
    ),
    not_planned=(NotPlanned("billing", "it is being deleted"),),
    targets=(PlanTarget(None, None, None),),
)


@pytest.fixture
def emulator() -> Iterator[tuple[Emulator, str]]:
    one = Emulator([copy.deepcopy(LIVE)], Behaviour(writable=True))
    with running(app_of(one)) as url:
        yield one, url


def plan_against(live: dict[str, Any], url: str | None, declared: dict[str, Any] = DECLARED) -> Plan:
    (comparison,) = verdicts([declared], [live]).comparisons
    (deployment,) = snapshot(live).deployments
    items = list(plan_deployment(comparison, declared, deployment))
    return Plan(tuple(item for item in items if isinstance(item, Step)), targets=(PlanTarget(None, url, WORKSPACE),))


def run(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    file = folder / "plan.sh"
    file.write_text(script)
    return subprocess.run(
        ["sh", str(file)],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "LANGSMITH_API_KEY": KEY, **variables},
        timeout=60,
    )


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@needs_curl
def test_the_script_brings_live_back(emulator: tuple[Emulator, str], tmp_path: Path) -> None:
    one, url = emulator
    result = run(render("sh", plan_against(LIVE, url)), tmp_path)
    assert result.returncode == 0, result.stderr
    live = dict(one.deployments[0].value)
    assert live["source_config"]["resource_spec"]["labels"] == LIVE["source_config"]["resource_spec"]["labels"]
    assert not verdicts([DECLARED], [live]).comparisons[0].changes


@needs_curl
def test_the_script_refuses_where_the_precondition_no_longer_holds(
    emulator: tuple[Emulator, str], tmp_path: Path
) -> None:
    one, url = emulator
    script = render("sh", plan_against(LIVE, url))
    assert run(script, tmp_path).returncode == 0
    before = one.deployments[0].value
    again = run(script, tmp_path)
    assert again.returncode == 1
    assert "plan again" in again.stderr
    assert one.deployments[0].value == before


@needs_curl
def test_an_unsafe_step_is_refused(emulator: tuple[Emulator, str], tmp_path: Path) -> None:
    one, url = emulator
    declared = {**DECLARED, "secrets": [{"name": "TOKEN"}]}
    result = run(render("sh", plan_against(LIVE, url, declared)), tmp_path)
    assert result.returncode == 1
    assert "secrets[name=TOKEN].value" in result.stderr
    assert one.deployments[0].value["updated_at"] == LIVE["updated_at"]


@needs_curl
@pytest.mark.parametrize("cause", ["placeholder", "key of the second target"])
def test_the_script_sends_nothing_before_all_of_it_can_be_sent(
    emulator: tuple[Emulator, str], tmp_path: Path, cause: str
) -> None:
    one, url = emulator
    (first,) = plan_against(LIVE, url).steps
    second = replace(first, deployment="another", target="b")
    if cause == "placeholder":
        second = replace(second, needs=("secrets[name=TOKEN].value",))
    targets = (PlanTarget("a", url, WORKSPACE), PlanTarget("b", url, WORKSPACE))
    script = render("sh", Plan((replace(first, target="a"), second), targets=targets))
    keys = {"LANGSMITH_API_KEY": "", "DRIFTCHECK_API_KEY_A": KEY}
    result = run(script, tmp_path, **({} if cause == "placeholder" else keys))
    assert (result.returncode, result.stdout) == (1 if cause == "placeholder" else 3, "")
    assert one.deployments[0].value["updated_at"] == LIVE["updated_at"]
    filled_in = "\n".join(line for line in script.split("\n") if "unsafe until" not in line)
    assert run(filled_in, tmp_path).stdout.count("sent PATCH") == 1  # the second one is the first again, which changed


def test_the_script_needs_a_key(tmp_path: Path) -> None:
    result = run(render("sh", plan_against(LIVE, "http://127.0.0.1:9")), tmp_path, LANGSMITH_API_KEY="")
    assert result.returncode == 3
    assert "no API key" in result.stderr


def test_K2_no_value_is_in_an_argument_list(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "curl"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/arguments\ncat >> {tmp_path}/input\n')
    fake.chmod(0o755)
    run(render("sh", plan_against(LIVE, "http://127.0.0.1:9")), tmp_path, PATH=f"{fake.parent}:{os.environ['PATH']}")
    arguments = (tmp_path / "arguments").read_text()
    assert KEY not in arguments
    assert "quoted" not in arguments
    assert KEY in (tmp_path / "input").read_text()


def test_people_see_the_placeholders_and_no_other_secret() -> None:
    needs = "secrets[name=A].value"
    secrets = [{"name": "A", "value": f"<fill in {needs}>"}, {"name": "B", "value": "hunter2 <fill in it>"}]
    step = replace(SAMPLE.steps[0], body={"secrets": secrets}, needs=(needs,))
    for name in ("text", "markdown"):
        text = render(name, Plan((step,)))
        assert f'"value": "<fill in {needs}>"' in text
        assert "hunter2" not in text


@pytest.mark.parametrize("name", ["text", "markdown", "sh"])
def test_one_reason_of_many_deployments_is_given_once(name: str) -> None:
    items = [NotPlanned(f"name{number}", "offline") for number in range(38)]
    text = html.unescape(render(name, Plan(not_planned=tuple(items), complete=False)))
    assert text.count("offline") == 1
    assert "name0, name1, name2, name3, name4 and 33 more" in text


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_people_see_what_to_do_and_what_is_missing(name: str) -> None:
    text = render(name, SAMPLE)
    assert "creates a new revision" in text
    assert "secrets" in text
    assert "being" in text
    assert summary(SAMPLE).startswith(
        "Plan: 1 request for 1 deployment (1 starts a revision), 1 unsafe until filled in, 1 not"
    )


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_declared_values_of_variables_are_not_shown_to_readers(name: str) -> None:
    declared = spec(max_scale=6, sidecars=[{"name": "o", "image": "i:1", "env": [{"name": "T", "value": "planted"}]}])
    plan = plan_against({**LIVE, **spec(max_scale=9)}, None, declared)
    assert "planted" not in render(name, plan)
    assert "planted" in render("sh", plan)
    assert "# It holds values that may be secret" in render("sh", plan)
    assert "values that may be secret" not in render("sh", SAMPLE)


def test_text_shows_letters_of_all_languages_in_lines_that_fit() -> None:
    fields_ = tuple(("source_config", "resource_spec", name) for name in ("cpu", "memory_mb", "max_scale", "min_scale"))
    at = Precondition(ID, "33333333-3333-4333-8333-333333333333", "2026-01-01T00:00:00.000000+00:00")
    step = Step("a", "PATCH", "/v2", {"x": "feature/größe"}, Effect.NEW_REVISION, fields=fields_, precondition=at)
    text = render("text", Plan((step, replace(step, deployment="b"))))
    assert '"x": "feature/größe"' in text
    assert "  reverts:\n    source_config.resource_spec.cpu\n    source_config.resource_spec.memory_mb\n" in text
    assert "  only while:\n    latest revision 33333333-3333-4333-8333-333333333333\n    updated at 2026" in text
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "2 requests for 2 deployments (2 start a revision)" in text
    assert "(1 starts a revision)" in render("text", Plan((step,)))


def test_json_is_as_the_contract_says() -> None:
    record = json.loads(render("json", SAMPLE))
    jsonschema.validate(record, fields.schema("plan"))
    assert record["format_version"] == "1.0"
    (step,) = record["steps"]
    assert step["request"]["method"] == "PATCH"
    assert step["effect"] == "new-revision"
    assert step["precondition"] == {"id": ID, "latest_revision_id": None, "updated_at": "t"}
    assert step["unsafe"] is True
    assert step["needs"] == ["secrets[name=A].value"]
    assert record["not_planned"] == [{"deployment": "billing", "target": None, "reason": "it is being deleted"}]


@pytest.mark.parametrize("name", FORMATS)
def test_O1_nothing_in_a_plan_is_live(name: str, tmp_path: Path) -> None:
    odd = "x\n::error::y ##[z] \x1b[31m $(touch pwned) `touch pwned` '; touch pwned; '"
    step = Step(odd, "PATCH", f"/v2/deployments/{ID}", {"display_name": odd}, Effect.IN_PLACE, warnings=(odd,))
    text = render(name, Plan((step,), (NotPlanned(odd, odd),), targets=(PlanTarget(None, "http://127.0.0.1:9", odd),)))
    assert "\x1b" not in text
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    if name == "sh":
        run(text, tmp_path)
        assert not (tmp_path / "pwned").exists()
        assert not Path("pwned").exists()


def test_no_line_break_of_a_value_adds_an_option_for_curl(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "curl"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ncat >> {tmp_path}/input\n")
    fake.chmod(0o755)
    step = Step("claims", "PATCH", "/v2/x\nurl = http://elsewhere\r\noutput = pwned", {"a": "b"}, Effect.IN_PLACE)
    script = render("sh", Plan((step,), targets=(PlanTarget(None, "http://127.0.0.1:9", None),)))
    variables = {"LANGSMITH_WORKSPACE_ID": "w\nproxy = elsewhere", "PATH": f"{fake.parent}:{os.environ['PATH']}"}
    run(script, tmp_path, **variables)
    names = [line.split(" = ")[0] for line in (tmp_path / "input").read_text().splitlines()]
    assert names == ["url", "request", "header", "header", "header", "data-raw"]


def test_O1_the_script_prints_no_backslash_of_a_name_as_a_line_break(tmp_path: Path) -> None:
    odd = 'secrets[name="A\\n::error::planted"].value'
    step = Step("a\\n::b", "PATCH", f"/v2/deployments/{ID}", {}, Effect.IN_PLACE, needs=(odd,))
    moved = Step("c", "PATCH", "/v2", {}, Effect.IN_PLACE, precondition=Precondition(ID, "\n::error::x", None))
    for each in (step, moved):
        fake = tmp_path / "bin" / "curl"
        fake.parent.mkdir(exist_ok=True)
        fake.write_text("#!/bin/sh\necho '{}'\n")
        fake.chmod(0o755)
        script = render("sh", Plan((each,), targets=(PlanTarget(None, "http://127.0.0.1:9", None),)))
        result = run(script, tmp_path, PATH=f"{fake.parent}:{os.environ['PATH']}")
        assert result.returncode == 1
        assert len((result.stdout + result.stderr).splitlines()) == 1


@needs_curl
def test_a_deployment_of_several_steps_is_checked_once(emulator: tuple[Emulator, str], tmp_path: Path) -> None:
    one, url = emulator
    address = f"/v2/deployments/{ID}"
    at = Precondition(ID, LIVE["latest_revision_id"], LIVE["updated_at"])
    steps = tuple(
        Step("claims", "PATCH", address, {"display_name": name}, Effect.IN_PLACE, precondition=at)
        for name in ("one", "two")
    )
    result = run(render("sh", Plan(steps, targets=(PlanTarget(None, url, None),))), tmp_path)
    assert result.returncode == 0, result.stderr
    assert one.deployments[0].value["display_name"] == "two"
