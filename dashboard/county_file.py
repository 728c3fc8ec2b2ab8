"""The county file in one reader's language: for the command line and the page, without anything of a page in it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import sim
from calibration.county_file import (
    CountyFile,
    CountyProblems,
    folder_for,
    read_county,
    save_county,
    write_template,
)
from dashboard.words import Words

T = TypeVar("T")
FOLDER = "counties"  # beside the runs folder: what counties have saved


def template(scenario: sim.Scenario, lang: str, base: str = "") -> bytes:
    """The workbook of a scenario, its sources in the reader's language."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "county.xlsx"
        return write_template(scenario, lang, path, source_words=Words(lang).source, base=base).read_bytes()


def read(path: Path, w: Words, base: sim.Scenario | None = None) -> CountyFile:
    """Read a filled county file.

    Raises
    ------
    CountyProblems
        In the reader's language.
    """
    return spoken(w, lambda: read_county(path, base, w.lang))


def spoken(w: Words, check: Callable[[], T]) -> T:
    """Run a check; what the model itself says is allowed is English and is put into the reader's language.

    Raises
    ------
    CountyProblems
    """
    try:
        return check()
    except CountyProblems as error:
        told = [replace(problem, allowed=w.reason(problem.allowed)) for problem in error.problems]
        raise CountyProblems(error.file, told, w.lang) from None


def opened(path: Path, w: Words, counties: Path) -> Path:
    """The scenario file of a county file, saved under a folder that is named by its content."""
    county = read(path, w)
    return save_county(county, folder_for(county, counties)).scenario
