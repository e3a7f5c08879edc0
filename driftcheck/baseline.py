"""The base of a three-way check: the commits that a change is compared with, and the policy that is in force.

A change may alter its own policy in many ways: remove the configuration, add a nearer one, name other paths. Therefore
policy, paths, workspace and region come from the tip of the branch that the change will be merged into. They never come
from the change itself, nor from a merge base, whose policy may be outdated or may never have been in force
(docs/contract.md, "With --base"; docs/threat-model.md, R8).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from driftcheck import settings
from driftcheck.comparison.three_way import BaseDeclarations
from driftcheck.declarations import discovery
from driftcheck.declarations.config import Config, config_candidates, from_folder, is_in_repository, parse_config
from driftcheck.declarations.discovery import Sources
from driftcheck.errors import UsageError
from driftcheck.model import Declarations
from driftcheck.settings import DEFAULT_PATHS, Flags, Policy, Settings

if TYPE_CHECKING:
    from driftcheck.declarations.git import Commits, Repository


@dataclass(frozen=True, slots=True)
class Baseline:
    """A base revision that was read: what is declared there, and how the change under review alters the policy."""

    commit: str
    """The id of the first merge base."""
    declarations: BaseDeclarations
    proposed: Policy
    """The policy under review, which is not in force."""
    is_redirected: bool = False
    """Whether the change under review names other paths, another workspace or another region; not in force either."""
    is_at_tip: bool = False
    """Whether the commit that is checked out is the tip itself, so that no commit is under review."""


@dataclass(frozen=True, slots=True)
class BaseRevision:
    """A base revision that was found and not read yet: its commits, and the paths in force at the tip."""

    repository: Repository
    commits: Commits
    paths: tuple[str, ...]
    name_suffix: str
    single_files: tuple[str, ...]
    """Files that the command line names singly."""
    proposed: Policy
    is_redirected: bool

    def left_out(self, paths: Sequence[str]) -> tuple[Sources, set[str]]:
        """Read the files of HEAD that paths name and that are not checked out; the paths that name nothing else."""
        from driftcheck.declarations import git

        found = git.not_checked_out(self.repository, paths)
        return found, {path for path in paths if self.names_left_out(path)}

    def names_left_out(self, path: str) -> bool:
        """Return whether a path names only files that are not checked out."""
        from driftcheck.declarations import git

        return git.names_left_out(self.repository, path)

    def read(self, head: Declarations) -> Baseline:
        """Read the declarations at the commits, those that head removed included."""
        read = {commit: self._declarations(commit, head) for commit in {self.commits.tip, *self.commits.merge_bases}}
        declarations = BaseDeclarations(
            read[self.commits.tip], tuple(read[commit] for commit in self.commits.merge_bases)
        )
        is_at_tip = self.commits.head == self.commits.tip
        return Baseline(self.commits.merge_bases[0], declarations, self.proposed, self.is_redirected, is_at_tip)

    def _declarations(self, commit: str, head: Declarations) -> Declarations:
        from driftcheck.declarations import git

        declared = git.load(self.repository, commit, self.paths, name_suffix=self.name_suffix)
        new = {each.name for each in head.deployments} - {each.name for each in declared.deployments}
        if not new or not self.single_files:
            return declared
        moved = git.load_moved(self.repository, commit, new, set(declared.files), name_suffix=self.name_suffix)
        return replace(
            declared,
            deployments=(*declared.deployments, *moved.deployments),
            complete=declared.complete and moved.complete,
        )


def find_base_revisions(runs: Sequence[Settings], flags: Flags, ref: str) -> list[tuple[BaseRevision, Settings]]:
    """Return the base of each run that is in force at the tip of `ref`, and its settings there.

    `runs` are those of the change under review: one for each target, or one without targets. Targets, policy, paths,
    workspace and region are those at the tip. Head is read where the change or the tip names paths. The commits are
    read where the tip names them, so that a file that was not read before does not count as declared because the change
    names it. A configuration outside of the repository is the operator's and stays in force. Raises UsageError or
    BaseError if git can't find the commits or their files.
    """
    from driftcheck.declarations import git

    here = FilePath.cwd()
    repository = git.open_repository(here, settings.environment())
    commits = git.find_commits(repository, ref, merge_commit=settings.platform_merge_commit())
    single_files = tuple(path for path in flags.paths if os.path.isfile(path))
    command, config_file = runs[0].command, runs[0].config_file
    if config_file is not None and not is_in_repository(config_file, here):
        return [
            (
                BaseRevision(
                    repository, commits, run.paths, run.name_suffix, single_files, run.policy, is_redirected=False
                ),
                run,
            )
            for run in runs
        ]
    at_tip = _config_at(repository, commits.tip, flags, here)
    in_force = settings.resolve_targets(command, flags, at_tip, config_file, here)
    proposed = {run.target: run for run in runs}
    found = []
    for run in in_force:
        config = next((each.config for each in at_tip.targets if each.name == run.target), at_tip)
        paths = tuple(_paths_at(repository, commits.tip, flags, config)) or run.paths
        base = BaseRevision(
            repository,
            commits,
            paths,
            run.name_suffix,
            single_files,
            proposed=proposed.get(run.target, run).policy,
            is_redirected=proposed.keys() != {each.target for each in in_force}
            or _is_redirected(run, paths, proposed[run.target]),
        )
        found.append((base, _with_paths(run, base, proposed.get(run.target, run).paths)))
    return found


def _is_redirected(in_force: Settings, paths: Sequence[str], proposed: Settings) -> bool:
    """Return whether the change names other files, another workspace, region or suffix than those in force."""
    return {*paths} != {*proposed.paths} or any(
        getattr(in_force, name) != getattr(proposed, name) for name in ("workspace", "region", "name_suffix")
    )


def _with_paths(in_force: Settings, base: BaseRevision, proposed: Sequence[str]) -> Settings:
    """Return the settings with the paths that head is read at; raises UsageError if there are none."""
    kept = tuple(path for path in base.paths if path not in proposed and _names_anything(base, path))
    if not (proposed or kept or in_force.allow_empty or in_force.command == "audit"):
        raise UsageError(
            "nothing to check: neither HEAD nor the base revision has deployments.yaml or deployments/ here.",
            hint="Name files or folders.",
        )
    return replace(in_force, paths=(*proposed, *kept))


def _names_anything(base: BaseRevision, path: str) -> bool:
    return discovery.names_anything(path) or base.names_left_out(path)


def _config_at(repository: Repository, commit: str, flags: Flags, here: FilePath) -> Config:
    """Return the configuration at a commit, the nearest unless one is named; an empty one if none exists."""
    from driftcheck.declarations import git

    for file in [FilePath(flags.config)] if flags.config else config_candidates(here):
        found = git.read_config(repository, commit, file)
        if found is not None:
            return from_folder(parse_config(found, file.absolute().parent), file.parent, here)
    return Config()


def _paths_at(repository: Repository, commit: str, flags: Flags, config: Config) -> Iterator[str]:
    """Yield the paths that were read at a commit: those of the command line, of the configuration, or the defaults."""
    if flags.paths or config.paths:
        yield from flags.paths or config.paths
        return
    from driftcheck.declarations import git

    for path in DEFAULT_PATHS:
        if git.load(repository, commit, [path]).files:
            yield path
