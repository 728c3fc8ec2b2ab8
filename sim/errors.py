"""Errors raised on purpose: each says where, which field, what was found and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def reason_of(error: Exception) -> str:
    """What went wrong, of the system's own errors without their number and path: the file is named beside it."""
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    if isinstance(error, PermissionError):
        return "no permission for this file or folder"
    if isinstance(error, IsADirectoryError):
        return "a folder in place of a file"
    return (isinstance(error, OSError) and error.strerror) or str(error)


class RiskfundError(Exception):
    """Something the user can put right. ``exit_code`` is what the command line returns."""

    exit_code = 3


class InputError(RiskfundError):
    """A scenario, rule pack or data file holds a value that is not allowed.

    Parameters
    ----------
    where : str
        File (and row, where there is one) in which the value stands.
    field : str
        Dotted name of the field, or the column heading.
    value : object
        What was found.
    allowed : str
        What is allowed, in words.
    options : iterable of str
        Valid names, when the value is a name: the nearest one is offered.
    """

    def __init__(self, where: str, field: str, value: object, allowed: str, options: Iterable[str] = ()) -> None:
        value = value.item() if hasattr(value, "item") else value  # a NumPy number as a plain one
        self.where, self.field, self.value, self.allowed = where, field, value, allowed
        near = difflib.get_close_matches(str(value), list(options), n=1, cutoff=0.4)
        hint = f"; nearest valid name: {near[0]}" if near else ""
        super().__init__(f"{where}: {field}: found {value!r}; allowed: {allowed}{hint}")

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross from worker processes."""
        return InputError, (self.where, self.field, self.value, self.allowed)


class TooFewHistories(RiskfundError):
    """The wanted quantile needs more histories than were run; ``reason`` says so beside a figure that is left out."""

    exit_code = 5

    def __init__(self, message: str, reason: str = "") -> None:
        self.reason = reason or message
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross from worker processes."""
        return TooFewHistories, (str(self), self.reason)


class IncompatibleRun(RiskfundError):
    """A stored run, or a pair to compare, was made under other rules, seed, horizon or opening."""

    exit_code = 6


class Interrupted(RiskfundError):
    """The user stopped a run; what was finished is kept in ``folder`` and the same command goes on."""

    exit_code = 130

    def __init__(self, folder: str, done: int, total: int) -> None:
        self.folder, self.done, self.total = folder, done, total
        super().__init__(
            f"interrupted after {done} of {total} histories; kept in {folder}; the same command goes on from there"
        )


class ConservationError(Exception):
    """Our own bug: money was lost, created or overdrawn. The history that raises it gives no result."""
