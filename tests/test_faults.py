"""Threats that belong to no single module: code of the tree, outputs as files, odd streams, limits."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from html import unescape
from pathlib import Path

import pytest

from driftcheck.formats import FORMATS
from tests.cli.command import COMMAND, driftcheck, environment
from tests.cli.inside import run_inside
from tests.live.raw_server import answer, endless, saying, serving

AGENT = {
    "name": "claims",
    "source": "external_docker",
    "source_config": {"resource_spec": {"labels": {"note": "plain"}}},
    "source_revision_config": {"image_uri": "registry.example.com/claims:1"},
}


def place(folder: Path, *, declared: object = "plain", live: object = "live", name: str = "claims") -> None:
    """Write a declaration and a listing whose one label differs."""
    wanted = {**AGENT, "source_config": {"resource_spec": {"labels": {"note": declared}}}}
    seen = {**AGENT, "name": name, "id": "1", "source_config": {"resource_spec": {"labels": {"note": live}}}}
    (folder / "deployments.yaml").write_text(json.dumps({"deployments": [wanted]}, ensure_ascii=False), "utf-8")
    (folder / "live.json").write_text(json.dumps({"resources": [seen], "offset": 1}))


CHECK = ("check", "--live", "live.json")


# --- what a tree may do ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reference", ["${SECRET_NOTE}", "$SECRET_NOTE", "{{ env.SECRET_NOTE }}", "%(SECRET_NOTE)s"])
def test_R2_nothing_in_a_file_is_expanded(reference: str, tmp_path: Path) -> None:
    place(tmp_path, declared=reference)
    (tmp_path / "driftcheck.yaml").write_text(
        f"ignore: [{{deployment: claims, path: source_config.custom_url, reason: '{reference}'}}]\n"
    )
    result = run_inside(*CHECK, "-o", "json", cwd=tmp_path, env={"SECRET_NOTE": "canary-expanded"})
    assert "canary-expanded" not in result.output
    assert json.loads(result.out)["deployments"][0]["changes"][0]["declared"] == reference


@pytest.mark.parametrize("arguments", [("-m", "driftcheck"), ("-P", "-m", "driftcheck")])
def test_R3_no_module_of_the_tree_is_imported(arguments: tuple[str, ...], tmp_path: Path) -> None:
    place(tmp_path)
    third_party = ("yaml", "click", "httpx", "deepdiff", "jsonschema_rs")
    for name in (*third_party, "__future__", "typing", "json", "signal", "tempfile", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('code of the tree')")
    ran = subprocess.run(
        [sys.executable, *arguments, *CHECK],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
        check=False,
    )
    assert "code of the tree" not in ran.stdout + ran.stderr
    assert ran.returncode == 1, ran.stderr


def test_R11_an_output_replaces_a_link_and_leaves_alone_what_it_leads_to(tmp_path: Path) -> None:
    place(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "precious.txt"
    target.write_text("precious")
    (tmp_path / "report.json").symlink_to(target)
    assert run_inside(*CHECK, "-o", "json=report.json", cwd=tmp_path).status == 1
    assert target.read_text() == "precious"
    assert not (tmp_path / "report.json").is_symlink()
    assert json.loads((tmp_path / "report.json").read_text())["outcome"]["status"] == 1


# --- secrets and commands -------------------------------------------------------------------------------------------


def test_K8_a_report_is_the_same_for_any_secret(tmp_path: Path) -> None:
    """The report shows neither its length nor anything computed from it."""
    reports = []
    for declared, live in (("short", "x"), ("another one " * 40, "and a very long one " * 400), ("ä\n", "::error::")):
        sidecars = [
            [{"name": "otel", "image": "otel:1", "env": [{"name": "TOKEN", "value": value}]}]
            for value in (declared, live)
        ]
        wanted = {**AGENT, "source_config": {"resource_spec": {"sidecars": sidecars[0]}}}
        seen = {**AGENT, "id": "1", "source_config": {"resource_spec": {"sidecars": sidecars[1]}}}
        seen["secrets"] = [{"name": "OPENAI_API_KEY", "value": live}]
        (tmp_path / "deployments.yaml").write_text(json.dumps({"deployments": [wanted]}, indent=1))
        (tmp_path / "live.json").write_text(json.dumps({"resources": [seen], "offset": 1}))
        outputs = [part for name in FORMATS for part in ("-o", f"{name}=report.{name}")]
        assert run_inside(*CHECK, "-v", *outputs, cwd=tmp_path).status == 1
        reports.append([(tmp_path / f"report.{name}").read_bytes() for name in FORMATS])
    assert reports[0] == reports[1] == reports[2]


@pytest.mark.parametrize("format_name", FORMATS)
def test_K10_no_format_asks_a_runner_to_mask_anything(format_name: str, tmp_path: Path) -> None:
    place(tmp_path, live="::add-mask::e", name="::add-mask::e")
    result = run_inside(*CHECK, "-o", format_name, cwd=tmp_path)
    assert result.out
    for line in result.output.splitlines():
        assert not line.lstrip().startswith("::add-mask")
        assert "##[add-mask" not in line


@pytest.mark.parametrize("markup", ["[bold red]x[/]", "[link=https://example.com]x[/link]", ":smile:", "%s{0}{{7*7}}"])
@pytest.mark.parametrize("format_name", ["text", "markdown", "html", "json", "github"])
def test_O8_no_markup_of_the_data_is_read(format_name: str, markup: str, tmp_path: Path) -> None:
    place(tmp_path, live=markup)
    result = run_inside(*CHECK, "-o", format_name, cwd=tmp_path)
    assert result.status == 1
    shown = result.out.replace("%25", "%")
    assert markup in (unescape(shown) if format_name == "html" else shown)


# --- streams and files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-16", "utf-8:strict"])
def test_O9_a_stream_that_takes_few_characters_gets_escapes(encoding: str, tmp_path: Path) -> None:
    place(tmp_path, declared="\U0001f600 ä \u4e2d", live="\ud800 lone")
    ran = subprocess.run(
        [*COMMAND, *CHECK],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        env=environment(PYTHONIOENCODING=encoding, LC_ALL="C", PYTHONUTF8="0"),
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    shown = ran.stdout.decode(encoding.partition(":")[0])
    assert r"\ud800 lone" in shown
    assert ran.stderr == b""


KILLED_AT = {
    "written": "os.fsync",
    "synced": "os.chmod",
    "renamed": "os.replace",
}


@pytest.mark.parametrize("moment", KILLED_AT)
def test_X3_killed_at_any_moment_a_report_is_the_earlier_one_or_whole(moment: str, tmp_path: Path) -> None:
    place(tmp_path)
    earlier = '{"earlier": "report"}'
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(earlier)
    module, _, function = KILLED_AT[moment].partition(".")
    program = (
        f"import {module}, signal, sys\n"
        f"def killed(*a, **k): {module}.kill({module}.getpid(), signal.SIGKILL)\n"
        f"{module}.{function} = killed\n"
        "from driftcheck.__main__ import run\n"
        "sys.argv = ['driftcheck', 'check', '--live', 'live.json', '-o', 'json=a.json', '-o', 'sarif=b.json']; run()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, timeout=60, env=environment(), check=False
    )
    assert ran.returncode == -signal.SIGKILL
    assert [(tmp_path / name).read_text() for name in ("a.json", "b.json")] == [earlier, earlier]
    assert run_inside(*CHECK, "-o", "json=a.json", "-o", "sarif=b.json", cwd=tmp_path).status == 1
    assert json.loads((tmp_path / "a.json").read_text())["outcome"]["status"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("optimized", ["-O", "-OO"])
def test_X7_without_assertions_the_verdict_is_the_same(optimized: str, tmp_path: Path) -> None:
    place(tmp_path)
    plain = driftcheck(*CHECK, cwd=tmp_path)
    ran = subprocess.run(
        [sys.executable, optimized, "-P", "-m", "driftcheck", *CHECK],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (plain.returncode, plain.stdout)
    assert plain.returncode == 1


# --- limits of a whole process --------------------------------------------------------------------------------------

MIB = 2**20
HEAVY = {
    "brackets": b"[" * MIB,
    "dashes": b"- " * (MIB // 2),
    "braces": b"{a: " * (MIB // 4),
    "list of nothing": b"deployments:\n" + b"- a\n" * (MIB // 4),
    "tags": b"%TAG ! tag:example.com,2000:\n" * (MIB // 30),
    "one long number": b"deployments: " + b"9" * MIB,
    "documents": b"--- {}\n" * (MIB // 7),
    "quotes": b'deployments: "' + b"\\u00e4" * (MIB // 6) + b'"',
    "aliases": b"a: &a [" + b"1," * 1000 + b"]\nb: [" + b"*a," * (MIB // 4) + b"]\n",
}


MEASURED = """
import resource, sys
from driftcheck.cli.main import main
status = main(sys.argv[1:])
usage = resource.getrusage(resource.RUSAGE_SELF)
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("measured", status, usage.ru_utime + usage.ru_stime, peak // 1024, file=sys.stderr)
"""


def measured(*arguments: str, cwd: Path, **env: str) -> tuple[int, float, int]:
    """Run in a separate process; returns status, seconds of processor time, and the most MiB of memory."""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("no /proc here")
    ran = subprocess.run(
        [sys.executable, "-P", "-c", MEASURED, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(**env),
        check=False,
    )
    assert "Traceback" not in ran.stdout + ran.stderr
    word, status, seconds, mebibytes = ran.stderr.splitlines()[-1].split()
    assert word == "measured"
    return int(status), float(seconds), int(mebibytes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", HEAVY)
def test_Y5_a_file_of_a_mebibyte_takes_bounded_time_and_memory(kind: str, tmp_path: Path) -> None:
    (tmp_path / "deployments.yaml").write_bytes(HEAVY[kind])
    status, seconds, mebibytes = measured("validate", cwd=tmp_path)
    assert status == 2
    assert seconds < 5.0
    assert mebibytes < 200


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["a body without end", "a gzip bomb", "headers without end"])
def test_F5_F6_the_process_stays_small_and_ends_with_any_server(kind: str, tmp_path: Path) -> None:
    place(tmp_path)
    bomb = gzip.compress(b" " * (100 * MIB), 1)
    conversation = {
        "a body without end": endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536),
        "a gzip bomb": saying(answer(bomb, headers=("Content-Encoding: gzip",))),
        "headers without end": endless(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n" * 100, pause=0.001),
    }[kind]
    start = time.monotonic()
    with serving(conversation) as (url, _):
        env = {"LANGGRAPH_HOST_URL": url, "LANGSMITH_API_KEY": "any-key-will-do"}
        status, _, mebibytes = measured("check", "--timeout", "1", "--retries", "0", cwd=tmp_path, **env)
    assert status == 3
    assert time.monotonic() - start < 15
    assert mebibytes < 250


def test_R12_the_action_hands_no_input_to_a_shell_as_text() -> None:
    """Inputs and texts of the event reach `run:` only through variables."""
    import yaml

    action = yaml.safe_load((Path(__file__).parent.parent / "action.yml").read_text("utf-8"))
    scripts = [step["run"] for step in action["runs"]["steps"] if "run" in step]
    assert scripts
    assert not any("${{" in script for script in scripts)


def test_nothing_shows_where_the_tests_ran(tmp_path: Path) -> None:
    """O10: no path, host or user of the machine is in a report."""
    place(tmp_path)
    result = run_inside(*CHECK, "-o", "json", cwd=tmp_path)
    assert str(tmp_path) not in result.out
    assert os.uname().nodename not in result.out or len(os.uname().nodename) < 4
