"""A small workspace as the endpoint lists it, with planted secrets, and that endpoint on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live.faults import Plan, create_app
from tests.loopback import running

KEY = "lsv2_sk_canary0canary0canary0"
TENANT = "7d1f0c52-6b0e-4f0a-9c38-1f2f6a5b9e10"
CANARY = "canary"
"""Part of every planted secret, and of nothing else."""


def identity(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def external(name: str, number: int, **spec: Any) -> dict[str, Any]:
    """A deployment of an image, with every field that the newest version lists."""
    return {
        "name": name,
        "source": "external_docker",
        "source_config": {
            "integration_id": None,
            "repo_url": None,
            "deployment_type": "prod",
            "build_on_push": False,
            "custom_url": None,
            "resource_spec": {"min_scale": 1, "max_scale": 2, "cpu": 1, "cpu_limit": None, "memory_mb": 1024, **spec},
            "listener_id": None,
        },
        "source_revision_config": {"image_uri": f"registry.example.com/{name}:1.0.0", "repo_ref": None},
        "secrets": [{"name": "OPENAI_API_KEY", "value": f"sk-{CANARY}"}],
        "id": identity(number),
        "tenant_id": TENANT,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-05T00:00:00Z",
        "status": "READY",
        "latest_revision_id": identity(900_000 + number),
        "active_revision_id": identity(900_000 + number),
        "shareable": False,
        "is_preview": False,
    }


def github(name: str, number: int, **more: Any) -> dict[str, Any]:
    """A deployment from a repository."""
    return {
        **external(name, number),
        "source": "github",
        "source_config": {
            "integration_id": identity(1),
            "repo_url": f"https://github.com/example/{name}",
            "deployment_type": "prod",
            "build_on_push": True,
            "custom_url": f"https://{name}-{'0' * 32}.us.langgraph.app",
            "resource_spec": None,
            "repo_branch": "main",
        },
        "source_revision_config": {"repo_ref": "main", "langgraph_config_path": "langgraph.json"},
        **more,
    }


def sidecar(**variables: str) -> dict[str, Any]:
    env = [{"name": name, "value": value} for name, value in variables.items()]
    return {"name": "otel", "image": "registry.example.com/otel:1.2.3", "env": env}


def workspace() -> list[dict[str, Any]]:
    """Three deployments, one of them with a secret in every field that can hold one."""
    return [
        external(
            "claims-agent",
            1,
            sidecars=[sidecar(LEVEL="debug", TOKEN=f"{CANARY}-variable")],
            annotations={"hook": f"https://user:{CANARY}@example.com/x", "team": "claims"},
        ),
        external("billing-agent", 2),
        github("support-agent", 3),
    ]


@contextmanager
def serving(
    deployments: Iterable[Mapping[str, Any]], *, plan: Plan | None = None, **behaviour: Any
) -> Iterator[dict[str, str]]:
    """Serve a workspace; returns the environment that leads driftcheck to it."""
    app = create_app([json.loads(json.dumps(value)) for value in deployments], plan=plan, api_key=KEY, **behaviour)
    with running(app) as url:
        yield {"LANGGRAPH_HOST_URL": url, "LANGSMITH_API_KEY": KEY}


def saved(path: Path, deployments: Iterable[Mapping[str, Any]]) -> Path:
    """Save a raw answer of the endpoint."""
    listed = list(deployments)
    path.write_text(json.dumps({"resources": listed, "offset": len(listed)}))
    return path


def holds_no_secret(*texts: str) -> bool:
    return all(CANARY not in text for text in texts)
