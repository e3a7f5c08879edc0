"""The base revision of a three-way check: what was declared there, and the policy that stood there.

The change under review may alter its own policy in many ways (take the configuration out, put a nearer one in,
name other paths); none of them is in force before it is merged (docs/contract.md, Commands; docs/threat-model.md, R8).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path as FilePath

from driftcheck import pipeline, settings
from driftcheck.declarations import discovery, git
from driftcheck.declarations.config import Config, config_places, from_folder, is_in_repository, parse_config
from driftcheck.settings import DEFAULT_PATHS, Flags, Settings


def read_baseline(chosen: Settings, flags: Flags, ref: str) -> tuple[pipeline.Baseline, Settings]:
    """Read the base revision, and give the settings in force: policy, workspace and region as they stood there.

    What is looked at is what the change names and what the base named; what was declared is what the base named, so
    that no file that was not looked at before comes into force by being named. A configuration that is no part of
    the repository is the operator's, and stays. Raises UsageError where git or its history can't tell.
    """
    here = FilePath.cwd()
    if chosen.config_file is not None and not is_in_repository(chosen.config_file, here):
        revision = git.load_at(chosen.paths, ref, cwd=here)
        return pipeline.Baseline(revision.commit, revision.declarations, proposed=chosen.policy), chosen
    earlier = _config_at(flags, ref, here) or Config()
    paths = flags.paths or chosen.paths
    in_force = settings.resolve(
        chosen.command, replace(flags, paths=paths, allow_empty=True), earlier, chosen.config_file, here
    )
    in_force = replace(in_force, allow_empty=chosen.allow_empty)
    at_base = tuple(_paths_at(flags, earlier, ref, here)) or chosen.paths
    kept = tuple(path for path in at_base if path not in chosen.paths and discovery.names_anything(path))
    revision = git.load_at(at_base, ref, cwd=here)
    baseline = pipeline.Baseline(
        revision.commit,
        revision.declarations,
        proposed=chosen.policy,
        is_redirected={*at_base} != {*chosen.paths}
        or (in_force.workspace, in_force.region) != (chosen.workspace, chosen.region),
    )
    return baseline, replace(in_force, paths=(*chosen.paths, *kept))


def _config_at(flags: Flags, ref: str, here: FilePath) -> Config | None:
    """Give the configuration that stood at the base, the nearest unless one is named; None where there was none."""
    named = flags.config
    for file in [FilePath(named)] if named else config_places(here):
        found = git.load_at((), ref, cwd=here, config=file).config
        if found is not None:
            return from_folder(parse_config(found), file.parent, here)
    return None


def _paths_at(flags: Flags, earlier: Config, ref: str, here: FilePath) -> Iterator[str]:
    """Give the paths that were looked at, unless the command line names some."""
    if flags.paths:
        return
    if earlier.paths:
        yield from earlier.paths
        return
    for path in DEFAULT_PATHS:
        if git.load_at((path,), ref, cwd=here).declarations.files:
            yield path
            return
