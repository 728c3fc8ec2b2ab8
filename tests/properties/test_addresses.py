"""Draws belong to their addresses: order, neighbours, switches, batches and horizon change nobody else's luck."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import clock, outcomes
from sim.lending.granting import LENT
from sim.lending.granting_kernel import grant
from sim.lending.loans import Loans
from sim.replication import draw_fates, prepare, simulate
from sim.shocks.paths import draw_paths
from sim.streams import stream_key, uniforms, uniforms_reference
from tests.granting import book, terms

END = clock.day_of(dt.date(2018, 12, 31))
modest = settings(deadline=None, max_examples=25)
IDS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=50, unique=True)


@modest
@given(IDS, st.integers(0, 2**40), st.integers(0, 10**6), st.integers(0, 2000), st.randoms(use_true_random=False))
def test_a_draw_depends_on_its_address_alone(
    ids: list[int], seed: int, replication: int, month: int, shuffle: Any
) -> None:
    key = stream_key(seed, "test")
    together = dict(zip(ids, uniforms(key, replication, month, np.array(ids)).T.tolist(), strict=True))
    shuffled = list(ids)
    shuffle.shuffle(shuffled)
    some = shuffled[: len(ids) // 2 + 1]
    alone = uniforms_reference(key, replication, month, np.array(some)).T.tolist()
    assert alone == [together[i] for i in some]
    assert all(0 < u < 1 for pair in alone for u in pair)


def fates_by_loan(setup: Any, loans: Loans, replication: int) -> dict[int, tuple[int, ...]]:
    paths = draw_paths(setup.scenario.defaults, setup.scenario.opening.drought, setup.township_ids, setup.first_month,
                       setup.month_ends.size, replication, setup.seed)  # fmt: skip
    f = draw_fates(setup, loans, paths, replication)
    columns = (f.fate, f.missed, f.repaid, f.cause, f.renewed)
    return {int(loan): tuple(int(c[k]) for c in columns) for k, loan in enumerate(loans.id)}


@modest
@given(st.integers(0, 50), st.randoms(use_true_random=False))
def test_order_of_households_is_irrelevant(setup: Any, opening: Any, replication: int, shuffle: Any) -> None:
    households = np.unique(opening.loans.household).tolist()
    shuffle.shuffle(households)
    place = {h: k for k, h in enumerate(households)}
    order = np.argsort([place[int(h)] for h in opening.loans.household], kind="stable")
    other = replace(setup, opening=replace(opening, loans=opening.loans.take(order)))
    a, b = simulate(setup, replication), simulate(other, replication)
    assert outcomes.summary(setup, a) == outcomes.summary(other, b)
    assert a.ledger.balances == b.ledger.balances


@modest
@given(st.integers(0, 50), st.data())
def test_leaving_households_out_changes_nobody_elses_fate(
    setup: Any, opening: Any, replication: int, data: Any
) -> None:
    households = np.unique(opening.loans.household)
    kept = data.draw(st.lists(st.booleans(), min_size=households.size, max_size=households.size))
    rows = np.flatnonzero(np.isin(opening.loans.household, households[np.array(kept)]))
    everybody, some = (
        fates_by_loan(setup, opening.loans, replication),
        fates_by_loan(setup, opening.loans.take(rows), replication),
    )
    assert some == {loan: everybody[loan] for loan in some}


@modest
@given(st.integers(0, 50), st.sampled_from(["fiscal.budget_share", "office.clerks", "defaults.negligence", "defaults.objection",
                                            "rules.claim.steps.file.days", "lending.demand_over_limit"]))  # fmt: skip
def test_a_policy_changes_no_households_fate(
    small: Any, setup: Any, opening: Any, replication: int, field: str
) -> None:
    value = {"fiscal.budget_share": 0.2, "office.clerks": 1, "defaults.negligence": 0.4, "defaults.objection": 0.5,
             "rules.claim.steps.file.days": 40, "lending.demand_over_limit": 0.5}[field]  # fmt: skip
    changes = {field: value} if not field.startswith("defaults") else {field: value, "defaults.anchor": "central"}
    other = prepare(small.with_changes(changes), setup.seed, opening, END)
    other = replace(other, form=setup.form)  # the anchor is met again: negligence moves the base probability
    a, b = simulate(setup, replication), simulate(other, replication)
    mine = {int(i): int(f) for i, f in zip(a.demand.id, a.demand_fates.fate, strict=True)}
    theirs = {int(i): int(f) for i, f in zip(b.demand.id, b.demand_fates.fate, strict=True)}
    common = mine.keys() & theirs.keys()
    assert len(common) >= len(opening.loans)
    assert all(mine[i] == theirs[i] for i in common)


@modest
@given(st.integers(0, 50))
def test_switching_the_drought_off_leaves_every_other_draw(
    small: Any, setup: Any, opening: Any, replication: int
) -> None:
    """Where no township was hit the fates are the same, loan by loan, at the same base probability."""
    off = prepare(small.with_changes({"defaults.drought.on": False}), setup.seed, opening, END)
    off = replace(off, form=setup.form)
    a, b = simulate(setup, replication), simulate(off, replication)
    assert a.paths.factor.tobytes() == b.paths.factor.tobytes()
    month = np.clip(clock.month_of(a.demand.due) - setup.first_month, 0, setup.n_path_months - 1)
    not_hit = a.paths.is_hit[month, a.demand.township] == 0
    assert a.demand_fates.fate[not_hit].tolist() == b.demand_fates.fate[not_hit].tolist()
    assert a.demand_fates.missed[not_hit].tolist() == b.demand_fates.missed[not_hit].tolist()


@modest
@given(st.permutations(range(5)))
def test_histories_can_be_run_in_any_order(setup: Any, worlds: list[Any], order: list[int]) -> None:
    """A setup keeps nothing of the histories that were run on it."""
    for r in order:
        assert outcomes.summary(setup, simulate(setup, r)) == outcomes.summary(setup, worlds[r])


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 80), st.integers(1, 50), st.integers(-5, 60)), max_size=40),
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 50), st.integers(-10, 90)), max_size=15),
    st.tuples(st.integers(0, 150), st.integers(0, 150)),
)
def test_lending_never_passes_the_limit(new: list[Any], old: list[Any], limit: tuple[int, int]) -> None:
    new = sorted(new, key=lambda x: x[1])
    columns = [np.array(c, dtype=np.int64) for c in zip(*new, strict=True)] or [np.zeros(0, np.int64)] * 4
    held = [np.array(c, dtype=np.int64) for c in zip(*old, strict=True)] or [np.zeros(0, np.int64)] * 3
    lender, start, covered, length = columns
    release = start + length
    new_book = book(start.size, lender=lender, start=start, principal=covered, release=release)
    old_book = book(held[0].size, lender=held[0], principal=held[1], release=held[2])
    got = grant(terms(81), new_book, old_book, np.array(limit), np.array(limit), 0).reason == LENT
    for bank in (0, 1):
        for day in range(81):
            outstanding = covered[
                got & (lender == bank) & (start <= day) & (np.maximum(release, start + 1) > day)
            ].sum()
            outstanding += held[1][(held[0] == bank) & (held[2] > day)].sum()
            lent_today = (got & (lender == bank) & (start == day)).any()
            assert outstanding <= limit[bank] or not lent_today
