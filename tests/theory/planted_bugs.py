"""Faults put into the simulator on purpose, each with the check that must notice it.

The compiled kernels stay as they are: a fault goes into what they are given (paths, thresholds, ids, keys).
Faults live in this process only, so a study with one runs without worker processes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from laboratory import STRICT_YUAN
from pytest import MonkeyPatch

import sim.experiment
import sim.fiscal.office
import sim.fund.need
import sim.households.reduced_form
import sim.replication
import sim.shocks.paths

Plant = Callable[[MonkeyPatch], None]


@dataclass(frozen=True)
class Bug:
    """A fault, the oracle that meets it, the checks that must fail at least, and the histories that suffice."""

    name: str
    oracle: str
    caught_by: tuple[str, ...]
    plant: Plant
    n: int = 1_000


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


# --- faults ------------------------------------------------------------------------------------------


def _leak(paths: Any, replication: int) -> dict[str, Any]:
    """A county factor of variance .01 where there is none."""
    return {"factor": paths.factor + 0.1 * np.random.default_rng(replication).standard_normal()}


def _hits_without_drought(paths: Any, replication: int) -> dict[str, Any]:
    hit = np.random.default_rng(replication).random(paths.is_hit.shape[1]) < 0.15 * 0.6
    return {"is_hit": np.tile(hit.astype(np.uint8), (paths.is_hit.shape[0], 1))}


def _one_uniform_for_two(original: Any) -> Any:
    def stream_key(seed: int, purpose: str) -> Any:
        return original(seed, "drought.year" if purpose == "subsidy.late_year" else purpose)

    return stream_key


def _keys_with_policy(form: Any) -> dict[str, Any]:
    return {"keys": form.keys ^ np.uint64(int(1e6 * form.threshold[0, 0, 0, 0] ** 2))}


def _top_up_after_claims(original: Any) -> Any:
    def first_short_day(opening: Any, top_ups: Any, payments: Any) -> Any:
        return original(opening, np.concatenate([[0], top_ups[:-1]]), payments)

    return first_short_day


def _short_when_empty(original: Any) -> Any:
    def first_short_day(opening: Any, top_ups: Any, payments: Any) -> Any:
        return original(opening - 1, top_ups, payments)

    return first_short_day


def _backlog_lost(original: Any) -> Any:
    def advance(self: Any, day: float) -> Any:
        done = original(self, day)
        for queue in self._queues:
            queue.clear()
        return done

    return advance


def _mean_time_for_all(original: Any) -> Any:
    def submit(self: Any, day: float, kind: int, minutes: float, item: Any) -> None:
        original(self, day, kind, 0.5, item)

    return submit


_INDEPENDENT = both(on_paths(lambda paths, _: {"factor": 0 * paths.factor}), on_form(lambda form: {"own_weight": 1.0}))

IN_STUDIES = [
    Bug("a factor where there is none", "O1", ("bins",), on_paths(_leak)),
    Bug("loans independent", "O2", ("bins",), _INDEPENDENT),
    Bug(
        "the factor's weight is its variance", "O2-200", ("bins",),
        both(on_paths(lambda paths, _: {"factor": np.sqrt(0.12) * paths.factor}),
             on_form(lambda form: {"own_weight": np.sqrt(1 - 0.12**2)})),
    ),
    Bug(
        "one township factor for both townships", "O5", ("bins", "P(DA>30, DB>20)"),
        on_paths(lambda paths, _: {"factor": np.repeat(paths.factor[:, :1], paths.factor.shape[1], axis=1)}),
    ),
    Bug(
        "one hit for all townships", "O6", ("bins", "P(D>82)"),
        on_paths(lambda paths, _: {"is_hit": np.repeat(paths.is_hit[:, :1], paths.is_hit.shape[1], axis=1)}),
    ),
    Bug("hits without a county drought", "O6", ("bins", "second moment"), on_paths(_hits_without_drought)),
    Bug(
        "cap before share", "O7", ("P(short) 1000000",),
        on_setup(lambda setup: {"account_fen": setup.account_fen * 7 // 10}), n=500,
    ),
    Bug(
        "a fund emptied to the fen is short", "O7", (f"not strict {STRICT_YUAN}",),
        on_setup(lambda setup: {"account_fen": setup.account_fen - 1}),
    ),
    Bug(
        "loans cut to the usual ceiling", "O8-independent", ("mean",),
        on_portfolio(lambda loans: {"balance": np.minimum(loans.balance, 5_000_000)}), n=500,
    ),
    Bug("unequal loans independent", "O8", ("P(L>259)",), _INDEPENDENT),
    Bug("stacked loans fail one by one", "O9", ("second moment", "bins"),
        on_portfolio(lambda loans: {"household": loans.id})),
    Bug(
        "a lag as long as the buffer ruins", "O10", ("P(D>30)", "mean"),
        on_form(lambda form: {"buffer_cdf": form.buffer_cdf[1:]}),
    ),
    Bug("a factor that never moves", "O11-1000", ("P(D=0)",), on_defaults(persistence_per_month=1.0), n=4_000),
    Bug("a new factor every month", "O11-100", ("P(D=0)",), on_defaults(persistence_per_month=0.0)),
    Bug("addresses that hold the policy", "O16", ("violations", "bins"), on_form(_keys_with_policy)),
    Bug(
        "drought and late subsidy share a uniform", "O17", ("bins", "P(need>1232)"),
        wrap(sim.shocks.paths, "stream_key", _one_uniform_for_two), n=500,
    ),
]  # fmt: skip

IN_COMPONENTS = [
    Bug("top-up after claims", "O12", ("add 168 P(ruin<=36)",),
        wrap(sim.fund.need, "first_short_day", _top_up_after_claims)),
    Bug("short when empty", "O12", ("edge 203 P(ruin<=12)",),
        wrap(sim.fund.need, "first_short_day", _short_when_empty)),
    Bug("backlog lost at the month's end", "O14", ("E[Q12]", "P(Q12>0)", "P(Q12>5)"),
        wrap(sim.fiscal.office.Desk, "advance", _backlog_lost)),
]  # fmt: skip

MEAN_TIME_FOR_ALL = wrap(sim.fiscal.office.Desk, "submit", _mean_time_for_all)
