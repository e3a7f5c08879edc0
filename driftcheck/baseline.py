"""The base of a three-way check: the commits that a change is compared with, and the policy that is in force.

A change may alter its own policy in many ways: remove the configuration, add a nearer one, name other paths. Therefore
policy, paths, workspace and region come from the tip of the branch that the change will be merged into. They never come
from the change itself, nor from a merge base, whose policy may be outdated or may never have been in force
(docs/contract.md, "With --base"; docs/threat-model.md, R8).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import TypeAlias

from driftcheck import environment, settings
from driftcheck.comparison.three_way import BaseDeclarations
from driftcheck.declarations import discovery, git
from driftcheck.declarations.config import Config, config_candidates, from_folder, is_in_repository, parse_config
from driftcheck.declarations.discovery import Sources
from driftcheck.declarations.git import Commits, Repository
from driftcheck.errors import UsageError
from driftcheck.model import NO_LOCATION, Declarations, Finding, IgnoreRule
from driftcheck.rules import make_finding
from driftcheck.settings import DEFAULT_PATHS, Flags, Policy, Settings


@dataclass(frozen=True, slots=True)
class Baseline:
    """A base revision that was read: what is declared there, and how the change under review alters the policy."""

    commit: str
    """The id of the first merge base."""
    declarations: BaseDeclarations
    proposed: Policy
    """The policy under review, which is not in force."""
    former: tuple[Policy, ...] = ()
    """The policies at the merge bases; what agrees with one of them was not altered by the change."""
    is_redirected: bool = False
    """Whether the change under review names other paths, another workspace or another region; not in force either."""
    is_at_tip: bool = False
    """Whether the commit that is checked out is the tip itself, so that no commit is under review."""

    def ignores_over(self, head: Declarations) -> list[IgnoreRule]:
        """Return the ignore rules at the tip, with their locations in head if they are still there."""
        locations = {_without_location(rule): rule.location for rule in head.ignores}
        return [
            replace(rule, location=locations.get(_without_location(rule), rule.location))
            for rule in self.declarations.tip.ignores
        ]

    def policy_changes(self, head: Declarations, in_force: Policy) -> Iterator[Finding]:
        """Report what the change under review does to the policy, which takes effect once it is merged."""
        merge_bases = self.declarations.merge_bases
        policies = (in_force, *(self.former or (in_force,) * len(merge_bases)))
        sides = [
            {_without_location(rule) for rule in (*declared.ignores, *policy.ignores)}
            for declared, policy in zip((self.declarations.tip, *merge_bases), policies, strict=True)
        ]
        rules = {_without_location(rule): rule for rule in (*head.ignores, *self.proposed.ignores)}
        for key in rules.keys() - set().union(*sides):
            message = "The change under review adds an ignore rule, which does not apply before the merge."
            yield make_finding("policy-changed", message, location=rules[key].location)
        if set.intersection(*sides) - rules.keys():
            message = "The change under review removes ignore rules, which apply until the merge."
            yield make_finding("policy-changed", message)
        settings_alike = [replace(policy, ignores=()) == replace(self.proposed, ignores=()) for policy in policies]
        if self.is_redirected or not any(settings_alike):
            yield make_finding("policy-changed", "The change under review alters driftcheck.yaml.")


def _without_location(rule: IgnoreRule) -> str:
    """Return what identifies a rule apart from its location and scope, which adding a deployment changes."""
    return repr(replace(rule, location=NO_LOCATION, scope=None))


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
    former: tuple[Policy, ...] = ()
    is_redirected: bool = False

    def left_out(self, paths: Sequence[str]) -> tuple[Sources, set[str]]:
        """Read the files of HEAD that paths name and that are not checked out; and the paths that name no others."""
        found = git.not_checked_out(self.repository, paths)
        return found, {path for path in paths if git.names_left_out(self.repository, path)}

    def read(self, head: Declarations) -> Baseline:
        """Read the declarations at the commits, including those that head removed."""
        read = {commit: self._declarations(commit, head) for commit in {self.commits.tip, *self.commits.merge_bases}}
        declarations = BaseDeclarations(
            read[self.commits.tip], tuple(read[commit] for commit in self.commits.merge_bases)
        )
        is_at_tip = self.commits.head == self.commits.tip
        first = self.commits.merge_bases[0]
        return Baseline(first, declarations, self.proposed, self.former, self.is_redirected, is_at_tip)

    def _declarations(self, commit: str, head: Declarations) -> Declarations:
        paths = (*self.paths, *_targets_of_links(self.paths))
        declared = git.load(self.repository, commit, paths, name_suffix=self.name_suffix)
        here, there = ({each.name for each in side.deployments} for side in (head, declared))
        new, gone = here - there, there - here
        if not self.single_files or not (new or gone):
            return declared
        moved, away = git.moved(self.repository, commit, new, gone, {*declared.files}, self.name_suffix)
        kept = tuple(each for each in declared.deployments if each.name not in away)
        return replace(declared, deployments=(*kept, *moved.deployments), complete=declared.complete and moved.complete)


def _targets_of_links(paths: Sequence[str]) -> Iterator[str]:
    """Yield the targets of links on the disk: the spelling of a path does not decide what was declared at a commit."""
    here = FilePath.cwd()
    for path in paths:
        target = FilePath(path).resolve()
        if os.path.islink(path.rstrip("/")) and target.exists() and is_in_repository(target, here):
            yield os.path.relpath(target, here)


def find_base_revisions(runs: Sequence[Settings], flags: Flags, ref: str) -> list[tuple[Settings, BaseRevision]]:
    """Return the settings of each run that are in force at the tip of `ref`, and its base.

    `runs` are those of the change under review: one for each target, or one without targets. Targets, policy,
    paths, workspace and region are those at the tip. Head is read at the paths that the change or the tip names.
    The commits are read at those that the tip names, so that a file that was not read before does not count as
    declared because the change names it. A configuration outside of the repository is the operator's and stays in
    force. Raises UsageError or BaseError if git can't find the commits or their files.
    """
    here = FilePath.cwd()
    repository = git.open_repository(here, environment.variables())
    commits = git.find_commits(repository, ref, merge_commit=environment.platform_merge_commit())
    single_files = tuple(path for path in flags.paths if os.path.isfile(path))
    command, config_file = runs[0].command, runs[0].config_file
    if config_file is not None and not is_in_repository(config_file, here):
        return [
            (run, BaseRevision(repository, commits, run.paths, run.name_suffix, single_files, run.policy))
            for run in runs
        ]

    def resolved(commit: str) -> dict[str | None, Settings]:
        config = _config_at(repository, commit, flags, here)
        return {
            run.target: replace(run, paths=tuple(_paths_at(repository, commit, flags, config, run.target)) or run.paths)
            for run in settings.resolve_targets(command, flags, replace(config, file=config_file))
        }

    in_force = resolved(commits.tip)
    former = [in_force if each == commits.tip else _unless_invalid(resolved, each) for each in commits.merge_bases]
    proposed = {run.target: _with_left_out(run, repository) for run in runs}
    found = []
    for target, run in in_force.items():
        base = BaseRevision(
            repository,
            commits,
            run.paths,
            run.name_suffix,
            single_files,
            proposed=proposed.get(target, run).policy,
            former=tuple(each.get(target, run).policy for each in former),
            is_redirected=all(_is_redirected(each, proposed, target) for each in (in_force, *former)),
        )
        found.append((_with_paths(run, base, proposed.get(target, run).paths), base))
    return found


def _unless_invalid(resolved: Callable[[str], dict[str | None, Settings]], commit: str) -> dict[str | None, Settings]:
    """Return the settings at a merge base by target; none if its configuration can't be used."""
    try:
        return resolved(commit)
    except UsageError:
        return {}


def _with_left_out(run: Settings, repository: Repository) -> Settings:
    """Return the settings of head with the default paths that are in git and not checked out, if it names no others."""
    if not {*run.paths} <= {*DEFAULT_PATHS}:
        return run
    more = (path for path in DEFAULT_PATHS if path not in run.paths and git.names_left_out(repository, path))
    return replace(run, paths=(*run.paths, *more))


_Runs: TypeAlias = Mapping[str | None, Settings]


def _is_redirected(earlier: _Runs, proposed: _Runs, target: str | None) -> bool:
    """Return whether the change names other targets, files, or another workspace, region or suffix than a commit."""
    if earlier.keys() != proposed.keys():
        return True
    one, other = earlier[target], proposed[target]
    return {*one.paths} != {*other.paths} or any(
        getattr(one, name) != getattr(other, name) for name in ("workspace", "region", "name_suffix")
    )


def _with_paths(in_force: Settings, base: BaseRevision, proposed: Sequence[str]) -> Settings:
    """Return the settings with the paths that head is read at; raises UsageError if there are none."""
    kept = tuple(
        path
        for path in base.paths
        if path not in proposed and (discovery.names_anything(path) or git.names_left_out(base.repository, path))
    )
    if not (proposed or kept or in_force.allow_empty or in_force.command == "audit"):
        raise UsageError(
            "nothing to check: neither HEAD nor the base revision has deployments.yaml or deployments/ here.",
            hint="Name files or folders.",
        )
    return replace(in_force, paths=(*proposed, *kept))


def _config_at(repository: Repository, commit: str, flags: Flags, here: FilePath) -> Config:
    """Return the configuration at a commit, the nearest unless one is named; an empty one if none exists."""
    for file in [FilePath(flags.config)] if flags.config else config_candidates(here):
        found = git.read_config(repository, commit, file)
        if found is not None:
            return from_folder(parse_config(found, file.absolute().parent), file.parent, here)
    return Config()


def _paths_at(repository: Repository, commit: str, flags: Flags, config: Config, target: str | None) -> Iterator[str]:
    """Yield the paths that were read at a commit: those of the command line, of the configuration, or the defaults."""
    config = next((each.config for each in config.targets if each.name == target), config)
    if flags.paths or config.paths:
        yield from flags.paths or config.paths
        return
    for path in DEFAULT_PATHS:
        if git.load(repository, commit, [path]).files:
            yield path
