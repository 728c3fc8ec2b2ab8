"""The command `riskfund county`: the workbook that a county fills in, written, checked and read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

import sim
from calibration.county_file import CountyFile, CountyProblems, save_county
from calibration.rainfall import rainfall_scenario
from cli import show
from cli.options import Json, Lang
from dashboard import county_file
from dashboard.words import LANGUAGES, Words
from sim.errors import InputError

app = typer.Typer(no_args_is_help=True, help="A county's own data in one Excel file.")

Base = Annotated[
    str | None, typer.Option("--base", help="Scenario underneath; default: the shipped one that the file names.")
]
File = Annotated[Path, typer.Argument(help="The filled template (.xlsx).")]


@app.command()
def template(
    scenario: Annotated[str, typer.Argument(help="A shipped scenario or a .toml file; its values are the defaults.")],
    out: Annotated[Path, typer.Option("--out", help="The workbook to write, .xlsx.")],
    lang: Lang = None,
) -> None:
    """Write the Excel template: defaults with their sources, and yellow cells for the county's own values.

    Example: riskfund county template x-county --lang zh --out county.xlsx
    """
    w = Words(str(lang))
    if out.suffix.lower() != ".xlsx":
        raise InputError("command", "out", out.name, "a file ending in .xlsx")
    if out.exists():
        raise InputError("command", "out", str(out), "a new file: a filled one would be lost")
    loaded = sim.Scenario.load(scenario)
    out.write_bytes(county_file.template(loaded, w.lang))
    show.stdout().print(w("Written: {path}", path=out), markup=False)
    show.stdout().print(w("Next: fill in the yellow cells, then riskfund county check {path}", path=out), markup=False)


@app.command()
def check(file: File, base: Base = None, json: Json = False, lang: Lang = None) -> None:
    """Is a filled template in order; what would change. Nothing is written.

    Example: riskfund county check county.xlsx
    """
    w = Words(str(lang))
    county = _read(file, base, w, json)
    if json:
        show.print_json(_as_json(county))
        return
    _preview(county, w)
    show.stdout().print(w("{file}: valid", file=file.name), markup=False)


@app.command()
def read(
    file: File,
    out: Annotated[Path, typer.Option("--out", help="New folder for the scenario and the loan book.")],
    base: Base = None, json: Json = False, lang: Lang = None,
) -> None:  # fmt: skip
    """Turn a filled template into a scenario file, all of it or nothing.

    Example: riskfund county read county.xlsx --out county
    """
    w = Words(str(lang))
    county = _read(file, base, w, json)
    saved = save_county(county, out)
    if json:
        alternative = str(saved.alternative) if saved.alternative else None
        show.print_json({**_as_json(county), "scenario_file": str(saved.scenario), "alternative_file": alternative})
        return
    _preview(county, w)
    show.stdout().print(w("Next: riskfund size {path}", path=saved.scenario), markup=False)
    if saved.alternative is not None:
        line = w("With the alternative: riskfund compare {base} {other}", base=saved.scenario, other=saved.alternative)
        show.stdout().print(line, markup=False)


@app.command()
def rainfall(
    file: Annotated[Path, typer.Argument(help="Monthly rainfall, .csv or .xlsx: year, month, mm and, if any, township.")],
    out: Annotated[Path, typer.Option("--out", help="The scenario to write, .toml.")],
    base: Annotated[str, typer.Option("--base", help="Scenario underneath: all that rain does not tell.")] = "x-county-households",
    window: Annotated[int, typer.Option("--window", help="Months of rain in the drought index.")] = 1,
    prior_years: Annotated[
        float, typer.Option("--prior-years", help="Years of evidence that the values of the base count for; 0: the table alone.")
    ] = 10,
    json: Json = False, lang: Lang = None,
) -> None:  # fmt: skip
    """Fit the weather of a scenario to the county's own rainfall: dry years, season, persistence, correlation.

    Example: riskfund county rainfall rain.csv --out county-weather.toml --base x-county-households
    """
    w = Words(str(lang))
    if out.suffix.lower() != ".toml" or out.exists():
        raise InputError("command", "out", str(out), "a new file ending in .toml")
    made = rainfall_scenario(file, base, window, prior_years)
    out.write_text(made.text, encoding="utf-8")
    if json:
        show.print_json({**made.as_dict(), "scenario_file": str(out)})
        return
    show.stdout().print(w("Written: {path}", path=out), markup=False)
    show.stdout().print(w("Next: riskfund size {path}", path=out), markup=False)


def opened(name: str, lang: str) -> str:
    """What a command takes: a county file is read into a folder beside the runs first, other names stay."""
    if Path(name).suffix.lower() not in (".xlsx", ".xlsm"):
        return name
    w = Words(lang if lang in LANGUAGES else LANGUAGES[0])
    return str(county_file.opened(Path(name), w, Path(county_file.FOLDER)))


def _read(file: Path, base: str | None, w: Words, json: bool) -> CountyFile:
    try:
        return county_file.read(file, w, sim.Scenario.load(base) if base else None)
    except CountyProblems as error:
        if json:
            show.print_json({"file": error.file, "valid": False, "problems": [p.as_dict() for p in error.problems]})
        raise


def _as_json(county: CountyFile) -> dict[str, Any]:
    return {
        "file": county.path.name if county.path else "", "valid": True, "scenario": county.scenario.name,
        "changes": [vars(change) for change in county.changes], "loans": county.n_loans,
        "completeness": {key: {"filled": a, "asked": b} for key, (a, b) in county.completeness.items()},
    }  # fmt: skip


def _preview(county: CountyFile, w: Words) -> None:
    """Default beside own for each filled cell."""
    if not county.changes and not county.n_loans:
        show.stdout().print(w("Nothing is filled in: all values are the defaults."), markup=False)
        return
    table = Table(box=None, pad_edge=False)
    for head in (w("sheet"), w("value"), w("unit"), w("default"), w("own"), w("alternative")):
        table.add_column(head)
    for c in county.changes:
        own = c.column in (w("own"), w("alternative"))
        name = c.row if own else w.joined_clauses([c.row, c.column])
        table.add_row(*map(_plain, (c.sheet, name, c.unit, c.default, c.own, c.alternative)))
    show.stdout().print(table)
    if county.n_loans:
        line = w.n("Loan book: one open loan.", "Loan book: {n} open loans.", county.n_loans)
        show.stdout().print(line, markup=False)


def _plain(text: str) -> str:
    """A name with square brackets is no style."""
    return text.replace("[", "\\[")
