"""The benchmark's data: deployments of about 75 lines of YAML, and the listing in which they are live."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

IN_A_FILE: Final = 100
IN_A_PAGE: Final = 100

_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9 _./:@$()-]*(?<![: ])")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_WORKSPACE: Final = "7d1f0c52-6b0e-4f0a-9c38-1f2f6a5b9e10"


@dataclass(frozen=True, slots=True)
class Data:
    """The data of one size: folders of declarations, and saved listings."""

    size: int
    declared: Path
    some_declared: Path
    """A hundred of the deployments, in one file."""
    in_sync: Path
    """A listing that agrees with every declaration."""
    drifted: Path
    """A listing in which every deployment differs in two fields."""

    @property
    def files(self) -> list[Path]:
        """Return the files of all declarations."""
        return sorted(self.declared.iterdir())


def make(folder: Path, size: int) -> Data:
    """Write the data of `size` deployments below a folder; the same size yields the same bytes."""
    data = Data(size, folder / "declared", folder / "some", folder / "in-sync.json", folder / "drifted.json")
    declared = [_declared(number) for number in range(size)]
    for name, chosen in ((data.declared, declared), (data.some_declared, declared[:: max(1, size // IN_A_FILE)])):
        name.mkdir(parents=True)
        for start in range(0, len(chosen), IN_A_FILE):
            lines = ["deployments:", *_yaml(chosen[start : start + IN_A_FILE], "  ")]
            (name / f"agents-{start // IN_A_FILE:03}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    live = [_live(number, value) for number, value in enumerate(declared)]
    data.in_sync.write_text(json.dumps(_pages(live)), encoding="utf-8")
    for value in live:
        spec = value["source_config"]["resource_spec"]
        spec["max_scale"] += 1
        spec["sidecars"][0]["image"] = "registry.example.com/otel/collector:0.99.0"
    data.drifted.write_text(json.dumps(_pages(live)), encoding="utf-8")
    return data


def _pages(live: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the responses of the endpoint, with the empty last one."""
    starts = range(0, len(live) + IN_A_PAGE, IN_A_PAGE)
    return [{"resources": live[n : n + IN_A_PAGE], "offset": min(n + IN_A_PAGE, len(live))} for n in starts]


def _declared(number: int) -> dict[str, Any]:
    name = f"claims-agent-{number:05}"
    return {
        "name": name,
        "source": "external_docker",
        "source_config": {
            "listener_id": f"5c2e9f60-0d4b-4d53-9a76-{number:012x}",
            "resource_spec": _resources(number, name),
        },
        "source_revision_config": {"image_uri": f"registry.example.com/agents/{name}:1.{number % 20}.{number % 7}"},
        "secrets": [{"name": "OPENAI_API_KEY"}, {"name": "TAVILY_API_KEY"}],
        "secret_references": [
            {"name": "POSTGRES_URI_CUSTOM", "secret_name": f"{name}-datastores", "secret_key": "postgres_uri"},
        ],
    }


def _resources(number: int, name: str) -> dict[str, Any]:
    memory = 1024 * (1 + number % 6)
    return {
        "min_scale": 1 + number % 3,
        "max_scale": 4 + number % 9,
        "cpu": 0.5 * (1 + number % 5),
        "cpu_limit": 4 + number % 4,
        "memory_mb": memory,
        "memory_limit_mb": 2 * memory,
        "queue_min_scale": 1,
        "queue_max_scale": 2 + number % 5,
        "redis_cpu": 0.5,
        "redis_memory_mb": 2048,
        "labels": {
            "team": f"team-{number % 40}",
            "cost-center": f"{4000 + number % 90}",
            "tier": "gold",
            "part": "api",
        },
        "annotations": {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": f"{8000 + number % 50}",
            "example.com/contact": f"team-{number % 40}@example.com",
        },
        "service_account_name": name,
        "image_pull_secrets": [{"name": "registry-example"}],
        "volumes": [
            {"name": "otel-config", "configMap": {"name": f"otel-{number % 30}"}},
            {"name": "cache", "emptyDir": {"sizeLimit": f"{1 + number % 8}Gi"}},
        ],
        "volume_mounts": [{"name": "cache", "mountPath": "/cache"}],
        "sidecars": [_sidecar(number, name)],
    }


def _sidecar(number: int, name: str) -> dict[str, Any]:
    return {
        "name": "otel-collector",
        "image": f"registry.example.com/otel/collector:0.104.{number % 10}",
        "imagePullPolicy": "IfNotPresent",
        "args": ["--config=/etc/otel/config.yaml", f"--set=service.name={name}"],
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "OTEL_LOG_LEVEL", "value": "warn"},
            {"name": "OTEL_SERVICE", "value": name},
            {"name": "OTEL_TARGET", "value": f"https://otel-{number % 12}.example.com:4317"},
        ],
        "resources": {
            "requests": {"cpu": "50m", "memory": f"{64 * (1 + number % 4)}Mi"},
            "limits": {"cpu": "500m", "memory": "512Mi"},
        },
        "volumeMounts": [{"name": "otel-config", "mountPath": "/etc/otel", "readOnly": True}],
    }


_CONFIG_NULLS: Final = dict.fromkeys(("integration_id", "repo_url", "install_command", "build_command", "repo_branch"))
_SPEC_NULLS: Final = dict.fromkeys(
    (
        *("queue_cpu", "queue_cpu_limit", "queue_memory_mb", "queue_memory_limit_mb", "redis_cpu_limit"),
        *("redis_memory_limit_mb", "core_cpu", "core_memory_mb", "db_cpu", "db_memory_mb", "init_containers"),
    )
)
_CONTAINER_NULLS: Final = dict.fromkeys(("command", "workingDir", "envFrom", "securityContext", "restartPolicy"))
_MOUNT_NULLS: Final = dict.fromkeys(("subPath", "mountPropagation", "readOnly", "subPathExpr"))


def _live(number: int, declared: dict[str, Any]) -> dict[str, Any]:
    """Return a declared deployment as the endpoint lists it: with null for what was not declared, and more fields."""
    value = copy.deepcopy(declared)
    config = value["source_config"] = {**_CONFIG_NULLS, **value["source_config"]}
    spec = config["resource_spec"] = {**_SPEC_NULLS, **config["resource_spec"]}
    config |= {"deployment_type": "prod", "build_on_push": False, "listener_config": None}
    config["custom_url"] = f"https://agents.example.com/lgp/{value['name']}"
    sidecar = spec["sidecars"][0] = {**_CONTAINER_NULLS, **spec["sidecars"][0]}
    sidecar["env"] = [{"value": None, "valueFrom": None, **variable} for variable in sidecar["env"]]
    for mounts in (spec["volume_mounts"], sidecar["volumeMounts"]):
        mounts[:] = [{**_MOUNT_NULLS, **mount} for mount in mounts]
    value["source_revision_config"] |= {"repo_ref": None, "langgraph_config_path": None, "repo_commit_sha": None}
    value["secrets"] = [{**secret, "value": "REDACTED-EXAMPLE"} for secret in value["secrets"]]
    return {
        **value,
        "id": f"9f4f5b9e-8f0d-4b6e-9d6b-{number:012x}",
        "tenant_id": _WORKSPACE,
        "created_at": "2026-01-19T08:00:12.000312Z",
        "updated_at": f"2026-08-20T06:{number % 60:02}:55.730911Z",
        "status": "READY",
        "latest_revision_id": f"e2b7c0aa-1f9d-4d43-a5b8-{number:012x}",
        "active_revision_id": f"e2b7c0aa-1f9d-4d43-a5b8-{number:012x}",
        "image_version": None,
        "shareable": False,
        "tracer_session_id": None,
        "url": None,
        "is_preview": False,
    }


def _yaml(value: Any, indent: str) -> Iterator[str]:
    """Write a collection in block style, as people do."""
    for key, child in value.items() if isinstance(value, dict) else (("-", child) for child in value):
        head = f"{indent}-" if key == "-" else f"{indent}{_scalar(key)}:"
        if isinstance(child, dict) and key == "-":
            first, *rest = _yaml(child, indent + "  ")
            yield f"{head} {first.lstrip()}"
            yield from rest
        elif isinstance(child, dict | list):
            yield head
            yield from _yaml(child, indent + "  ")
        else:
            yield f"{head} {_scalar(child)}"


def _scalar(value: Any) -> str:
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    return str(value) if plain else json.dumps(value)
