"""What is wrong with a county file: every cell at once, in words, so that it is put right in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from calibration.county_file.form import said
from calibration.county_file.texts import text
from calibration.county_file.values import Cell, Fault
from sim.errors import RiskfundError

_SHOWN = 60  # characters of a cell that a message repeats


@dataclass(frozen=True)
class Problem:
    """One cell that is not taken.

    Attributes
    ----------
    sheet, cell : str
        The sheet as the file names it, and the cell's address, "" where it is not one cell.
    row, column : str
        What the row and the column are called.
    found, allowed : str
    """

    sheet: str
    cell: str
    row: str
    column: str
    found: str
    allowed: str

    def as_dict(self) -> dict[str, str]:
        """The parts by name."""
        return asdict(self)

    def sentence(self, lang: str) -> str:
        """The problem in one line."""
        place = text("say.cell" if self.cell else "say.sheet", lang, sheet=self.sheet, cell=self.cell)
        return text("say.problem" if self.column else "say.problem_of_row", lang, place=place, **self.as_dict())


class CountyProblems(RiskfundError):
    """A county file with at least one problem; nothing of it was taken over."""

    def __init__(self, file: str, problems: Sequence[Problem], lang: str) -> None:
        self.file, self.problems, self.lang = file, list(problems), lang
        super().__init__("\n".join([self.summary, *(p.sentence(lang) for p in self.problems)]))

    @property
    def summary(self) -> str:
        """How many cells, and that nothing was imported."""
        n = len(self.problems)
        return text("say.refused_one" if n == 1 else "say.refused", self.lang, file=self.file, n=n)

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross from worker processes."""
        return CountyProblems, (self.file, self.problems, self.lang)


def of_fault(fault: Fault, cell: Cell, where: tuple[str, str, str, str], lang: str) -> Problem:
    """The problem of a cell that stands at ``where``: sheet, address, row, column."""
    if fault.found is not None:
        found = text(fault.found, lang) if fault.found.startswith("found.") else fault.found
    else:
        found = text("found.nothing", lang) if cell.is_blank else said(cell.value)
    return Problem(*where, short(found), text(f"allowed.{fault.allowed}", lang, **fault.values))


def short(found: str) -> str:
    """A cell's text, cut where it would fill the screen."""
    line = " ".join(found.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def of_file(file: str, found: str, allowed: str, lang: str) -> CountyProblems:
    """A file that is refused as a whole."""
    return CountyProblems(file, [Problem(file, "", text("heading.file", lang), "", found, allowed)], lang)
