"""Deployments to list, and where the recorded data are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

DATA = Path(__file__).parent.parent / "data"
PAYLOADS = DATA / "payloads"
LISTINGS = sorted(path for path in PAYLOADS.glob("*.json") if path.name != "errors.json")
WORKSPACE = "7d1f0c52-6b0e-4f0a-9c38-1f2f6a5b9e10"
KEY = "lsv2_sk_canary0123456789abcdef"


def load(path: Path) -> Any:
    return json.loads(path.read_bytes())


def deployment(number: int, **fields: Any) -> dict[str, Any]:
    """A small deployment as the API lists it, the same for the same number."""
    return {
        "name": f"agent-{number:05}",
        "source": "github",
        "source_config": {"repo_url": "https://github.com/acme-ai/agents", "deployment_type": "prod"},
        "source_revision_config": {"repo_ref": "main", "langgraph_config_path": "langgraph.json"},
        "secrets": [{"name": "OPENAI_API_KEY", "value": f"planted-{number}"}],
        "id": str(UUID(int=number + 1)),
        "tenant_id": WORKSPACE,
        "created_at": f"2026-01-01T00:00:00.{number:06}Z",
        "updated_at": "2026-01-02T00:00:00Z",
        "status": "READY",
        "latest_revision_id": None,
        "active_revision_id": None,
        **fields,
    }


def deployments(count: int) -> list[dict[str, Any]]:
    return [deployment(number) for number in range(count)]
