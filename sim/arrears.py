"""The subsidy year by year: what fell due, what was paid, how old the rest is, and what borrowers paid themselves."""

from __future__ import annotations

import numpy as np

from sim import clock
from sim.outcomes import year_span
from sim.units import Array
from sim.welfare import unpaid_by_age
from sim.world import Setup, World


def by_year(setup: Setup, world: World) -> dict[str, Array]:
    """One row for each year of the history that ends within it.

    ``subsidy_due_fen`` fell due at the year's settlements, ``subsidy_paid_fen`` was paid in the year on whatever list,
    ``subsidy_unpaid_A_B_days_fen`` is unpaid on 31 December of lists whose period ended A to B days before;
    ``interest_paid_fen`` is the interest that borrowers paid themselves.
    """
    lists = world.lists
    end, amount = (np.array(column, dtype=np.int64) for column in (lists.period_end, lists.amount))
    file, day, fen = np.array(lists.payments, dtype=np.int64).reshape(-1, 3).T
    paid_in, due_in = clock.year_of(day), clock.year_of(setup.settlements)
    month_in = clock.year_of(setup.month_ends)
    years = np.array([y for y in np.unique(month_in).tolist() if year_span(y)[1] <= setup.last_day], dtype=np.int64)
    ages = []
    for year in years.tolist():
        last = year_span(year)[1]
        so_far = day <= last
        paid = np.bincount(file[so_far], weights=fen[so_far], minlength=amount.size).astype(np.int64)
        ages.append(unpaid_by_age(amount - paid, last - end))  # a coming list has no age yet
    return {
        "replication": np.full(years.size, world.replication),
        "year": years,
        "subsidy_due_fen": np.array([world.entitled[due_in == y].sum() for y in years], dtype=np.int64),
        "subsidy_paid_fen": np.array([fen[paid_in == y].sum() for y in years], dtype=np.int64),
        "interest_paid_fen": np.array([world.interest[:, month_in == y].sum() for y in years], dtype=np.int64),
        **{name: np.array([row[name] for row in ages], dtype=np.int64) for name in unpaid_by_age(end[:0], end[:0])},
    }
