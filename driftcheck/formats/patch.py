"""A unified diff that `git apply` takes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Final

from driftcheck.alignment import opcodes
from driftcheck.formats.escaping import visible

_MOST_PAIRS: Final = 10_000
"""Files whose lines multiply to more are compared in linear time."""


def render(name: str, before: str | None, after: str) -> str:
    """Return the difference of two texts of a file; `before` is None for a new one."""
    old = "/dev/null" if before is None else f"a/{visible(name)}"
    lines = [f"--- {old}\n", f"+++ b/{visible(name)}\n", *_hunks(_lines(before or ""), _lines(after))]
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _hunks(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a unified diff, which are found in linear time for long files."""
    matcher = difflib.SequenceMatcher[str](None, (), ())
    matcher.opcodes = [*opcodes(before, after, _MOST_PAIRS)]  # type: ignore[attr-defined]
    for group in matcher.get_grouped_opcodes():
        (_, i, _, j, _), (_, _, i_end, _, j_end) = group[0], group[-1]
        yield f"@@ -{_range(i, i_end)} +{_range(j, j_end)} @@\n"
        for tag, i, i_end, j, j_end in group:
            if tag == "equal":
                yield from (f" {line}" for line in before[i:i_end])
            else:
                yield from (f"-{line}" for line in before[i:i_end])
                yield from (f"+{line}" for line in after[j:j_end])


def _range(start: int, end: int) -> str:
    """Return a range of lines as diffs write it; an empty one begins behind the line above."""
    return f"{start if start == end else start + 1}" + ("" if end - start == 1 else f",{end - start}")


def _lines(text: str) -> list[str]:
    """Return the lines as git counts them: a line feed ends one, and nothing else."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines
