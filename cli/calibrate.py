"""The command `riskfund calibrate`: fit the model to printed figures, and tell what a stored fit says."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.cells import cell_len

from calibration.fit_problem import read_problem
from calibration.fitting import fit
from calibration.identification import identify
from calibration.reference_table import make_table, open_folder
from calibration.stored_fit import StoredFit, read_fit, store
from cli import show
from cli.options import Json, Lang
from dashboard import fit_table
from dashboard.words import Words
from sim.errors import InputError


def calibrate(
    name: Annotated[str, typer.Argument(help="A problem of calibration, shipped or a .toml file; with --report a stored fit.")] = "seed",
    report: Annotated[bool, typer.Option("--report", help="Tell what a stored fit says; nothing is simulated.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the table and the fit; default: runs/calibration-NAME.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", "-w", help="Local processes; default: one a core.")] = None,
    resume: Annotated[str, typer.Option("--resume", help="yes: go on with an interrupted table; no: refuse one.")] = "yes",
    json: Json = False, lang: Lang = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
    progress_form: Annotated[str, typer.Option("--progress", help="bar; or json: a line with done and total on stderr.")] = "bar",
) -> None:  # fmt: skip
    """Fit parameters to printed figures by simulation; or, with --report, print target, model, interval and verdict.

    An interrupted run goes on to the same posterior. Example: riskfund calibrate seed --report --json
    """
    w = Words(str(lang))
    if report:
        _tell(read_fit(name), w, json=json)
        return
    if resume not in ("yes", "no"):
        raise InputError("command", "resume", resume, "yes or no", ("yes", "no"))
    if progress_form not in ("bar", "json"):
        raise InputError("command", "progress", progress_form, "bar or json", ("bar", "json"))
    problem = read_problem(name)
    folder = out or Path("runs") / f"calibration-{problem.name}"
    with show.progress_bar(w.lang, quiet=quiet, form=progress_form) as progress:
        open_folder(problem, folder, resume=resume == "yes")
        told = identify(problem, folder)
        table = make_table(problem, folder, workers=workers, progress=progress)
        found = fit(problem, table, told)
    stored = store(found, folder / f"{problem.name}.toml", f"riskfund calibrate {problem.name}")
    _tell(stored, w, json=json)


def _tell(found: StoredFit, w: Words, *, json: bool) -> None:
    if json:
        show.print_json(found.as_dict())
        return
    out = show.stdout()
    for title, heads, rows in (
        (w("Targets and the fitted model"), fit_table.target_heads(w), fit_table.target_rows(found, w)),
        (w("Parameters"), fit_table.parameter_heads(w), fit_table.parameter_rows(found, w)),
        (w("Targets left out one at a time"), fit_table.left_out_heads(w), fit_table.left_out_rows(found, w)),
    ):
        for line in [title, *in_blocks(heads, rows), ""]:
            out.print(line, markup=False, soft_wrap=True)
    for text in fit_table.sentences(found, w):
        out.print(text, markup=False)
    out.print(w("Take it over: {command}", command=fit_table.command(found)), markup=False)


def in_blocks(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table whose first column is too long to stand beside the others: it has a line of its own in each row.

    Heads are set in several lines where a column is narrower than its head.
    """
    least = [max(cell_len(row[k]) for row in rows) for k in range(1, len(heads))]
    folded = [textwrap.wrap(head, max(width, 9), break_long_words=False) for head, width in zip(heads[1:], least, strict=True)]  # fmt: skip
    widths = [max(width, *map(cell_len, head)) for width, head in zip(least, folded, strict=True)]
    high = max(map(len, folded))
    tops = [[*[""] * (high - len(head)), *head] for head in folded]

    def line(cells: Iterable[str]) -> str:
        return "  " + "  ".join(" " * (width - cell_len(x)) + x for x, width in zip(cells, widths, strict=True))

    body = [text for row in rows for text in (row[0], line(row[1:]))]
    return [*(line(top[k] for top in tops) for k in range(high)), *body]
