"""How faults are put into the simulator on purpose: each changes one function or one table of a history.

The compiled kernels stay as they are: a fault goes into what they are given (paths, thresholds, ids, keys).
Faults live in this process only, so a study with one runs without worker processes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pytest import MonkeyPatch

import sim.experiment
import sim.households.reduced_form
import sim.replication

Plant = Callable[[MonkeyPatch], None]


@dataclass(frozen=True)
class Bug:
    """A fault, the oracle that meets it, the checks that must fail at least, and the histories that suffice.

    A fault in what reads the histories needs no new ones.
    """

    name: str
    oracle: str
    caught_by: tuple[str, ...]
    plant: Plant
    n: int = 1_000
    in_reading: bool = False


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """The fault is there inside, and only there: no process keeps a setup that was prepared with it, or without."""
    sim.experiment._SETUPS.clear()
    with MonkeyPatch.context() as patch:
        bug.plant(patch)
        yield
    sim.experiment._SETUPS.clear()


def wrap(owner: Any, name: str, change: Callable[..., Any]) -> Plant:
    """Replace a function by ``change(original)``."""

    def plant(patch: MonkeyPatch) -> None:
        patch.setattr(owner, name, change(getattr(owner, name)))

    return plant


def on_paths(change: Callable[[Any, int], dict[str, Any]]) -> Plant:
    """A fault in the common shocks: new columns from the paths and the history's number."""

    def changed(original: Any) -> Any:
        def draw_paths(*args: Any) -> Any:
            paths = original(*args)
            return dataclasses.replace(paths, **change(paths, args[5]))

        return draw_paths

    return wrap(sim.replication, "draw_paths", changed)


def on_form(change: Callable[[Any], dict[str, Any]]) -> Plant:
    """A fault in the tables of the reduced form."""

    def changed(original: Any) -> Any:
        def prepare(*args: Any) -> Any:
            form = original(*args)
            return dataclasses.replace(form, **change(form))

        return prepare

    return wrap(sim.households.reduced_form, "prepare", changed)


def on_defaults(**update: Any) -> Plant:
    """A fault that reads a factor's parameter wrongly when the paths are drawn."""

    def changed(original: Any) -> Any:
        def draw_paths(defaults: Any, *args: Any) -> Any:
            factor = defaults.factor.model_copy(update=update)
            return original(defaults.model_copy(update={"factor": factor}), *args)

        return draw_paths

    return wrap(sim.replication, "draw_paths", changed)


def on_portfolio(change: Callable[[Any], dict[str, Any]]) -> Plant:
    """A fault in the loan book of a history."""

    def changed(original: Any) -> Any:
        def draw_portfolio(*args: Any) -> Any:
            loans = original(*args)
            return loans.replace(**change(loans)).by_household()

        return draw_portfolio

    return wrap(sim.replication, "draw_portfolio", changed)


def on_setup(change: Callable[[Any], dict[str, Any]]) -> Plant:
    """A fault in what all histories of an arm share."""

    def changed(original: Any) -> Any:
        def prepare(*args: Any) -> Any:
            setup = original(*args)
            return dataclasses.replace(setup, **change(setup))

        return prepare

    return wrap(sim.experiment, "prepare", changed)


def both(*plants: Plant) -> Plant:
    """Several changes that make one fault."""

    def plant(patch: MonkeyPatch) -> None:
        for one in plants:
            one(patch)

    return plant
