"""K1 to K8 of docs/threat-model.md, end to end: a canary in every field for a secret, looked for in every output.

Each field has its own canary, so that a leak names its source. Only its position distinguishes it from other text,
unless its name says `form` (a credential of a known form).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftcheck.formats import FORMATS
from driftcheck.live.emulator import Behaviour, create_app
from tests.cli.command import driftcheck
from tests.cli.inside import Result, run_inside
from tests.live.raw_server import answer, saying, serving
from tests.loopback import running
from tests.repositories import run_git

KEYS = {
    "LANGGRAPH_HOST_API_KEY": "canary-key-host-51c0",
    "LANGSMITH_API_KEY": "canary-key-smith-72aa",
    "LANGCHAIN_API_KEY": "canary-key-chain-93de",
    "OTHER_KEY": "canary-key-other-a8f1",
}
LIVE = {
    "secret": "canary-live-secret-0c4d",
    "env": "canary-live-env-1d5e",
    "changed env": "canary-live-changed-2e6f",
    "init env": "canary-live-init-3f70",
    "gone container": "canary-live-gone-4081",
    "url": "canary-live-url-5192",
    "odd secrets": "canary-live-odd-62a3",
    "odd env": "canary-live-oddenv-73b4",
    "form in a label": "ghp_canaryLiveLabel0123456789012345678901",
    "form in an argument": "--token=sk-ant-canaryLiveArgument01234567",
    "unknown field": "canary-live-unknown-84c5",
}
DECLARED = {
    "env": "canary-declared-env-95d6",
    "changed env": "canary-declared-changed-a6e7",
}
FORBIDDEN = {
    "secret": "canary-forbidden-secret-b7f8",
    "url": "canary-forbidden-url-c809",
    "form": "glpat-canaryForbidden0123456789",
    "read-only": "canary-forbidden-tenant-d91a",
    "config": "canary-forbidden-config-ea2b",
    "odd": "canary-forbidden-odd-fb3c",
    "duplicate": "canary-forbidden-twice-0c4e",
    "unclosed": "canary-forbidden-unclosed-1d5f",
}
ANSWERS = {
    "input": "canary-answer-input-2e60",
    "detail": "canary-answer-detail-3f71",
    "html": "canary-answer-html-4082",
    "location": "canary-answer-location-5193",
    "exception": "canary-exception-62a4",
}
CANARIES = [*KEYS.values(), *LIVE.values(), *DECLARED.values(), *FORBIDDEN.values(), *ANSWERS.values()]
HASHES = [
    hashlib.new(name, canary.encode()).hexdigest()[:12] for name in ("md5", "sha1", "sha256") for canary in CANARIES
]


def container(name: str, **variables: str) -> dict[str, Any]:
    env = [{"name": variable, "value": value} for variable, value in variables.items()]
    return {"name": name, "image": "registry.example.com/otel:1.2.3", "env": env}


def live_deployments() -> list[dict[str, Any]]:
    spec = {
        "min_scale": 2,
        "sidecars": [
            container("otel", SAME=DECLARED["env"], CHANGED=LIVE["changed env"], EXTRA=LIVE["env"]),
            container("gone", TOKEN=LIVE["gone container"]),
            {"name": "odd", "image": "registry.example.com/odd:1", "env": {"TOKEN": LIVE["odd env"]}},
        ],
        "init_containers": [container("migrate", PASSWORD=LIVE["init env"])],
        "labels": {"token": LIVE["form in a label"]},
        "annotations": {"proxy": f"https://robot:{LIVE['url']}@proxy.example.com"},
        "unknown_knob": {"value": LIVE["unknown field"]},
        "command": ["serve", LIVE["form in an argument"]],
    }
    whole = {
        "name": "claims",
        "source": "external_docker",
        "source_config": {"resource_spec": spec, "custom_url": f"https://robot:{LIVE['url']}@claims.example.com"},
        "source_revision_config": {"image_uri": "registry.example.com/claims:1.0.0"},
        "secrets": [{"name": "OPENAI_API_KEY", "value": LIVE["secret"]}, {"name": "MORE", "value": LIVE["secret"]}],
        "id": "00000000-0000-4000-8000-000000000001",
        "status": "READY",
    }
    odd = {**whole, "name": "odd", "id": "2", "secrets": {"TOKEN": LIVE["odd secrets"]}, "source_config": {}}
    odder = {**odd, "name": "odder", "id": "3", "secrets": [LIVE["odd secrets"], [LIVE["odd secrets"]]]}
    return [whole, odd, odder]


def declarations() -> dict[str, Any]:
    spec = {
        "min_scale": 1,
        "sidecars": [container("otel", SAME=DECLARED["env"], CHANGED=DECLARED["changed env"])],
        "init_containers": [],
        "labels": {"token": "none"},
        "annotations": {"proxy": "https://proxy.example.com"},
    }
    deployments = [
        {
            "name": name,
            "source": "external_docker",
            "source_config": {"resource_spec": spec},
            "source_revision_config": {"image_uri": "registry.example.com/claims:1.0.0"},
            "secrets": [{"name": "OPENAI_API_KEY"}],
        }
        for name in ("claims", "odd", "odder", "missing")
    ]
    return {"deployments": deployments}


FORBIDDEN_FILES = {
    "secret.yaml": f"deployments: [{{name: a, source: github, secrets: [{{name: X, value: {FORBIDDEN['secret']}}}]}}]",
    "url.yaml": (
        "deployments: [{name: b, source: github, source_config: "
        f"{{repo_url: 'https://robot:{FORBIDDEN['url']}@github.com/acme/agents'}}}}]"
    ),
    "form.yaml": f"deployments: [{{name: {FORBIDDEN['form']}, {FORBIDDEN['form']}: 1, source: {FORBIDDEN['form']}}}]",
    "read-only.yaml": f"deployments: [{{name: c, source: github, tenant_id: {FORBIDDEN['read-only']}}}]",
    "odd.yaml": f"deployments: [{{name: d, source: {FORBIDDEN['odd']}, secrets: {FORBIDDEN['odd']}}}]",
    "twice.yaml": f"deployments: [{{name: e, source: github, secrets: {{a: {FORBIDDEN['duplicate']}, a: 1}}}}]",
    "unclosed.yaml": f"deployments: [{{name: f, secrets: [{{value: '{FORBIDDEN['unclosed']}",
    "tag.yaml": f"deployments: [{{name: g, secrets: !env {FORBIDDEN['unclosed']}}}]",
    "alias.yaml": f"deployments: [{{name: h, secrets: *{FORBIDDEN['unclosed']}}}]",
}


def outputs_of(result: Result, folder: Path) -> Iterator[tuple[str, str]]:
    yield "standard output", result.out
    yield "standard error", result.err
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.name, path.read_text(encoding="utf-8", errors="replace")


def assert_nothing_leaks(result: Result, folder: Path, *, unless: tuple[str, ...] = ()) -> None:
    """Look for every canary, and for its hashes, in both streams and in all that was written to the folder."""
    for where, text in outputs_of(result, folder):
        for canary in CANARIES:
            if canary in unless:
                continue
            assert canary not in text, (where, canary)
            assert canary.removeprefix("--token=") not in text, (where, canary)
        for digest in HASHES:
            assert digest not in text, (where, digest)
    assert "Traceback" not in result.output


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    behaviour = Behaviour(api_key=KEYS["LANGGRAPH_HOST_API_KEY"])
    with running(create_app(live_deployments(), behaviour)) as url:
        yield url


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with declarations, a raw listing and a configuration; outputs go to the folder beside it."""
    folder = tmp_path / "tree"
    folder.mkdir()
    (tmp_path / "written").mkdir()
    (folder / "deployments.yaml").write_text(json.dumps(declarations(), indent=1))
    (folder / "raw.json").write_text(json.dumps({"resources": live_deployments(), "offset": 3}))
    return folder


EVERY_FORMAT = [part for name in FORMATS if name != "text" for part in ("-o", f"{name}=../written/report.{name}")]


@pytest.mark.parametrize("verbosity", [[], ["-q"], ["-v"], ["-vv"]], ids=lambda options: "".join(options) or "plain")
@pytest.mark.parametrize(
    "command",
    [["check"], ["check", "--strict"], ["audit"], ["audit", "--name-contains", "claims"]],
    ids=" ".join,
)
@pytest.mark.parametrize("source", ["file", "network"])
def test_K3_K5_K6_no_report_holds_a_secret(
    tree: Path, endpoint: str, source: str, command: list[str], verbosity: list[str]
) -> None:
    live = ["--live", "raw.json"] if source == "file" else ["--endpoint", endpoint]
    result = run_inside(*command, *live, *verbosity, "-o", "text", *EVERY_FORMAT, cwd=tree, env=KEYS)
    assert result.status == 1, result.err
    assert_nothing_leaks(result, tree.parent / "written")


NAMING = {place: f"ghp_{place}Canary{'0123456789' * 3}" for place in ("id", "status", "type", "source", "top", "label")}
NAMING |= {place: f"postgres://{place}:canary-{place}@db/x" for place in ("secret", "sidecar", "init", "volume", "env")}
NAMING |= {place: f"//{place}:canary-{place}@db/x" for place in ("name", "mount", "pull", "reference", "knob", "key")}


def named_after_credentials() -> list[dict[str, Any]]:
    """Live deployments with a different credential in every field that names something."""
    whole, *_ = live_deployments()
    spec = {
        "labels": {NAMING["label"]: "1", NAMING["key"]: "2"},
        "sidecars": [
            {
                **container("otel", **{NAMING["env"]: "x"}),
                "volumeMounts": [{"name": "v", "mountPath": NAMING["mount"]}],
            },
            container(NAMING["sidecar"]),
        ],
        "init_containers": [container(NAMING["init"])],
        "volumes": [{"name": NAMING["volume"], "emptyDir": {}}],
        "image_pull_secrets": [{"name": NAMING["pull"]}],
        NAMING["knob"]: 1,
    }
    secrets = [{"name": NAMING["secret"], "value": "DATABASE_URL"}]
    claims = {**whole, "source_config": {"resource_spec": spec}, "secrets": secrets, NAMING["top"]: 1}
    claims["secret_references"] = [{"name": NAMING["reference"]}]
    odd = {**claims, "name": NAMING["name"], "id": NAMING["id"], "status": NAMING["status"], "source": NAMING["source"]}
    odd["source_config"] = {"deployment_type": NAMING["type"]}
    return [claims, odd, {**odd, "name": f"{NAMING['name']}2", "id": "3"}]


DECLARED_BESIDE = {
    "labels": {"a": "b"},
    "sidecars": [container("otel", A="x") | {"volumeMounts": [{"name": "v", "mountPath": "/etc"}]}],
    **{key: [] for key in ("init_containers", "volumes", "image_pull_secrets")},
}


@pytest.mark.parametrize("declared", [DECLARED_BESIDE, {}], ids=["declared", "not declared"])
@pytest.mark.parametrize("command", [["check", "--strict"], ["audit"], ["compare"], ["snapshot"]], ids=" ".join)
def test_K5_K6_a_credential_that_names_something_is_in_no_report(
    tree: Path, command: list[str], declared: dict[str, Any]
) -> None:
    content = declarations()["deployments"][:1]
    content[0]["source_config"]["resource_spec"] = declared
    content[0]["secret_references"] = []
    (tree / "deployments.yaml").write_text(json.dumps({"deployments": content}))
    (tree / "raw.json").write_text(json.dumps({"resources": named_after_credentials(), "offset": 3}))
    (tree / "earlier.json").write_text(json.dumps({"resources": live_deployments(), "offset": 3}))
    live = ["earlier.json", "raw.json"] if command == ["compare"] else ["--live", "raw.json"]
    written = [] if command == ["snapshot"] else ["-v", "-o", "text", *EVERY_FORMAT]
    result = run_inside(*command, *live, *written, cwd=tree)
    assert result.status in (0, 1), result.err
    outputs = list(outputs_of(result, tree.parent / "written"))
    for where, text in outputs:
        for place, credential in NAMING.items():
            assert credential not in text, (where, place)
            assert credential.replace("/", "\\/") not in text, (where, place)
            assert f"canary-{place}" not in text, (where, place)
    assert any("[redacted" in text for _, text in outputs)


def test_K5_a_credential_that_names_a_secret_is_a_change_without_values(tree: Path) -> None:
    content = declarations()["deployments"][:1]
    content[0]["secrets"] = [{"name": "A"}]
    content[0]["source_config"] = {}
    (tree / "deployments.yaml").write_text(json.dumps({"deployments": content}))
    listed = named_after_credentials()[:1]
    listed[0]["secrets"] = [{"name": NAMING["secret"], "value": "A"}, {"name": NAMING["pull"], "value": "A"}]
    (tree / "raw.json").write_text(json.dumps({"resources": listed, "offset": 1}))
    (claims,) = json.loads(run_inside("check", "--live", "raw.json", "-o", "json", cwd=tree).out)["deployments"]
    shown = {change["path"]: change for change in claims["changes"]}
    assert list(shown) == ["secrets[name=A]", 'secrets[name="[redacted 2]"]', 'secrets[name="[redacted]"]']
    hidden = shown['secrets[name="[redacted 2]"]']
    assert hidden["segments"] == ["secrets", {"name": "[redacted 2]"}]
    assert (hidden["redacted"], hidden["declared"], hidden["live"]) == (True, None, None)
    assert hidden["location"]["file"] == "deployments.yaml"


def test_K6_a_different_sensitive_value_is_reported(tree: Path) -> None:
    result = run_inside("check", "--live", "raw.json", "-o", "json", cwd=tree)
    (claims,) = (each for each in json.loads(result.out)["deployments"] if each["name"] == "claims")
    changes = {change["path"].removeprefix("source_config.resource_spec."): change for change in claims["changes"]}
    redacted = {path for path, change in changes.items() if change["redacted"]}
    assert redacted == {
        "annotations.proxy",
        "labels.token",
        "sidecars[name=otel].env[name=CHANGED].value",
    }
    assert all(changes[path]["declared"] is changes[path]["live"] is None for path in redacted)
    assert "sidecars[name=otel].env[name=SAME].value" not in changes
    assert changes["sidecars[name=otel].env[name=EXTRA]"]["live"] == {"name": "EXTRA"}


def test_K6_equal_secrets_do_not_differ(tree: Path) -> None:
    same = json.loads(json.dumps(declarations()).replace(DECLARED["changed env"], LIVE["changed env"]))
    (tree / "deployments.yaml").write_text(json.dumps(same))
    result = run_inside("check", "--live", "raw.json", "-o", "json", cwd=tree)
    assert "name=CHANGED" not in result.out


@pytest.mark.parametrize("verbosity", [[], ["-vv"]], ids=["plain", "verbose"])
def test_K7_a_secret_in_a_declaration_is_reported_by_its_location_alone(tree: Path, verbosity: list[str]) -> None:
    for name, text in FORBIDDEN_FILES.items():
        (tree / name).write_text(text)
    for command in (["validate"], ["check", "--live", "raw.json"]):
        result = run_inside(*command, ".", *verbosity, "-o", "text", *EVERY_FORMAT, cwd=tree, env=KEYS)
        assert result.status == 2
        assert_nothing_leaks(result, tree.parent / "written")
        shown = json.loads((tree.parent / "written" / "report.json").read_text())["findings"]
        assert {finding["location"]["file"] for finding in shown if finding["location"]} >= FORBIDDEN_FILES.keys()


CONFIGURATIONS = [
    f"api-key: {FORBIDDEN['config']}\n",
    f"endpoint: https://robot:{FORBIDDEN['config']}@example.com\n",
    f"region: {FORBIDDEN['config']}\n",
    f"severities: {{{FORBIDDEN['form']}: error}}\n",
    f"fail-on: [{FORBIDDEN['config']}]\n",
    f"ignore: [{{path: a.b, reason: x, live: {FORBIDDEN['config']}}}]\n",
    f"paths: '{FORBIDDEN['config']}\n",
]


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_K7_a_configuration_is_never_quoted(tree: Path, text: str) -> None:
    (tree / "driftcheck.yaml").write_text(text)
    result = run_inside("check", "--live", "raw.json", "-vv", "-o", "text", *EVERY_FORMAT, cwd=tree, env=KEYS)
    assert result.status == 2
    assert_nothing_leaks(result, tree.parent / "written")


@pytest.mark.parametrize("arguments", [["snapshot"], ["export"], ["export", "-d", "../written/each"]], ids=" ".join)
@pytest.mark.parametrize("source", ["file", "network"])
def test_K5_what_is_saved_of_live_holds_no_secret(tree: Path, endpoint: str, source: str, arguments: list[str]) -> None:
    live = ["--live", "raw.json"] if source == "file" else ["--endpoint", endpoint]
    file = [] if "-d" in arguments else ["-o", "../written/saved"]
    carried = (LIVE["unknown field"],) if arguments == ["snapshot"] else ()
    for target in (file, []) if file else ([],):
        result = run_inside(*arguments, *live, *target, cwd=tree, env=KEYS)
        assert result.status == 0, result.err
        assert_nothing_leaks(result, tree.parent / "written", unless=carried)


def test_K5_init_writes_no_secret(tree: Path, endpoint: str) -> None:
    folder = tree.parent / "written"
    result = run_inside("init", "--endpoint", endpoint, cwd=folder, env=KEYS)
    assert result.status == 0, result.err
    assert (folder / "driftcheck.yaml").exists()
    assert_nothing_leaks(result, folder)


def test_K5_a_comparison_of_listings_holds_no_secret(tree: Path) -> None:
    later = live_deployments()
    later[0]["source_config"]["resource_spec"]["sidecars"][0] = container("otel", CHANGED=LIVE["env"])
    (tree / "later.json").write_text(json.dumps({"resources": later, "offset": 3}))
    saved = run_inside("snapshot", "--live", "raw.json", cwd=tree)
    (tree / "snapshot.json").write_text(saved.out)
    for sides in itertools.permutations(["raw.json", "later.json", "snapshot.json"], 2):
        result = run_inside("compare", *sides, "-vv", "-o", "text", *EVERY_FORMAT, cwd=tree, env=KEYS)
        assert result.status in (0, 1, 3), result.err
        assert_nothing_leaks(result, tree.parent / "written")


def test_K5_a_saved_report_rendered_again_holds_no_secret(tree: Path) -> None:
    run_inside("check", "--live", "raw.json", "-o", "json=../written/saved.json", cwd=tree)
    result = run_inside("report", "../written/saved.json", "-vv", "-o", "text", *EVERY_FORMAT, cwd=tree)
    assert result.status == 1
    assert_nothing_leaks(result, tree.parent / "written")


BROKEN_LISTINGS = {
    "cut": json.dumps({"resources": live_deployments()})[:-200],
    "no listing": json.dumps({"secret": LIVE["secret"]}),
    "malformed items": json.dumps(
        {"resources": [LIVE["secret"], {"name": "a", "id": [LIVE["form in a label"]]}], "offset": 2}
    ),
    "a snapshot of another kind": json.dumps({"kind": LIVE["secret"], "format_version": LIVE["secret"]}),
    "NaN": json.dumps({"resources": live_deployments(), "offset": float("nan")}),
    "twice a key": f'{{"resources": [], "{LIVE["secret"]}": 1, "{LIVE["secret"]}": 2, "offset": 0}}',
}


@pytest.mark.parametrize("text", BROKEN_LISTINGS.values(), ids=BROKEN_LISTINGS)
@pytest.mark.parametrize("command", [["check", "--live"], ["compare", "raw.json"], ["report"]], ids=" ".join)
def test_K3_a_broken_file_is_never_quoted(tree: Path, command: list[str], text: str) -> None:
    (tree / "broken.json").write_text(text)
    result = run_inside(*command, "broken.json", "-vv", cwd=tree, env=KEYS)
    assert result.status in (2, 3)
    assert_nothing_leaks(result, tree.parent / "written")


# --- the network ----------------------------------------------------------------------------------------------------


def page(body: Any, status: str, *headers: str) -> bytes:
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return answer(data, status=status, headers=headers)


KEY = KEYS["LANGGRAPH_HOST_API_KEY"]
ECHO = {"loc": ["query", "limit"], "msg": f"Input {KEY}", "type": "x", "input": ANSWERS["input"]}
REFUSALS = {
    "422 with input": page({"detail": [{**ECHO, "msg": "Input should be less"}]}, "422 Unprocessable Entity"),
    "422 that echoes the key": page({"detail": [ECHO]}, "422 Unprocessable Entity"),
    "422 of text": page({"detail": ANSWERS["detail"]}, "422 Unprocessable Entity"),
    "400": page({"detail": ANSWERS["detail"]}, "400 Bad Request"),
    "401": page({"detail": f"{KEY} {ANSWERS['detail']}"}, "401 Unauthorized"),
    "403": page({"detail": f"{KEY} {ANSWERS['detail']}"}, "403 Forbidden"),
    "403 of HTML": page(f"<html>{ANSWERS['html']}</html>", "403 Forbidden"),
    "404": page({"detail": ANSWERS["detail"]}, "404 Not Found"),
    "500": page(f"<pre>{ANSWERS['html']}</pre>", "500 Internal Server Error"),
    "redirect": page("", "302 Found", f"Location: https://robot:{ANSWERS['location']}@example.com/{KEY}"),
    "HTML": page(f"<html>{ANSWERS['html']}</html>", "200 OK"),
    "no JSON": page(f'{{"{ANSWERS["detail"]}": ', "200 OK"),
    "a reason": b"HTTP/1.1 599 " + KEY.encode() + b"\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": KEY.encode() * 3 + b"\r\n\r\n",
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_K3_an_error_answer_is_never_quoted(tree: Path, refusal: bytes) -> None:
    with serving(saying(refusal, close=True)) as (url, heads):
        result = run_inside(
            *("check", "--endpoint", url, "--retries", "0", "-vv", "-o", "text", *EVERY_FORMAT), cwd=tree, env=KEYS
        )
    assert result.status == 3
    assert_nothing_leaks(result, tree.parent / "written")
    assert heads
    assert all(KEY.encode() in head for head in heads)


def test_K4_the_first_key_that_is_set_goes_out_in_one_header_and_no_other(tree: Path) -> None:
    with serving(saying(REFUSALS["401"], close=True)) as (url, heads):
        run_inside("check", "--endpoint", url, "--retries", "0", cwd=tree, env=KEYS)
        run_inside("check", "--endpoint", url, "--retries", "0", "--api-key-env", "OTHER_KEY", cwd=tree, env=KEYS)
    for head, key in zip((heads[0], heads[-1]), (KEY, KEYS["OTHER_KEY"]), strict=True):
        lines = head.decode().lower().split("\r\n")
        assert [line for line in lines if key in line] == [f"x-api-key: {key}"]
        assert not any(other in head.decode() for other in KEYS.values() if other != key)


BAD_KEYS = {
    "a line break inside": "canary-key\nhost-51c0",
    "a space inside": "canary-key host-51c0",
    "other characters": "canary-kéy-host-51c0",
    "too short": "c-51c0",
}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
def test_K1_a_key_that_can_not_be_sent_is_never_shown(tree: Path, endpoint: str, key: str) -> None:
    result = run_inside("check", "--endpoint", endpoint, "-vv", cwd=tree, env={"LANGSMITH_API_KEY": key})
    assert result.status == 3
    assert "51c0" not in result.output
    assert "canary" not in result.output


@pytest.mark.parametrize(
    "variables",
    [
        {"LANGGRAPH_HOST_URL": f"https://robot:{KEY}@example.com"},
        {"LANGSMITH_ENDPOINT": f"https://robot:{KEY}@example.com"},
        {"LANGGRAPH_HOST_URL": f"http://example.com/{KEY}"},
        {"HTTP_PROXY": f"http://robot:{KEY}@[::", "ALL_PROXY": f"http://robot:{KEY}@[::"},
    ],
)
def test_K3_an_address_with_a_password_is_never_shown(tree: Path, variables: dict[str, str]) -> None:
    address = {} if "LANGGRAPH_HOST_URL" in variables else {"LANGGRAPH_HOST_URL": "http://127.0.0.1:9"}
    if "LANGSMITH_ENDPOINT" in variables:
        address = {}
    env = {"LANGSMITH_API_KEY": "any-key-will-do", **address, **variables}
    result = run_inside("check", "--retries", "0", "-vv", "-o", "text", *EVERY_FORMAT, cwd=tree, env=env)
    assert result.status in (2, 3)
    assert_nothing_leaks(result, tree.parent / "written")


def test_K2_no_option_takes_a_key_and_the_attempt_is_not_repeated(tree: Path) -> None:
    result = run_inside("check", f"--api-key={KEY}", cwd=tree)
    assert result.status == 2
    assert_nothing_leaks(result, tree.parent / "written")


# --- crashes --------------------------------------------------------------------------------------------------------

CRASHES = [
    "driftcheck.pipeline.check",
    "driftcheck.pipeline.redact",
    "driftcheck.comparison.verdicts.compare_with_live",
    "driftcheck.declarations.lint.lint",
    "driftcheck.live.snapshot.read",
    "driftcheck.formats.report_json.render",
    "driftcheck.formats.text.render",
    "driftcheck.formats.sarif.render",
    "driftcheck.cli.outputs.write_files",
]


@pytest.mark.parametrize("place", CRASHES)
def test_K3_a_defect_shows_nothing_of_what_it_was_about(
    tree: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def crash(*_arguments: object, **_options: object) -> None:
        raise RuntimeError(ANSWERS["exception"], LIVE["secret"])

    monkeypatch.setattr(place, crash)
    result = run_inside(*("check", "--live", "raw.json", "-vv", "-o", "text", *EVERY_FORMAT), cwd=tree, env=KEYS)
    assert result.status == 4
    assert "RuntimeError" in result.err
    assert_nothing_leaks(result, tree.parent / "written")


def test_K3_a_defect_in_a_thread_that_asks_shows_nothing(
    tree: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_arguments: object, **_options: object) -> None:
        raise RuntimeError(ANSWERS["exception"])

    monkeypatch.setattr("driftcheck.live.fetch.ask", crash)
    result = run_inside("check", "--endpoint", endpoint, cwd=tree, env=KEYS)
    assert result.status == 4
    assert_nothing_leaks(result, tree.parent / "written")


def test_K3_a_process_of_its_own_leaves_nothing_on_its_streams(tree: Path, endpoint: str) -> None:
    """Logging of libraries and warnings at exit would show here."""
    env = {**KEYS, "LANGGRAPH_HOST_URL": endpoint, "PYTHONDEVMODE": "1", "HTTPX_LOG_LEVEL": "trace"}
    ran = driftcheck("check", "-vv", cwd=tree, env=env)
    assert ran.returncode == 1
    assert ran.stderr == ""
    assert_nothing_leaks(Result(1, ran.stdout, ran.stderr), tree.parent / "written")


def test_K5_the_value_of_a_secret_at_the_base_revision_is_shown_nowhere(tree: Path) -> None:
    """A three-way report has a third side."""
    for arguments in (["init", "-q"], ["add", "deployments.yaml"], ["commit", "-q", "-m", "base"]):
        run_git(tree, *arguments)
    head = json.dumps(declarations(), indent=1).replace(DECLARED["changed env"], "value-at-head")
    (tree / "deployments.yaml").write_text(head)
    result = run_inside(
        *("check", "--live", "raw.json", "--base", "HEAD", "-vv", "-o", "text", *EVERY_FORMAT), cwd=tree, env=KEYS
    )
    assert result.status == 1, result.err
    assert "value-at-head" not in result.output
    assert_nothing_leaks(result, tree.parent / "written")
    report = json.loads((tree.parent / "written" / "report.json").read_text())
    changes = [change for each in report["deployments"] for change in each["changes"] if "CHANGED" in change["path"]]
    assert changes
    assert {change["class"] for change in changes} == {"conflict", "proposed"} & {c["class"] for c in changes}
    assert all(change["redacted"] and change["base"] is None for change in changes if change["path"].endswith("value"))


def test_the_canaries_are_where_they_are_looked_for(tree: Path) -> None:
    """A test of these tests: without redaction the inputs hold every canary of live and of the declarations."""
    planted = (tree / "raw.json").read_text() + (tree / "deployments.yaml").read_text()
    assert all(canary in planted for canary in (*LIVE.values(), *DECLARED.values()))
    leaking = Result(0, LIVE["secret"], "")
    with pytest.raises(AssertionError):
        assert_nothing_leaks(leaking, tree.parent / "written")


def test_K5_K8_no_history_and_no_notification_holds_a_secret(tree: Path) -> None:
    """The content of a database is searched as it is stored, with the reports decompressed."""
    file = tree.parent / "history.db"
    live = ["--live", "raw.json", "--history", f"sqlite:///{file}", "--notify", "json://127.0.0.1:1"]
    for command in (["check", "--strict"], ["audit"]):
        for _ in range(2):
            result = run_inside(*command, *live, "-o", "json", cwd=tree, env=KEYS)
            assert result.status == 1, result.err
            assert_nothing_leaks(result, tree.parent / "written")
    with sqlite3.connect(file) as connection:
        stored = "\n".join(connection.iterdump())
        reports = [
            zlib.decompress(data).decode() for (data,) in connection.execute("SELECT report FROM driftcheck_runs")
        ]
        assert connection.execute("SELECT count(*) FROM driftcheck_outbox").fetchone()[0] == 2
    connection.close()
    (tree.parent / "written" / "dump").write_text("\n".join([stored, *reports]))
    env = {"DRIFTCHECK_HISTORY": f"sqlite:///{file}"}
    for shown in (["open"], ["open", "-o", "json"], ["export"], ["export", "-o", "csv"], ["trend", "-o", "html"]):
        result = run_inside("history", *shown, cwd=tree, env=env)
        assert result.status == 0, result.err
        assert_nothing_leaks(result, tree.parent / "written")
