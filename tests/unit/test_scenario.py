"""Scenario files: inheritance, changes, and one clear line for every value that is not allowed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import sim
from cli.main import app
from sim.scenario import SCENARIOS, Scenario, scenario_names

Refuses = Callable[..., Any]


@pytest.fixture
def child(tmp_path: Path) -> Callable[[str, str], str]:
    """A scenario file in a folder that also holds a copy of x-county.toml; returns its path."""
    (tmp_path / "x-county.toml").write_text((SCENARIOS / "x-county.toml").read_text(encoding="utf-8"), encoding="utf-8")

    def write(text: str, name: str = "child.toml") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


# --- reading -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", scenario_names())
def test_shipped_scenarios_load(name: str) -> None:
    scenario = sim.scenario(name)
    assert scenario.name == name
    assert sum(scenario.township_shares()) == pytest.approx(1)
    assert sum(scenario.sub_accounts_yuan().values()) > 0


@pytest.mark.parametrize(
    "file", [*(f"{n}.toml" for n in scenario_names()), *(f"rules/{n}.toml" for n in sim.pack_names())]
)
def test_every_shipped_file_passes_its_check(file: str) -> None:
    done = CliRunner().invoke(app, ["check", str(SCENARIOS / file), "--lang", "en"])
    assert done.exception is None, done.exception
    assert done.stdout.splitlines()[-1].endswith("valid")


def test_a_file_inherits_and_overrides_table_by_table(child: Callable[..., str]) -> None:
    path = child('extends = "x-county"\n[defaults]\nanchor = "high"\n[defaults.drought]\np_dry_to_dry = 0.6\n')
    scenario = Scenario.load(path)
    base = sim.scenario("x-county")
    assert scenario.name == "child"
    assert scenario.defaults.anchor == "high"
    assert scenario.defaults.drought is not None and base.defaults.drought is not None
    assert scenario.defaults.drought.p_dry_to_dry == 0.6
    assert scenario.defaults.drought.p_township_hit == base.defaults.drought.p_township_hit
    assert scenario.lending == base.lending


def test_a_file_may_inherit_from_a_file_beside_it(child: Callable[..., str]) -> None:
    child('extends = "x-county.toml"\nsized_year = 2019\ninformation_on = 2019-01-01\n', "middle.toml")
    scenario = Scenario.load(child('extends = "middle.toml"\n[office]\nclerks = 5\n'))
    assert (scenario.sized_year, scenario.office.clerks) == (2019, 5)


def test_another_pack_is_not_said_to_be_the_inherited_regulation(child: Callable[..., str]) -> None:
    """The note of the scenario below cites its own pack's articles; under another one they would be false."""
    below = Scenario.load("x-county")
    under = Scenario.load(child('extends = "x-county"\nrules = "huangping"\nsized_year = 2018\n'))
    changed = below.with_changes({"rules": "huangping"})
    for scenario in (under, changed):
        found = scenario.source_of("rules")
        assert found is not None
        assert found.note == "each value with its article or assumption in the rule pack"
        assert scenario.source_of("lending") == below.source_of("lending")
    same = Scenario.load(child('extends = "x-county"\nrules = "x-county"\n'))
    assert same.sources == below.sources


def test_a_data_file_stands_beside_its_scenario(child: Callable[..., str], tmp_path: Path) -> None:
    path = child('extends = "x-county"\n[opening]\nkind = "table"\nfile = "book.csv"\n')
    assert Scenario.load(path).opening.file == str(tmp_path / "book.csv")


def test_tables_of_households_and_weather_stand_beside_their_scenario(
    child: Callable[..., str], tmp_path: Path
) -> None:
    """Also where another file extends it, and where the path is absolute; the shipped drought is found from anywhere."""
    (tmp_path / "county").mkdir()
    text = (
        'extends = "x-county-households"\n[livelihoods]\nfile = "h.csv"\n[livelihoods.weather]\nreplay = "w/dry.csv"\n'
    )
    child(text, "county/middle.toml")
    scenario = Scenario.load(child('extends = "county/middle.toml"\n[office]\nclerks = 5\n'))
    found = {
        "livelihoods.file": tmp_path / "county" / "h.csv",
        "livelihoods.weather.replay": tmp_path / "county/w/dry.csv",
    }
    assert scenario.tables() == found
    assert scenario.with_changes({"office.clerks": 4}).tables() == found
    assert all(path.is_file() for path in sim.scenario("x-county-2010-drought").tables().values())
    assert sim.scenario("x-county").tables() == {}


def test_unknown_scenario_names_the_nearest(refuses: Refuses) -> None:
    refuses(lambda: Scenario.load("x-countty"), "name", "a shipped scenario", found="x-countty", nearest="x-county")


def test_a_parent_that_does_not_exist(child: Callable[..., str], refuses: Refuses) -> None:
    refuses(lambda: Scenario.load(child('extends = "x-kounty"\n')), "name", "a shipped scenario", found="x-kounty")


def test_a_broken_file_is_one_line(child: Callable[..., str], refuses: Refuses) -> None:
    refuses(lambda: Scenario.load(child("name = \n")), "file", "readable UTF-8 TOML", where="child.toml")


# --- changing ----------------------------------------------------------------------------------------


def test_changes_touch_one_field_and_leave_the_base_alone(small: Scenario) -> None:
    dry = small.change("dry", opening__drought="dry")
    assert (dry.name, dry.opening.drought, small.opening.drought) == ("dry", "dry", "long_run")
    assert sim.what_differs(small, dry) == {"opening.drought": ("long_run", "dry")}
    assert small.change().model_dump() == small.model_dump()


def test_changes_at_loading_reach_scenario_and_rules() -> None:
    scenario = Scenario.load(
        "x-county", {"defaults.anchor": "low", "rules.claim.steps.file.days": 10, "office.clerks": 1}
    )
    assert scenario.defaults.anchor == "low"
    assert scenario.rule_values()["claim.steps.file"].value["days"] == 10
    assert scenario.office.clerks == 1
    again = scenario.with_changes({"rules.claim.steps.notice.days": 9})
    steps = {s.name: s.days for s in again.law().claim.steps.before}
    assert (steps["file"], steps["notice"]) == (10, 9)


def test_a_pack_can_be_exchanged() -> None:
    scenario = sim.scenario("x-county").with_changes({"rules": "national-2021", "sized_year": 2024,
                                                      "information_on": dt.date(2024, 1, 1)})  # fmt: skip
    assert scenario.law().pack_id == "national-2021"


@pytest.mark.parametrize(
    ("dotted", "part", "nearest"),
    [
        ("defaults.ankor", "ankor", "anchor"),
        ("ofice.clerks", "ofice", "office"),
        ("defaults.drought.p_dry", "p_dry", "p_dry_to_dry"),
    ],
)
def test_a_misspelt_change_names_the_nearest(
    small: Scenario, dotted: str, part: str, nearest: str, refuses: Refuses
) -> None:
    refuses(lambda: small.with_changes({dotted: 1}), dotted, "one of", found=part, where="small", nearest=nearest)


def test_a_misspelt_rule_is_refused_when_the_law_is_read(small: Scenario, refuses: Refuses) -> None:
    changed = small.with_changes({"rules.claim.fil_days": 10})
    refuses(changed.law, "rules.claim.fil_days", "a rule that the model knows", nearest="claim.wait_days")


# --- refused values ----------------------------------------------------------------------------------

GROUP = {
    "township": "t01", "lender": "rcc", "households": 5, "principal_yuan": 50_000, "p_default": 0.1,
    "originated_on": dt.date(2015, 1, 1), "term_months": 36,
}  # fmt: skip
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"lending.principal_yuan": {50_000: 0.5}}, "lending.principal_yuan", "shares that add up to 1"),
    ({"lending.term_months": {12: 0.9}}, "lending.term_months", "shares that add up to 1"),
    ({"lending.by_month": [0.1] * 12}, "lending.by_month", "shares that add up to 1"),
    ({"lending.by_month": [0.5, 0.5]}, "lending.by_month", "twelve shares"),
    ({"lending.demand_over_limit": 11}, "lending.demand_over_limit", "less than or equal to 10"),
    ({"fiscal.cash_by_quarter": [0.5, 0.6]}, "fiscal.cash_by_quarter", "shares that add up to 1"),
    ({"fiscal.cash_by_quarter": [0.5, 0.5]}, "fiscal.cash_by_quarter", "four shares"),
    ({"fiscal.release_days": ["02-10"]}, "fiscal.cash_by_quarter", "four release days"),
    ({"fiscal.payment_day": 29}, "fiscal.payment_day", "less than or equal to 28"),
    ({"office.clerks": 0}, "office.clerks", "greater than or equal to 1"),
    ({"office.share_of_working_days": 0}, "office.share_of_working_days", "greater than 0"),
    ({"defaults.anchor": "hihg"}, "defaults.anchor", "'low', 'central' or 'high'"),
    ({"defaults.negligence": 1.5}, "defaults.negligence", "less than or equal to 1"),
    ({"defaults.negligence": float("nan")}, "defaults.negligence", "a finite number"),
    ({"defaults.cured_before_day_90": 1.0}, "defaults.cured_before_day_90", "less than 1"),
    ({"defaults.p_default": 0.1}, "defaults.p_default", "exactly one of defaults.anchor and defaults.p_default"),
    ({"defaults.anchor": None}, "defaults.p_default", "exactly one of defaults.anchor and defaults.p_default"),
    ({"defaults.factor": {"county_variance": 0.5, "township_variance": 0.5}}, "defaults.factor", "room for the household"),
    ({"information_on": dt.date(2018, 1, 2)}, "information_on", "1 January of the sized year or earlier"),
    ({"information_on": dt.date(2016, 12, 31)}, "information_on", "within the year before the sized year"),
    ({"sized_year": 2036}, "sized_year", "less than or equal to 2035"),
    ({"lenders": []}, "lenders", "at least 1 item"),
    ({"townships": []}, "townships", "at least 1 item"),
    ({"opening.kind": "table"}, "opening.file", "a file for opening kind table"),
    ({"opening.kind": "townships"}, "opening.file", "a file for opening kind townships"),
    ({"opening.portfolio": [{**GROUP, "township": "t99"}]}, "opening.portfolio.township", "a township of this file"),
    ({"opening.portfolio": [{**GROUP, "lender": "abc"}]}, "opening.portfolio.lender", "a lender of this file"),
    ({"opening.portfolio": [{**GROUP, "households": 0}]}, "opening.portfolio.0.households", "greater than or equal to 1"),
    ({"opening.portfolio": [{**GROUP, "loans_per_household": {1: 0.5}}]}, "opening.portfolio.0.loans_per_household", "add up to 1"),
    ({"opening.portfolio": [{**GROUP, "loans_per_household": {0: 1.0}}]}, "opening.portfolio.0.loans_per_household", "from 1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field", "allowed"), REFUSED, ids=[f"{next(iter(r[0]))}-{k}" for k, r in enumerate(REFUSED)]
)
def test_refused_value(changes: dict[str, Any], field: str, allowed: str, small: Scenario, refuses: Refuses) -> None:
    raw = small.model_dump(mode="python")
    for dotted, value in changes.items():
        table, *rest = raw, *dotted.split(".")
        for part in rest[:-1]:
            table = table[part]
        table[rest[-1]] = value
    refuses(lambda: Scenario.from_dict(raw, "file.toml"), field, allowed, where="file.toml")


def test_causes_add_up(small: Scenario, refuses: Refuses) -> None:
    error = refuses(lambda: small.change(defaults__causes__wilful=0.5), "defaults.causes", "shares that add up to 1")
    assert error.value == "sum 1.4"


def test_a_key_stands_once(small: Scenario, lenders: Any, refuses: Refuses) -> None:
    twice = [lenders(1, 1)[0]] * 2
    refuses(lambda: small.with_changes({"lenders": twice}), "lenders.key", "each key once")
    township = small.model_dump()["townships"][0]
    refuses(lambda: small.with_changes({"townships": [township, township]}), "townships.key", "each key once")


def test_township_shares_add_up(small: Scenario, refuses: Refuses) -> None:
    townships = [{"key": k, "label": {"zh": k, "en": k}, "share": s} for k, s in (("a", 0.7), ("b", 0.2))]
    refuses(lambda: small.with_changes({"townships": townships}), "townships.share", "shares that add up to 1")
    townships[1]["share"] = 0.3
    assert small.with_changes({"townships": townships}).township_shares() == [0.7, 0.3]


@pytest.mark.parametrize(
    ("text", "field", "nearest"),
    [
        ('titel = "x"\n', "titel", "title"),
        ("[office]\nclerk = 2\n", "office.clerk", "clerks"),
        ("[defaults.drought]\np_hit = 0.2\n", "defaults.drought.p_hit", "p_township_hit"),
        ('[[sources]]\nfield = ["x"]\nfields = []\nkind = "law"\nnote = ""\n', "sources.0.field", "fields"),
    ],
)
def test_unknown_key_in_a_file(
    child: Callable[..., str], text: str, field: str, nearest: str, refuses: Refuses
) -> None:
    path = child('extends = "x-county"\n' + text)
    refuses(lambda: Scenario.load(path), field, "one of", where="child.toml", nearest=nearest)


def test_a_lender_that_the_pack_does_not_know_needs_its_own_account(small: Scenario, refuses: Refuses) -> None:
    label = {"zh": "农行", "en": "agricultural bank"}
    other = small.with_changes({"lenders": [{"key": "abc", "label": label}]})
    refuses(other.sub_accounts_yuan, "lenders.abc.sub_account_yuan", "whole yuan", where="small")


def test_sources_cover_fields_by_prefix() -> None:
    scenario = sim.scenario("x-county")
    for field, kind in (("lenders", "law"), ("defaults.drought.effect", "assumption"), ("office.clerks", "assumption")):
        source = scenario.source_of(field)
        assert source is not None and source.kind == kind
    assert scenario.source_of("is_demonstration") is None


def test_text_in_both_languages(small: Scenario) -> None:
    assert small.title.get("zh").startswith("X县")
    assert small.title.get("en").startswith("X county")


# --- faults that were found once --------------------------------------------------------------------


def test_a_table_of_shares_can_be_replaced(small: Scenario) -> None:
    assert small.change(lending__term_months={12: 1.0}).lending.term_months == {12: 1.0}


def test_a_file_can_replace_a_table_of_shares(child: Callable[..., str]) -> None:
    scenario = Scenario.load(child('extends = "x-county"\n[lending]\nterm_months = { 12 = 1.0 }\n'))
    assert scenario.lending.term_months == {12: 1.0}


def test_nearest_choice_of_three(small: Scenario, refuses: Refuses) -> None:
    refuses(lambda: small.change(defaults__anchor="centrl"), "defaults.anchor", "central", nearest="central")


def test_files_that_extend_each_other_are_refused(child: Callable[..., str], refuses: Refuses) -> None:
    path = child('extends = "child.toml"\n')
    refuses(lambda: Scenario.load(path), "extends", "")


@pytest.mark.parametrize(
    "changes",
    [
        {"fiscal.release_days": ["02-30", "05-10", "08-10", "11-10"]},
        {"fiscal.release_days": ["soon", "05-10", "08-10", "11-10"]},
        {"defaults.drought.effect": {"kind": "probability", "value": 3.0}},
        {"defaults.drought.effect": {"kind": "multiplier", "value": -1.0}},
        {"defaults.stacking.multiplier_per_loan": -2.0},
        {"defaults.late_subsidy": {"p_late_year": 0.5, "buffer_months": {0: 0.9, 1: 0.9}}},
        {"defaults.late_subsidy": {"p_late_year": 0.5, "buffer_months": {-2: 0.9}}},
    ],
    ids=str,
)
def test_values_that_cannot_be_meant(changes: dict[str, Any], small: Scenario) -> None:
    with pytest.raises(sim.InputError):
        small.with_changes(changes)


@pytest.mark.parametrize("field", ["term_months", "principal_yuan"])
@pytest.mark.parametrize("key", [0, -12])
def test_terms_and_sizes_are_positive(field: str, key: int, small: Scenario) -> None:
    raw = small.model_dump(mode="python")
    raw["lending"][field] = {key: 1.0}
    with pytest.raises(sim.InputError):
        Scenario.from_dict(raw)
