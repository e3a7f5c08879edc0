"""Documented writes, for the emulator: each returns the deployment afterwards, or refuses the body.

Built from docs/API.md 2.2, 2.4, 3.2, 3.3 and 6. A write that these do not describe is refused.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from driftcheck import fields
from driftcheck.live.listing import type_word
from driftcheck.model import JSON, Deployment

SOURCES: Final = ("github", "external_docker", "internal_docker", "internal_source", "internal_template")

TIERS: Final = tuple(f"{family}_{size}" for family in ("SERVERLESS", "DEDICATED") for size in "SML")

_CREATE: Final = frozenset(
    (
        *("name", "source", "source_config", "source_revision_config", "secrets", "secret_references", "agent"),
        *("display_name", "shareable", "route_through_gateway", "deployment_tier", "compute_tier", "database_tier"),
    )
)
_PATCH: Final = frozenset(
    (
        *("display_name", "revision_source", "source_config", "source_revision_config", "tracked_repo_ref"),
        *("secrets", "secret_references", "route_through_gateway"),
    )
)
_IMMUTABLE: Final = ("integration_id", "deployment_type", "listener_id", "template_id")
_READ_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "source_config": ("repo_branch",),
    "source_revision_config": ("repo_commit_sha", "tracked_packages", "deepagents_version"),
}
_WITHOUT_REVISION: Final = frozenset({"build_on_push", "custom_url", "repo_url", "repo_branch"})
"""Fields of `source_config` whose change does not create a revision."""

_BUILT: Final = ("internal_docker", "internal_source")
"""Sources that have no revision until an image or a tarball is there (docs/API.md 6.5)."""


class RefusedError(Exception):
    """A write that the service refuses: a status and the `detail` of the answer."""

    def __init__(self, status: int, detail: JSON) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail


def create(body: JSON, existing: Collection[Mapping[str, JSON]], tenant: JSON) -> dict[str, JSON]:
    """Return the deployment that a POST creates among the existing ones; raises RefusedError."""
    given = _object(body, "body")
    _refuse_unknown(given, _CREATE)
    source = given.get("source")
    if source not in SOURCES:
        raise _unprocessable("source", "enum", f"Input should be one of {', '.join(SOURCES)}")
    name = _new_name(given, existing)
    config = {"build_on_push": False, **_present(_object(given.get("source_config"), "source_config"))}
    if source == "external_docker":
        if config.get("deployment_type") is not None:
            raise RefusedError(400, "deployment_type must not be set for external_docker")
        if not isinstance(config.get("resource_spec"), dict):
            raise RefusedError(400, "resource_spec must be an object for external_docker")
    config["deployment_type"] = type_word(config.get("deployment_type")) or "prod"
    revision = _present(_object(given.get("source_revision_config"), "source_revision_config"))
    deployment = _unconfigured(given, name, tenant)
    _set_config(deployment, config)
    _set_revision_config(deployment, revision)
    _set_secrets(deployment, given)
    if problem := _problem(deployment):
        raise RefusedError(*problem)
    if source in _BUILT and not (revision.get("image_uri") or revision.get("source_tarball_path")):
        return {**deployment, "source_revision_config": None, "secrets": []}
    if source == "github":
        deployment["source_config"]["repo_branch"] = revision.get("repo_ref")
        deployment["source_config"]["custom_url"] = f"https://{name[:27]}-{uuid.uuid4().hex}.us.langgraph.app"
    return _with_revision(deployment)


def _unconfigured(given: Mapping[str, JSON], name: JSON, tenant: JSON) -> dict[str, Any]:
    """Return a new deployment with the other fields of the body, without configuration, secrets and revision."""
    now = _timestamp(None)
    own = ("source", "display_name", "agent", "deployment_tier", "compute_tier", "database_tier")
    return {
        **dict.fromkeys(fields.deployment().properties),
        **{key: given.get(key) for key in own},
        "shareable": bool(given.get("shareable")),
        "route_through_gateway": bool(given.get("route_through_gateway")),
        "name": name,
        "source_config": dict.fromkeys(fields.deployment().properties["source_config"].properties),
        "source_revision_config": None,
        "secrets": [],
        "secret_references": [],
        "id": str(uuid.uuid4()),
        "tenant_id": tenant,
        "created_at": now,
        "updated_at": now,
        "status": "READY",
        "latest_revision_id": None,
        "active_revision_id": None,
    }


def patch(deployment: Mapping[str, JSON], body: JSON) -> dict[str, JSON]:
    """Return the deployment after a PATCH; raises RefusedError."""
    _refuse_deleted(deployment)
    given = _object(body, "body")
    _refuse_unknown(given, _PATCH)
    changed: dict[str, Any] = {**deployment, "updated_at": _timestamp(deployment.get("updated_at"))}
    for key in ("source_config", "source_revision_config"):
        changed[key] = dict(changed[key]) if isinstance(changed.get(key), dict) else {}
    _set_config(changed, _sent(given, "source_config"), before=deployment)
    _set_revision_config(changed, _sent(given, "source_revision_config"))
    _set_secrets(changed, given)
    if given.get("tracked_repo_ref") is not None:
        if changed["source"] != "github":
            raise RefusedError(400, "tracked_repo_ref is only applicable for github")
        changed["source_config"]["repo_branch"] = _string(given["tracked_repo_ref"], "tracked_repo_ref")
    if given.get("display_name") is not None:
        changed["display_name"] = _string(given["display_name"], "display_name")
    if given.get("route_through_gateway") is not None:
        changed["route_through_gateway"] = given["route_through_gateway"] is True
    if (problem := _problem(changed)) and problem != _problem(deployment):
        raise RefusedError(*problem)
    if _is_rolled_out(deployment, changed):
        return _with_revision(changed)
    had_revision = isinstance(deployment.get("source_revision_config"), dict)
    return changed if had_revision else {**changed, "source_revision_config": None, "secrets": []}


def set_tiers(deployment: Mapping[str, JSON], body: JSON, allowed: Collection[str]) -> dict[str, JSON]:
    """Return the deployment after a PATCH of its tiers; null keeps the present one; raises RefusedError."""
    _refuse_deleted(deployment)
    given = _object(body, "body")
    _refuse_unknown(given, allowed)
    config = deployment.get("source_config")
    kind = type_word(config.get("deployment_type")) if isinstance(config, dict) else None
    changed = {**deployment, "updated_at": _timestamp(deployment.get("updated_at"))}
    for key, tier in _present(given).items():
        if tier not in TIERS:
            raise _unprocessable(key, "enum", f"Input should be one of {', '.join(TIERS)}")
        is_serverless = isinstance(kind, str) and kind.endswith("_zero")
        if str(tier).startswith("SERVERLESS") is not is_serverless or (is_serverless and key == "database_tier"):
            raise RefusedError(400, f"{key} {tier} is not available for deployment type {kind}")
        changed[key] = tier
    return changed if all(changed.get(key) == deployment.get(key) for key in given) else _with_revision(changed)


def _new_name(given: Mapping[str, JSON], existing: Collection[Mapping[str, JSON]]) -> str:
    agent = given.get("agent")
    if agent is not None:
        if not isinstance(agent, dict) or not {"agent_id", "environment"} <= agent.keys():
            raise _unprocessable("agent", "missing", "Field required")
        if given.get("name") is not None:
            raise RefusedError(400, "name must not be set together with agent")
        if any(other.get("agent") == agent for other in existing):
            raise RefusedError(409, "This agent already has a deployment in this environment.")
        return f"{agent['agent_id']}-{agent['environment']}-{uuid.uuid4().hex[:8]}"
    name = given.get("name")
    if not isinstance(name, str):
        raise _unprocessable("name", "missing", "Field required")
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name):
        raise RefusedError(400, "name must be lowercase letters, digits and hyphens, at most 63")
    if any(other.get("name") == name for other in existing):
        raise RefusedError(409, f"A deployment named '{name}' already exists.")
    return name


def _set_config(changed: dict[str, Any], sent: Mapping[str, JSON], before: Mapping[str, JSON] | None = None) -> None:
    """Merge `source_config`: null keeps what is there, `resource_spec` is replaced as a whole."""
    config: dict[str, Any] = changed["source_config"]
    for key, value in _present(sent).items():
        _require_settable("source_config", key)
        if before is not None and key in _IMMUTABLE and type_word(value) != type_word(config.get(key)):
            raise RefusedError(400, f"{key} can't be changed after creation")
        if before is not None and key == "listener_config" and value != config.get(key):
            raise RefusedError(400, "listener_config can't be changed after creation")
        if key == "custom_url" and changed["source"] != "external_docker" and value != config.get(key):
            raise RefusedError(400, "custom_url is only applicable for external_docker")
        config[key] = _resource_spec(value, changed["source"]) if key == "resource_spec" else value


def _resource_spec(value: JSON, source: JSON) -> JSON:
    """Return a whole `resource_spec` as the service stores it: its defaults filled in, processors rounded."""
    spec = _object(value, "source_config.resource_spec")
    known = fields.deployment().properties["source_config"].properties["resource_spec"].properties
    if unknown := sorted(spec.keys() - known.keys()):
        path = f"source_config.resource_spec.{unknown[0]}"
        raise _unprocessable(path, "extra_forbidden", "Extra inputs are not permitted")
    stored: dict[str, Any] = {**dict.fromkeys(known), **spec}
    for key, number in spec.items():
        if number is not None and known[key].types <= {"integer", "number"} and not fields.is_number(number):
            raise _unprocessable(f"source_config.resource_spec.{key}", "float_type", "Input should be a valid number")
        if (decimals := known[key].decimals) is not None and isinstance(number, float):
            stored[key] = round(number, decimals)
    if source == "external_docker":
        least = stored["min_scale"] if stored["min_scale"] is not None else 1
        defaults = {"min_scale": 1, "max_scale": max(1, least), "cpu": 1, "memory_mb": 2048}
        stored |= {key: default for key, default in defaults.items() if stored[key] is None}
    return stored


def _set_revision_config(changed: dict[str, Any], sent: Mapping[str, JSON]) -> None:
    known = fields.deployment().properties["source_revision_config"].properties
    config = changed["source_revision_config"] or dict.fromkeys(known)
    for key, value in _present(sent).items():
        _require_settable("source_revision_config", key)
        config[key] = value
    changed["source_revision_config"] = config


def _require_settable(part: str, key: str) -> None:
    if key not in fields.deployment().properties[part].properties:
        raise _unprocessable(f"{part}.{key}", "extra_forbidden", "Extra inputs are not permitted")
    if key in _READ_ONLY[part]:
        raise RefusedError(400, f"{key} can't be set")


def _set_secrets(changed: dict[str, Any], given: Mapping[str, JSON]) -> None:
    """Replace the environment as a whole; an empty list keeps it, and empties `secret_references`."""
    secrets = given.get("secrets")
    if secrets is not None:
        entries = _entries(secrets, "secrets", ("name", "value"))
        changed["secrets"] = entries or changed["secrets"]
    references = given.get("secret_references")
    if references is not None:
        if references and changed["source"] != "external_docker":
            raise RefusedError(400, "secret_references is only applicable for external_docker")
        changed["secret_references"] = _entries(references, "secret_references", ("name", "secret_name", "secret_key"))


def _entries(value: JSON, where: str, keys: tuple[str, ...]) -> list[JSON]:
    if not isinstance(value, list):
        raise _unprocessable(where, "list_type", "Input should be a valid list")
    for index, entry in enumerate(value):
        for key in keys:
            if not isinstance(entry, dict) or not isinstance(entry.get(key), str):
                raise _unprocessable(f"{where}.{index}.{key}", "string_type", "Input should be a valid string")
    names = [entry["name"] for entry in value]
    if len(set(names)) != len(names):
        raise RefusedError(400, f"{where} has a duplicate name")
    return [{key: entry[key] for key in keys} for entry in value]


def _problem(deployment: Mapping[str, Any]) -> tuple[int, str] | None:
    """Return what the documented rules across fields refuse (docs/API.md 4), as a status and a detail."""
    source = deployment["source"]
    config, revision = deployment["source_config"] or {}, deployment["source_revision_config"] or {}
    tag = str(revision.get("repo_ref") or "").startswith("refs/tags/")
    if source == "github" and tag and config.get("build_on_push"):
        return 400, "build_on_push must be false for a tag"
    if source == "external_docker" and not revision.get("image_uri"):
        return 400, "image_uri is required for external_docker"
    if source == "github" and not revision.get("langgraph_config_path"):
        return 400, "langgraph_config_path is required for github"
    if source not in ("github", "internal_source") and revision.get("langgraph_config_path"):
        return 400, f"langgraph_config_path must be null for {source}"
    return _spec_problem(config.get("resource_spec") or {})


def _spec_problem(spec: Mapping[str, Any]) -> tuple[int, str] | None:
    for prefix in ("", "queue_"):
        least, most = spec.get(f"{prefix}min_scale"), spec.get(f"{prefix}max_scale")
        if least is not None and most is not None and least > most:
            return 422, f"{prefix}min_scale must not be greater than {prefix}max_scale"
    for limit in [key for key in spec if key.endswith(("_limit", "_limit_mb"))]:
        request = limit.replace("_limit", "")
        if spec.get(request) is not None and spec[limit] is not None and spec[request] > spec[limit]:
            return 422, f"{limit} must not be less than {request}"
    return None


def _is_rolled_out(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether a change creates a revision (docs/API.md 2.2, 2.3)."""
    old, new = before.get("source_revision_config") or {}, after["source_revision_config"]
    if before.get("latest_revision_id") is None and after["source"] in _BUILT:
        return bool(new.get("image_uri") or new.get("source_tarball_path"))
    if any(before.get(key) != after.get(key) for key in ("secrets", "secret_references")):
        return True
    if any(old.get(key) != value for key, value in new.items()):
        return True
    old, new = before.get("source_config") or {}, after["source_config"]
    return any(old.get(key) != new.get(key) for key in new.keys() - _WITHOUT_REVISION)


def _with_revision(deployment: Mapping[str, JSON]) -> dict[str, JSON]:
    revision = str(uuid.uuid4())
    return {**deployment, "latest_revision_id": revision, "active_revision_id": revision}


def _timestamp(after: JSON) -> str:
    """Return the time now, later than the given one in any case."""
    now = datetime.now(UTC)
    try:
        earlier = datetime.fromisoformat(str(after))
        now = max(now, earlier.replace(tzinfo=earlier.tzinfo or UTC) + timedelta(microseconds=1))
    except (ValueError, OverflowError):
        pass
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _refuse_deleted(deployment: Mapping[str, JSON]) -> None:
    if Deployment("", deployment).is_being_deleted:
        raise RefusedError(409, "The deployment is being deleted.")


def _refuse_unknown(given: Mapping[str, JSON], allowed: Collection[str]) -> None:
    if unknown := sorted(given.keys() - set(allowed)):
        raise _unprocessable(unknown[0], "extra_forbidden", "Extra inputs are not permitted")


def _present(value: Mapping[str, JSON]) -> dict[str, JSON]:
    return {key: child for key, child in value.items() if child is not None}


def _sent(given: Mapping[str, JSON], key: str) -> dict[str, JSON]:
    value = given.get(key)
    return {} if value is None else _object(value, key)


def _object(value: JSON, where: str) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise _unprocessable(where, "model_type", "Input should be a valid object")
    return value


def _string(value: JSON, where: str) -> str:
    if not isinstance(value, str):
        raise _unprocessable(where, "string_type", "Input should be a valid string")
    if not value:
        raise RefusedError(422, f"{where} must be at least 1 character")
    return value


def _unprocessable(where: str, kind: str, message: str) -> RefusedError:
    return RefusedError(422, [{"type": kind, "loc": ["body", *where.split(".")], "msg": message}])
