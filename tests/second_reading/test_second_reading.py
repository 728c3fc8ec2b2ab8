"""Every number of law that moves the fund was typed twice, from the source, by two readers who did not see each other.

The files beside this test are the second reading. A shipped pack without one fails unless `READ_ONCE` says why, and
so does a cited value that the second reader did not find, unless it waits in `WAITING`. A row ``rule@2010-12-31`` holds
the value in force on that day; any other the last one.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.law import Value, load_pack, pack_names
from sim.law.pack import RULES
from sim.law.rules import value_in

HERE = Path(__file__).parent
NO_PACKS = ("rates", "model-9")  # second readings of tables and of worked examples
READINGS = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted(HERE.glob("*.toml"))
    if path.stem not in NO_PACKS
}
RATES = tomllib.loads((HERE / "rates.toml").read_text(encoding="utf-8"))
MODEL = tomllib.loads((HERE / "model-9.toml").read_text(encoding="utf-8"))

# Cited in a pack, and rightly not a row of its second reading.
NOT_TYPED_TWICE: dict[str, dict[str, str]] = {
    "x-county": {
        "loan.rate_up_to_one_year": "names a rate table; the table itself is read twice",
        "loan.rate_over_one_year": "names a rate table; the table itself is read twice",
        "claim.steps.meeting": "holds no number; the number of meetings is compared below",
        "claim.covered_principal_yuan": "is the ceiling of art. 10, compared below",
        "subsidy.ceiling_yuan": "is the ceiling of art. 10, compared below",
    },
    "refill-county": {"fund.sub_accounts_yuan": "one account that holds fund.size_yuan, which is typed twice"},
}
SETTLEMENT_DAY = "central bank rule of 1999 (no. 77), art. 20"  # cited by packs beside their own text
# Cited in a pack whose second reading stands, but not typed a second time yet.
WAITING: dict[str, set[str]] = {}
# Typed by the second reader under a name that is no rule of the pack.
OTHER_NAMES: dict[str, dict[str, str]] = {
    "x-county": {"meetings_per_year": "the number of meetings, compared below"},
    "national-2021": {"loan.age_max_inclusive": "another way to print the age, compared below"},
    "assistance-2026": {"in_force_from": "the day from which the values hold, compared below"},
    "refill-county": {
        "meetings_per_year": "the number of meetings, compared below",
        "refill_below_yuan": "the set size, compared below",
    },
    "ganzhou-2015": {
        "bearers": "those who have a share, compared below",
        "guarantee_fee": "waived; the model has no such fee",
    },
    "bazhong-legacy": {"recovered_share_per_year": "stands for the target, compared below"},
    "huangping": {
        "buffer_months": "stands for the days of waiting, compared below",
        "buffer_months_at_most": "the longest that is tolerated; no rule",
    },
    "mouding-groups": {
        "group_size_min": "a fact of the scenario",
        "group_size_max": "a fact of the scenario, compared below",
    },
    "dehong-2014": {"products": "facts of the scenario, not rules"},
    "dayao-2010": {
        "first_batch_yuan": "a fact of the scenario",
        "first_batch_households": "a fact of the scenario",
    },
    "zhenan-2015": {
        "farm_loans": "facts of the scenario, not rules",
        "farm_loans_yuan": "facts of the scenario, not rules",
        "industry_loans": "facts of the scenario, not rules",
        "industry_loans_yuan": "facts of the scenario, not rules",
    },
}
# Packs without a second reading, each with the reason.
READ_ONCE: dict[str, str] = {}
# Lending rates before this day were typed once.
RATES_WAITING = {"benchmark_one_year": dt.date(2008, 12, 23), "benchmark_one_to_three_year": dt.date(2008, 12, 23)}
# Tables without a second reading.
RATES_READ_ONCE = {
    "deposit_one_year": "own knowledge or read once, marked as an assumption on every row",
    "deposit_demand": "own knowledge or read once, marked as an assumption on every row",
}


def value_of(pack: str, key: str) -> Any:
    """The value of a row's rule, or of one entry of a table."""
    found = found_in(pack, key)
    assert found is not None, f"{pack} has no {key}"
    return found.value


def found_in(pack: str, row: str) -> Value | None:
    """The value of a row's rule with its source: on the row's day, else the last one."""
    key, _, day = row.partition("@")
    on = dt.date.fromisoformat(day) if day else dt.date.max
    values = {k: value for k, p in load_pack(pack).parameters.items() if (value := p.known_on(on)) is not None}
    return value_in(values, key)


@pytest.mark.parametrize("pack", pack_names())
def test_every_shipped_pack_was_read_twice(pack: str) -> None:
    assert (pack in READINGS) != (pack in READ_ONCE), f"tests/second_reading/{pack}.toml is missing, or no longer is"


def test_packs_read_once_are_shipped() -> None:
    assert READ_ONCE.keys() <= set(pack_names())


@pytest.mark.parametrize(("pack", "key"), [(p, k) for p, rows in READINGS.items() for k in rows])
def test_both_readers_found_the_same(pack: str, key: str) -> None:
    row = READINGS[pack][key]
    assert row["article"], key
    assert row["quote"], key
    if key in OTHER_NAMES.get(pack, {}):
        return
    assert value_of(pack, key) == row["value"]


@pytest.mark.parametrize("pack", READINGS)
def test_every_cited_value_was_typed_twice(pack: str) -> None:
    cited = {key for key, p in load_pack(pack).parameters.items() if any(v.cite for v in p.values)}
    rows = {row.partition("@")[0] for row in READINGS[pack]}
    read = {*rows, *(key.rpartition(".")[0] for key in rows)}
    missing = cited - read - NOT_TYPED_TWICE.get(pack, {}).keys() - {"subsidy.settlement_day"}
    assert missing == WAITING.get(pack, set())


@pytest.mark.parametrize("pack", pack_names())
def test_the_settlement_day_is_the_central_banks(pack: str) -> None:
    value = load_pack(pack).parameters["subsidy.settlement_day"].values[-1]
    assert value.assumption or (value.cite, value.value) == (SETTLEMENT_DAY, 20)


def test_reasons_are_still_needed() -> None:
    for pack, reasons in NOT_TYPED_TWICE.items():
        for key in reasons:
            assert key in load_pack(pack).parameters
            assert key not in READINGS[pack]
    for pack, names in OTHER_NAMES.items():
        assert names.keys() == {key for key in READINGS[pack] if found_in(pack, key) is None}


def test_what_stands_under_another_name() -> None:
    ceiling = READINGS["x-county"]["loan.ceiling_yuan"]["value"]
    assert (
        value_of("x-county", "claim.covered_principal_yuan") == value_of("x-county", "subsidy.ceiling_yuan") == ceiling
    )
    assert len(value_of("x-county", "claim.meetings")) == READINGS["x-county"]["meetings_per_year"]["value"]


def test_the_highest_age_of_the_national_line() -> None:
    assert (
        value_of("national-2021", "loan.age_below") == READINGS["national-2021"]["loan.age_max_inclusive"]["value"] + 1
    )


def test_what_stands_in_another_form() -> None:
    def typed(pack: str, row: str) -> Any:
        return READINGS[pack][row]["value"]

    assert len(value_of("refill-county", "claim.meetings")) == typed("refill-county", "meetings_per_year")
    assert value_of("refill-county", "fund.size_yuan") == typed("refill-county", "refill_below_yuan")
    assert sorted(value_of("ganzhou-2015", "loss.shares")) == typed("ganzhou-2015", "bearers")
    assert value_of("bazhong-legacy", "collection.target_share") == typed("bazhong-legacy", "recovered_share_per_year")
    assert value_of("huangping", "claim.wait_days") == 30 * typed("huangping", "buffer_months")
    ceiling = load_pack("assistance-2026").parameters["loan.ceiling_yuan"].values[0]
    assert ceiling.from_date == dt.date.fromisoformat(typed("assistance-2026", "in_force_from"))
    assert sim.scenario("mouding-groups").livelihoods.group_size == typed("mouding-groups", "group_size_max")


def test_own_knowledge_is_not_cited() -> None:
    for pack, rows in READINGS.items():
        for key, row in rows.items():
            if row.get("status") == "own_knowledge" and key not in OTHER_NAMES.get(pack, {}):
                found = found_in(pack, key)
                assert found is not None and found.assumption, f"{pack}: {key} is not known from a text"


# --- rates -------------------------------------------------------------------------------------------

TABLES = tomllib.loads((RULES / "rates.toml").read_text(encoding="utf-8"))


def test_every_rate_table_was_read_twice() -> None:
    assert TABLES.keys() - RATES.keys() == RATES_READ_ONCE.keys()
    assert RATES.keys() <= TABLES.keys()
    for name in RATES_READ_ONCE:
        assert all(row.get("assumption") for row in TABLES[name]["values"])


@pytest.mark.parametrize("name", RATES)
def test_both_readers_found_the_same_rates(name: str) -> None:
    first = {row["from"]: row["value"] for row in TABLES[name]["values"]}
    second = {dt.date.fromisoformat(day): value for day, value in RATES[name]}
    only_first = {day for day in first.keys() - second.keys() if not _is_assumed(name, day)}
    waiting = {day for day in first if day < RATES_WAITING.get(name, dt.date.min)}
    assert only_first == waiting
    assert second.keys() <= first.keys()
    assert {day: first[day] for day in second} == second


def _is_assumed(name: str, day: dt.date) -> bool:
    return any(row["from"] == day and row.get("assumption") for row in TABLES[name]["values"])


# --- the assumed calendar and the worked examples ----------------------------------------------------


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("claim.steps.file.days", "file_days"),
        ("claim.steps.township.working_days", "township_working_days"),
        ("claim.steps.notice.days", "notice_days"),
        ("claim.steps.payment.working_days", "payment_working_days"),
        ("claim.meetings", "meetings"),
        ("claim.penalty_multiplier", "penalty_multiplier"),
        ("claim.called_after_death_days", "called_after_death_days"),
        ("fund.backstop_on", "backstop"),
    ],
)
def test_the_assumed_calendar(key: str, field: str) -> None:
    assert value_of("x-county", key) == MODEL[field]


@pytest.mark.parametrize("example", MODEL["example"], ids=lambda e: f"{e['days']} days")
def test_worked_examples_through_the_trace(example: dict[str, Any]) -> None:
    days_to_file = example["days"] - sim.scenario("x-county").law().claim.wait_days
    scenario = sim.Scenario.load("x-county", {"rules.claim.steps.file.days": days_to_file})
    steps = {
        step.what: step.amounts
        for step in sim.trace_unpaid(
            scenario, dt.date(2017, 7, 15), principal_yuan=example["principal_fen"] / 100, rate_percent=example["rate_per_cent"],
            recovered_yuan=MODEL["recovery"]["recovered_fen"] / 100,
        )
    }  # fmt: skip
    assert steps["filed"]["days"] == example["days"]
    assert steps["filed"]["interest"] == example["interest_fen"]
    assert steps["filed"]["claim"] == example["claim_fen"]
    assert steps["paid"] == {"fund": example["fund_fen"], "bank": example["bank_fen"]}
    assert steps["recovered"] == {"recovered": MODEL["recovery"]["recovered_fen"], "fund": MODEL["recovery"]["fund_fen"],
                                  "bank": MODEL["recovery"]["bank_fen"]}  # fmt: skip


def test_the_default_filing_day_is_the_second_example() -> None:
    law = sim.scenario("x-county").law()
    assert law.claim.wait_days + law.claim.steps.application.days == MODEL["example"][1]["days"]
