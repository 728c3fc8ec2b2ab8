"""Each scenario of a source text against what that text prints: few histories, known parameters, tolerances that say so."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim import clock, outcomes
from sim.arms import four_months_past
from sim.households.reduced_form import DEFAULTED
from sim.households.state import LOST
from sim.lending.loans import CLAIM, OPEN
from sim.outcomes import year_span
from sim.replication import prepare, simulate
from sim.scenario import Scenario
from sim.units import FEN_PER_YUAN
from sim.warmup import opening_state
from sim.world import Setup, World

PAGES = Path(__file__).parents[2] / "docs" / "scenarios"


def lived(name: str, n: int, **changes: Any) -> tuple[Setup, list[World], pd.DataFrame]:
    """Histories of a scenario from its own book, parameters taken as known, to four months past its year."""
    return _lived(name, n, tuple(sorted((key.replace("__", "."), value) for key, value in changes.items())))


@functools.lru_cache(maxsize=4)
def _lived(name: str, n: int, changes: tuple[tuple[str, Any], ...]) -> tuple[Setup, list[World], pd.DataFrame]:
    known = Scenario.load(name, {"uncertain": []})
    scenario = known.with_changes(dict(changes))
    setup = prepare(scenario, 2027, opening_state(known), four_months_past(scenario))
    worlds = [simulate(setup, r) for r in range(n)]
    return setup, worlds, pd.DataFrame([outcomes.summary(setup, world) for world in worlds])


def share(f: pd.DataFrame, top: str, bottom: str) -> float:
    """Mean over histories of a history's own ratio."""
    return float((f[f"{top}_fen"] / f[f"{bottom}_fen"]).mean())


# --- the nine texts ----------------------------------------------------------------------------------


def test_jiangsu_falls_due_before_july() -> None:
    """Text 1: all is lent by 30 June for twelve months."""
    setup, worlds, _ = lived("jiangsu-2011", 6)
    loans = worlds[0].loans
    assert set((clock.month_of(loans.start) % 12).tolist()) <= set(range(6))
    first, last = year_span(2012)
    falls_due = loans.due[(loans.due >= first) & (loans.due <= last)]
    assert falls_due.size > 1000
    assert (clock.month_of(falls_due) % 12).max() < 6
    assert setup.rules.subsidy.late_loses == "all"


def test_dehong_meets_both_printed_figures() -> None:
    """Text 2: 0.85 per cent of principal due unpaid; of the fourth quarter's subsidy half open in March.

    24 histories: the standard error of the default share is about 0.0008, that of the unpaid share about 0.06.
    """
    _, _, f = lived("dehong-2014", 24)
    assert share(f, "defaulted", "due") == pytest.approx(0.0085, abs=0.004)
    assert 1 - share(f, "subsidy_unpaid_90d_q4", "subsidy_entitled_q4") == pytest.approx(0.50, abs=0.2)


def test_yunnan_pays_interest_after_a_year() -> None:
    """Text 3: years two and three are the household's; were they subsidised, it would get back more and default less often."""
    _, _, one = lived("yunnan-2014", 10)
    _, _, three = lived("yunnan-2014", 10, rules__subsidy__months=36)
    assert three["subsidy_entitled_fen"].mean() > 1.8 * one["subsidy_entitled_fen"].mean()
    assert one["defaulted_fen"].sum() > three["defaulted_fen"].sum()


def test_mouding_has_two_levels() -> None:
    """Text 4: the bank is repaid in full on the date; 0.67 per cent of four years' loans were not paid by households.

    40 histories of about 520 loans: the standard error of the share is about 0.0006.
    """
    setup, _, f = lived("mouding-groups", 40)
    assert setup.rules.loan.borrower_of_record == "township"
    bank = share(f, "paid_on_date", "due") + share(f, "county_paid", "due")
    assert bank == pytest.approx(1.0, abs=1e-12)
    assert share(f, "county_paid", "due") == pytest.approx(0.0067, abs=0.003)
    assert f["group_given_fen"].sum() > 0  # groups pay after the date: less goes bad, not less is missed
    _, _, alone = lived("mouding-groups", 40, livelihoods__groups=None)
    assert f["defaulted_fen"].sum() < alone["defaulted_fen"].sum()
    assert share(f, "county_paid", "due") == pytest.approx(share(alone, "county_paid", "due"), abs=0.001)


def test_zhenan_has_the_printed_book() -> None:
    """Text 5: 1,466 farm loans with 61.99 million yuan; the book is a warm-up's, within a twentieth."""
    setup, _, _ = lived("zhenan-2015", 2)
    loans = setup.opening.loans
    on_book = loans.status < CLAIM
    assert on_book.sum() == pytest.approx(1466, rel=0.05)
    assert loans.balance[on_book].sum() / FEN_PER_YUAN == pytest.approx(61.9933e6, rel=0.05)


def test_ganzhou_shares_in_four() -> None:
    """Text 5: city, county, guarantee company and bank; a tenth of 300 million yuan a year at the least."""
    setup, _, f = lived("ganzhou-2015", 6)
    assert len(setup.rules.loss.shares) == 4
    assert f["lent_fen"].mean() / FEN_PER_YUAN == pytest.approx(30e6, rel=0.15)


def test_dayao_reports_more_than_households_repay() -> None:
    """Text 6: all of 17.0 million yuan reported as collected in the drought spring.

    The report is near full, households repay about nine tenths, and without the drought fewer loans are made anew.
    """
    _, worlds, f = lived("dayao-2010", 10)
    assert share(f, "reported_repaid", "due") > 0.975
    assert share(f, "households_repaid", "due") < 0.95
    assert share(f, "hidden", "due") > 0.03
    first, _ = year_span(2010)
    half = clock.day_in_year(2010, "06-30")
    loans = worlds[0].loans
    spring = loans.balance[(loans.due >= first) & (loans.due <= half)].sum() / FEN_PER_YUAN
    assert spring == pytest.approx(17.0e6, rel=0.12)
    _, _, wet = lived("dayao-2010", 10, livelihoods__weather__on=False)
    assert f["hidden_fen"].sum() > 1.15 * wet["hidden_fen"].sum()


def test_bazhong_is_a_run_off_book() -> None:
    """Text 8: 99.87 per cent bad, 2.29 per cent of the stock collected a year; a tenth of 164,462 loans and 178.76 million."""
    setup, worlds, f = lived("bazhong-legacy", 4)
    loans = setup.opening.loans
    assert len(loans) == pytest.approx(16446.2, abs=1)
    assert loans.balance.sum() / FEN_PER_YUAN == pytest.approx(17.876e6, rel=1e-6)
    assert loans.balance[loans.status != OPEN].sum() / loans.balance.sum() == pytest.approx(0.9987, abs=1e-4)
    first, last = year_span(2007)
    collected = [
        int(w.claims.principal[(w.claims.recovered_on >= first) & (w.claims.recovered_on <= last)].sum())
        for w in worlds
    ]
    assert np.mean(collected) / loans.balance.sum() == pytest.approx(0.0229, abs=0.003)
    assert (f["need_fen"] == 0).all()


def test_luoping_opens_with_the_printed_overdue() -> None:
    """Notice of October 2023: 4.36 per cent by amount, 7.2 by count; 11.99 in Agang, 3.73 in Jiulong, 2.37 in the others."""
    scenario = Scenario.load("luoping-2023", {"uncertain": []})
    loans = opening_state(scenario).loans
    late = loans.status != OPEN
    assert loans.balance[late].sum() / loans.balance.sum() == pytest.approx(0.0436, abs=5e-5)
    assert late.mean() == pytest.approx(0.0716, abs=5e-5)
    for rows, printed in ((loans.township == 0, 0.1199), (loans.township == 1, 0.0373), (loans.township > 1, 0.0237)):
        assert loans.balance[rows & late].sum() / loans.balance[rows].sum() == pytest.approx(printed, abs=5e-5)


# --- mechanisms of the regulation and of policy ----------------------------------------------------------


def test_firms_loans_go_bad_about_as_those_of_small_firms_did() -> None:
    """Text 3: 4.5 to 7.95 per cent of small firms' balance. Few firms: a wide band. One fate for all that a failed firm used."""
    _, worlds, f = lived("x-county-firms", 8)
    assert 0.02 < f["firm_defaulted_fen"].sum() / f["firm_due_fen"].sum() < 0.15
    year, fell_due = year_span(2018), 0
    for world in worlds:
        c = world.community
        assert c is not None
        used = c.people.loan[c.people.marks & LOST != 0]
        past = used[(world.fates.missed[used] >= year[0]) & (world.fates.missed[used] <= year[1])]
        assert (world.fates.fate[past] == DEFAULTED).all()
        fell_due += past.size
    assert fell_due > 50


def test_dates_put_off_in_a_drought_leave_the_spring_and_the_years_fund() -> None:
    """Same county, weather and luck; half a year later fewer loans of the drought's townships are bad, and claims are next year's."""
    _, _, late = lived("x-county-2010-extension", 6)
    _, _, dry = lived("x-county-2010-extension", 6, livelihoods__weather__extension=None)
    assert (late["extended_fen"] > 0.2 * late["due_fen"]).all()
    assert late["defaulted_fen"].sum() < 0.9 * dry["defaulted_fen"].sum()
    assert (late["need_fen"] < dry["need_fen"]).all()


# --- pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sim.scenario_names())
def test_every_scenario_has_its_two_pages(name: str) -> None:
    for page in (f"{name}.md", f"{name}.zh.md"):
        text = (PAGES / page).read_text(encoding="utf-8")
        assert text.startswith("# ") and f"`{name}`" in text
        assert len(text.splitlines()) < 60, "a page"
    for index in ("README.md", "README.zh.md"):
        assert f"[`{name}`]" in (PAGES / index).read_text(encoding="utf-8")


def test_the_command_lists_every_scenario() -> None:
    from typer.testing import CliRunner

    from cli.main import app

    for lang in ("zh", "en"):
        told = CliRunner().invoke(app, ["scenarios", "--lang", lang]).stdout
        assert [n for n in sim.scenario_names() if f"{n} " not in told] == []
        assert sim.scenario("dayao-2010").title.get(lang) in told


def test_every_test_that_the_index_names_is_there() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", (PAGES / "README.md").read_text(encoding="utf-8")))
    assert len(named) >= 9
    assert [test for test in named if f"def {test}(" not in here] == []
