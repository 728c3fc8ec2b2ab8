"""The claim's way from the day it may be made to the payment: steps in data, and which shapes the model can follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sim.errors import InputError

START = "entitled"  # the end of the waiting time, after which the first step stands
BANK = "bank"  # whose step is the application: interest runs up to it
DURATIONS = ("days", "working_days", "queue", "meeting", "rolling")
_LIMITS = {"at_most_days": "days", "at_most_working_days": "working_days"}


@dataclass(frozen=True)
class ClaimStep:
    """One step of the chain.

    Attributes
    ----------
    name : str
    after : tuple of str
        Steps that must be over before it begins; `START` for the first.
    actor : str
    days : int
        How long it takes; 0 for a queue and a decision, which take what they take.
    is_working : bool
        The days are working days.
    kind : str
        "" for a fixed time, ``queue`` for the clerks' desk, ``meeting`` or ``rolling`` for the decision.
    """

    name: str
    after: tuple[str, ...]
    actor: str
    days: int
    is_working: bool
    kind: str


@dataclass(frozen=True)
class Chain:
    """Steps in an order in which each stands after those that it waits for.

    Attributes
    ----------
    before : tuple of ClaimStep
        All that the decision waits for.
    decision : ClaimStep
    after : tuple of ClaimStep
        From the decision to the payment, which falls due when all of them are over.
    """

    before: tuple[ClaimStep, ...]
    decision: ClaimStep
    after: tuple[ClaimStep, ...]

    @property
    def application(self) -> ClaimStep:
        """The bank's step."""
        return next(s for s in self.before if s.actor == BANK)

    @property
    def queue(self) -> ClaimStep | None:
        """The step in which the file lies on the clerks' desk, if there is one."""
        return next((s for s in self.before if s.kind == "queue"), None)

    @property
    def behind_queue(self) -> tuple[ClaimStep, ...]:
        """What stands between the clerks and the decision."""
        return _reached(self.before, {self.queue.name}) if self.queue is not None else ()


def check_step(where: str, key: str, value: Mapping[str, Any]) -> None:
    """Is this a step, whatever the others are?

    Raises
    ------
    InputError
    """
    names = ("after", "actor", *DURATIONS, *_LIMITS)
    for name in value:
        if name not in names:
            raise InputError(where, f"{key}.{name}", name, f"one of {list(names)}", names)
    after = value.get("after")
    if not (after and (isinstance(after, str) or (isinstance(after, list) and all(isinstance(a, str) for a in after)))):
        raise InputError(where, f"{key}.after", after, f"the step or list of steps that it waits for, or {START}")
    if not isinstance(value.get("actor"), str):
        raise InputError(where, f"{key}.actor", value.get("actor"), "who does it")
    given = [name for name in DURATIONS if name in value]
    if len(given) != 1:
        raise InputError(where, key, given, f"exactly one of {list(DURATIONS)}")
    for name in (*given, *(limit for limit in _LIMITS if limit in value)):
        number = value[name]
        if name in ("queue", "meeting", "rolling"):
            if number is not True:
                raise InputError(where, f"{key}.{name}", number, "true")
        elif type(number) is not int or not 0 <= number <= 1000:
            raise InputError(where, f"{key}.{name}", number, "a whole number of days, 0 to 1000")
    for limit, unit in _LIMITS.items():
        if limit in value and unit in value and value[unit] > value[limit]:
            raise InputError(where, f"{key}.{unit}", value[unit], f"at most {value[limit]}, the deadline ({limit})")
        if limit in value and given[0] in _LIMITS.values() and unit not in value:
            raise InputError(where, f"{key}.{limit}", value[limit], f"a deadline in the unit of the step, {given[0]}")


def read_chain(where: str, key: str, values: Mapping[str, Mapping[str, Any]]) -> Chain:
    """Steps by name, put in order.

    Raises
    ------
    InputError
        A step that waits for none of the chain, a loop, or a shape that the model cannot follow.
    """
    steps = _ordered(where, key, [_step(name, value) for name, value in values.items()])
    decision = _only(where, key, steps, "decision", [s for s in steps if s.kind in ("meeting", "rolling")])
    after = _reached(steps, {decision.name})
    before = tuple(s for s in steps if s not in after and s != decision)
    application = _only(where, key, steps, f"step of the {BANK}", [s for s in before if s.actor == BANK])
    queues = [s for s in steps if s.kind == "queue"]
    if len(queues) > 1:
        raise InputError(where, key, [s.name for s in queues], "at most one queue")
    for s in queues:
        if s in after:
            raise InputError(where, f"{key}.{s.name}.after", list(s.after), "a queue before the decision")
        if application == s or application in _reached(steps, {s.name}):
            raise InputError(where, f"{key}.{application.name}.after", list(application.after),
                             "an application that waits for no queue")  # fmt: skip
    for s in before:
        if decision not in _reached(steps, {s.name}):
            raise InputError(where, f"{key}.{s.name}", s.name, "a step that the decision waits for")
    return Chain(before, decision, after)


def _step(name: str, value: Mapping[str, Any]) -> ClaimStep:
    kind = next((k for k in ("queue", "meeting", "rolling") if k in value), "")
    days = value.get("days", value.get("working_days", 0))
    after = (value["after"],) if isinstance(value["after"], str) else tuple(value["after"])
    return ClaimStep(name, after, value["actor"], days, "working_days" in value, kind)


def _only(where: str, key: str, steps: Iterable[ClaimStep], what: str, found: list[ClaimStep]) -> ClaimStep:
    if len(found) != 1:
        raise InputError(where, key, [s.name for s in found], f"exactly one {what} among {[s.name for s in steps]}")
    return found[0]


def _ordered(where: str, key: str, steps: list[ClaimStep]) -> list[ClaimStep]:
    names = {START, *(s.name for s in steps)}
    for s in steps:
        for name in s.after:
            if name not in names:
                raise InputError(where, f"{key}.{s.name}.after", name, f"{START} or a step of this pack", names)
    out: list[ClaimStep] = []
    done, left = {START}, steps
    while left:
        free = [s for s in left if set(s.after) <= done]
        if not free:
            loop = [s.name for s in _in_loops(left)]
            raise InputError(where, key, loop, "steps that do not wait for one another in a loop")
        out += free
        done |= {s.name for s in free}
        left = [s for s in left if s not in free]
    return out


def _in_loops(steps: list[ClaimStep]) -> list[ClaimStep]:
    """Of steps that all wait for one of them, those for which one of them waits as well."""
    while True:
        awaited = {name for s in steps for name in s.after}
        kept = [s for s in steps if s.name in awaited]
        if len(kept) == len(steps):
            return steps
        steps = kept


def _reached(steps: Iterable[ClaimStep], names: set[str]) -> tuple[ClaimStep, ...]:
    """Steps that wait for one of the named ones, at once or through others; the steps are in order."""
    found, out = set(names), []
    for s in steps:
        if s.name not in names and found & set(s.after):
            found.add(s.name)
            out.append(s)
    return tuple(out)
