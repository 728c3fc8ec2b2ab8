"""The command `riskfund`: one thin function a command; data on stdout, progress on stderr."""

from __future__ import annotations

import io
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

import sim
from calibration.stored_fit import draws_of
from cli import backtest as cli_backtest
from cli import book as cli_book
from cli import calibrate as cli_calibrate
from cli import county as cli_county
from cli import explain as cli_explain
from cli import lab as cli_lab
from cli import rules as cli_rules
from cli import show
from cli import years as cli_years
from cli.options import Json, Lang, date_of
from cli.text import language_of, padded
from dashboard.words import LANGUAGES, Words
from sim.errors import InputError, RiskfundError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
                  help="How much money a county's risk-compensation fund needs, and how sure that is.")  # fmt: skip
app.add_typer(cli_rules.app, name="rules")
app.add_typer(cli_book.app, name="data")
app.command("backtest")(cli_backtest.command)
app.add_typer(cli_county.app, name="county")
app.command()(cli_calibrate.calibrate)


Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help='FIELD=VALUE in TOML, repeatable: defaults.anchor=high, rules.claim.steps.file.days=10, \'rules.claim.meetings=["01-15","07-15"]\'.',
    ),
]
Replications = Annotated[int, typer.Option("--replications", "-n", help="Histories of each arm.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the study.")]
Workers = Annotated[int | None, typer.Option("--workers", "-w", help="Local processes; default: one a core.")]
Out = Annotated[Path | None, typer.Option("--out", help="Run folder; by default named by content under runs/.")]
Resume = Annotated[str, typer.Option("--resume", help="yes: go on with an interrupted run; no: refuse one.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
ProgressForm = Annotated[
    str, typer.Option("--progress", help="bar; or json: a line with done and total on stderr for every batch.")
]
AsIf = Annotated[
    str | None,
    typer.Option(
        "--as-if", metavar="DATE", help="A rule pack outside its dates is read as on this day; the result is marked."
    ),
]
Posterior = Annotated[
    str | None,
    typer.Option(
        "--posterior", help="Take uncertain parameters jointly from a fit: stored, a .toml file, or a .csv of draws."
    ),
]
Assurance = Annotated[
    float,
    typer.Option("--assurance", "-a", help="Share of equally likely years in which the fund is to be enough."),
]


_FIXED_IN_A_RUN = {
    "year": "--year",
    "fund": "--fund",
    "seed": "--seed",
    "out": "--out",
    "set_": "--set",
    "as_if": "--as-if",
    "resume": "--resume",
    "precision": "--precision",
    "sampling": "--sampling",
    "allocation": "--allocation",
    "posterior": "--posterior",
}


@app.command()
def size(
    ctx: typer.Context,
    scenario: Annotated[str, typer.Argument(help="A shipped scenario, a .toml file, a county file (.xlsx), or a run folder.")],
    year: Annotated[int | None, typer.Option("--year", help="Year to size; default: the scenario's.")] = None,
    assurance: Assurance = 0.95, replications: Replications = 2000, seed: Seed = 2027, workers: Workers = None,
    out: Out = None, resume: Resume = "yes",
    fund: Annotated[int | None, typer.Option("--fund", help="Another set size in yuan, split as before.")] = None,
    as_if: AsIf = None,
    precision: Annotated[str | None, typer.Option("--precision", help="Add histories until the interval's half-width is 2% of the need, or 500000 yuan.")] = None,
    sampling: Annotated[str, typer.Option("--sampling", help="plain; or more of the bad years: flags, cells, score.")] = "plain",
    allocation: Annotated[str, typer.Option("--allocation", help="Of strata: equal or neyman.")] = "equal",
    set_: Changes = None, posterior: Posterior = None, json: Json = False, lang: Lang = None, quiet: Quiet = False,
    progress_form: ProgressForm = "bar",
) -> None:  # fmt: skip
    """What next year's fund must hold.

    Example: riskfund size x-county --replications 2000 --seed 2027 --json
    """
    folder = Path(scenario)
    if folder.is_dir() and ((folder / "manifest.json").is_file() or scenario not in sim.scenario_names()):
        _answer(sim.read_answer(folder, assurance, _of_a_stored_run(ctx, scenario)), json, str(lang))
        return
    loaded = _fitted(sim.Scenario.load(cli_county.opened(scenario, str(lang)), _changes(set_)), posterior)
    loaded = _as_if(sim.for_year(loaded, year), as_if)
    if fund is not None:
        loaded = loaded.with_fund(fund)
    how = sim.Sampling(_among("sampling", sampling, sim.SAMPLINGS), _among("allocation", allocation, sim.ALLOCATIONS))
    with show.progress_bar(str(lang), quiet=quiet, form=_form(progress_form)) as progress:
        result = sim.size(loaded, year=year, assurance=assurance, replications=replications, seed=seed, workers=workers,
                          out=out, resume=_yes(resume), progress=progress, sampling=how,
                          precision=None if precision is None else sim.Precision.of(precision))  # fmt: skip
    _answer(result, json, str(lang))


@app.command()
def explain(
    ctx: typer.Context,
    scenario: Annotated[str, typer.Argument(help="A shipped scenario, a .toml file, or a run folder.")],
    assurance: Assurance = 0.95, replications: Replications = 2000, seed: Seed = 2027, workers: Workers = None, out: Out = None,
    resume: Resume = "yes", set_: Changes = None, posterior: Posterior = None, json: Json = False, lang: Lang = None, quiet: Quiet = False,
) -> None:  # fmt: skip
    """How much of the need drought, late subsidy and stacked loans make, alone and together.

    All sets of drivers run on the same random numbers. The run is that of `riskfund size`: a stored one is read.
    """
    if Path(scenario).is_dir():
        result = sim.read_answer(Path(scenario), assurance, _of_a_stored_run(ctx, scenario))
    else:
        with show.progress_bar(str(lang), quiet=quiet) as progress:
            result = sim.size(_fitted(sim.Scenario.load(scenario, _changes(set_)), posterior), assurance=assurance, replications=replications,
                              seed=seed, workers=workers, out=out, resume=_yes(resume), progress=progress)  # fmt: skip
    found = result.attribution()
    if json:
        show.print_json(found)
    else:
        cli_explain.attribution(found, result.scenario, Words(str(lang)))
    _stop_on(list(result.failures), str(lang))


@app.command()
def solve(
    scenario: Annotated[str, typer.Argument(help="A shipped scenario or a .toml file.")],
    budget: Annotated[float, typer.Option("--budget", help="Yuan in the fund on 1 January of the sized year.")],
    assurance: Assurance = 0.95, replications: Replications = 2000, seed: Seed = 2027, workers: Workers = None,
    set_: Changes = None, json: Json = False, lang: Lang = None, quiet: Quiet = False,
) -> None:  # fmt: skip
    """What a given budget buys: assurance, multiple of lending, ceiling of cover.

    Example: riskfund solve x-county --budget 3000000
    """
    with show.progress_bar(str(lang), quiet=quiet) as progress:
        found = sim.solve(sim.Scenario.load(scenario, _changes(set_)), budget, assurance=assurance,
                          replications=replications, seed=seed, workers=workers, progress=progress)  # fmt: skip
    if json:
        show.print_json(found)
    else:
        cli_explain.solution(found, Words(str(lang)))


@app.command()
def grid(
    scenario: Annotated[str, typer.Argument(help="A shipped scenario, a .toml file, or a grid folder.")],
    metric: Annotated[str, typer.Option("--metric", help="need_yuan, default_share, payout_yuan, shortfall_chance or subsidy_unpaid_share_90d.")] = "need_yuan",
    replications: Annotated[int, typer.Option("--replications", "-n", help="Histories of each cell.")] = 500,
    seed: Seed = 2027, workers: Workers = None, out: Out = None, resume: Resume = "yes", set_: Changes = None,
    json: Json = False, lang: Lang = None, quiet: Quiet = False,
    progress_form: ProgressForm = "bar",
) -> None:  # fmt: skip
    """The policy lab: subsidy 0 to 6 months later against four strengths of drought, on the same random numbers.

    An interrupted grid resumes; its folder is read as far as it is.
    """
    _among("metric", metric, sim.GRID_METRICS)
    folder = Path(scenario)
    if not (folder / "manifest.json").is_file():
        with show.progress_bar(str(lang), quiet=quiet, form=_form(progress_form)) as progress:
            folder = sim.run_grid(sim.Scenario.load(scenario, _changes(set_)), replications, seed=seed, workers=workers,
                                  out=out, resume=_yes(resume), progress=progress)  # fmt: skip
    if json:
        show.print_json(_records(sim.read_grid(folder)))
    else:
        cli_lab.grid(folder, metric, Words(str(lang)))
        show.stdout().print(show.run_folder(folder, Words(str(lang))))


@app.command()
def demo(replications: Replications = 1000, workers: Workers = None, json: Json = False, quiet: Quiet = False) -> None:
    """Size the demonstration county and print the answer in Chinese and English."""
    with show.progress_bar("zh", quiet=quiet) as progress:
        result = sim.size(sim.scenario("x-county"), replications=replications, workers=workers, progress=progress)
    if not json:
        both = " / ".join(w("Demonstration data: not for a budget") for w in map(Words, LANGUAGES))
        show.stdout().print(f"[{both}]", markup=False)
        show.stdout().print(show.sentence(result.data, "zh"))
        show.stdout().print(show.sentence(result.data, "en"))
        show.stdout().print()
        show.answer(result, "zh")
        show.stdout().print()
    _answer(result, json, "en")


@app.command()
def run(
    scenarios: Annotated[list[str], typer.Argument(help="Scenarios to run on the same random numbers.")],
    replications: Replications = 2000, seed: Seed = 2027, workers: Workers = None, out: Out = None, resume: Resume = "yes",
    set_: Changes = None, as_if: AsIf = None, to_horizon: Annotated[bool, typer.Option("--to-horizon", help="Run on to the last payments and keep monthly tables.")] = False,
    json: Json = False, lang: Lang = None, quiet: Quiet = False,
) -> None:  # fmt: skip
    """Run scenarios and keep their histories in a run folder."""
    results = _run(scenarios, replications, seed, workers, out, resume, set_, as_if, str(lang), quiet, to_horizon)
    data = {"scenarios": list(results.names), "replications": results.n, "seed": seed, "opening_sha256": results.opening_sha256,
            "failed": len(results.failures()), "folder": str(results.folder)}  # fmt: skip
    if json:
        show.print_json(data)
    else:
        show.stdout().print(show.run_folder(results.folder, Words(str(lang))))
    _stop_on(results.failures(), str(lang))


@app.command()
def compare(
    ctx: typer.Context,
    base: Annotated[str, typer.Argument(help="The scenario to compare with, or a stored run of it.")],
    others: Annotated[list[str] | None, typer.Argument(help="One to five others.")] = None,
    assurance: Assurance = 0.95, replications: Replications = 2000, seed: Seed = 2027, workers: Workers = None, out: Out = None,
    resume: Resume = "yes", set_: Changes = None, posterior: Posterior = None,
    year: Annotated[int | None, typer.Option("--year", help="Year on which all stand; default: the base's.")] = None,
    as_if: AsIf = None,
    to_year: Annotated[int | None, typer.Option("--to-year", help="Run to the end of this year, and tell each year's need and payments by term.")] = None,
    json: Json = False, lang: Lang = None, quiet: Quiet = False,
    progress_form: ProgressForm = "bar",
) -> None:  # fmt: skip
    """Scenarios in pairs, on the same random numbers.

    With --set and no other scenario, the base is compared with itself under the changes:
    riskfund compare x-county --set defaults.drought.p_township_hit=1.0

    Two rule packs on one calendar, year by year:
    riskfund compare national-2021 assistance-2026 --year 2026 --as-if 2026-02-28 --to-year 2031
    """
    from sim.estimate import check_assurance

    check_assurance(assurance)
    folders = [Path(name) for name in (base, *(others or [])) if (Path(name) / "manifest.json").is_file()]
    if folders:
        sim.check_pairs(folders)
        seed = _seed_of(ctx, folders[0], seed)
    first, *rest = (
        sim.scenario_of(Path(n)) if Path(n) in folders else sim.scenario(n) for n in (base, *(others or []))
    )
    loaded = [_fitted(_as_if(sim.for_year(s, year), as_if), posterior) for s in (first, *rest)]
    first = loaded[0]
    if set_:
        loaded.append(first.with_changes(_changes(set_), f"{first.name}+"))
    if len(loaded) < 2:
        raise InputError("command", "others", 0, "another scenario, or changes with --set")
    with show.progress_bar(str(lang), quiet=quiet, form=_form(progress_form)) as progress:
        results = sim.run(
            loaded, replications, seed=seed, workers=workers, out=out, resume=_yes(resume), progress=progress,
            to_year=to_year,
        )  # fmt: skip
    rows = results.compare(assurance=assurance)
    by_year = results.by_year(assurance) if to_year is not None else []
    outside = {s.name: sim.as_if(s)["as_if"] for s in loaded if s.is_outside_its_dates}
    differs = {name: sim.what_differs(first, s) for name, s in zip(results.names[1:], loaded[1:], strict=True)}
    if json:
        show.print_json({
            "base": first.name, "assurance": assurance, "replications": results.n, "seed": seed,
            "failed": len(results.failures()),
            "what_differs": {name: {k: list(v) for k, v in d.items()} for name, d in differs.items()},
            "differences": [{**r, "difference": r["difference"].as_dict()} for r in rows],
            **({"as_if": outside} if outside else {}),
            **({"by_year": [{**r, "difference": r["difference"].as_dict()} for r in by_year]} if by_year else {}),
        })  # fmt: skip
    else:
        note = {"n": f"{results.n:,}", "assurance": assurance, "seed": seed}
        show.outside(outside, Words(str(lang)))
        show.comparison(rows, first, differs, str(lang), note)
        if by_year:
            cli_years.by_year(by_year, first.name, Words(str(lang)))
        show.stdout().print(show.run_folder(results.folder, Words(str(lang))))
    _stop_on(results.failures(), str(lang))


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A run folder of `riskfund size`.")],
    to: Annotated[str, typer.Option("--to", help="Formats, separated by commas: pptx, xlsx (with the official forms), docx, html, csv, ipynb.")] = "pptx,xlsx,docx,html,csv,ipynb",
    out: Annotated[Path, typer.Option("--out", help="Folder for the files; made if it is not there.")] = Path("exports"),
    assurance: Assurance = 0.95, json: Json = False, lang: Lang = None,
) -> None:  # fmt: skip
    """Slides, workbooks, a memo, a page and tables of a stored answer.

    Example: riskfund export runs/x-county-2018-0123456789ab --to pptx,xlsx --lang zh --out meeting
    """
    from dashboard import export as exports  # its libraries are not needed to size a fund

    formats = [name.strip().lower() for name in to.split(",") if name.strip()]
    exports.check_formats(formats)
    made = exports.export(sim.read_answer(run, assurance), formats, str(lang), out)
    if json:
        show.print_json([str(path) for path in made])
        return
    for path in made:
        show.stdout().print(str(path), markup=False)


@app.command()
def scenarios(json: Json = False, lang: Lang = None) -> None:
    """List the shipped scenarios."""
    loaded = [sim.scenario(name) for name in sim.scenario_names()]
    if json:
        show.print_json(
            [{"name": s.name, "title": s.title.model_dump(), "year": s.sized_year, "rules": s.rules} for s in loaded]
        )
        return
    for s in loaded:
        show.stdout().print(f"{s.name:28} {s.sized_year}  {s.rules:16} {s.title.get(str(lang))}", markup=False)


@app.command()
def trace(
    scenario: Annotated[str, typer.Argument(help="A shipped scenario or a .toml file.")],
    loan: Annotated[int | None, typer.Option("--loan", help="A loan of a simulated history, by id.")] = None,
    household: Annotated[str | None, typer.Option("--household", metavar="ID|first", help="A simulated household's story, by id; first: the first one whose loan the fund paid.")] = None,
    matures: Annotated[str | None, typer.Option("--matures", help="A made-up loan: day of maturity, YYYY-MM-DD.")] = None,
    unpaid: Annotated[bool, typer.Option("--unpaid", help="The made-up loan is not repaid.")] = False,
    principal: Annotated[float, typer.Option("--principal", help="Yuan.")] = 50_000,
    term: Annotated[int | None, typer.Option("--term", help="Months; default: 36, or the longest term of the rules where that is shorter.")] = None,
    rate: Annotated[float | None, typer.Option("--rate", help="Per cent a year; default: the rate table.")] = None,
    cause: Annotated[str, typer.Option("--cause", help="inability, death, disaster or wilful.")] = "inability",
    recovered: Annotated[float | None, typer.Option("--recovered", help="Yuan collected after the payment.")] = None,
    replication: Annotated[int, typer.Option("--replication", help="History of --loan and --household.")] = 0,
    seed: Seed = 2027, set_: Changes = None, json: Json = False, lang: Lang = None,
) -> None:  # fmt: skip
    """One loan's life in dates, with the article beside each step; or one household's, month by month.

    Examples: riskfund trace x-county --matures 2017-07-15 --unpaid;
    riskfund trace x-county-households --household first
    """
    loaded = sim.Scenario.load(scenario, _changes(set_))
    if household is not None:
        if loan is not None or matures is not None:
            raise InputError("command", "household", household, "only one of --household, --loan and --matures")
        story = sim.trace_household(loaded, _household(household), replication, seed)
        if json:
            show.print_json(show.household_json(story, str(lang)))
        else:
            show.household(story, str(lang))
        return
    if matures is not None:
        if not unpaid:
            raise InputError(
                "command",
                "unpaid",
                unpaid,
                "--unpaid together with --matures: a loan that is repaid has no claim to trace",
            )
        steps = sim.trace_unpaid(loaded, date_of("matures", matures), principal_yuan=principal, term_months=term,
                                 rate_percent=rate, cause=cause, recovered_yuan=recovered)  # fmt: skip
    else:
        steps = sim.trace_history(loaded, loan_id=loan, replication=replication, seed=seed)
    if json:
        show.print_json([show.step_json(s, str(lang)) for s in steps])
    else:
        show.steps(steps, str(lang))


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="A scenario or rule pack (.toml).")],
    json: Json = False,
    lang: Lang = None,
) -> None:
    """Is a scenario or rule pack valid; which of its values are law, data, assumption."""
    from sim.law.pack import read_toml
    from sim.replication import check_lending

    raw = read_toml(Path(file)) if file.endswith(".toml") else {}
    if "id" in raw and "sized_year" not in raw:
        cli_rules.report(sim.load_pack(file), file, json, Words(str(lang)))
        return
    scenario = sim.Scenario.load(file)
    scenario.sub_accounts_yuan()
    check_lending(scenario, scenario.law())
    notes = [{"field": f, "kind": s.kind, "note": s.note} for s in scenario.sources for f in s.fields]
    if json:
        show.print_json({"file": file, "valid": True, "sources": notes})
        return
    w = Words(str(lang))
    for note in notes:
        kind = padded(w.term(note["kind"]), 12)
        show.stdout().print(f"{kind} {note['field']:36} {w.source(note['note'])}", markup=False)
    show.stdout().print(w("{file}: valid", file=file), markup=False)


@app.command()
def dashboard(
    runs: Annotated[Path, typer.Option("--runs", help="Folder of runs.")] = Path("runs"),
    port: Annotated[int | None, typer.Option("--port", help="By default a free one.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """The pages in the browser, for this machine only: answer, sizes, comparison, rules, evidence, runs.

    Stop with Ctrl-C; a simulation that a page has started goes on.
    """
    from dashboard.serve import serve

    code = serve(runs, port=port, open_browser=not no_browser, told=lambda url: show.stdout().print(url, markup=False))
    raise typer.Exit(code)


@app.command()
def schema() -> None:
    """JSON Schema of a scenario file."""
    show.print_json(sim.Scenario.model_json_schema())


@app.command()
def doctor(json: Json = False) -> None:
    """Does everything that the model needs work on this machine?"""
    from cli.doctor import findings

    found = findings()
    if json:
        show.print_json(found)
    else:
        for item in found:
            show.stdout().print(f"{'ok  ' if item['ok'] else 'FAIL'} {item['what']}: {item['found']}", markup=False)
    if not all(item["ok"] for item in found):
        raise typer.Exit(1)


# --- shared ------------------------------------------------------------------------------------------


def _of_a_stored_run(ctx: typer.Context, scenario: str) -> int | None:
    """Histories to read of a stored run; None for all. What the run was made with cannot be asked for again."""
    given = {name for name in ctx.params if str(ctx.get_parameter_source(name)).split(".")[-1] != "DEFAULT"}
    for name, option in _FIXED_IN_A_RUN.items():
        if name in given:
            raise InputError("command", option, scenario, f"no {option} with a stored run: it is what it was made with")
    return ctx.params["replications"] if "replications" in given else None


def _answer(result: sim.Answer, json: bool, lang: str) -> None:
    if json:
        show.print_json(result.data)
    else:
        show.answer(result, lang)
    _stop_on(result.failures, lang)


def _stop_on(failed: Sequence[dict[str, Any]], lang: str) -> None:
    """Histories that failed are our own bug: name them, and say so by the exit code."""
    if failed:
        show.failures(failed, lang)
        raise typer.Exit(1)


def _seed_of(ctx: typer.Context, folder: Path, seed: int) -> int:
    """The seed of a stored run; another one that is asked for is refused."""
    own = sim.seed_of(folder)
    if str(ctx.get_parameter_source("seed")).split(".")[-1] != "DEFAULT" and seed != own:
        raise InputError(
            "command", "--seed", seed, f"{own}, the seed of {folder}; or the scenarios by name for another one"
        )
    return own


def _run(names: list[str], n: int, seed: int, workers: int | None, out: Path | None, resume: str, set_: list[str] | None,
         as_if: str | None, lang: str, quiet: bool, to_horizon: bool) -> sim.Results:  # fmt: skip
    loaded = [_as_if(sim.Scenario.load(name, _changes(set_)), as_if) for name in names]
    if not quiet:
        show.outside(
            {s.name: sim.as_if(s)["as_if"] for s in loaded if s.is_outside_its_dates}, Words(lang), on_error=True
        )
    with show.progress_bar(lang, quiet=quiet) as progress:
        return sim.run(
            loaded,
            n,
            seed=seed,
            workers=workers,
            out=out,
            resume=_yes(resume),
            to_horizon=to_horizon,
            progress=progress,
        )


def _as_if(scenario: sim.Scenario, date: str | None) -> sim.Scenario:
    return scenario if date is None else scenario.with_changes({"as_if": date_of("as-if", date)})


def _changes(items: list[str] | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for item in items or []:
        key, sep, text = item.partition("=")
        if not sep or not key:
            raise InputError("command", "set", item, "KEY=VALUE, for example defaults.anchor=high")
        try:
            out[key] = tomllib.loads(f"x = {text}")["x"]
        except tomllib.TOMLDecodeError:
            out[key] = text
    return out


def _fitted(scenario: sim.Scenario, posterior: str | None) -> sim.Scenario:
    """The scenario with the draws of a fit, where one is named."""
    return scenario if posterior is None else scenario.with_changes({"posterior": {"file": str(draws_of(posterior))}})


def _household(text: str) -> int | None:
    if text == "first":
        return None
    if not text.removeprefix("-").isdecimal():
        raise InputError("command", "household", text, "a household's id, a whole number, or the word first")
    return int(text)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for JSON; what is not known is null."""
    return list(frame.astype(object).where(frame.notna(), None).to_dict(orient="records"))


def _among(option: str, value: str, allowed: Sequence[str]) -> Any:
    if value not in allowed:
        raise InputError("command", option, value, f"one of {list(allowed)}", allowed)
    return value


def _form(text: str) -> str:
    return str(_among("progress", text, ("bar", "json")))


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise InputError("command", "resume", text, "yes or no", ("yes", "no"))
    return text == "yes"


def main() -> None:
    """Entry point: one clear line and a documented exit code for every error that the user can mend."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    try:
        app()
    except RiskfundError as error:
        print(Words(language_of(sys.argv[1:])).error(error), file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
