"""Every number of law that moves the fund was typed twice, from the source, by two readers who did not see each other.

The files beside this test are the second reading. A shipped pack without one fails unless `READ_ONCE` says why, and
so does a cited value that the second reader did not find.
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
READINGS = {
    name: tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8")) for name in ("x-county", "national-2021")
}
RATES = tomllib.loads((HERE / "rates.toml").read_text(encoding="utf-8"))
MODEL = tomllib.loads((HERE / "model-9.toml").read_text(encoding="utf-8"))

# Cited in a pack, and rightly not a row of its second reading.
NOT_TYPED_TWICE: dict[str, dict[str, str]] = {
    "x-county": {
        "loan.rate_up_to_one_year": "names a rate table; the table itself is read twice",
        "loan.rate_over_one_year": "names a rate table; the table itself is read twice",
        "subsidy.settlement_day": "from the central bank's rule on settlement days, not from the county's text",
        "claim.steps.meeting": "holds no number; the number of meetings is compared below",
        "claim.covered_principal_yuan": "is the ceiling of art. 10, compared below",
        "subsidy.ceiling_yuan": "is the ceiling of art. 10, compared below",
    },
    "national-2021": {
        "subsidy.settlement_day": "from the central bank's rule on settlement days, not from the notice",
    },
}
# Typed by the second reader under a name that is no rule of the pack.
OTHER_NAMES: dict[str, dict[str, str]] = {
    "x-county": {"meetings_per_year": "the number of meetings, compared below"},
    "national-2021": {"loan.age_max_inclusive": "another way to print the age, compared below"},
}
# Packs without a second reading.
_NOT_YET = "its second reading has not been typed; its cited values stand on one reader's word"
READ_ONCE = {
    "jiangsu-2011": _NOT_YET,
    "yunnan-2014": _NOT_YET,
    "dehong-2014": _NOT_YET,
    "mouding-groups": _NOT_YET,
    "dayao-2010": "cites nothing of the report: its figures are read as assumptions",
    "bazhong-legacy": "cites nothing of the study: what it prints on collecting has no rule in the model",
}
# Tables without a second reading.
RATES_READ_ONCE = {
    "deposit_one_year": "own knowledge throughout, marked as an assumption on every row",
    "deposit_demand": "own knowledge throughout, marked as an assumption on every row",
}


def value_of(pack: str, key: str) -> Any:
    """The last value of a rule, or of one entry of a table."""
    found = last_of(pack, key)
    assert found is not None, f"{pack} has no {key}"
    return found.value


def last_of(pack: str, key: str) -> Value | None:
    """The last value of a rule with its source."""
    return value_in({k: p.values[-1] for k, p in load_pack(pack).parameters.items()}, key)


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
    if key in OTHER_NAMES[pack]:
        return
    assert value_of(pack, key) == row["value"]


@pytest.mark.parametrize("pack", READINGS)
def test_every_cited_value_was_typed_twice(pack: str) -> None:
    cited = {key for key, p in load_pack(pack).parameters.items() if any(v.cite for v in p.values)}
    read = {*READINGS[pack], *(key.rpartition(".")[0] for key in READINGS[pack])}
    missing = cited - read - NOT_TYPED_TWICE[pack].keys()
    assert missing == set()


def test_reasons_are_still_needed() -> None:
    for pack, reasons in NOT_TYPED_TWICE.items():
        for key in reasons:
            assert key in load_pack(pack).parameters
            assert key not in READINGS[pack]
    for pack, names in OTHER_NAMES.items():
        assert names.keys() == {key for key in READINGS[pack] if last_of(pack, key) is None}


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


def test_own_knowledge_is_not_cited() -> None:
    for pack, rows in READINGS.items():
        for key, row in rows.items():
            if row.get("status") == "own_knowledge" and key not in OTHER_NAMES[pack]:
                found = last_of(pack, key)
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
    assert only_first == set()
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
