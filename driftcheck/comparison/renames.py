"""Probable renames: a declared deployment is not live, and an undeclared live one has the same origin."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from driftcheck.comparison.equality import canonical_repository_url
from driftcheck.model import JSON, Declarations, Snapshot


def find_renames(
    declarations: Declarations, snapshot: Snapshot, absent: Collection[str], unmanaged: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Pair each absent name (declared, not live) with the one unmanaged (live, not declared) of the same origin."""
    if not absent or not unmanaged:
        return
    appeared = _by_origin((d.name, d.value) for d in snapshot.deployments if d.name in unmanaged)
    declared = _by_origin((d.name, d.value) for d in declarations.deployments if d.name in absent)
    for origin, names in declared.items():
        candidates = appeared.get(origin, ())
        if len(names) == len(candidates) == 1:
            yield names[0], candidates[0]


def _by_origin(deployments: Iterator[tuple[str, Mapping[str, JSON]]]) -> dict[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for name, value in deployments:
        origin = _origin(value)
        if origin is not None:
            found.setdefault(origin, []).append(name)
    return found


def _origin(value: Mapping[str, JSON]) -> tuple[str, ...] | None:
    """Return what a deployment is made from: a repository with its configuration file, or an image without its tag."""
    config, revision = value.get("source_config"), value.get("source_revision_config")
    if not isinstance(config, dict) or not isinstance(revision, dict):
        return None
    repository, image = config.get("repo_url"), revision.get("image_uri")
    if isinstance(repository, str):
        return ("repository", canonical_repository_url(repository), str(revision.get("langgraph_config_path")))
    if isinstance(image, str):
        return ("image", _without_tag(image))
    return None


def _without_tag(image: str) -> str:
    name = image.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(":")[0]
