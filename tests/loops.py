"""Many small cases in one test: a failure names its case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def case(name: object) -> Iterator[None]:
    """Name the case if the body fails."""
    try:
        yield
    except Exception as error:
        error.add_note(f"case: {name}")
        raise
