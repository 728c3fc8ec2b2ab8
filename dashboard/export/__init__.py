"""An answer as files for others: slides, workbooks, memo, page, tables, and how to get the number again.

Every file carries the number of the result, the versions and the seed, and says where the data are for demonstration.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dashboard.export.report import Report
from dashboard.words import LANGUAGES, Words
from sim.answers.answer import Answer
from sim.errors import InputError, reason_of

FORMATS = ("pptx", "xlsx", "docx", "html", "csv", "ipynb")


def export(answer: Answer, formats: Sequence[str], lang: str, out: Path) -> list[Path]:
    """Write an answer in several formats into a folder.

    Parameters
    ----------
    answer : Answer
        As `sim.size` or `sim.read_answer` gives it.
    formats : sequence of str
        Of `FORMATS`. ``xlsx`` is two workbooks: the calculation and the official forms; ``csv`` two tables; ``ipynb`` a
        notebook, and the scenario's file where it is not one of the project's own.
    lang : {"zh", "en"}
    out : Path
        Made if it is not there.

    Returns
    -------
    list of Path
        The files, in the order of the formats.

    Raises
    ------
    InputError
        A format that is not known, a folder that cannot be written, or a file that another program holds open.
    """
    check_formats(formats)
    if lang not in LANGUAGES:
        raise InputError("command", "lang", lang, "zh or en", LANGUAGES)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(str(out), "out", reason_of(error), "a folder that can be written") from None
    report, made = Report(answer, Words(lang)), []
    for name in dict.fromkeys(formats):
        for path in _paths(report, name, out):
            _refuse_held(path)
        made += _write(report, name, out)
    return made


def check_formats(formats: Sequence[str]) -> None:
    """Refuse formats that are not known, with the nearest name.

    Raises
    ------
    InputError
    """
    if not formats:
        raise InputError("command", "to", "", f"one or more of {', '.join(FORMATS)}", FORMATS)
    for name in formats:
        if name not in FORMATS:
            raise InputError("command", "to", name, f"one or more of {', '.join(FORMATS)}", FORMATS)


def _paths(r: Report, name: str, out: Path) -> list[Path]:
    """The files of a format, named by the result, the assurance in per cent, the language, and what they hold."""
    stem = f"{r.number}-{100 * r.data['assurance']:g}-{r.w.lang}"
    more = {"xlsx": [f"{stem}-forms.xlsx"], "csv": [f"{stem}-histories.csv"]}
    return [out / f"{stem}.{name}", *(out / other for other in more.get(name, []))]


def _write(r: Report, name: str, out: Path) -> list[Path]:
    from dashboard.export import csv, docx, forms, page, pptx, reproduce, xlsx  # their libraries are slow to load

    paths = _paths(r, name, out)
    try:
        if name == "xlsx":
            return [xlsx.write(r, paths[0]), forms.write(r, paths[1])]
        if name == "csv":
            return [csv.write(r, paths[0]), csv.write_histories(r, paths[1])]
        if name == "ipynb":
            return reproduce.write(r, paths[0])
        return [{"pptx": pptx, "docx": docx, "html": page}[name].write(r, paths[0])]
    except OSError as error:
        raise _cannot(paths[0], error) from None


def _refuse_held(path: Path) -> None:
    """A file that a program holds open cannot be replaced: find out before it is half written."""
    try:
        with path.open("ab"):
            pass
        if path.stat().st_size == 0:
            path.unlink()
    except OSError as error:
        raise _cannot(path, error) from None


def _cannot(path: Path, error: OSError) -> InputError:
    return InputError(str(path), "out", reason_of(error), "a file that can be written; close it in the program that has it open")  # fmt: skip


__all__ = ["FORMATS", "check_formats", "export"]
