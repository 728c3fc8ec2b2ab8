"""Rule packs: what is read, and every way in which a pack or a change of a rule is refused."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import clock
from sim.fund.claims import covered
from sim.law import Pack, Rules, load_pack, load_rates, pack_names, vocabulary
from sim.law.pack import RULES, load_calendar, read_toml
from sim.law.rules import OPTIONAL, REQUIRED
from sim.law.vocabulary import check_value, unit_words
from sim.replication import check_lending
from sim.scenario import Scenario
from sim.subsidy import subsidised_reference, subsidy_terms

ON = dt.date(2018, 1, 1)
SHARE = "from = 2016-07-01\nvalue = { fund = 0.7, bank = 0.3 }\ncite = "
LEVERAGE = "from = 2016-07-01\nvalue = 10\ncite = "
WAIT = 'from = 2016-07-01\nvalue = 90\ncite = "X county regulation, art. 19'
NEXT = "[[claim.counts_from.values]]"
Refuses = Callable[..., Any]
PackFile = Callable[..., str]


# --- what is read ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", pack_names())
def test_shipped_packs_load_and_every_value_has_a_source(name: str) -> None:
    pack = load_pack(name)
    assert pack.id == name
    assert set(pack.title) == {"zh", "en"}
    for key, parameter in pack.parameters.items():
        for value in parameter.values:
            assert [bool(x) for x in (value.cite, value.assumption, value.open)].count(True) == 1, key
            assert (value.value is None) == bool(value.open), key
            assert value.source.endswith(value.cite or value.assumption or value.open)


def test_x_county_on_the_first_of_january_2018(rules: Rules) -> None:
    assert (rules.loss.shares, rules.loss.fund_ppm, rules.fund.leverage) == ({"fund": 0.7, "bank": 0.3}, 700_000, 10)
    steps = {s.name: (s.days, s.is_working) for s in (*rules.claim.steps.before, *rules.claim.steps.after)}
    assert rules.claim.wait_days == 90
    assert steps == {"file": (20, False), "township": (7, True), "notice": (7, False), "review": (0, False), "payment": (5, True)}  # fmt: skip
    assert rules.fund.sub_accounts_yuan == {"rcc": 15_000_000, "psbc": 5_000_000}
    assert rules.sources["loss.shares"] == "X county regulation, art. 22"
    assert load_pack("x-county").source("claim.steps.file", ON).startswith("assumption: no deadline")


def test_the_value_of_the_day_is_taken(pack_file: PackFile) -> None:
    later = '[[claim.wait_days.values]]\nfrom = 2018-01-01\nvalue = 60\ncite = "amended"\n\n' + NEXT
    path = pack_file(
        (NEXT, later), ("[[claim.wait_days.expect]]\ndate = 2018", "[[claim.wait_days.expect]]\ndate = 2017")
    )
    pack = load_pack(path)
    parameter = pack.parameters["claim.wait_days"]
    for date, value in (("2016-07-01", 90), ("2017-12-31", 90), ("2018-01-01", 60), ("2030-01-01", 60)):
        assert parameter.on(dt.date.fromisoformat(date)).value == value
    assert Rules.view(pack, ON).claim.wait_days == 60


def test_the_vocabulary_and_the_typed_fields_name_the_same_rules() -> None:
    terms = vocabulary()
    assert terms.keys() == REQUIRED | OPTIONAL
    assert {key for key, term in terms.items() if term.absent} == OPTIONAL


@pytest.mark.parametrize("key", vocabulary())
def test_a_rule_is_told_in_both_languages(key: str) -> None:
    term = vocabulary()[key]
    for words in (term.label, term.meaning):
        assert set(words) == {"zh", "en"}
    for words in (term.absent, term.not_simulated, *term.readings.values()):
        assert set(words) in ({"zh", "en"}, set())
    assert all(term.readings[code] for code in term.readings if isinstance(code, str))


def test_every_unit_has_its_words() -> None:
    assert {term.unit for term in vocabulary().values()} <= set(unit_words())


def test_a_rule_that_a_pack_may_leave_out(pack_file: PackFile) -> None:
    size = "from = 2016-07-01\nvalue = 20_000_000\n"
    path = pack_file(
        (size, size.replace("2016", "2019")),
        ("[[fund.size_yuan.expect]]\ndate = 2018", "[[fund.size_yuan.expect]]\ndate = 2020"),
    )
    assert Rules.view(load_pack(path), ON).fund.size_yuan is None
    assert Rules.view(load_pack(path), dt.date(2020, 1, 1)).fund.size_yuan == 20_000_000
    assert Rules.view(load_pack("national-2021"), dt.date(2022, 1, 1)).fund.sub_accounts_yuan == {}


def test_rate_tables_are_days_and_parts_per_million() -> None:
    days, values = load_rates()["benchmark_one_to_three_year"]
    at = np.searchsorted(days, clock.day_of(ON), side="right") - 1
    assert values[at] == 47_500
    assert (np.diff(days) > 0).all()


def test_calendar_can_be_cut_to_a_span() -> None:
    calendar = load_calendar(2016, 2018)
    assert calendar.first_day == clock.day_of(dt.date(2016, 1, 1))
    assert calendar.is_working.size == 366 + 365 + 365


# --- a pack that is refused --------------------------------------------------------------------------


def test_unknown_pack_names_the_nearest(refuses: Refuses) -> None:
    refuses(lambda: load_pack("x-conty"), "pack", "a shipped pack", found="x-conty", nearest="x-county")


def test_a_broken_file_is_one_line(tmp_path: Path, refuses: Refuses) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("id = ")
    refuses(lambda: load_pack(str(path)), "file", "readable UTF-8 TOML", where="broken.toml")
    path.write_bytes(b'id = "\xff\xfe"')
    refuses(lambda: read_toml(path), "file", "readable UTF-8 TOML", where="broken.toml")
    refuses(lambda: read_toml(tmp_path / "none.toml"), "file", "readable UTF-8 TOML", where="none.toml")


REFUSED: list[tuple[str, tuple[str, str], str, str, Any, str | None]] = [
    ("no id", ('id = "x-county"', ""), "id", "every pack has an id", None, None),
    ("unknown rule", ("[[loan.age_below.values]]", "[loss.share]\n[[loan.age_below.values]]"), "loss.share", "a rule that the model knows", "loss.share", "loss.shares"),
    ("unknown key", ("[[loan.age_below.values]]", "[[loan.age_below.valus]]"), "loan.age_below.valus", "one of", "valus", "values"),
    ("no values", ("[[loan.age_below.values]]", "[loan.age_below]\n[[loan.age_counts_at.values]]"), "loan.age_below.values", "at least one dated value", [], None),
    ("dates out of order", (NEXT, "[[claim.wait_days.values]]\nfrom = 2016-06-30\nvalue = 5\ncite = \"c\"\n" + NEXT), "claim.wait_days.from", "ascending", "2016-06-30", None),
    ("same date twice", (NEXT, "[[claim.wait_days.values]]\nfrom = 2016-07-01\nvalue = 5\ncite = \"c\"\n" + NEXT), "claim.wait_days.from", "ascending", "2016-07-01", None),
    ("expected value differs", (LEVERAGE, LEVERAGE.replace("10\n", "12\n")), "fund.leverage.expect", "10 on 2018-01-01", 12, None),
    ("unknown key of a value", (WAIT, WAIT.replace("value", "valu")), "claim.wait_days.valu", "one of", "valu", "value"),
    ("no date", (WAIT, WAIT.replace("2016-07-01", '"2016"')), "claim.wait_days.from", "a date, like", "2016", None),
    ("cite and assumption", (WAIT, 'assumption = "x"\n' + WAIT), "claim.wait_days", "exactly one of cite", 90, None),
    ("share above one", (SHARE, SHARE.replace("0.7", "1.2")), "loss.shares.fund", "between 0 and 1", 1.2, None),
    ("unknown bearer", (SHARE, SHARE.replace("fund", "countty")), "loss.shares", "one of", "countty", "county"),
    ("a word for a number", (WAIT, WAIT.replace("90\n", '"ninety"\n')), "claim.wait_days", "whole number of days", "ninety", None),
    ("not an option", ('value = "after_court"', 'value = "after_curt"'), "claim.wilful_default", "one of", "after_curt", "after_court"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field", "allowed", "found", "nearest"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_refused_pack(
    change: tuple[str, str], field: str, allowed: str, found: Any, nearest: str | None, pack_file: PackFile, refuses: Refuses
) -> None:  # fmt: skip
    path = pack_file(change)
    more = {"nearest": nearest} if nearest else {}
    refuses(lambda: load_pack(path), field, allowed, found=found, where="county.toml", **more)


def test_a_value_without_any_source_is_refused(pack_file: PackFile, refuses: Refuses) -> None:
    text = 'assumption = "no deadline in art. 20(1); 10 to 30 days"'
    path = pack_file((text, 'assumption = ""'))
    refuses(
        lambda: load_pack(path),
        "claim.steps.file",
        "exactly one of cite",
        found={"after": "entitled", "actor": "bank", "days": 20},
    )


@pytest.mark.parametrize("source", ['"  "', "19", '["art. 20"]'])
@pytest.mark.parametrize("name", ["cite", "assumption"])
def test_a_source_is_words(name: str, source: str, pack_file: PackFile, refuses: Refuses) -> None:
    text = 'assumption = "no deadline in art. 20(1); 10 to 30 days"'
    path = pack_file((text, f"{name} = {source}"))
    refuses(lambda: load_pack(path), "claim.steps.file", "exactly one of cite", where="county.toml")


@pytest.mark.parametrize(("change", "field", "allowed"), [
    (('id = "x-county"', "id = 5"), "id", "a name in quotes"),
    (("title = {", "title = { fr = 5,"), "title", "in both languages"),
    (('id = "x-county"', 'id = "x-county"\nuntil = 2010-01-01'), "until", "a day not before 2016-07-01"),
    (('value = ["five_guarantee"]', "value = [5]"), "loan.excludes", "a list of words"),
    (("date = 2018-01-01", 'date = "2018-01-01"'), "loan.age_below.expect", "a date and a value"),
])  # fmt: skip
def test_what_stands_around_the_values(
    change: tuple[str, str], field: str, allowed: str, pack_file: PackFile, refuses: Refuses
) -> None:
    path = pack_file(change)
    refuses(lambda: load_pack(path), field, allowed, where="county.toml")


def test_a_rule_that_is_no_table(tmp_path: Path, refuses: Refuses) -> None:
    path = tmp_path / "p.toml"
    path.write_text('id="p"\ntitle={zh="x",en="x"}\n[claim]\nwait_days = 3\n')
    refuses(lambda: load_pack(str(path)), "claim.wait_days", "dated values", found=3)


def test_no_values(tmp_path: Path, refuses: Refuses) -> None:
    path = tmp_path / "p.toml"
    path.write_text('id="p"\ntitle={zh="x",en="x"}\n[claim.wait_days]\nvalues=[]\n')
    refuses(lambda: load_pack(str(path)), "claim.wait_days.values", "at least one dated value")


def test_before_the_first_value(refuses: Refuses) -> None:
    parameter = load_pack("x-county").parameters["loss.shares"]
    refuses(
        lambda: parameter.on(dt.date(2016, 6, 30), "w"),
        "loss.shares",
        "from 2016-07-01 on",
        found="2016-06-30",
        where="w",
    )


@pytest.mark.parametrize(
    ("unit", "bad", "words"),
    [
        ("years", 121, "0 to 120"),
        ("months", 0, "1 to 600"),
        ("days", -1, "0 to 3650"),
        ("days", 1.5, "a whole number of days"),
        ("days", True, "a whole number of days"),
        ("working_days", "3", "a whole number of working days"),
        ("day", 29, "1 to 28"),
        ("count", -1, "0 or more"),
        ("yuan", -1, "whole yuan"),
        ("yuan", 0.5, "whole yuan"),
        ("share", 1.01, "between 0 and 1"),
        ("share", -0.01, "between 0 and 1"),
        ("share", True, "between 0 and 1"),
        ("multiple", 0, "above 0"),
        ("multiple", 1e9, "up to 1000"),
        ("days", 100_000, "0 to 3650"),
        ("percentage_points", "1", "percentage points"),
        ("percent per year", 37, "0 to 36"),
        ("yes_no", 1, "true or false"),
        ("text", 1, "a word"),
        ("list", "word", "a list of words"),
        ("date", "2018-06-31", '"2025-12-31"'),
        ("date", 20180630, '"2025-12-31"'),
        ("month_day", "3 January", '"01-15"'),
        ("month_day", "13-01", '"01-15"'),
        ("month_day", 301, '"03-01"'),
        ("month_days", ["01-15", "02-30"], '"01-15"'),
        ("month_days", "01-15", '"01-15"'),
        ("yuan_by_lender", 5, "a table of lender"),
    ],
)
def test_each_unit_has_its_type_and_range(unit: str, bad: Any, words: str, refuses: Refuses) -> None:
    refuses(lambda: check_value("file", "some.rule", unit, bad), "some.rule", words, where="file")


def test_a_sub_account_below_zero_names_its_lender(refuses: Refuses) -> None:
    refuses(lambda: check_value("f", "k", "yuan_by_lender", {"rcc": 1, "psbc": -1}), "k.psbc", "whole yuan", found=-1)


# --- a view that is refused --------------------------------------------------------------------------


def without(pack: Pack, key: str) -> Pack:
    return replace(pack, parameters={k: v for k, v in pack.parameters.items() if k != key})


def test_a_missing_rule_is_named(refuses: Refuses) -> None:
    pack = without(load_pack("x-county"), "claim.wait_days")
    refuses(lambda: Rules.view(pack, ON), "claim.wait_days", "missing from the pack", where="x-county.toml")


def test_the_pack_is_not_in_force_yet(refuses: Refuses) -> None:
    refuses(lambda: Rules.view(load_pack("x-county"), dt.date(2016, 1, 1)), "loan.age_below", "from 2016-07-01 on")


@pytest.mark.parametrize(
    ("changes", "field", "allowed", "found"),
    [
        ({"claim.fil_days": 10}, "rules.claim.fil_days", "a rule that the model knows", "claim.fil_days"),
        ({"claim.wait_days": -1}, "rules.claim.wait_days", "a whole number of days", -1),
        ({"claim.wait_days": "ten"}, "rules.claim.wait_days", "a whole number of days", "ten"),
        ({"subsidy.paid_to": "town"}, "rules.subsidy.paid_to", "one of ['bank', 'household']", "town"),
        ({"loss.shares.fund": 0.8}, "loss.shares", "add up to 1", 1.1),
        ({"loss.shares": {"fund": 0.7, "bank": 0.2, "insurer": 0.2}}, "loss.shares", "add up to 1", 1.1),
        ({"loss.through_fund": ["county"]}, "loss.through_fund", "a bearer of loss.shares", "county"),
        (
            {"fund.size_yuan": 21_000_000},
            "fund.from_upper_level_yuan + fund.from_county_yuan",
            "= 21000000",
            20_000_000,
        ),
        ({"fund.sub_accounts_yuan": {"rcc": 1}}, "fund.sub_accounts_yuan", "= 20000000", 1),
        ({"claim.meetings": []}, "claim.meetings", "at least one meeting", []),
        ({"subsidy.settlements_per_year": 5}, "subsidy.settlements_per_year", "1, 2, 4, 6 or 12", 5),
        ({"subsidy.settlements_per_year": 0}, "subsidy.settlements_per_year", "1, 2, 4, 6 or 12", 0),
    ],
)
def test_refused_change(changes: dict[str, Any], field: str, allowed: str, found: Any, refuses: Refuses) -> None:
    error = refuses(lambda: Rules.view(load_pack("x-county"), ON, changes), field, allowed)
    assert error.value == pytest.approx(found) if isinstance(found, float) else error.value == found


def test_a_misspelt_change_names_the_nearest_rule(refuses: Refuses) -> None:
    pack = load_pack("x-county")
    refuses(
        lambda: Rules.view(pack, ON, {"claim.wait_dais": 1}),
        "rules.claim.wait_dais",
        "a rule",
        nearest="claim.wait_days",
    )


def test_a_change_says_where_it_comes_from() -> None:
    rules = Rules.view(load_pack("x-county"), ON, {"claim.steps.file.days": 10})
    assert rules.claim.steps.application.days == 10
    assert rules.sources["claim.steps.file"] == "assumption: set by the scenario"


# --- a value that the pack leaves to the scenario ----------------------------------------------------

TODAY = dt.date(2027, 1, 1)
ABOVE = {"claim.cover_above_share": 1.0, "subsidy.pays_above_ceiling": True}


@pytest.mark.parametrize("left", ABOVE)
def test_what_a_pack_leaves_open_has_no_default(left: str, refuses: Refuses) -> None:
    given = {key: value for key, value in ABOVE.items() if key != left}
    pack = load_pack("assistance-2026")
    refuses(lambda: Rules.view(pack, TODAY, given), f"rules.{left}", "set by the scenario, since assistance-2026")


def test_yes_or_no_to_what_is_above_50_000() -> None:
    pack = load_pack("assistance-2026")
    no = Rules.view(pack, TODAY, {"claim.cover_above_share": 0.0, "subsidy.pays_above_ceiling": False})
    yes = Rules.view(pack, TODAY, ABOVE)
    above = 10_000_000  # fen
    assert [int(covered(rules, above)) for rules in (no, yes)] == [5_000_000, 10_000_000]
    paid = [subsidised_reference(subsidy_terms(rules), *(np.array([x]) for x in (above, 36_000, 0, 0, 100)))[0] for rules in (no, yes)]  # fmt: skip
    assert paid == [50_000, 100_000]  # 3.6 per cent for 100 of 360 days
    assert yes.sources["claim.cover_above_share"] == "assumption: set by the scenario"


@pytest.mark.parametrize(
    ("entry", "field", "allowed"),
    [
        ('open = ""', "claim.counts_from.open", "a date and the reason alone"),
        ('value = "maturity"\nopen = "not read"', "claim.counts_from.open", "a date and the reason alone"),
        ('open = "not read"', "claim.counts_from.open", "only a rule that may be left out"),
    ],
)
def test_only_a_rule_that_may_be_left_out_is_left_open(
    entry: str, field: str, allowed: str, pack_file: PackFile, refuses: Refuses
) -> None:
    old = re.search(
        rf"{re.escape(NEXT)}\nfrom = 2016-07-01\n(.*\n.*)\n", (RULES / "x-county.toml").read_text(encoding="utf-8")
    )
    assert old is not None
    path = pack_file((old[1], entry))
    refuses(lambda: load_pack(path), field, allowed, where="county.toml")


@pytest.mark.parametrize(
    ("changes", "field", "allowed"),
    [
        ({"lending.term_months": {"72": 1.0}}, "lending.term_months", "at most 36 (loan.term_max_months, X county regulation, art. 10)"),
        ({"lending.principal_yuan": {"60000": 1.0}}, "lending.principal_yuan", "at most 50000 (loan.ceiling_yuan, X county regulation, art. 10)"),
        ({"rules.loan.extra_ceiling_yuan": 80_000, "lending.principal_yuan": {"90000": 1.0}}, "lending.principal_yuan", "at most 80000 (loan.extra_ceiling_yuan, "),
        ({"defaults.renewed_instead": 0.4}, "defaults.renewed_instead", "0: no renewals (loan.renewals_max, assumption: the text is silent; none taken)"),
    ],
)  # fmt: skip
def test_a_scenario_that_lends_what_its_pack_forbids_is_told_the_article(
    changes: dict[str, Any], field: str, allowed: str, refuses: Refuses
) -> None:
    scenario = Scenario.load("x-county", changes)
    refuses(lambda: check_lending(scenario, scenario.law()), field, allowed, where="x-county")


def test_a_scenario_that_sets_renewals_to_none_itself_switches_them_off() -> None:
    """As a back-test of a place does: the scenario knows of renewals, and one without them is asked for."""
    scenario = Scenario.load("luoping-2023", {"rules.loan.renewals_max": 0})
    assert scenario.defaults.renewed_instead > 0
    check_lending(scenario, scenario.law())


def test_who_is_excluded_cannot_be_admitted(refuses: Refuses) -> None:
    scenario = Scenario.load("x-county-households", {"rules.loan.admits": ["registered", "five_guarantee"]})
    article = "does not forbid (X county regulation, art. 9(1))"
    refuses(scenario.law, "loan.admits", article, found="five_guarantee")


def test_extra_lending_has_its_own_ceiling(refuses: Refuses) -> None:
    pack, day = load_pack("national-2021"), dt.date(2024, 1, 1)
    rules = Rules.view(pack, day)
    assert (rules.loan.ceiling_yuan, rules.loan.most_yuan, rules.loan.most_rule) == (50_000, 100_000, "loan.extra_ceiling_yuan")  # fmt: skip
    raised = Rules.view(pack, day, {"loan.ceiling_yuan": 100_000})
    assert (raised.loan.most_yuan, raised.loan.most_rule) == (100_000, "loan.ceiling_yuan")
    refuses(
        lambda: Rules.view(pack, day, {"loan.extra_ceiling_yuan": 40_000}), "loan.extra_ceiling_yuan", "is 50000", found=40_000
    )  # fmt: skip


# --- faults that were found once --------------------------------------------------------------------


def test_a_date_with_a_time_is_refused_or_read(pack_file: PackFile, refuses: Refuses) -> None:
    path = pack_file((WAIT, WAIT.replace("2016-07-01", "2016-07-01T00:00:00")))
    refuses(lambda: Rules.view(load_pack(path), ON), "claim.wait_days.from", "a date")


@pytest.mark.parametrize(("unit", "value"), [("share", float("nan")), ("multiple", float("inf"))])
def test_numbers_that_are_none_are_refused(unit: str, value: float, refuses: Refuses) -> None:
    refuses(lambda: check_value("f", "k", unit, value), "k", "a ")


def test_a_yearly_date_exists_every_year(refuses: Refuses) -> None:
    refuses(lambda: check_value("f", "k", "month_day", "02-29"), "k", "yearly dates")


def test_unknown_cause_is_refused(refuses: Refuses) -> None:
    refuses(
        lambda: Rules.view(load_pack("x-county"), ON, {"claim.compensable_causes": ["deth"]}),
        "rules.claim.compensable_causes", "one of",
    )  # fmt: skip


def test_unknown_key_at_the_top_is_refused(pack_file: PackFile, refuses: Refuses) -> None:
    path = pack_file(('id = "x-county"', 'id = "x-county"\nfund_share = 0.9'))
    refuses(lambda: load_pack(path), "fund_share", "")


def test_misspelt_expectation_is_refused(pack_file: PackFile, refuses: Refuses) -> None:
    path = pack_file(("date = 2018-01-01", "dat = 2018-01-01"))
    refuses(lambda: load_pack(path), "loan.age_below.expect", "")


def test_values_that_are_no_list_are_refused(tmp_path: Path, refuses: Refuses) -> None:
    path = tmp_path / "p.toml"
    path.write_text('id="p"\ntitle={zh="x",en="x"}\n[claim.wait_days]\nvalues=3\n')
    refuses(lambda: load_pack(str(path)), "claim.wait_days.values", "")


def test_the_shipped_rate_file_is_no_pack() -> None:
    assert "rates" not in pack_names()
    assert (RULES / "rates.toml").is_file()
