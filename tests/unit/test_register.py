"""The register of households: marginals, addresses, the table and every cell that it refuses; the life table."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim import clock
from sim.households import life_table
from sim.households.life_table import LIFE_TABLE, load_life_table, monthly_death_probability
from sim.households.register import (
    MAX_DEBTS,
    Register,
    _exp,
    check_borrowers,
    draw_register,
    read_register,
    register_of,
)  # fmt: skip
from sim.livelihoods import CATEGORIES, SOURCES_OF_INCOME, Livelihoods
from sim.scenario import Scenario
from sim.units import F64, I64

Refuses = Callable[..., Any]
WIDE = 4.9  # standard errors: one in a million on either side
JANUARY_2018 = 48 * 12


@pytest.fixture(scope="module")
def county() -> Scenario:
    shipped = {
        "livelihoods.households": 6000,
        "livelihoods.income_per_head_yuan": 6000,
        "livelihoods.income_sigma": 0.5,
    }
    return sim.Scenario.load("x-county-households", shipped)


@pytest.fixture(scope="module")
def live(county: Scenario) -> Livelihoods:
    assert county.livelihoods is not None
    return county.livelihoods


@pytest.fixture(scope="module")
def register(county: Scenario) -> Register:
    return draw_register(county, county.law())


def drawn(county: Scenario, **changes: Any) -> Register:
    """The register of the county with some fields of its livelihoods changed."""
    changed = county.with_changes({f"livelihoods.{k}": v for k, v in changes.items()})
    return draw_register(changed, changed.law())


def age(register: Register) -> I64:
    """Age in years on 1 January 2018."""
    return (JANUARY_2018 - register.born) // 12


def income(register: Register) -> F64:
    """Usual income by source [yuan a year]."""
    parts = (register.crop_fen, register.livestock_fen, register.wage_fen, register.transfer_fen)
    return np.stack(parts) / 100


def has_shares(values: I64, shares: dict[Any, float]) -> bool:
    """Each value as often as its share says, and no other value."""
    n = values.size
    counts = {value: int((values == value).sum()) for value in shares}
    return sum(counts.values()) == n and all(
        abs(counts[v] - n * p) < WIDE * math.sqrt(n * p * (1 - p)) + 1e-9 for v, p in shares.items()
    )


def has_mean(values: F64, mean: float, sd: float) -> bool:
    return bool(abs(values.mean() - mean) < WIDE * sd / math.sqrt(values.size))


def is_normal(values: F64, mean: float, sd: float) -> bool:
    """Mean and standard deviation as those of a normal sample."""
    return has_mean(values, mean, sd) and abs(values.var() / sd**2 - 1) < WIDE * math.sqrt(2 / values.size)


# --- marginals ---------------------------------------------------------------------------------------


def test_plain_arrays_in_order_of_id(register: Register) -> None:
    for name, fact in register._asdict().items():
        assert fact.dtype == np.int64 and fact.flags.c_contiguous, name
        assert fact.shape == ((6000, MAX_DEBTS) if name.startswith("debt_") else (6000,)), name
    assert (np.diff(register.id) > 0).all()
    assert np.bincount(register.township).tolist() == [500] * 12
    assert (register.village // 8 == register.township).all()
    assert set(np.bincount(register.village)) == {62, 63}


def test_groups_are_of_five_in_one_village(register: Register) -> None:
    sizes = np.bincount(register.group)
    assert register.group.min() == 0 and set(sizes) <= {2, 3, 5}  # 62 = 12 x 5 + 2, 63 = 12 x 5 + 3
    assert (register.group % 96 == register.village).all()


def test_people_follow_the_marginals(register: Register, live: Livelihoods) -> None:
    assert has_shares(register.persons, live.size)
    assert has_shares(register.rating, live.rating)
    assert has_shares(register.category, {CATEGORIES.index(name): p for name, p in live.category.items()})
    assert has_shares(register.is_man, {1: live.men, 0: 1 - live.men})
    bands = {tuple(map(int, band.split("-"))): p for band, p in live.age.items()}
    years = {year: p / (high - low + 1) for (low, high), p in bands.items() for year in range(low, high + 1)}
    assert has_shares(age(register), years)
    assert has_shares((JANUARY_2018 - register.born) % 12, dict.fromkeys(range(12), 1 / 12))
    assert has_shares(register.lender, {0: 0.75, 1: 0.25})  # 15 and 5 of 20 million yuan


def test_ages_are_even_within_a_band(county: Scenario) -> None:
    """Bands given anew replace those of the file that is extended, all of them."""
    assert has_shares(age(drawn(county, age={"18-20": 1.0})), dict.fromkeys((18, 19, 20), 1 / 3))


def test_workers_are_half_the_household_and_one_at_least(register: Register) -> None:
    assert set(zip(register.persons.tolist(), register.workers.tolist(), strict=True)) == {
        (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3),
    }  # fmt: skip


def test_income_per_head_is_lognormal(register: Register, live: Livelihoods) -> None:
    per_head = income(register).sum(axis=0) / register.persons
    sigma = live.income_sigma
    assert is_normal(np.log(per_head), math.log(live.income_per_head_yuan) - sigma**2 / 2, sigma)
    assert has_mean(per_head, live.income_per_head_yuan, live.income_per_head_yuan * math.sqrt(math.expm1(sigma**2)))
    size, square = (sum(n**k * p for n, p in live.size.items()) for k in (1, 2))
    sd = math.sqrt(math.exp(sigma**2) * square - size**2)
    assert has_mean(per_head * register.persons / live.income_per_head_yuan, size, sd)


def test_shares_of_income_spread_around_the_county(register: Register, live: Livelihoods) -> None:
    """The log of the ratio of two sources is normal; two such ratios with one source in common go half together."""
    parts, usual = income(register), [live.income_shares[s] for s in SOURCES_OF_INCOME]  # type: ignore[index]
    ratios = [np.log(parts[k] / parts[3]) for k in range(3)]
    for k, ratio in enumerate(ratios):
        assert is_normal(ratio, math.log(usual[k] / usual[3]), live.share_spread * math.sqrt(2))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert abs(np.corrcoef(ratios[a], ratios[b])[0, 1] - 0.5) < WIDE * 0.75 / math.sqrt(6000)
    assert np.abs((parts / parts.sum(axis=0)).mean(axis=1) - usual).max() < 0.01


def test_without_spread_every_household_is_usual(county: Scenario, live: Livelihoods) -> None:
    even = drawn(county, income_sigma=0.0, share_spread=0.0, savings_spread=0.0)
    usual = 6000 * even.persons
    shares = [live.income_shares[s] for s in SOURCES_OF_INCOME]  # type: ignore[index]
    assert np.abs(income(even) - np.outer(shares, usual)).max() < 0.01
    assert np.abs(even.savings_fen / 100 - usual / 4).max() < 0.01  # three months


def test_savings_are_in_months_of_income(register: Register, live: Livelihoods) -> None:
    months = register.savings_fen / 100 / income(register).sum(axis=0) * 12
    sigma = live.savings_spread
    assert is_normal(np.log(months), math.log(live.savings_months) - sigma**2 / 2, sigma)


@pytest.mark.parametrize(("share", "low", "high"), [(0.65, 0.3, 1.0), (0.5, 0.0, 1.0), (0.2, 0.0, 0.4), (1, 1, 1)])
def test_rain_fed_share_is_even_around_its_mean(county: Scenario, share: float, low: float, high: float) -> None:
    found = drawn(county, rain_fed_share=share).rain_fed_ppm / 1e6
    assert found.min() >= low and found.max() <= high
    assert found.max() - found.min() > 0.99 * (high - low) - 1e-9
    assert abs(found.mean() - share) <= WIDE * (high - low) / math.sqrt(12 * 6000)


def test_facts_that_share_an_address_are_independent(register: Register, live: Livelihoods) -> None:
    total = income(register).sum(axis=0)
    pairs = [
        (register.persons, register.rain_fed_ppm), (age(register), register.born % 12),
        (register.is_man, register.category), (register.rating, register.lender), (total, register.savings_fen / total),
        (total / register.persons, register.persons), (register.rating, total), (register.is_man, age(register)),
    ]  # fmt: skip
    for a, b in pairs:
        ranks = [pd.Series(x).rank().to_numpy() for x in (a, b)]
        assert abs(np.corrcoef(*ranks)[0, 1]) < WIDE / math.sqrt(6000)


def test_the_counties_order_of_keys_is_nothing(county: Scenario, register: Register, live: Livelihoods) -> None:
    turned = {name: dict(reversed(getattr(live, name).items())) for name in ("size", "age", "category", "rating")}
    raw = county.model_dump(mode="python")
    raw["livelihoods"] |= turned
    raw["lenders"] = raw["lenders"][::-1]
    other = Scenario.from_dict(raw)
    found = draw_register(other, other.law())
    assert same(found._replace(lender=1 - found.lender), register)


def test_no_money_in_any_account_still_gives_everybody_a_lender(county: Scenario) -> None:
    lenders = [{**lender.model_dump(), "sub_account_yuan": 0} for lender in county.lenders]
    found = draw_register(county.with_changes({"lenders": lenders}), county.law())
    assert has_shares(found.lender, {0: 0.5, 1: 0.5})


def test_another_seed_is_another_county(county: Scenario, register: Register) -> None:
    other = drawn(county, register_seed=1)
    assert (other.id == register.id).all()
    assert (other.persons != register.persons).mean() > 0.5


# --- debts -------------------------------------------------------------------------------------------


def test_products_are_held_as_often_as_the_file_says(county: Scenario, register: Register, live: Livelihoods) -> None:
    for k, product in enumerate(live.products):
        has = (register.debt_product == k).any(axis=1)
        assert has_shares(has.astype(np.int64), {1: product.held_by, 0: 1 - product.held_by}), product.key
        months = register.debt_month[register.debt_product == k]
        period = 12 if product.repays == "instalments" else product.term_months
        assert has_shares(months, dict.fromkeys(range(period), 1 / period)), product.key
    assert (register.debt_month[register.debt_product < 0] == -1).all()


def test_two_products_are_held_independently(register: Register) -> None:
    both = ((register.debt_product == 1).any(axis=1) & (register.debt_product == 4).any(axis=1)).astype(np.int64)
    assert has_shares(both, {1: 0.12 * 0.12, 0: 1 - 0.12 * 0.12})


def test_the_first_three_in_order_of_payment_are_kept(county: Scenario, live: Livelihoods) -> None:
    products = [p.model_dump() | {"held_by": 1.0} for p in live.products]
    full = drawn(county, products=products)
    assert np.unique(full.debt_product, axis=0).tolist() == [[4, 0, 1]]  # the mutual fund is paid first
    alone = drawn(county, products=[*products[:4], products[4] | {"held_by": 0.0}])
    assert np.unique(alone.debt_product, axis=0).tolist() == [[0, 1, 2]]
    none = drawn(county, products=[])
    assert (none.debt_product == -1).all()


def test_a_product_more_moves_no_other(county: Scenario, register: Register, live: Livelihoods) -> None:
    products = [p.model_dump() for p in live.products]
    more = drawn(county, products=[*products, products[0] | {"key": "cattle", "is_paid_first": True}])
    for k in range(5):
        had, has = ((r.debt_product == k).any(axis=1) for r in (register, more))
        kept = (more.debt_product >= 0).sum(axis=1) < MAX_DEBTS
        assert (had == has)[kept].all()


# --- addresses ---------------------------------------------------------------------------------------


def same(one: Register, other: Register) -> bool:
    return all((a == b).all() for a, b in zip(one, other, strict=True))


def rows(register: Register, ids: I64) -> Register:
    """The register of these households only."""
    at = np.searchsorted(register.id, ids)
    assert (register.id[at] == ids).all()
    return Register(*(fact[at] for fact in register))


def test_a_hundred_households_more_change_no_other(county: Scenario, register: Register) -> None:
    townships = [t.model_dump() for t in county.townships]
    townships[3]["households"] = 600
    larger = county.with_changes({"townships": townships})
    found = draw_register(larger, larger.law())
    assert np.bincount(found.township).tolist() == [500, 500, 500, 600, *[500] * 8]
    assert same(rows(found, register.id), register)


def test_order_of_townships_is_nothing(county: Scenario, register: Register) -> None:
    order = np.random.Generator(np.random.PCG64(3)).permutation(12)
    shuffled = county.with_changes({"townships": [county.townships[k].model_dump() for k in order]})
    found = draw_register(shuffled, shuffled.law())
    village = order[found.township] * 8 + found.village % 8
    back = found._replace(township=order[found.township], village=village, group=found.group // 96 * 96 + village)
    assert same(back, register)


def test_households_go_to_townships_by_share_and_none_is_lost(county: Scenario) -> None:
    townships = [t.model_dump() | {"share": s} for t, s in zip(county.townships[:3], (0.335, 0.335, 0.33), strict=True)]
    found = county.with_changes({"townships": townships, "livelihoods.households": 100})
    for turned, counts in ((townships, [34, 33, 33]), (townships[::-1], [33, 33, 34])):
        found = county.with_changes({"townships": turned, "livelihoods.households": 100})
        assert np.bincount(draw_register(found, found.law()).township).tolist() == counts


# --- who may borrow ----------------------------------------------------------------------------------


def test_the_rules_exclude_a_category(register: Register) -> None:
    assert (register.may_borrow == (register.category != CATEGORIES.index("five_guarantee"))).all()


def test_a_rule_about_an_unknown_category_is_refused(county: Scenario, refuses: Refuses) -> None:
    changed = county.with_changes({"rules.loan.excludes": ["five_guarante"]})
    refuses(lambda: draw_register(changed, changed.law()), "loan.excludes", "one of ['registered'", where="x-county",
            nearest="five_guarantee")  # fmt: skip


def test_loans_to_strangers_or_excluded_households_are_refused(
    register: Register, county: Scenario, refuses: Refuses
) -> None:  # fmt: skip
    rules = county.law()

    def check(ids: Any, start: int = 0) -> None:
        check_borrowers("book.csv", register, ids, *(np.full(len(ids), start) for _ in range(2)), rules)

    good, barred = (register.id[register.may_borrow == k] for k in (1, 0))
    check(good[[5, 2, 2]])
    check(good[:0])
    for stranger in (np.int64(7), np.int64(2**63 - 1)):
        ids = np.array([good[0], stranger, barred[0]])
        refuses(lambda ids=ids: check(ids), "household_id", "a household of the register",
                where="book.csv", found=int(stranger))  # fmt: skip
    refuses(lambda: check(np.array([good[0], barred[0], 7])), "household_id",
            "exclude category five_guarantee (X county regulation, art. 9(1))", found=int(barred[0]))  # fmt: skip


def test_only_categories_that_the_rules_admit_may_borrow(county: Scenario, refuses: Refuses) -> None:
    """X county's art. 9(1) names registered households; a borderline one of the register is not lent to."""
    changed = county.with_changes(
        {"livelihoods.category": {"registered": 0.9, "borderline": 0.07, "five_guarantee": 0.03}}
    )
    found, rules = draw_register(changed, changed.law()), changed.law()
    assert (found.may_borrow == (found.category == CATEGORIES.index("registered"))).all()
    outside = found.id[found.category == CATEGORIES.index("borderline")][:1]
    refuses(lambda: check_borrowers("book.csv", found, outside, *np.zeros((2, 1), dtype=np.int64), rules), "household_id",
            "exclude category borderline (X county regulation, art. 9(1))", found=int(outside[0]))  # fmt: skip


def test_a_loan_made_to_somebody_too_old_names_the_article(
    register: Register, county: Scenario, refuses: Refuses
) -> None:  # fmt: skip
    rules, at = county.law(), int(np.flatnonzero(register.may_borrow == 1)[0])
    day = int(clock.first_day_of_month(register.born[at : at + 1] + 65 * 12)[0])
    old, since = np.array([day]), clock.date_of(day)
    bound, before = (replace(rules, since={"loan.age_below": since + dt.timedelta(k)}) for k in (0, 1))
    check_borrowers(
        "book.csv", register, register.id[[at]], old - 1, old, replace(rules, since={"loan.age_below": dt.date.min})
    )
    check_borrowers("book.csv", register, register.id[[at]], old, old, before)  # made before the rule
    refuses(lambda: check_borrowers("book.csv", register, register.id[[at]], old, old, bound), "household_id",
            "younger than 65 when the loan is made (X county regulation, art. 9(1))")  # fmt: skip
    ends = replace(bound, loan=replace(rules.loan, age_counts_at="maturity"), since={"loan.age_below": dt.date.min})
    check_borrowers("book.csv", register, register.id[[at]], old - 1000, old - 1, ends)
    refuses(lambda: check_borrowers("book.csv", register, register.id[[at]], old - 1000, old, ends), "household_id",
            "younger than 65 when the loan falls due (X county regulation, art. 9(1))")  # fmt: skip


# --- marginals that are refused ----------------------------------------------------------------------

REFUSED: list[tuple[str, Any, str, str]] = [
    ("size", {1: 0.5, 2: 0.49}, "livelihoods.size", "shares that add up to 1"),
    ("income_per_head_yuan", -1, "livelihoods.income_per_head_yuan", "greater than or equal to 0"),
    ("income_shares", {"farm": 0.1}, "livelihoods.income_shares.farm", "'crop', 'livestock', 'wage' or"),
    ("income_shares", {"crop": 0.1}, "livelihoods.income_shares", "shares that add up to 1"),
    ("category", {"five_guarante": 0.1}, "livelihoods.category.five_guarante", "'five_guarantee'"),
    ("age", {"60-64": 0.09}, "livelihoods.age", "shares that add up to 1"),
    ("age", {"40-49": 0.7, "45-49": 0.3}, "livelihoods.age", "45 is in two"),
    ("age", {"17-29": 1.0}, "livelihoods.age", "from 18 to 90"),
    ("age", {"60-91": 1.0}, "livelihoods.age", "from 18 to 90"),
    ("rating", {0: 1.0}, "livelihoods.rating.0", "greater than 0"),
    ("men", 1.1, "livelihoods.men", "less than or equal to 1"),
    ("households", 0, "livelihoods.households", "greater than or equal to 1"),
    ("villages_per_township", 0, "livelihoods.villages_per_township", "greater than 0"),
    ("incme_sigma", 1, "livelihoods.incme_sigma", "one of"),
]


@pytest.mark.parametrize(("name", "value", "field", "allowed"), REFUSED, ids=[f"{r[0]}-{r[1]}" for r in REFUSED])
def test_marginals_that_cannot_be(
    name: str, value: Any, field: str, allowed: str, county: Scenario, refuses: Refuses
) -> None:
    refuses(lambda: county.with_changes({f"livelihoods.{name}": value}), field, allowed)


def test_a_scenario_without_households_has_no_register(small: Scenario, refuses: Refuses) -> None:
    refuses(lambda: draw_register(small, small.law()), "livelihoods", "a section on households", where="small")
    refuses(lambda: register_of(small, small.law()), "livelihoods", "a section on households", where="small")


# --- the table ---------------------------------------------------------------------------------------


def frame_of(county: Scenario, register: Register) -> pd.DataFrame:
    """A register as the table that counties fill in."""
    assert county.livelihoods is not None
    keys = [p.key for p in county.livelihoods.products]
    frame = pd.DataFrame({
        "household_id": register.id,
        "township": [county.townships[k].key for k in register.township],
        "village": register.village % 8 + 1,
        "group": register.group // 96 + 1,
        "persons": register.persons, "workers": register.workers, "age": age(register),
        "sex": np.where(register.is_man == 1, "男", "f"),
        "category": [CATEGORIES[k] for k in register.category],
        "rating": register.rating,
    })  # fmt: skip
    for name, yuan in zip(SOURCES_OF_INCOME, income(register), strict=True):
        frame[f"{name}_yuan"] = yuan
    frame["rain_fed_share"] = register.rain_fed_ppm / 1e6
    frame["savings_yuan"] = register.savings_fen / 100
    frame["products"] = [" ; ".join(keys[k] for k in reversed(held) if k >= 0) for held in register.debt_product]
    return frame


@pytest.fixture(scope="module")
def table(county: Scenario, register: Register) -> pd.DataFrame:
    return frame_of(county, register)


@pytest.fixture
def read(county: Scenario, tmp_path: Path) -> Callable[[pd.DataFrame], Register]:
    def make(frame: pd.DataFrame) -> Register:
        path = tmp_path / "households.csv"
        frame.to_csv(path, index=False)
        return read_register(path, county, county.law())

    return make


def test_the_register_comes_back_from_its_table(table: pd.DataFrame, read: Any, register: Register) -> None:
    """Months and lenders are drawn at the same addresses; the order of rows is nothing."""
    assert same(read(table), register)
    assert same(read(table.sample(frac=1, random_state=1)), register)


def test_a_table_may_name_the_lender(table: pd.DataFrame, read: Any, register: Register) -> None:
    names = np.array(["psbc", "rcc"])[register.lender]
    assert same(read(table.assign(lender=names)), register._replace(lender=1 - register.lender))


def test_groups_have_any_number_within_their_village(table: pd.DataFrame, read: Any, register: Register) -> None:
    assert same(read(table.assign(group=table["group"] * 7 + 100)), register)


def test_nobody_owes_anything_else(table: pd.DataFrame, read: Any) -> None:
    assert (read(table.assign(products="")).debt_product == -1).all()


def test_a_scenario_may_name_its_table(
    county: Scenario, table: pd.DataFrame, register: Register, tmp_path: Path
) -> None:
    path = tmp_path / "households.csv"
    table.iloc[:50].to_csv(path, index=False)
    found = register_of(county.with_changes({"livelihoods.file": str(path)}), county.law())
    part = rows(register, register.id[:50])
    assert same(found, part._replace(group=found.group))  # groups are numbered among those of the table
    assert same(register_of(county, county.law()), register)


BAD_CELLS: list[tuple[dict[str, Any], str, str]] = [
    ({"household_id": "A7"}, "household_id", "a whole number"),
    ({"household_id": 1.5}, "household_id", "a whole number"),
    ({"township": "t99"}, "township", "one of ['t01'"),
    ({"village": 0}, "village", "a known village of the township, 1 to 8"),
    ({"village": 9}, "village", "a known village of the township, 1 to 8"),
    ({"village": 2.5}, "village", "a known village of the township, 1 to 8"),
    ({"group": 0}, "group", "a whole number from 1"),
    ({"persons": 0}, "persons", "a whole number from 1"),
    ({"persons": 3, "workers": 4}, "workers", "at most the household's persons"),
    ({"workers": 0}, "workers", "a whole number from 1"),
    ({"age": 17}, "age", "a whole number from 18 to 90"),
    ({"age": 91}, "age", "a whole number from 18 to 90"),
    ({"age": ""}, "age", "a whole number from 18 to 90"),
    ({"sex": "x"}, "sex", "one of ['m', '男', 'f', '女']"),
    ({"category": "registred"}, "category", "one of ['registered'"),
    ({"rating": 6}, "rating", "a whole number from 1 to 5"),
    ({"crop_yuan": -1}, "crop_yuan", "a number from 0"),
    ({"livestock_yuan": "many"}, "livestock_yuan", "a number from 0"),
    ({"wage_yuan": ""}, "wage_yuan", "a number from 0"),
    ({"transfer_yuan": 1e10}, "transfer_yuan", "a number from 0 to 1e+09"),
    ({"rain_fed_share": 1.01}, "rain_fed_share", "a number from 0 to 1"),
    ({"savings_yuan": -0.01}, "savings_yuan", "a number from 0"),
    ({"products": "mutual_fund;mutual_found"}, "products", "keys of livelihoods.products"),
    ({"products": "relocation; relocation"}, "products", "each product once"),
    ({"products": "relocation;renovation;start_up;mutual_fund"}, "products", "at most 3 products"),
    ({"lender": "pbsc"}, "lender", "one of ['rcc', 'psbc']"),
]
NEAREST = {"t99": "t09", "registred": "registered", "mutual_found": "mutual_fund", "pbsc": "psbc"}


@pytest.mark.parametrize(("change", "column", "allowed"), BAD_CELLS, ids=[str(cell[0]) for cell in BAD_CELLS])
def test_cells_that_cannot_be(
    change: dict[str, Any], column: str, allowed: str, table: pd.DataFrame, read: Any, refuses: Refuses
) -> None:
    frame = table.iloc[:3].astype(object).assign(**({"lender": "rcc"} if "lender" in change else {}))
    for name, value in change.items():
        frame.loc[1, name] = value
    error = refuses(lambda: read(frame), f"row 3, {column}", allowed, where="households.csv")
    near = NEAREST.get(str(error.value))
    assert str(error).endswith(f"nearest valid name: {near}") if near else "nearest" not in str(error)


def test_a_household_stands_once(table: pd.DataFrame, read: Any, refuses: Refuses) -> None:
    twice = table.iloc[[0, 1, 0]]
    refuses(lambda: read(twice), "row 4, household_id", "each household once", found=int(table["household_id"][0]))


@pytest.mark.parametrize("column", ["rating", "products", "household_id"])
def test_a_missing_column_is_named(column: str, table: pd.DataFrame, read: Any, refuses: Refuses) -> None:
    refuses(lambda: read(table.drop(columns=column)), column, "columns ['household_id'", where="households.csv")


def test_an_empty_table(table: pd.DataFrame, read: Any, county: Scenario, tmp_path: Path, refuses: Refuses) -> None:
    refuses(lambda: read(table.iloc[:0]), "rows", "at least one row", where="households.csv")
    path = tmp_path / "no.csv"
    refuses(lambda: read_register(path, county, county.law()), "file", "a table of households", where="no.csv")
    path.write_text("")
    refuses(lambda: read_register(path, county, county.law()), "file", "a table of households", where="no.csv")


# --- deaths ------------------------------------------------------------------------------------------


def test_the_ages_that_were_read_are_met() -> None:
    death, illness = load_life_table()
    for at, male, female in (
        (30, 0.587, 0.235),
        (40, 1.202, 0.440),
        (50, 3.093, 1.241),
        (60, 7.952, 3.317),
        (64, 11.22, 4.99),
    ):
        assert death[:, at] * 1000 == pytest.approx([female, male], rel=1e-12)
    for at, rate in ((35, 1.22), (40, 2.15), (45, 4.00), (50, 7.16), (55, 11.68), (60, 17.27)):
        assert illness[at] * 1000 == pytest.approx(rate, rel=1e-12)


def test_between_and_beyond_the_ages_read() -> None:
    death = load_life_table().death
    assert (death[:, :30] == death[:, [30]]).all()
    assert death[:, 45] == pytest.approx(np.sqrt(death[:, 40] * death[:, 50]))
    assert death[:, 90] == pytest.approx(death[:, 64] * (death[:, 64] / death[:, 60]) ** (26 / 4))
    assert death.shape == (2, 91) and death.max() < 1


def test_men_of_30_to_64() -> None:
    """Against the integral of the log-linear curve, piece by piece: (b - a) / log(b / a) a year."""
    pieces = [(0.587, 1.202, 10), (1.202, 3.093, 10), (3.093, 7.952, 10), (7.952, 11.22, 4)]
    exact = sum(years * (b - a) / math.log(b / a) for a, b, years in pieces) / 34
    found = load_life_table().death[1, 30:65] * 1000
    assert (found.sum() - (found[0] + found[-1]) / 2) / 34 == pytest.approx(exact, rel=2e-3)
    assert exact == pytest.approx(3.47, abs=0.01)


def test_one_mix_of_men_has_2_9_deaths_and_6_3_illnesses() -> None:
    """Per 1,000 men of 30 to 64, the young more numerous: both figures were worked out apart from this code."""
    death, illness = load_life_table()
    years = np.arange(35)
    tilts = [np.exp(-k * years) / np.exp(-k * years).sum() for k in np.linspace(0, 0.05, 501)]
    mix = min(tilts, key=lambda w: abs(w @ death[1, 30:65] - 0.0029))
    assert mix @ death[1, 30:65] == pytest.approx(0.0029, rel=2e-3)
    assert mix @ illness[30:65] == pytest.approx(0.0063, rel=0.03)
    assert 0.35 < mix[:10].sum() < 0.40


def test_deaths_and_lost_labour_of_the_shipped_county(register: Register, live: Livelihoods) -> None:
    """0.6 to 1.0 per cent of borrowers a year; lost labour stays below the critical illnesses of men."""
    monthly = monthly_death_probability(live.mortality_multiple)
    borrows = (register.may_borrow == 1) & (age(register) < 65)
    years = age(register)[borrows]
    yearly = 1 - (1 - monthly[register.is_man[borrows], years]) ** 12
    both = yearly.mean() * (1 + live.lost_labour_per_death)
    assert 0.006 < both < 0.010
    assert yearly.mean() * live.lost_labour_per_death < load_life_table().illness[years].mean()


def test_monthly_chances() -> None:
    once, many = monthly_death_probability(1.0), monthly_death_probability(1000.0)
    assert 1 - (1 - once) ** 12 == pytest.approx(load_life_table().death)
    assert many[1, 64] == 1 and many.max() == 1  # capped
    assert (monthly_death_probability(0.0) == 0).all()


BAD_TABLES = [
    (("age = 40\nmale = 1.202", "age = 25\nmale = 1.202"), "death.age", "ascending"),
    (("age = 64", "age = 99"), "death.age", "from 0 to 90"),
    (("age = 64", "age = 64.5"), "death.age", "from 0 to 90"),
    (("female = 0.440", "female = 0"), "death.female", "above 0"),
    (("female = 0.440", ""), "death.female", "above 0"),
    (("male = 1.22\n", 'male = "1.22"\n'), "illness.male", "above 0"),
    (('cite = "China critical', 'note = "China critical'), "illness.cite", "the table from which"),
    (("[[illness.values]]", "[[illness.value]]"), "illness.values", "two or more ages"),
]


@pytest.mark.parametrize(("change", "field", "allowed"), BAD_TABLES, ids=[f"{t[1]}-{t[0][1]}" for t in BAD_TABLES])
def test_life_tables_that_cannot_be(
    change: tuple[str, str], field: str, allowed: str, tmp_path: Path, refuses: Refuses
) -> None:
    text = LIFE_TABLE.read_text(encoding="utf-8")
    assert change[0] in text
    path = tmp_path / "life.toml"
    path.write_text(text.replace(*change) if "illness.val" in change[0] else text.replace(*change, 1), encoding="utf-8")
    refuses(lambda: life_table.load_life_table(path), field, allowed, where="life.toml")


def test_every_value_of_the_life_table_has_its_citation() -> None:
    text = LIFE_TABLE.read_text(encoding="utf-8")
    assert text.count("cite = ") == text.count("age = ") == 11


def test_the_exponential_of_plain_arithmetic() -> None:
    x = np.linspace(-30, 30, 10_001)
    assert np.abs(_exp(x) / np.exp(x) - 1).max() < 5e-16
