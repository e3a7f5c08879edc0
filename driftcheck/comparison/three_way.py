"""The three-way comparison: whether a change is drift, proposed, outdated or in conflict.

The rules are those of docs/contract.md ("With --base"). Head is what the change under review declares; the tip is what
it will be merged into; a merge base is a commit that both descend from. There can be several (a criss-cross history).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from driftcheck.comparison.diff import compare_with_live
from driftcheck.comparison.differences import Difference
from driftcheck.comparison.symmetric import compare_declared
from driftcheck.fields import deployment
from driftcheck.model import ABSENT, JSON, ChangeClass, ChangeKind, Declarations
from driftcheck.paths import Lookup, Path


@dataclass(frozen=True)
class BaseDeclarations:
    """What is declared at the commits that a change under review is compared with: the tip and the merge bases."""

    tip: Declarations
    merge_bases: tuple[Declarations, ...]
    """One or more; the first one is shown as the base."""

    @property
    def complete(self) -> bool:
        """Whether everything was read at each commit."""
        return all(declarations.complete for declarations in (self.tip, *self.merge_bases))

    def names(self) -> set[str]:
        """Return the names that any of the commits declares."""
        return {each.name for declarations in (self.tip, *self.merge_bases) for each in declarations.deployments}

    def deployment(self, name: str) -> BaseDeployment | None:
        """Return a deployment at each commit; None if one of them was not read completely and lacks it."""
        if any(name not in values and not complete for values, complete in self._values):
            return None
        tip, *merge_bases = (values.get(name) for values, _ in self._values)
        return BaseDeployment(tip, tuple(merge_bases))

    @cached_property
    def _values(self) -> list[tuple[dict[str, Mapping[str, JSON]], bool]]:
        """The deployments of each commit by name, and whether the commit was read completely."""
        return [
            ({each.name: each.value for each in declarations.deployments}, declarations.complete)
            for declarations in (self.tip, *self.merge_bases)
        ]


@dataclass(frozen=True, slots=True)
class BaseDeployment:
    """One deployment as the tip and the merge bases declare it; None for a commit that does not declare it."""

    tip: Mapping[str, JSON] | None
    merge_bases: tuple[Mapping[str, JSON] | None, ...]

    @property
    def is_new(self) -> bool:
        """Whether neither the tip nor a merge base declares it."""
        return self.tip is None and not any(value is not None for value in self.merge_bases)

    def is_settled(self, head: Mapping[str, JSON]) -> bool:
        """Return whether every commit declares the deployment as head does."""
        return all(value == head for value in (self.tip, *self.merge_bases))

    def is_touched(self, head: Mapping[str, JSON] | None) -> bool:
        """Return whether the change alters what is declared, compared with every merge base."""
        return all(value != head for value in self.merge_bases)

    def presence(self, head: Mapping[str, JSON] | None) -> ChangeClass:
        """Return the class of a deployment that is declared and not live, or live and not declared."""
        is_declared = head is not None
        if (self.tip is not None) == is_declared:
            return ChangeClass.DRIFT if self.is_touched(head) else ChangeClass.ELSEWHERE
        if all((value is not None) != is_declared for value in self.merge_bases):
            return ChangeClass.PROPOSED
        return ChangeClass.OUTDATED


class _Changes:
    """Differences of two sides, found by path."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        self.all = differences
        self._same = {(each.path, each.of_order): each for each in reversed(differences)}
        self._holders = {each.path[:length] for each in differences for length in range(len(each.path) + 1)}

    def same(self, difference: Difference) -> Difference | None:
        """Return the difference at the same path."""
        return self._same.get((difference.path, difference.of_order))

    def concern(self, difference: Difference) -> bool:
        """Return whether a change is about the same value, about what holds it, or about a part of it.

        The order of a list's entries is independent of the entries.
        """
        path = difference.path
        if self.same(difference) is not None:
            return True
        if difference.kind is not ChangeKind.MODIFIED and path in self._holders:
            return True
        return any(
            (path[:length], of_order) in self._same
            for length in range(len(path) + 1)
            for of_order in ((False, True) if difference.of_order else (False,))
        )


class _Values:
    """A declaration or a live deployment, looked up by path."""

    def __init__(self, value: Mapping[str, JSON]) -> None:
        self.value = value
        self._lookup = Lookup()

    def at(self, path: Path) -> JSON:
        """Return the value; None if there is none."""
        return self._lookup.value(self.value, path)

    def has(self, path: Path) -> bool:
        """Return whether there is a value, null included."""
        return self._lookup.value(self.value, path, ABSENT) is not ABSENT

    def first_missing(self, path: Path) -> Path | None:
        """Return the shortest part of a path at which there is no value; None if there is one at all of them."""
        return next((path[:length] for length in range(1, len(path) + 1) if not self.has(path[:length])), None)


class _Edits:
    """What a later declaration changes of an earlier one; None if a deployment is not declared."""

    def __init__(self, later: _Values | None, earlier: _Values | None) -> None:
        self.later, self.earlier = later, earlier

    @cached_property
    def differences(self) -> _Changes:
        """The differences of the later declaration from the earlier one; none if one of them is missing."""
        if self.later is None or self.earlier is None:
            return _Changes(())
        return _Changes(compare_declared(self.later.value, self.earlier.value).differences)

    def changes(self, difference: Difference) -> bool:
        """Return whether the two declare different values at the path of a difference."""
        if self.later is None or self.earlier is None:
            return self.later is not self.earlier
        if self.differences.concern(difference):
            return True
        missing = self.earlier.first_missing(difference.path)
        return missing is not None and self.later.has(missing)


class ThreeWay:
    """One deployment as earlier commits and head declare it, and the live one."""

    def __init__(
        self,
        earlier: BaseDeployment,
        head: Mapping[str, JSON],
        live: Mapping[str, JSON],
        differences: Sequence[Difference],
        *,
        strict: bool,
    ) -> None:
        """Keep the differences between head and live; others are computed when they are needed."""
        self._head, self._live = _Values(head), _Values(live)
        self._differences = _Changes(differences)
        self._is_touched = earlier.is_touched(head)
        self._strict = strict
        tip = None if earlier.tip is None else _Values(earlier.tip)
        bases = [
            tip if value == earlier.tip else None if value is None else _Values(value) for value in earlier.merge_bases
        ]
        self._tip, self._base = tip, bases[0]
        self._edits = [_Edits(self._head, each) for each in dict.fromkeys((*bases, tip))]
        """The changes of head from each merge base and the tip; the first merge base comes first."""
        self._tip_edits = [_Edits(tip, each) for each in dict.fromkeys(bases)]
        self._drifted: dict[_Values | None, _Changes] = {}

    def classify(self) -> Iterator[Difference]:
        """Classify each difference, and add what head has adopted from live."""
        for difference in self._differences.all:
            base = self._base_value(difference)
            yield replace(difference, change_class=self._class_of(difference), base=base)
        yield from self._adopted()

    def removed(self) -> Iterator[Path]:
        """Yield the fields that the change no longer declares although live differs from what the tip declares."""
        undeclared = (self._head.first_missing(drifted.path) for drifted in self._from_live(self._tip).all)
        for path in dict.fromkeys(path for path in undeclared if path is not None):
            was_declared = all(each.earlier is not None and each.earlier.has(path) for each in self._edits)
            if was_declared and not _is_entry(path):
                yield path

    def _class_of(self, difference: Difference) -> ChangeClass:
        is_proposed = all(each.changes(difference) for each in self._edits)
        if not self._from_live(self._tip).concern(difference):
            tip_moved = all(each.changes(difference) for each in self._tip_edits)
            if tip_moved or not is_proposed:
                return ChangeClass.OUTDATED
        if is_proposed:
            live_moved = all(self._from_live(each.earlier).concern(difference) for each in self._edits)
            return ChangeClass.CONFLICT if live_moved else ChangeClass.PROPOSED
        return ChangeClass.DRIFT if self._is_touched else ChangeClass.ELSEWHERE

    def _from_live(self, values: _Values | None) -> _Changes:
        """Return the differences of an earlier declaration from live; what is not declared does not differ."""
        found = self._drifted.get(values)
        if found is None:
            differences: Sequence[Difference] = ()
            if values is not None:
                differences = compare_with_live(values.value, self._live.value, strict=self._strict).differences
            found = self._drifted[values] = _Changes(differences)
        return found

    def _base_value(self, difference: Difference) -> JSON:
        if self._base is None:
            return None
        edit = self._edits[0].differences.same(difference)
        if edit is not None:
            return edit.live
        return difference.declared if difference.of_order else self._base.at(difference.path)

    def _adopted(self) -> Iterator[Difference]:
        """Yield what the change declares differently and live holds already."""
        for edit in self._edits[0].differences.all:
            if (
                self._is_statement(edit)
                and self._is_live(edit)
                and not self._differences.concern(edit)
                and all(each.changes(edit) for each in self._edits)
            ):
                yield replace(self._with_live(edit), change_class=ChangeClass.ADOPTED, base=edit.live)

    def _is_statement(self, edit: Difference) -> bool:
        """Return whether an edit says anything about live.

        A field that is no longer declared does not; a null, or an entry removed from a collection, does.
        """
        return edit.kind is not ChangeKind.ADDED or _is_entry(edit.path) or self._head.has(edit.path)

    def _is_live(self, edit: Difference) -> bool:
        """Return whether live had moved from the base where an edit is, or the base did not declare the field."""
        if self._from_live(self._base).concern(edit):
            return True
        was_undeclared = edit.kind is ChangeKind.REMOVED and not _is_entry(edit.path)
        return was_undeclared and self._live.at(edit.path) is not None

    def _with_live(self, edit: Difference) -> Difference:
        """Return a difference of head from the base with the live value instead of the base's."""
        same = self._from_live(self._base).same(edit)
        seen = None if edit.kind is ChangeKind.ADDED else self._live.at(edit.path)
        return replace(edit, live=same.live if same else seen, live_effective=same.live_effective if same else None)


def _is_entry(path: Path) -> bool:
    """Return whether a path leads to an entry of a list or map, which is declared as a whole."""
    holder = deployment().at(path[:-1])
    return not isinstance(path[-1], str) or holder.values is not None or not holder.properties
