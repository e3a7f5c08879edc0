"""docs/contract.md, Exit status: every status, every pair of causes, every way to end early."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import COMMAND, environment
from tests.cli.inside import run_inside

IN_SYNC = {
    "name": "agent",
    "source": "external_docker",
    "source_config": {"resource_spec": {"cpu": 1}},
    "source_revision_config": {"image_uri": "registry.example.com/agent:1"},
    "secrets": [],
    "id": "00000000-0000-4000-8000-000000000001",
}


def declare(*, cpu: object = 1, names: tuple[str, ...] = ("agent",), **more: object) -> str:
    deployments = [
        {
            "name": name,
            "source": "external_docker",
            "source_config": {"resource_spec": {"cpu": cpu}},
            "source_revision_config": {"image_uri": "registry.example.com/agent:1"},
        }
        for name in names
    ]
    return json.dumps({"deployments": deployments, **more})


def listing(*items: object) -> str:
    return json.dumps({"resources": list(items), "offset": len(items)})


def ran(command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, env=environment(), check=False)


FULL_PAGE = [{**IN_SYNC, "name": f"agent-{n}", "id": str(n)} for n in range(19)]

CASES: dict[str, tuple[int, str, str, list[str]]] = {
    "in sync": (0, declare(), listing(IN_SYNC), []),
    "drift": (1, declare(cpu=2), listing(IN_SYNC), []),
    "cut listing that holds nothing declared, accepted": (
        3,
        declare(names=("other",)),
        listing(IN_SYNC, *FULL_PAGE),
        ["--allow-partial"],
    ),
    "drift below --fail-on never": (0, declare(cpu=2), listing(IN_SYNC), ["--fail-on", "never"]),
    "missing": (1, declare(names=("agent", "other")), listing(IN_SYNC), []),
    "unmanaged is a note": (0, declare(), listing(IN_SYNC, {**IN_SYNC, "name": "more", "id": "2"}), []),
    "unmanaged with --fail-on note": (
        1,
        declare(),
        listing(IN_SYNC, {**IN_SYNC, "name": "more", "id": "2"}),
        ["--fail-on", "note"],
    ),
    "no YAML": (2, "deployments: [", listing(IN_SYNC), []),
    "breaks the schema": (2, declare(cpu="two"), listing(IN_SYNC), []),
    "nothing declared": (2, declare(names=()), listing(IN_SYNC), []),
    "nothing declared, accepted": (0, declare(names=()), listing(IN_SYNC), ["--allow-empty"]),
    "--fail-on never forgives no invalid file": (2, "deployments: [", listing(IN_SYNC), ["--fail-on", "never"]),
    "no listing": (2, declare(), "not valid JSON", []),
    "empty listing": (3, declare(), listing(), []),
    "empty listing, accepted": (1, declare(), listing(), ["--allow-empty-live"]),
    "cut listing": (3, declare(), listing(IN_SYNC, *FULL_PAGE), []),
    "cut listing, accepted": (0, declare(), listing(IN_SYNC, *FULL_PAGE), ["--allow-partial"]),
    "ambiguous name": (3, declare(), listing(IN_SYNC, {**IN_SYNC, "id": "2"}), []),
    "--fail-on never forgives no gap": (3, declare(), listing(), ["--fail-on", "never"]),
    "usage": (2, declare(), listing(IN_SYNC), ["--no-such-option"]),
    "unknown format": (2, declare(), listing(IN_SYNC), ["-o", "jsn"]),
    "no such path": (2, declare(), listing(IN_SYNC), ["elsewhere.yaml"]),
    "invalid and incomplete": (2, declare(cpu="two"), listing(), []),
    "invalid and drift": (2, declare(cpu=2, extra=1), listing(IN_SYNC), []),
    "incomplete and drift": (3, declare(cpu=2), listing(IN_SYNC, *FULL_PAGE), []),
    "incomplete and drift, accepted": (1, declare(cpu=2), listing(IN_SYNC, *FULL_PAGE), ["--allow-partial"]),
    "unwritable and invalid": (4, "deployments: [", listing(IN_SYNC), ["-o", "json=no/such/folder/r.json"]),
    "unwritable and incomplete": (4, declare(), listing(), ["-o", "json=no/such/folder/r.json"]),
    "unwritable and drift": (4, declare(cpu=2), listing(IN_SYNC), ["-o", "json=no/such/folder/r.json"]),
    "unwritable and in sync": (4, declare(), listing(IN_SYNC), ["-o", "json=no/such/folder/r.json"]),
}


@pytest.mark.parametrize(("status", "declared", "live", "options"), CASES.values(), ids=CASES)
def test_check_ends_with(status: int, declared: str, live: str, options: list[str], tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_text(declared)
    (tmp_path / "live.json").write_text(live)
    paths = [] if "elsewhere.yaml" in options else ["deployments.yaml"]
    result = run_inside("check", *paths, "--live", "live.json", *options, cwd=tmp_path)
    assert result.status == status, result.out + result.err
    assert "Traceback" not in result.out + result.err
    assert ("in sync" in result.out.split("\n")[0].lower()) <= (status == 0)


@pytest.mark.parametrize("format_name", ["text", "json", "sarif", "junit", "markdown", "html", "github", "ndjson"])
def test_no_status_depends_on_the_format(format_name: str, tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_text(declare(cpu=2))
    (tmp_path / "live.json").write_text(listing(IN_SYNC))
    result = run_inside("check", "--live", "live.json", "-o", format_name, cwd=tmp_path)
    assert result.status == 1
    assert result.out


@pytest.mark.parametrize(
    ("declared", "status"), [(declare(), 0), ("deployments: [", 2), (declare(cpu="two"), 2), (declare(names=()), 2)]
)
def test_validate_uses_the_same_table(declared: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_text(declared)
    assert run_inside("validate", cwd=tmp_path).status == status


def test_report_ends_with_the_saved_status(tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_text(declare(cpu=2))
    (tmp_path / "live.json").write_text(listing(IN_SYNC))
    saved = run_inside("check", "--live", "live.json", "-o", "json=saved.json", "-o", "text", cwd=tmp_path)
    again = run_inside("report", "saved.json", cwd=tmp_path)
    assert again.status == saved.status == 1
    reports = [[line for line in run.out.split("\n") if not line.startswith("To ")] for run in (saved, again)]
    assert reports[0] == reports[1]  # but for the commands, which name what the command line chose


@pytest.mark.parametrize(
    ("declared", "options", "outcome"),
    [
        (declare(), [], "in_sync"),
        (declare(cpu=2), ["--fail-on", "never"], "passed"),
        (declare(names=("agent", "other")), ["--fail-on", "never"], "passed"),
        (declare(cpu=2), [], "drift"),
    ],
)
def test_status_0_with_differences_is_passed(declared: str, options: list[str], outcome: str, tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_text(declared)
    (tmp_path / "live.json").write_text(listing(IN_SYNC))
    result = run_inside("check", "--live", "live.json", "-o", "json", *options, cwd=tmp_path)
    assert json.loads(result.out)["outcome"]["name"] == outcome


def test_no_key_is_status_3_and_reported(tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_text(declare())
    result = run_inside("check", "-o", "json", cwd=tmp_path)
    assert result.status == 3
    assert "LANGSMITH_API_KEY" in result.err
    report = json.loads(result.out)
    assert report["outcome"] == {"status": 3, "name": "incomplete"}
    assert report["deployments"][0]["status"] == "unknown"


def test_an_inventory_of_what_was_not_read_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_text(declare())
    result = run_inside("audit", cwd=tmp_path)
    assert result.status == 3
    assert "  live          unknown\n" in result.out
    assert "0 deployments" not in result.out


def test_no_connection_is_status_3(tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_text(declare())
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        env = {"LANGGRAPH_HOST_URL": address, "LANGSMITH_API_KEY": "lsv2_pt_0000000000"}
        result = run_inside("check", "--retries", "0", cwd=tmp_path, env=env)
    assert result.status == 3
    assert "lsv2_pt_0000000000" not in result.out + result.err


def waiting_check(tmp_path: Path, server: socket.socket) -> subprocess.Popen[str]:
    """Start a check that waits for a server which accepts and never answers."""
    (tmp_path / "deployments.yaml").write_text(declare())
    address = f"http://127.0.0.1:{server.getsockname()[1]}"
    env = environment(LANGGRAPH_HOST_URL=address, LANGSMITH_API_KEY="lsv2_pt_0000000000")
    return subprocess.Popen(
        [*COMMAND, "check", "--timeout", "30"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
    )


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_and_terminated(sent: signal.Signals, status: int, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        process = waiting_check(tmp_path, server)
        connection, _ = server.accept()
        process.send_signal(sent)
        _, errors = process.communicate(timeout=30)
        connection.close()
    assert process.returncode == status
    assert "Traceback" not in errors


@pytest.fixture
def drifted(tmp_path: Path) -> Path:
    (tmp_path / "deployments.yaml").write_text(declare(cpu=2))
    (tmp_path / "live.json").write_text(listing(IN_SYNC))
    return tmp_path


def run_with_stdout(folder: Path, redirection: str) -> subprocess.CompletedProcess[str]:
    command = " ".join([*COMMAND, "check", "--live", "live.json"])
    return ran(["bash", "-c", f"{command} {redirection}"], folder)


def test_X2_full_standard_output_is_not_drift(drifted: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    result = run_with_stdout(drifted, "> /dev/full")
    assert result.returncode == 4
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr


def test_X2_closed_standard_output_is_not_drift(drifted: Path) -> None:
    result = run_with_stdout(drifted, ">&-")
    assert result.returncode == 4
    assert "Traceback" not in result.stderr


def test_X2_a_broken_pipe_is_not_drift(drifted: Path) -> None:
    result = run_with_stdout(drifted, "| true; exit ${PIPESTATUS[0]}")
    assert result.returncode in (1, 4)
    assert "Traceback" not in result.stderr
    reader, writer = os.pipe()
    os.close(reader)
    broken = subprocess.run(
        [*COMMAND, "check", "--live", "live.json"],
        cwd=drifted,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        env=environment(),
        check=False,
    )
    os.close(writer)
    assert broken.returncode == 4
    assert "Traceback" not in broken.stderr
    assert "Exception ignored" not in broken.stderr


@pytest.mark.parametrize("arguments", ["--help", "--version", "check --help", "history open --help"])
@pytest.mark.parametrize("redirection", [">&-", "> /dev/full"])
def test_X2_help_that_can_not_be_written_is_an_ordinary_failure(
    arguments: str, redirection: str, tmp_path: Path
) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    script = " ".join([*COMMAND, arguments, redirection])
    result = ran(["bash", "-c", script], tmp_path)
    assert result.returncode == 4
    assert "could not be written" in result.stderr
    assert "defect" not in result.stderr
    assert "report it" not in result.stderr


def test_a_report_to_a_file_needs_no_standard_output(drifted: Path) -> None:
    result = run_with_stdout(drifted, "-o json=report.json >&-")
    assert result.returncode == 1
    assert json.loads((drifted / "report.json").read_text())["outcome"]["name"] == "drift"


def test_X4_a_failed_run_replaces_the_report_of_an_earlier_one(drifted: Path) -> None:
    (drifted / "report.json").write_text('{"outcome": {"status": 0, "name": "in_sync"}}')
    result = run_inside("check", "no-such-folder", "--live", "live.json", "-o", "json=report.json", cwd=drifted)
    assert result.status == 2
    assert json.loads((drifted / "report.json").read_text())["outcome"]["name"] == "invalid"


def test_X5_several_formats_are_written_all_or_none(drifted: Path) -> None:
    outputs = ["-o", "json=report.json", "-o", "sarif=no/such/folder/report.sarif"]
    result = run_inside("check", "--live", "live.json", *outputs, cwd=drifted)
    assert result.status == 4
    assert not (drifted / "report.json").exists()
    assert sorted(path.name for path in drifted.iterdir()) == ["deployments.yaml", "live.json"]


def test_X1_an_internal_error_is_not_drift(drifted: Path) -> None:
    """With a defect planted in the rendering, the status is 4, and no text of the exception is shown."""
    program = (
        "import driftcheck.pipeline as pipeline\n"
        "def check(*_): raise RuntimeError('canary-in-exception')\n"
        "pipeline.check = check\n"
        "from driftcheck.__main__ import run\n"
        "import sys; sys.argv = ['driftcheck', 'check', '--live', 'live.json']; run()"
    )
    result = ran([COMMAND[0], "-c", program], drifted)
    assert result.returncode == 4
    assert "RuntimeError" in result.stderr
    assert "canary-in-exception" not in result.stdout + result.stderr


def test_a_defect_replaces_the_files_it_was_asked_for(drifted: Path) -> None:
    (drifted / "report.json").write_text('{"outcome": {"status": 0, "name": "in_sync"}}')
    program = (
        "import driftcheck.pipeline as pipeline\n"
        "def check(*_): raise RuntimeError('canary-in-exception')\n"
        "pipeline.check = check\n"
        "from driftcheck.__main__ import run\n"
        "import sys\n"
        "sys.argv = ['driftcheck', 'check', '--live', 'live.json', '-o', 'json=report.json', '-o', 'junit=r.xml']\n"
        "run()"
    )
    assert ran([COMMAND[0], "-c", program], drifted).returncode == 4
    report = json.loads((drifted / "report.json").read_text())
    assert report["outcome"] == {"status": 4, "name": "defect"}
    assert report["findings"][0]["message"] == "internal error (RuntimeError); no deployments were checked."
    assert "RuntimeError" in (drifted / "r.xml").read_text()


@pytest.mark.parametrize("path", ["deployments.yaml", "no-such-folder"])
def test_a_format_that_always_fails_leaves_no_earlier_report(drifted: Path, path: str) -> None:
    for name in ("report.html", "report.json"):
        (drifted / name).write_text("yesterday")
    program = (
        "import driftcheck.formats.html as html\n"
        "def render(*_): raise RuntimeError('canary-in-exception')\n"
        "html.render = render\n"
        "from driftcheck.__main__ import run\n"
        "import sys\n"
        f"sys.argv = ['driftcheck', 'check', '{path}', '--live', 'live.json', '-o', 'json=report.json',"
        " '-o', 'html=report.html']\n"
        "run()"
    )
    result = ran([COMMAND[0], "-c", program], drifted)
    assert result.returncode == 4
    assert json.loads((drifted / "report.json").read_text())["outcome"] == {"status": 4, "name": "defect"}
    assert "internal error" in (drifted / "report.html").read_text()
    assert "canary" not in result.stdout + result.stderr + (drifted / "report.html").read_text()


def test_a_failure_is_reported_once(tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_text(declare())
    text = run_inside("check", cwd=tmp_path)
    assert "no API key" in text.out
    assert text.err == ""
    for output in ("json", "text=report.txt"):
        assert run_inside("check", "-o", output, cwd=tmp_path).err.count("no API key") == 1


def test_a_defect_of_the_configuration_has_its_location_in_every_report(tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_text(declare())
    (tmp_path / "driftcheck.yaml").write_text("strict: true\nfail-on: eror\n")
    result = run_inside("check", "--live", "live.json", "-o", "json", "-o", "sarif=r.sarif", cwd=tmp_path)
    assert result.status == 2
    assert "driftcheck.yaml:2:10: `fail-on` must be" in result.err
    (finding,) = json.loads(result.out)["findings"]
    assert finding["location"] == {"file": "driftcheck.yaml", "line": 2, "column": 10}
    assert finding["message"].startswith("`fail-on` must be")
    assert '"uri": "driftcheck.yaml"' in (tmp_path / "r.sarif").read_text()


@pytest.mark.parametrize(
    ("name", "status"), [pytest.param("SIGTERM", 143, id="terminated"), pytest.param("SIGINT", 130, id="interrupted")]
)
def test_X1_a_signal_while_an_error_is_reported_decides_the_status(name: str, status: int, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from driftcheck.cli import console\n"
        f"console.say_error = lambda _: os.kill(os.getpid(), signal.{name})\n"
        "from driftcheck.__main__ import run\n"
        "sys.argv = ['driftcheck', 'check', '--config', 'none.yaml']; run()"
    )
    result = ran([COMMAND[0], "-c", program], tmp_path)
    assert (result.returncode, result.stderr.strip()) == (status, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--api-key", KEY := "lsv2_pt_0123456789abcdef0123"],
        ["check", f"--api-key{KEY}"],
        ["check", f"--api-key={KEY}"],
        ["check", "--token", KEY],
        ["check", "--fail-on", KEY],
        ["check", "-o", f"json={KEY}/x.json", "--nonsense"],
        [KEY],
    ],
)
def test_K2_a_key_on_the_command_line_is_not_repeated(arguments: list[str], tmp_path: Path) -> None:
    result = run_inside(*arguments, cwd=tmp_path)
    assert result.status == 2
    assert "0123456789" not in result.out + result.err
