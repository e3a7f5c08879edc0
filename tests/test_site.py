"""The documentation's site: it builds, what it shows is generated from the code, and its commands run."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from driftcheck import fields
from driftcheck.cli.main import COMMANDS
from driftcheck.declarations.schema import validate
from driftcheck.live.emulator import create_app
from driftcheck.rules import RULES
from tests.cli.command import environment
from tests.cli.inside import run_inside
from tests.cli.workspace import external, saved
from tests.loopback import running
from tests.test_docs import blocks, commands

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
WORKSPACES = {"STAGING": "10000000-0000-4000-8000-000000000000", "PRODUCTION": "20000000-0000-4000-8000-000000000000"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as CI builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "-q",
        "-f",
        "docs/site/mkdocs.yml",
        "-d",
        str(folder),
    ]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=110, check=False)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.slow
def test_every_page_is_in_the_site(site: Path) -> None:
    pages = {str(path.relative_to(DOCS).with_suffix(".html")) for path in DOCS.glob("*.md")}
    generated = {f"reference/{name}.html" for name in ("commands", "configuration", "fields", "schemas", "exit-status")}
    found = {str(path.relative_to(site)) for path in site.rglob("*.html")}
    assert found == pages | generated | {"404.html"}


def links(page: Path) -> Iterator[str]:
    for link in re.findall(r'(?:href|src)="([^"]+)"', page.read_text(encoding="utf-8")):
        yield unescape(link)


@pytest.mark.slow
def test_every_link_of_the_site_leads_to_a_file(site: Path) -> None:
    checked = 0
    for page in site.rglob("*.html"):
        if page.name == "404.html":  # its links are absolute
            continue
        for link in links(page):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not parts.path:
                continue
            assert (page.parent / unquote(parts.path)).exists(), (page.name, link)
            checked += 1
    assert checked > 100


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe)[^>]*\ssrc="([^"]+)"', text)
        loaded += re.findall(r'<link[^>]*rel="(?:stylesheet|icon|preconnect)"[^>]*href="([^"]+)"', text)
        assert not [each for each in loaded if urlsplit(each).netloc], page


@pytest.mark.slow
def test_the_reference_has_every_command_option_and_schema(site: Path) -> None:
    shown = unescape(re.sub(r"<[^>]+>", "", (site / "reference" / "commands.html").read_text(encoding="utf-8")))
    for name in COMMANDS:
        assert f"Usage: driftcheck {name}" in shown
    for option in ("--base", "--fail-on", "--allow-partial", "--history", "--writable"):
        assert option in shown
    schemas = (site / "reference" / "schemas.html").read_text(encoding="utf-8")
    assert all(fields.schema(name)["$id"] in schemas for name in fields.SCHEMAS)


def script(name: str) -> ModuleType:
    """Import a script of docs/."""
    specification = importlib.util.spec_from_file_location(Path(name).stem, DOCS / name)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_page_of_the_rules_is_up_to_date() -> None:
    """`python docs/site/reference.py` writes it anew."""
    page = (DOCS / "rules.md").read_text(encoding="utf-8")
    assert page == script("site/reference.py").rules_page()
    for rule in RULES:
        assert f"\n### {rule}\n" in page


def test_the_pictures_show_what_the_commands_print() -> None:
    """`python docs/pictures.py` draws them anew."""
    module = script("pictures.py")
    for name, arguments in module.RUNS.items():
        drawn = (DOCS / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
        assert module.picture(arguments) == drawn, f"{name}.svg is out of date: run python docs/pictures.py"


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


@pytest.mark.slow
def test_a_newcomer_finishes_the_tutorial(tmp_path: Path) -> None:
    """Its blocks, one after the other in one shell; each expected text is in what follows the one before."""
    page = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    script = "\n".join(blocks(DOCS / "tutorial.md", "sh")).replace("8123", str(free_port()))
    env = environment(PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert "pip install 'langsmith-driftcheck[emulator]'" in page
    ran = subprocess.run(
        ["bash", "-c", f"set -m\ntrap 'kill %1 2>/dev/null' EXIT\n{script}"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    rest = ran.stdout
    for block in blocks(DOCS / "tutorial.md", "text"):
        for line in block.splitlines():
            found, _, after = rest.partition(line.strip())
            assert after or found != rest, (line, ran.stdout, ran.stderr)
            rest = after
    assert (tmp_path / "agents" / "report.html").is_file()


def test_the_commands_on_adopting_and_planning_run(tmp_path: Path) -> None:
    saved(tmp_path / "live.json", [external("claims-agent", 1)])
    env = {"DRIFTCHECK_ADOPT_LIVE": "live.json", "DRIFTCHECK_PLAN_LIVE": "live.json"}
    assert run_inside("init", "--live", "live.json", cwd=tmp_path).status == 0
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com"]
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["commit", "-qm", "x"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
    ):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True, timeout=60)
    ran = commands(DOCS / "adopt-and-plan.md")
    assert len(ran) > 5
    for words in ran:
        result = run_inside(*words, cwd=tmp_path, env=env)
        assert result.status == 0, (words, result.output)


def test_the_commands_on_environments_run(tmp_path: Path) -> None:
    page = DOCS / "environments.md"
    [config] = blocks(page, "yaml")
    [overlay] = blocks(page, "yml")
    assert validate(yaml.safe_load(config), "config") == ()
    (tmp_path / "driftcheck.yaml").write_text(config)
    for folder, text in (
        ("deployments", None),
        ("overlays/staging", "overlay: []\n"),
        ("overlays/production", overlay),
    ):
        (tmp_path / folder).mkdir(parents=True)
        if text is not None:
            (tmp_path / folder / "agents.yaml").write_text(text)
    (tmp_path / "deployments" / "agents.yaml").write_text(
        "deployments:\n  - name: claims-agent\n    source: external_docker\n    source_config:\n"
        "      resource_spec: {min_scale: 1, max_scale: 2}\n    source_revision_config:\n"
        "      image_uri: registry.example.com/claims-agent:1.0.0\n"
    )
    image = {"image_uri": "registry.example.com/claims-agent:1.0.0", "repo_ref": None}
    staging = {
        **external("claims-agent-staging", 1),
        "tenant_id": WORKSPACES["STAGING"],
        "source_revision_config": image,
    }
    production = {**external("claims-agent", 2, max_scale=20), "tenant_id": WORKSPACES["PRODUCTION"]}
    with running(create_app([staging])) as first, running(create_app([production])) as second:
        env = {
            "DRIFTCHECK_ENDPOINT_STAGING": first,
            "DRIFTCHECK_ENDPOINT_PRODUCTION": second,
            **{f"DRIFTCHECK_API_KEY_{target}": "anything" for target in WORKSPACES},
        }
        ran = commands(page)
        assert len(ran) == 5
        for words in ran:
            result = run_inside(*words, cwd=tmp_path, env=env)
            assert result.status == (1 if words[0] == "compare" else 0), (words, result.output)
            assert "max_scale" in result.out or words[0] not in ("compare", "render")


def test_the_example_of_the_library_runs(tmp_path: Path) -> None:
    [example] = blocks(DOCS / "library.md", "python")
    saved(tmp_path / "live.json", [external("claims-agent", 1)])
    assert run_inside("init", "--live", "live.json", cwd=tmp_path).status == 0
    ran = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "in_sync True"
