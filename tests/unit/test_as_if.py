"""A rule pack outside its dates: refused, or read as of a day and marked everywhere; a comparison that runs to a year."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import sim
from cli.main import app
from dashboard.export.report import Report
from dashboard.figures.figure import source_of
from dashboard.words import LANGUAGES, Words
from sim.arms import horizon
from sim.law.pack import RULES
from sim.scenario import Scenario
from sim.warmup import before, opening_state

Refuses = Callable[..., Any]
SMALL = [{"key": "rcc", "label": {"zh": "社", "en": "rcc"}, "sub_account_yuan": 400_000}]


def small(name: str, **changes: Any) -> Scenario:
    return Scenario.load(
        name, {"uncertain": [], "lenders": SMALL, **{k.replace("__", "."): v for k, v in changes.items()}}
    )


def on_2026(name: str) -> Scenario:
    return sim.for_year(small(name), 2026).with_changes({"as_if": dt.date(2026, 2, 28)})


# --- dates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "year", "dates"),
    [("national-2021", 2026, "2021-03-04 to 2026-02-27"), ("assistance-2026", 2026, "2026-02-28 on")],
)
def test_a_year_outside_the_dates_is_refused(name: str, year: int, dates: str, refuses: Refuses) -> None:
    scenario = sim.for_year(small(name), year)
    refuses(scenario.law, "sized_year", dates, found=year)
    refuses(scenario.rule_values, "sized_year", "--as-if DATE", found=year)


@pytest.mark.parametrize(
    ("name", "read"), [("national-2021", dt.date(2026, 2, 27)), ("assistance-2026", dt.date(2026, 2, 28))]
)
def test_with_a_date_each_pack_is_read_on_its_nearest_day(name: str, read: dt.date) -> None:
    scenario = on_2026(name)
    assert scenario.rules_on() == read
    assert scenario.law().on == read
    assert sim.as_if(scenario)["as_if"] == {
        "on": read.isoformat(), "pack": name, "title": scenario.pack().title,
    }  # fmt: skip


def test_inside_its_dates_a_date_changes_nothing() -> None:
    scenario = small("national-2021")
    same = scenario.with_changes({"as_if": dt.date(2022, 1, 1)})
    assert same.rules_on() == scenario.rules_on() == dt.date(2025, 1, 1)
    assert sim.as_if(same) == {}
    assert opening_state(same).sha256 == opening_state(scenario).sha256


def test_the_last_day_is_a_date(tmp_path: Path, refuses: Refuses) -> None:
    text = (RULES / "national-2021.toml").read_text(encoding="utf-8").replace("until = 2026-02-27", 'until = "2026"')
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    refuses(lambda: sim.load_pack(str(tmp_path / "own.toml")), "until", "the last day in force", found="2026")


def test_a_book_made_by_another_scenario_is_that_scenarios_book() -> None:
    """The first year of the new line begins with the book of the old one: no loan above 50,000 yuan."""
    new = small("assistance-2026")
    past = before(new)
    assert (past.rules, past.lending) == ("national-2021", sim.scenario("national-2021").lending)
    assert past.defaults == new.defaults and past.sized_year == new.sized_year
    made = opening_state(new).loans
    assert made.balance.max() == 50_000 * 100
    assert opening_state(new.change(opening__made_by=None)).loans.balance.max() == 100_000 * 100


# --- the mark ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> sim.Answer:
    scenario = on_2026("national-2021")
    return sim.size(scenario, replications=60, workers=1, out=tmp_path_factory.mktemp("runs") / "marked")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_mark_stands_with_the_answer_in_files_and_under_pictures(marked: sim.Answer, lang: str) -> None:
    said = {"en": "Rules outside their dates", "zh": "规则不在有效期内"}[lang]
    w = Words(lang)
    report = Report(marked, w)
    assert w.sentences(marked.data)["as_if"].startswith(said)
    assert any(text.startswith(said) for text in report.warnings)
    assert any(text.startswith(said) for text in report.sentences)
    assert said in report.stamp and said in source_of(marked.data, w)


def test_the_command_asks_for_a_date_and_marks_the_answer(tmp_path: Path) -> None:
    arguments = ["size", "national-2021", "--year", "2026", "-n", "60", "--workers", "1", "-q", "--json"]
    arguments += ["--set", "uncertain=[]", "--fund", "300000"]
    refused = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "a")])
    assert refused.exit_code != 0 and "--as-if DATE" in str(refused.exception)


# --- to a year ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def to_2031(tmp_path_factory: pytest.TempPathFactory) -> sim.Results:
    base, other = on_2026("national-2021"), on_2026("assistance-2026")
    same = base.with_changes({}, "same")
    return sim.run([base, other, same], 60, workers=1, to_year=2031, out=tmp_path_factory.mktemp("runs") / "years")


def test_each_year_to_2031_has_its_need_and_its_payments_by_term(to_2031: sim.Results) -> None:
    rows = to_2031.by_year()
    assert {r["year"] for r in rows} == set(range(2026, 2032))
    at = {(r["scenario"], r["year"], r["metric"]): r for r in rows}
    for year in range(2026, 2032):
        terms = sum(at["assistance-2026", year, f"due_{t}_months_yuan"]["other"] for t in (12, 24, 36))
        assert at["assistance-2026", year, "due_yuan"]["other"] == pytest.approx(terms)
    # loans of three years lent under the new line fall due in 2029, those of one year in 2027
    three = [at["assistance-2026", y, "due_36_months_yuan"]["difference"].value for y in range(2026, 2032)]
    assert sum(three[3:]) > 4 * abs(sum(three[:3]))
    assert at["assistance-2026", 2026, "lent_yuan"]["difference"].value > 0


def test_a_scenario_that_changes_nothing_differs_by_nothing_in_every_year(to_2031: sim.Results) -> None:
    same = [r for r in to_2031.by_year() if r["scenario"] == "same"]
    assert same and all(r["difference"].value == 0 and tuple(r["difference"].ci95) == (0, 0) for r in same)


def test_payments_of_a_year_by_term_are_all_that_falls_due_in_it(to_2031: sim.Results) -> None:
    """The first years stand in the table of lenders' months as well: what the fund paid lies near what fell due."""
    h = to_2031.histories("national-2021")
    due = h.filter(regex=r"^due_y0_term_").sum(axis=1)
    assert due.mean() == pytest.approx(h["payout_fen"].mean(), rel=0.1)


def test_without_a_year_nothing_is_added(tmp_path: Path, refuses: Refuses) -> None:
    base = small("national-2021")
    results = sim.run(base, 2, workers=1, to_horizon=True, out=tmp_path / "plain")
    assert not [c for c in results.histories().columns if c.startswith(("due_y", "lent_y"))]
    refuses(results.by_year, "years", "--to-year", found=0)
    refuses(
        lambda: sim.run(base, 2, to_year=2026, out=tmp_path / "x"), "to-year", "a year from 2029 to 2035", found=2026
    )
    assert json.loads((results.folder / "manifest.json").read_text())["identity"]["last_day"] == horizon(base)
