"""Who bears a loss: parts to the fen, who pays when, what comes back, and the table that adds up."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import outcomes
from sim.arms import horizon
from sim.fund.claims import apportion, return_of, split
from sim.law import Rules, load_pack
from sim.replication import prepare, simulate
from sim.scenario import Scenario
from sim.warmup import opening_state
from sim.waterfall import BORNE, WATERFALL, bearers

FOUR = {"county": 0.35, "township": 0.21, "village": 0.14, "bank": 0.3}
MIXED = {"city": 0.1, "county": 0.3, "guarantee_company": 0.25, "insurer": 0.15, "bank": 0.2}


def rules(shares: dict[str, float], **more: Any) -> Rules:
    changes = {"loss.shares": shares, **{k.replace("__", "."): v for k, v in more.items()}}
    return Rules.view(load_pack("x-county"), dt.date(2018, 1, 1), changes)


def test_public_parts_go_through_the_fund_and_others_pay_themselves() -> None:
    r = rules(MIXED)
    assert r.loss.through == (("city", 100_000), ("county", 300_000))
    assert r.loss.direct == (("guarantee_company", 250_000), ("insurer", 150_000))
    other = rules(MIXED, loss__through_fund=["county", "guarantee_company"])
    assert [b for b, _ in other.loss.through] == ["county", "guarantee_company"]
    assert [b for b, _ in other.loss.direct] == ["city", "insurer"]


@given(st.integers(0, 10**9))
def test_a_public_share_that_is_divided_is_the_same_money(fen: int) -> None:
    whole, parts = split(rules({"fund": 0.7, "bank": 0.3}), fen), split(rules(FOUR), fen)
    assert whole == parts
    assert sum(int(x[0]) for x in apportion(np.array([parts[0]]), rules(FOUR).loss.through).values()) == parts[0]


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 3))
def test_nobody_gets_back_more_than_it_paid_and_nothing_is_left_over(amount: int, recovered: int, cause: int) -> None:
    r = rules(MIXED)
    fund, bank = split(r, amount)
    direct = amount - fund - bank
    recovered = min(recovered, amount)
    to_fund, to_bank = return_of(r, cause, recovered, fund, direct)
    assert 0 <= to_fund <= fund and 0 <= recovered - to_fund - to_bank <= direct and to_bank >= 0
    if recovered == amount:
        assert (to_fund, to_bank) == (fund, bank)


@pytest.mark.parametrize("shares", [FOUR, MIXED], ids=["divided fund", "others pay too"])
def test_the_table_of_bearers_adds_up_in_every_history(tight: Scenario, shares: dict[str, float]) -> None:
    scenario = tight.with_changes({"rules.loss.shares": shares})
    setup = prepare(scenario, 11, opening_state(scenario), horizon(scenario))
    for replication in range(3):
        world = simulate(setup, replication)  # checks the ledger, the books and the fund
        row = outcomes.summary(setup, world)
        names = bearers(setup.rules)
        assert set(names) == set(shares)
        borne, waiting, _ = (sum(row[f"{what}_{b}_fen"] for b in names) for what in BORNE)
        undivided = sum(row[f"waterfall_{x}_fen"] for x in ("repaid_before_payment", "in_process", "refused"))
        assert borne + waiting + undivided == row["claimable_fen"] == sum(row[f"waterfall_{x}_fen"] for x in WATERFALL)
        through = [b for b, _ in setup.rules.loss.through]
        assert sum(row[f"borne_{b}_fen"] for b in through) == row["waterfall_fund_paid_fen"]
        assert sum(row[f"waiting_{b}_fen"] for b in through) == row["waterfall_fund_approved_waiting_fen"]
        assert row["recovered_fen"] == sum(row[f"returned_{b}_fen"] for b in names)


def test_direct_bearers_pay_on_the_day_and_get_their_part_back(tight: Scenario) -> None:
    scenario = tight.with_changes({"rules.loss.shares": {"fund": 0.5, "insurer": 0.3, "bank": 0.2}})
    setup = prepare(scenario, 11, opening_state(scenario), horizon(scenario))
    world = simulate(setup, 0, keep_journal=True)
    journal, c = world.ledger.journal, world.claims
    assert journal is not None
    paid = [p for p in journal if p.what == "other bearers pay"]
    due = (c.due >= setup.first_day) & (c.due <= setup.last_day) & (c.recovered_on > c.due) & (c.direct_part > 0)
    assert sorted(p.day for p in paid) == sorted(c.due[due].tolist())
    assert sum(-dict(p.legs)["bearer:insurer"] for p in paid) == c.direct_part[due].sum()
    back = sum(dict(p.legs).get("bearer:insurer", 0) for p in journal if p.what == "collected")
    assert 0 < back < c.direct_part[due].sum()
    assert world.ledger.balances["bearer:insurer"] == back - c.direct_part[due].sum()
