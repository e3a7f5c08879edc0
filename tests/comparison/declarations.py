"""Valid declarations of every source, drawn from a seed: what the schema takes and no lint rule calls an error."""

from __future__ import annotations

import uuid
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.comparison.api import QUANTITIES, SOURCES

KEYS = ("team", "app.kubernetes.io/name", "a b", "Ünï", "0", "__class__", 'say "x"', "a.b[0]", "a'b", "\u2028", "~/")
TEXTS = ("", "x", "otel", "0", "true", "null", "1.0", "500m", "a b", "Zürich", "${HOME}", "'", '"', "\n", "- a", "None")
WORDS = ("--verbose", "-c", "sleep 5", "--config=/etc/x.yaml", "$(LOG_LEVEL)", "", "--port", "8080", "a", "b")
NAMES = ("LOG_LEVEL", "HOST", "PORT_", "URL", "POD_NAME", "_x", "ZONE", "A", "B")


def declarations(source: str | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Return valid declared deployments, of one source or of any."""
    return st.integers(0, 2**48).map(lambda seed: declaration(Random(seed), source))


def declaration(random: Random, source: str | None = None) -> dict[str, Any]:
    """Draw a valid declared deployment; most are partial, half are of external images."""
    source = source or random.choice((*SOURCES, *("external_docker",) * 4))
    value: dict[str, Any] = {"name": f"agent-{random.randrange(10**6)}", "source": source}
    value["source_config"] = _config(random, source)
    value["source_revision_config"] = _revision(random, source)
    if value["source_revision_config"].get("repo_ref", "").startswith("refs/tags/"):
        value["source_config"].pop("build_on_push", None)
    _maybe(random, value, "secrets", lambda: [{"name": f"SECRET_{n}"} for n in _sample(random, range(9))])
    if source == "external_docker":
        _maybe(random, value, "secret_references", lambda: _nullable(random, _secret_references(random)), 0.3)
    for key in ("shareable", "route_through_gateway"):
        _maybe(random, value, key, lambda: random.random() < 0.5, 0.2)
    _maybe(random, value, "display_name", lambda: _nullable(random, random.choice(("Claims", "1", "Über"))), 0.2)
    kind = value["source_config"].get("deployment_type")
    if source != "external_docker" and kind in ("prod", "dev"):
        _maybe(random, value, "deployment_tier", lambda: random.choice(("DEDICATED_S", "DEDICATED_M", None)), 0.2)
        _maybe(random, value, "database_tier", lambda: random.choice(("DEDICATED_S", "DEDICATED_L")), 0.2)
    return _shuffled(random, value)


def _config(random: Random, source: str) -> dict[str, Any]:
    value: dict[str, Any] = {}
    if source == "github":
        _maybe(random, value, "integration_id", lambda: _uuid(random), 0.9)
        _maybe(random, value, "repo_url", lambda: _url(random), 0.9)
        _maybe(random, value, "build_on_push", lambda: random.choice((True, False, None)))
    if source in ("github", "internal_source"):
        for key in ("install_command", "build_command"):
            _maybe(random, value, key, lambda: random.choice(("npm ci", "npm run build && true", None)), 0.2)
    if source == "internal_template":
        _maybe(random, value, "template_id", lambda: "react-agent")
    if source == "external_docker":
        _maybe(random, value, "custom_url", lambda: random.choice(("https://a.example.com/x", None)), 0.3)
        value["resource_spec"] = resource_spec(random)
        if random.random() < 0.6:
            value["listener_id"] = _uuid(random)
            _maybe(random, value, "listener_config", lambda: {"k8s_namespace": random.choice(("agents", None))})
    else:
        _maybe(random, value, "deployment_type", lambda: random.choice(("prod", "dev", "dev_zero", None)), 0.8)
        if random.random() < 0.15:
            value["resource_spec"] = random.choice((None, {}, resource_spec(random)))
    return _shuffled(random, value)


def _revision(random: Random, source: str) -> dict[str, Any]:
    value: dict[str, Any] = {}
    if source == "github":
        refs = ("main", "release/1.2", "refs/tags/v1.0.0", "4c9f1b7a0d3e5f62718293a4b5c6d7e8f9012345")
        _maybe(random, value, "repo_ref", lambda: random.choice(refs), 0.8)
    if source in ("github", "internal_source"):
        _maybe(random, value, "langgraph_config_path", lambda: random.choice(("langgraph.json", "a/b.json")), 0.8)
    if source in ("external_docker", "internal_docker"):
        _maybe(random, value, "image_uri", lambda: f"registry.example.com/agent:{random.randrange(9)}.0", 0.9)
    if source == "internal_source":
        _maybe(random, value, "source_tarball_path", lambda: "uploads/1.tgz", 0.4)
        _maybe(random, value, "image_uri", lambda: "registry.example.com/own:1", 0.1)
    return _shuffled(random, value)


def resource_spec(random: Random) -> dict[str, Any]:
    """Draw a resource_spec, with sizes whose limits hold, and pods whose mounts find their volumes."""
    value: dict[str, Any] = {}
    _sizes(random, value)
    _maybe(random, value, "labels", lambda: _nullable(random, _texts(random)), 0.4)
    _maybe(random, value, "annotations", lambda: _nullable(random, _texts(random)), 0.3)
    _maybe(random, value, "service_account_name", lambda: _nullable(random, "claims"), 0.3)
    pull = [{"name": f"registry-{n}"} for n in _sample(random, range(4))]
    _maybe(random, value, "image_pull_secrets", lambda: _nullable(random, pull), 0.3)
    volumes = [_volume(random, f"volume-{n}") for n in _sample(random, range(5))]
    if random.random() < 0.5:
        value["volumes"] = volumes
    _maybe(random, value, "volume_mounts", lambda: _nullable(random, _mounts(random, volumes)), 0.4)
    for kind in ("init_containers", "sidecars"):
        names = [f"{kind[:4]}-{n}" for n in _sample(random, range(4))]
        _maybe(random, value, kind, lambda n=names: _nullable(random, [_container(random, x, volumes) for x in n]), 0.5)
    return _shuffled(random, value)


def _sizes(random: Random, value: dict[str, Any]) -> None:
    for prefix in ("", "queue_"):
        least = random.randint(1, 3)
        _maybe(random, value, f"{prefix}min_scale", lambda n=least: n, 0.4)
        _maybe(random, value, f"{prefix}max_scale", lambda: random.randint(3, 6), 0.4)
    for prefix in ("", "queue_", "redis_", "core_", "db_"):
        if prefix and random.random() < 0.6:
            continue
        request = random.choice((0.25, 0.5, 0.35, 1, 1.0, 2, 1.5, 0.125, 0.16))
        highest = request if prefix != "queue_" else max(request, value.get("cpu") or 0)
        _maybe(random, value, f"{prefix}cpu", lambda n=highest: n, 0.7)
        _maybe(random, value, f"{prefix}cpu_limit", lambda n=highest: random.choice((2 * n, 2 * n, 8, 2.5 + n, None)))
        memory = 128 * random.randint(2, 16)
        highest = memory if prefix != "queue_" else max(memory, value.get("memory_mb") or 0)
        times = 1 if prefix == "redis_" else 2
        _maybe(random, value, f"{prefix}memory_mb", lambda n=highest: n, 0.7)
        options = (times * highest, times * highest, 8192, None)
        _maybe(random, value, f"{prefix}memory_limit_mb", lambda o=options: random.choice(o))
    _maybe(random, value, "db_storage_gi", lambda: random.choice((10, 50)), 0.2)
    _maybe(random, value, "db_max_connections", lambda: random.choice((100, None)), 0.2)
    _maybe(random, value, "orchestrator_cpu", lambda: random.choice((1, 0.5)), 0.1)
    _maybe(random, value, "executor_memory_mb", lambda: 512, 0.1)


def _volume(random: Random, name: str) -> dict[str, Any]:
    source: dict[str, Any] = random.choice(
        (
            {"emptyDir": {}},
            {"emptyDir": {"sizeLimit": quantity(random)}},
            {"emptyDir": {"sizeLimit": 1073741824, "medium": "Memory"}},
            {
                "configMap": {
                    "name": "otel",
                    "items": [{"key": "a", "path": "b"}, {"key": "c", "path": "d", "mode": 420}],
                }
            },
            {"secret": {"secretName": "tls", "defaultMode": 420, "optional": False}},
            {"persistentVolumeClaim": {"claimName": "data"}},
            {"nfs": {"server": "10.0.0.1", "path": "/x", "readOnly": True}},
            {"csi": {"driver": "x", "volumeAttributes": {"a.b/c": "1"}}},
            {"projected": {"sources": [{"secret": {"name": "a"}}, {"downwardAPI": {"items": [_downward(random)]}}]}},
            {"downwardAPI": {"items": [_downward(random), {"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        )
    )
    value = {"name": name, **source}
    if random.random() < 0.2:
        value.setdefault("nfs", None)
    return _shuffled(random, value)


def _downward(random: Random) -> dict[str, Any]:
    return {"path": "cpu", "resourceFieldRef": {"resource": "limits.cpu", "divisor": quantity(random)}}


def _mounts(random: Random, volumes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    mounts = []
    for index, volume in enumerate(_sample(random, volumes)):
        mount = {"name": volume["name"], "mountPath": random.choice((f"/m/{index}", f"/a b/[{index}]", f"/{index}"))}
        _maybe(random, mount, "subPath", lambda: random.choice(("x", None)), 0.3)
        _maybe(random, mount, "readOnly", lambda: random.choice((True, False, None)), 0.4)
        _maybe(random, mount, "mountPropagation", lambda: "None", 0.1)
        mounts.append(_shuffled(random, mount))
    return mounts


def _container(random: Random, name: str, volumes: list[dict[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {"name": name, "image": f"registry.example.com/{name}:{random.randrange(9)}"}
    _maybe(random, value, "imagePullPolicy", lambda: random.choice(("Always", "IfNotPresent", None)), 0.3)
    _maybe(random, value, "restartPolicy", lambda: "Always", 0.3)
    _maybe(random, value, "workingDir", lambda: _nullable(random, "/srv"), 0.3)
    for key in ("command", "args"):
        words = [random.choice(WORDS) for _ in range(random.randint(0, 4))]
        _maybe(random, value, key, lambda w=words: _nullable(random, w))
    _maybe(random, value, "env", lambda: _nullable(random, _env(random)), 0.7)
    sources = [{random.choice(("secretRef", "configMapRef")): {"name": f"s{n}"}} for n in _sample(random, range(4))]
    _maybe(random, value, "envFrom", lambda: _nullable(random, sources), 0.4)
    _maybe(random, value, "resources", lambda: _nullable(random, _resources(random)), 0.6)
    _maybe(random, value, "volumeMounts", lambda: _nullable(random, _mounts(random, volumes)), 0.4)
    context = random.choice(
        ({}, {"runAsUser": 1000}, {"capabilities": {"drop": ["ALL", "NET_RAW"]}, "privileged": False})
    )
    _maybe(random, value, "securityContext", lambda: _nullable(random, context), 0.4)
    return _shuffled(random, value)


def _env(random: Random) -> list[dict[str, Any]]:
    chosen = _sample(random, NAMES)
    entries = []
    for name in chosen:
        entry: dict[str, Any] = {"name": name}
        other = random.choice(chosen)
        references = (f"http://$({other}):80", f"$$({other})", f"$({other})$({random.choice(chosen)})")
        if random.random() < 0.2:
            entry["valueFrom"] = {"fieldRef": {"fieldPath": "metadata.name"}}
        else:
            _maybe(random, entry, "value", lambda r=references: random.choice((*TEXTS, *r * 4, None)), 0.9)
        entries.append(entry)
    if len(entries) > 1 and random.random() < 0.05:
        entries.append({"name": entries[0]["name"], "value": "again"})
    return entries


def _resources(random: Random) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key in ("limits", "requests"):
        resources = {
            name: quantity(random) for name in _sample(random, ("cpu", "memory", "ephemeral-storage", "a.b/gpu"))
        }
        _maybe(random, value, key, lambda r=resources: _nullable(random, r), 0.7)
    return value


def quantity(random: Random) -> str:
    """Draw a Kubernetes quantity in any of its forms."""
    return random.choice(random.choice(QUANTITIES))


def _secret_references(random: Random) -> list[dict[str, Any]]:
    return [
        {"name": f"REF_{n}", "secret_name": "s", "secret_key": random.choice("ab")} for n in _sample(random, range(5))
    ]


def _texts(random: Random) -> dict[str, str]:
    return {key: random.choice(TEXTS) for key in _sample(random, KEYS)}


def _uuid(random: Random) -> str:
    text = str(uuid.UUID(int=random.getrandbits(128), version=4))
    return random.choice((text, text.upper()))


def _url(random: Random) -> str:
    host = random.choice(("github.com", "GitHub.com", "git.example.com:8443", "github.example.com"))
    path = random.choice(("acme/agent", "Acme-AI/Support", "acme/a.git.b"))
    return f"https://{host}/{path}{random.choice(('', '.git', '/', '.git/'))}"


def _sample(random: Random, options: Any) -> list[Any]:
    pool = list(options)
    return random.sample(pool, random.randint(0, min(len(pool), 4)))


def _nullable(random: Random, value: Any) -> Any:
    return None if random.random() < 0.1 else value


def _maybe(random: Random, value: dict[str, Any], key: str, draw: Any, chance: float = 0.5) -> None:
    if random.random() < chance:
        value[key] = draw()


def _shuffled(random: Random, value: dict[str, Any]) -> dict[str, Any]:
    keys = random.sample(list(value), len(value))
    return {key: value[key] for key in keys}
