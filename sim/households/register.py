"""The county's households, which no history changes: drawn by address from marginals, or read from a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sim import tables
from sim.clock import day_of, month_of
from sim.errors import InputError
from sim.law import Rules
from sim.livelihoods import CATEGORIES, OLDEST, SOURCES_OF_INCOME, YOUNGEST, Livelihoods
from sim.scenario import Scenario
from sim.streams import entity_id, normal_inverse_reference, stream_key, uniforms
from sim.units import F64, FEN_PER_YUAN, I64, PPM, Array

MAX_DEBTS = 3  # of a household, beside the loan under the fund
SEXES = {"m": 1, "男": 1, "f": 0, "女": 0}
_MOST_YUAN = 1e9
_COLUMNS = (
    "household_id", "township", "village", "group", "persons", "workers", "age", "sex", "category", "rating", "crop_yuan",
    "livestock_yuan", "wage_yuan", "transfer_yuan", "rain_fed_share", "savings_yuan", "products",
)  # fmt: skip
_INCOME = tuple(f"{source}_yuan" for source in SOURCES_OF_INCOME)


class Register(NamedTuple):
    """Who the county's households are. Contiguous int64 arrays (n,), in order of id; money in fen.

    Attributes
    ----------
    id
        Stable: a hash of township and number, or as in the table. The only part that is an address of draws.
    township, village, group, lender
        Indices: of the scenario's lists, and of villages and groups over the whole county. A village or group
        keeps its index when another township or village grows.
    persons, workers
        At least one of each.
    born : [month]
        Of the borrower, in months since January 1970 (negative before).
    is_man
    category
        Index into `livelihoods.CATEGORIES`.
    rating : [stars]
    may_borrow
        The rules admit the category and do not exclude it. Age is a matter of the loan's dates and not looked at here.
    crop_fen, livestock_fen, wage_fen, transfer_fen : [fen per year]
        Usual income.
    rain_fed_ppm : [1e-6]
        Of crop income.
    savings_fen
        Savings that the household keeps.
    debt_product, debt_month : (n, MAX_DEBTS)
        Index into `livelihoods.products`, -1 for none, in order of payment: what is paid before the loan under
        the fund first, then as in the file. A payment falls due in months that leave the remainder
        ``debt_month`` modulo 12 (instalments) or modulo the term (bullet).
    """

    id: I64
    township: I64
    village: I64
    group: I64
    lender: I64
    persons: I64
    workers: I64
    born: I64
    is_man: I64
    category: I64
    rating: I64
    may_borrow: I64
    crop_fen: I64
    livestock_fen: I64
    wage_fen: I64
    transfer_fen: I64
    rain_fed_ppm: I64
    savings_fen: I64
    debt_product: I64
    debt_month: I64


def register_of(scenario: Scenario, rules: Rules) -> Register:
    """The register of a scenario: its table where it names one, else drawn."""
    file = _livelihoods(scenario).file
    return draw_register(scenario, rules) if file is None else read_register(Path(file), scenario, rules)


def check_borrowers(
    where: str, register: Register, household_ids: Array, start: Array, due: Array, rules: Rules
) -> None:
    """Refuse loans to households that are not there or may not borrow; ``where`` is the table of loans.

    The age is asked for on the day that the rules name, of loans signed since the rule on age came into force.

    Raises
    ------
    InputError
        Names the household of the first such loan.
    """
    at = np.minimum(np.searchsorted(register.id, household_ids), register.id.size - 1)
    is_known = register.id[at] == household_ids
    for i in np.flatnonzero(~is_known | (register.may_borrow[at] == 0))[:1]:
        allowed = "a household of the register"
        if is_known[i]:
            category = CATEGORIES[register.category[at[i]]]
            article = rules.sources["loan.excludes" if category in rules.loan.excludes else "loan.admits"]
            allowed = f"a household that may borrow; the rules exclude category {category} ({article})"
        raise InputError(where, "household_id", household_ids[i], allowed)
    at_maturity = rules.loan.age_counts_at == "maturity"
    age = (month_of(np.asarray(due if at_maturity else start)) - register.born[at]) // 12
    is_bound = np.asarray(start) >= day_of(rules.since["loan.age_below"])
    for i in np.flatnonzero(is_bound & (age >= rules.loan.age_below))[:1]:
        article = rules.sources["loan.age_below"]
        when = "when the loan falls due" if at_maturity else "when the loan is made"
        allowed = f"a household whose borrower is younger than {rules.loan.age_below} {when} ({article})"
        raise InputError(where, "household_id", household_ids[i], allowed)


# --- from marginals ----------------------------------------------------------------------------------


def draw_register(scenario: Scenario, rules: Rules) -> Register:
    """Households drawn from the marginals of the scenario.

    Every fact is drawn at the address of the household and its own purpose: a household more, in whatever
    township, changes no other household. Income per head is lognormal; shares of income are spread around
    the county's and then add up to one again, so their mean is a little nearer to equal shares.
    """
    live = _livelihoods(scenario)
    ids, township, number = _households(scenario, live)
    villages = len(scenario.townships) * live.villages_per_township
    village = township * live.villages_per_township + number % live.villages_per_township
    size_u, rain_u = _draw(live, "size_and_rain_fed", ids)
    age_u = _draw(live, "age_and_month", ids)[0]
    sex_u, category_u = _draw(live, "sex_and_category", ids)
    income_z, savings_z = normal_inverse_reference(_draw(live, "income_and_savings", ids))
    persons = _pick(size_u, live.size)
    income = live.income_per_head_yuan * _lognormal(income_z, live.income_sigma) * persons
    shares = {str(source): share for source, share in live.income_shares.items()}
    parts = np.stack([shares.get(source, 0.0) * _spread(live, source, ids) for source in SOURCES_OF_INCOME])
    parts *= income / parts.sum(axis=0)
    span = min(live.rain_fed_share, 1 - live.rain_fed_share)
    held = np.array([_draw(live, f"product.{p.key}", ids)[0] < p.held_by for p in live.products])
    return _register(
        scenario, rules, ids, township, village, (number // live.villages_per_township) // live.group_size * villages,
        lender=lender_of(scenario, ids),
        persons=persons,
        workers=np.maximum(np.floor(live.worker_share * persons + 0.5), 1),
        age=_pick(age_u, _ages(live)),
        is_man=sex_u < live.men,
        category=_pick(category_u, {CATEGORIES.index(name): share for name, share in live.category.items()}),
        rating=_pick(_draw(live, "rating_and_lender", ids)[0], live.rating),
        income_yuan=parts,
        rain_fed=live.rain_fed_share + span * (2 * rain_u - 1),
        savings_yuan=live.savings_months / 12 * income * _lognormal(savings_z, live.savings_spread),
        held=held,
    )  # fmt: skip


def _households(scenario: Scenario, live: Livelihoods) -> tuple[I64, I64, I64]:
    """Ids, township, and number within the township.

    The county's households go to the townships by share (largest remainder); a township that names its own
    number has that instead, and the others keep theirs.
    """
    keys = [t.key for t in scenario.townships]
    exact = [live.households * share for share in scenario.township_shares()]
    counts = [int(x) for x in exact]
    by_remainder = sorted(range(len(keys)), key=lambda k: (counts[k] - exact[k], keys[k]))
    for k in by_remainder[: live.households - sum(counts)]:
        counts[k] += 1
    counts = [t.households or n for t, n in zip(scenario.townships, counts, strict=True)]
    number = np.concatenate([np.arange(n) for n in counts])
    ids = [entity_id("household", key, i) for key, n in zip(keys, counts, strict=True) for i in range(n)]
    return np.array(ids, dtype=np.int64), np.repeat(np.arange(len(keys)), counts), number


def _ages(live: Livelihoods) -> dict[int, float]:
    """Share of each age in years: even within a band."""
    out = dict.fromkeys(range(OLDEST + 1), 0.0)
    for band, share in live.age.items():
        low, high = (int(part) for part in band.split("-"))
        for age in range(low, high + 1):
            out[age] += share / (high - low + 1)
    return out


def _spread(live: Livelihoods, source: str, ids: I64) -> F64:
    """How much more than its usual part a source of income has in each household, before they add up to one."""
    return _exp(live.share_spread * normal_inverse_reference(_draw(live, f"share.{source}", ids)[0]))


def lender_of(scenario: Scenario, ids: I64) -> I64:
    """Each household's lender, by the lenders' parts of the fund; the order of the lenders does not matter."""
    accounts = scenario.sub_accounts_yuan()
    keys = sorted(accounts)
    none_has_money = not any(accounts.values())
    shares = {k: 1.0 if none_has_money else float(accounts[key]) for k, key in enumerate(keys)}
    place = np.array([list(accounts).index(key) for key in keys])
    return place[_pick(_draw(_livelihoods(scenario), "rating_and_lender", ids)[1], shares)]


# --- from a table ------------------------------------------------------------------------------------


def read_register(path: Path, scenario: Scenario, rules: Rules) -> Register:
    """Households of a CSV table, one row each.

    Villages are numbered within their township, groups by any whole number within their village. Month of
    birth and months of payments are drawn by address, and the lender where the table has no such column.

    Raises
    ------
    InputError
        By file, row and column.
    """
    live, where = _livelihoods(scenario), path.name
    frame = tables.read_csv(path, _COLUMNS, "a table of households")
    ids = tables.ids(where, frame, "household_id")
    tables.refuse_row(where, frame, "household_id", pd.Series(ids).duplicated().to_numpy(), "each household once")
    township = tables.index(where, frame, "township", [t.key for t in scenario.townships])
    n = live.villages_per_township
    inside = tables.whole_numbers(where, frame, "village", 1, n, f"a known village of the township, 1 to {n}")
    village = township * n + inside - 1
    group = tables.whole_numbers(where, frame, "group", 1, 1_000_000)
    persons = tables.whole_numbers(where, frame, "persons", 1, 100)
    workers = tables.whole_numbers(where, frame, "workers", 1, 100)
    tables.refuse_row(where, frame, "workers", workers > persons, "at most the household's persons")
    age = tables.whole_numbers(where, frame, "age", YOUNGEST, OLDEST)
    sex = tables.index(where, frame, "sex", list(SEXES))
    category = tables.index(where, frame, "category", list(CATEGORIES))
    rating = tables.whole_numbers(where, frame, "rating", min(live.rating), max(live.rating))
    income = np.stack([tables.numbers(where, frame, c, at_most=_MOST_YUAN) for c in _INCOME])
    rain_fed = tables.numbers(where, frame, "rain_fed_share", at_most=1)
    savings = tables.numbers(where, frame, "savings_yuan", at_most=_MOST_YUAN)
    keys = [lender.key for lender in scenario.lenders]
    lender = tables.index(where, frame, "lender", keys) if "lender" in frame else lender_of(scenario, ids)
    return _register(
        scenario, rules, ids, township, village, _rank(village, group) * (len(scenario.townships) * n),
        lender=lender, persons=persons, workers=workers, age=age, is_man=np.array(list(SEXES.values()))[sex],
        category=category, rating=rating, income_yuan=income, rain_fed=rain_fed, savings_yuan=savings,
        held=_held(where, frame, [p.key for p in live.products]),
    )  # fmt: skip


def _rank(village: I64, group: I64) -> I64:
    """Place of each group among the groups of its village."""
    pairs, at = np.unique(np.stack([village, group]), axis=1, return_inverse=True)
    place = np.arange(pairs.shape[1])
    first = np.searchsorted(pairs[0], pairs[0])
    return (place - first)[at.reshape(-1)]


def _held(where: str, frame: pd.DataFrame, keys: list[str]) -> Array:
    """Which products each household holds, (products, n)."""
    cells = frame["products"].astype(object).where(frame["products"].notna(), "")
    lists = [[key.strip() for key in str(cell).split(";") if key.strip()] for cell in cells]
    unknown = [next((key for key in found if key not in keys), "") for found in lists]
    tables.refuse_row(
        where, frame.assign(products=unknown), "products", np.array(unknown) != "",
        f"keys of livelihoods.products, {keys}, with ';' between them", tuple(keys),
    )  # fmt: skip
    for bad, allowed in (
        ([len(set(found)) < len(found) for found in lists], "each product once in a household"),
        ([len(found) > MAX_DEBTS for found in lists], f"at most {MAX_DEBTS} products in a household"),
    ):
        tables.refuse_row(where, frame, "products", np.array(bad), allowed)
    return np.array([[key in found for found in lists] for key in keys])


# --- both --------------------------------------------------------------------------------------------


def _register(
    scenario: Scenario, rules: Rules, ids: I64, township: I64, village: I64, group_base: I64, *,
    lender: Array, persons: Array, workers: Array, age: Array, is_man: Array, category: Array, rating: Array,
    income_yuan: Array, rain_fed: Array, savings_yuan: Array, held: Array,
) -> Register:  # fmt: skip
    """The register in order of id, from facts in any order.

    ``group_base`` is the group's number within its village times the number of villages; ``held`` says which
    products are held, (products, n).
    """
    live = _livelihoods(scenario)
    for word in rules.loan.excludes:
        if word not in CATEGORIES:
            raise InputError(rules.pack_id, "loan.excludes", word, f"one of {list(CATEGORIES)}", CATEGORIES)
    admitted = set(CATEGORIES if rules.loan.admits is None else rules.loan.admits) - set(rules.loan.excludes)
    may_borrow = np.array([name in admitted for name in CATEGORIES])[category]
    month_u = _draw(live, "age_and_month", ids)[1]
    born = (scenario.sized_year - 1970) * 12 - 12 * age - np.floor(12 * month_u)
    product, month = _debts(live, ids, held)
    crop, livestock, wage, transfer = _half_up(income_yuan * FEN_PER_YUAN)
    facts = Register(
        ids, township, village, group_base + village, lender, persons, workers, born, is_man, category, rating,
        may_borrow, crop, livestock, wage, transfer, _half_up(rain_fed * PPM), _half_up(savings_yuan * FEN_PER_YUAN),
        product, month,
    )  # fmt: skip
    order = np.argsort(ids)
    return Register(*(np.ascontiguousarray(fact[order], dtype=np.int64) for fact in facts))


def _debts(live: Livelihoods, ids: I64, held: Array) -> tuple[I64, I64]:
    """Products and months of payment in order of payment; of more than MAX_DEBTS the first are kept."""
    product, month = (np.full((ids.size, MAX_DEBTS), -1, dtype=np.int64) for _ in range(2))
    taken = np.zeros(ids.size, dtype=np.int64)
    for k in sorted(range(len(live.products)), key=lambda k: not live.products[k].is_paid_first):
        p = live.products[k]
        period = 12 if p.repays == "instalments" else p.term_months
        rows = np.flatnonzero(held[k] & (taken < MAX_DEBTS))
        product[rows, taken[rows]] = k
        month[rows, taken[rows]] = np.floor(period * _draw(live, f"product.{p.key}", ids[rows])[1])
        taken[rows] += 1
    return product, month


def _livelihoods(scenario: Scenario) -> Livelihoods:
    if scenario.livelihoods is None:
        raise InputError(scenario.name, "livelihoods", None, "a section on households, for a register of them")
    return scenario.livelihoods


def _draw(live: Livelihoods, what: str, ids: I64) -> F64:
    """Two uniforms for each household, (2, n)."""
    return uniforms(stream_key(live.register_seed, f"register.{what}"), 0, 0, ids)


def _pick(u: F64, shares: Mapping[int, float]) -> I64:
    """A value for each uniform, by shares; in ascending order of values, so that the file's order is nothing."""
    values = sorted(shares)
    cdf = np.cumsum([shares[value] for value in values])
    return np.array(values, dtype=np.int64)[np.searchsorted(cdf / cdf[-1], u)]


def _lognormal(z: F64, sigma: float) -> F64:
    """Lognormal with mean one."""
    return _exp(sigma * z - sigma * sigma / 2)


def _exp(x: F64) -> F64:
    """Exponential from + - x / and powers of two alone, so that no library's last digit moves a fen."""
    k = np.floor(x / _LN2 + 0.5)
    rest = (x - k * _LN2_HIGH) - k * _LN2_LOW
    series = np.ones_like(rest)
    for n in range(14, 0, -1):
        series = 1.0 + series * rest / n
    return np.ldexp(series, k.astype(np.int64))


_LN2 = 0.6931471805599453
_LN2_HIGH, _LN2_LOW = 0.69314718036912381649, 1.9082149292705877000e-10  # in two parts, of which the first is short


def _half_up(x: F64) -> I64:
    """Rounded to whole numbers, halves up."""
    return np.floor(x + 0.5).astype(np.int64)
