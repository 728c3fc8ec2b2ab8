"""What a county hands in about its households: what works, and one clear line for everything that does not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.end_to_end.test_commands import riskfund
from tests.make_households import EXCLUDED, write_loans, write_scenario, write_table


def refused(cwd: Path, *words: str, where: str, field: str, found: str, allowed: str, nearest: str = "") -> None:
    """Exit code 3 and one line: file, field, value, what is allowed; nothing is left behind."""
    done = riskfund(cwd, *words, code=3)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    match = re.fullmatch(r"(.+?): (.+?): found (.+?); allowed: (.+)", lines[0])
    assert match is not None, lines[0]
    assert (match[1], match[2], match[3]) == (where, field, found)
    assert allowed in match[4]
    assert match[4].endswith(f"; nearest valid name: {nearest}") == bool(nearest)
    assert not list(cwd.glob("runs/*"))


SIZE = ("size", "own.toml", "-n", "60", "-w", "1", "-q")
SHIPPED = ("size", "x-county-households", "-n", "60", "-q", "--set")


# --- the table of households -------------------------------------------------------------------------

CELLS = [
    ({"crop_yuan": "-1"}, "crop_yuan", "-1", "a number from 0 to", ""),
    ({"wage_yuan": "much"}, "wage_yuan", "'much'", "a number from 0 to", ""),
    ({"products": "renovatoin"}, "products", "'renovatoin'", "keys of livelihoods.products", "renovation"),
    ({"village": "9"}, "village", "9", "a known village of the township, 1 to 8", ""),
    ({"township": "t13"}, "township", "'t13'", "one of ['t01'", "t12"),
    ({"household_id": "1001"}, "household_id", "1001", "each household once", ""),
    ({"workers": "99"}, "workers", "99", "at most the household's persons", ""),
    ({"age": "17"}, "age", "17", "a whole number from 18 to 90", ""),
    ({"category": "five_guarante"}, "category", "'five_guarante'", "one of ['registered'", "five_guarantee"),
]


@pytest.mark.parametrize(("cells", "column", "found", "allowed", "nearest"), CELLS, ids=[c[1] for c in CELLS])
def test_a_bad_cell(tmp_path: Path, cells: dict[str, str], column: str, found: str, allowed: str, nearest: str) -> None:
    write_table(tmp_path / "households.csv", {2: cells})
    write_scenario(tmp_path)
    row = 4  # the heading is row 1
    refused(tmp_path, *SIZE, where="households.csv", field=f"row {row}, {column}", found=found, allowed=allowed,
            nearest=nearest)  # fmt: skip


def test_a_missing_table_and_a_missing_column(tmp_path: Path) -> None:
    write_scenario(tmp_path)
    done = riskfund(tmp_path, *SIZE, code=3)
    assert done.stderr.startswith("households.csv: file: found ") and "a table of households" in done.stderr
    table = write_table(tmp_path / "households.csv")
    table.write_text(table.read_text(encoding="utf-8").replace("persons", "people", 1), encoding="utf-8")
    refused(tmp_path, *SIZE, where="households.csv", field="persons", found="None", allowed="columns ['household_id'")


def test_a_table_of_households_is_sized_and_told(tmp_path: Path) -> None:
    """Read from beside its scenario, wherever the command is run; a changed table is another run."""
    county = tmp_path / "county"
    county.mkdir()
    table = write_table(county / "households.csv")
    write_scenario(county, '[opening]\nkind = "table"\nfile = "book.csv"\n')
    write_loans(county / "book.csv", list(range(1020, 1200)))
    off = ("--set", "livelihoods.weather.on=false", "--set", "livelihoods.stacking_on=false")  # fewer arms
    data = json.loads(riskfund(tmp_path, "size", "county/own.toml", "-n", "60", "--json", "-q", *off).stdout)
    assert data["failed"] == 0 and data["need_yuan"]["value"] > 0
    assert set(data["provenance"]["tables_sha256"]) == {"opening.file", "livelihoods.file"}
    story = json.loads(
        riskfund(tmp_path, "trace", "county/own.toml", "--household", "1020", "--lang", "zh", "--json").stdout
    )
    assert story["household"]["township"] == "第九镇" and story["household"]["persons"] == 1
    assert story["steps"][0]["what"] == "made" and story["steps"][0]["on"] == "2016-01-10"
    words = ("run", "county/own.toml", "-n", "1", "-q", "--json")
    one, again = (json.loads(riskfund(tmp_path, *words).stdout)["folder"] for _ in range(2))
    write_table(table, {0: {"wage_yuan": "99999"}})
    assert one == again != json.loads(riskfund(tmp_path, *words).stdout)["folder"]
    assert riskfund(tmp_path, "check", "county/own.toml").returncode == 0


# --- loans of households -----------------------------------------------------------------------------

BOOKS = [
    ([1020, 1021, 77], "household_id", "77", "a household of the register"),
    ([1020, EXCLUDED], "household_id", str(EXCLUDED), "a household that may borrow; the rules exclude category five_guarantee"),
    ([1020, 1021, 1021], "household_id", "1021", "one open loan under the fund for each household"),
]  # fmt: skip


@pytest.mark.parametrize(("households", "field", "found", "allowed"), BOOKS, ids=("stranger", "excluded", "twice"))
def test_a_loan_that_no_household_may_have(
    tmp_path: Path, households: list[int], field: str, found: str, allowed: str
) -> None:
    write_table(tmp_path / "households.csv")
    write_loans(tmp_path / "book.csv", households)
    write_scenario(tmp_path, '[opening]\nkind = "table"\nfile = "book.csv"\n')
    refused(tmp_path, *SIZE, where="book.csv", field=field, found=found, allowed=allowed)


# --- the drought table -------------------------------------------------------------------------------

DROUGHT = "month,index\n2017-11,-1.5\n2017-12,-1.5\n2018-01,-2\n2018-02,-1\n"
TABLES = [
    (DROUGHT.replace("2017-12,-1.5\n", ""), "month", "'no row for 2017-12'", "every month from 2017-11 to 2018-02"),
    (DROUGHT.replace("2018-01,-2\n", "2017-11,-2\n"), "row 4, month", "'2017-11'", "each month once"),
    (DROUGHT.replace(",-2\n", ",dry\n"), "row 4, index", "'dry'", "a number from -6 to 6"),
    (DROUGHT.replace("2018-01", "Jan 2018"), "row 4, month", "'Jan 2018'", "a year and a month such as 2009-07"),
]


@pytest.mark.parametrize(("text", "field", "found", "allowed"), TABLES, ids=("gap", "twice", "index", "month"))
def test_a_drought_table_that_cannot_be_used(tmp_path: Path, text: str, field: str, found: str, allowed: str) -> None:
    write_table(tmp_path / "households.csv")
    (tmp_path / "drought.csv").write_text(text, encoding="utf-8")
    write_scenario(tmp_path, '[livelihoods.weather]\nreplay = "drought.csv"\n')
    refused(tmp_path, *SIZE, where="drought.csv", field=field, found=found, allowed=allowed)


def test_a_drought_that_is_moved_out_of_the_run(tmp_path: Path) -> None:
    write_table(tmp_path / "households.csv")
    (tmp_path / "drought.csv").write_text(DROUGHT, encoding="utf-8")
    write_scenario(tmp_path, '[livelihoods.weather]\nreplay = "drought.csv"\nreplay_years = -9\n')
    refused(tmp_path, *SIZE, where="own", field="livelihoods.weather.replay_years", found="-9",
            allowed="years that move 2017-11 to 2018-02 into 2018-01 to 2022-12: 0 to 5")  # fmt: skip


# --- the section on households -----------------------------------------------------------------------

SECTIONS = [
    ("livelihoods.size={1=0.5, 2=0.4}", "livelihoods.size", "'sum 0.9'", "shares that add up to 1", ""),
    ("livelihoods.income_shares={farm=0.1}", "livelihoods.income_shares.farm", "'farm'", "'crop', 'livestock'", ""),
    ("livelihoods.income_per_head_yuan=-1", "livelihoods.income_per_head_yuan", "-1", "greater than or equal to 0", ""),
    (
        "livelihoods.age={'20-40'=0.5,'40-70'=0.5}",
        "livelihoods.age",
        "'20-40 and 40-70'",
        "each year of age in one band",
        "",
    ),
    ("livelihoods.age={'10-19'=1.0}", "livelihoods.age", "'10-19'", "from 18 to 90", ""),
    ("defaults.anchor=centrl", "defaults.anchor", "'centrl'", "'low', 'central' or 'high'", "central"),
    ("livelihoods.sizes=3", "livelihoods.sizes", "'sizes'", "one of", "size"),
]


@pytest.mark.parametrize(("change", "field", "found", "allowed", "nearest"), SECTIONS, ids=[s[0] for s in SECTIONS])
def test_a_section_that_cannot_be(
    tmp_path: Path, change: str, field: str, found: str, allowed: str, nearest: str
) -> None:
    refused(tmp_path, *SHIPPED, change, where="x-county-households.toml", field=field, found=found, allowed=allowed,
            nearest=nearest)  # fmt: skip


def test_households_without_a_section_and_the_other_way_round(tmp_path: Path) -> None:
    words = ("size", "x-county", "-n", "60", "-q", "--set", "defaults.mechanism=household")
    refused(tmp_path, *words, where="x-county.toml", field="livelihoods", found="'None'",
            allowed="a section exactly where defaults.mechanism is household")  # fmt: skip
    refused(tmp_path, *SHIPPED, "defaults.mechanism=reduced-form", where="x-county-households.toml", field="livelihoods",
            found="'given'", allowed="a section exactly where defaults.mechanism is household")  # fmt: skip


def test_a_behaviour_set_that_the_file_does_not_have(tmp_path: Path) -> None:
    from sim.scenario import SCENARIOS

    shipped = (SCENARIOS / "x-county-households.toml").read_text(encoding="utf-8")
    (tmp_path / "two.toml").write_text(shipped.replace("[livelihoods.behaviour.high]", "[livelihoods.behaviour.low2]"))
    refused(tmp_path, "check", "two.toml", where="two.toml", field="livelihoods.behaviour.low2", found="'low2'",
            allowed="'low', 'central' or 'high'", nearest="low")  # fmt: skip


# --- a household's story -----------------------------------------------------------------------------

STORY = ("trace", "x-county-households", "--household")


@pytest.mark.parametrize(
    ("words", "field", "found", "allowed"),
    [
        ((*STORY, "12"), "household", "12", "a household of the register, for example"),
        ((*STORY, "abc"), "household", "'abc'", "a household's id, a whole number, or the word first"),
        ((*STORY, "12", "--loan", "3"), "household", "'12'", "only one of --household, --loan and --matures"),
    ],
)
def test_a_story_that_cannot_be_told(
    tmp_path: Path, words: tuple[str, ...], field: str, found: str, allowed: str
) -> None:
    refused(tmp_path, *words, where="command", field=field, found=found, allowed=allowed)


def test_a_story_in_both_languages_and_as_data(tmp_path: Path) -> None:
    data = json.loads(riskfund(tmp_path, *STORY, "first", "--json", "--lang", "en").stdout)
    assert set(data) == {"household", "months", "steps"}
    ident = str(data["household"]["id"])
    for lang, word in (("zh", f"农户{ident}"), ("en", f"Household {ident}")):
        text = riskfund(tmp_path, *STORY, ident, "--lang", lang).stdout
        assert text.startswith(word) and len(text.splitlines()) > len(data["months"])
    assert "paid" in {s["what"] for s in data["steps"]}
    refused(tmp_path, "trace", "x-county", "--household", "first", where="x-county", field="defaults.mechanism",
            found="'reduced-form'", allowed="for example x-county-households")  # fmt: skip
