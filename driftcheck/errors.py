"""Exceptions for work that can't be done; facts about the user's data are findings instead."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """The process's exit status (docs/contract.md, Exit status)."""

    IN_SYNC = 0
    DRIFT = 1
    INVALID = 2
    INCOMPLETE = 3
    DEFECT = 4


class DriftcheckError(Exception):
    """Base of all errors for people: the message says what failed and why, `hint` what to do next.

    Neither text ever holds a key or a value of the data.
    """

    status = ExitStatus.DEFECT

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(DriftcheckError):
    """A command line, an environment variable or a path that can't be used."""

    status = ExitStatus.INVALID


class BaseError(DriftcheckError):
    """The history around the base revision could not be read: a clone that is shallow, partial or damaged."""

    status = ExitStatus.INCOMPLETE


class InputError(DriftcheckError):
    """A saved file (snapshot, raw listing or report) that can't be read."""

    status = ExitStatus.INVALID


class LiveError(DriftcheckError):
    """The live deployments could not be read: no key, refused, no connection, a malformed response."""

    status = ExitStatus.INCOMPLETE
    requests = 0
    """How many requests had been sent."""


class OutputError(DriftcheckError):
    """A report that could not be written."""

    status = ExitStatus.DEFECT
