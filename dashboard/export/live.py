"""The last arithmetic of the answer as spreadsheet formulas, each with the value that Python finds for it.

Only functions of Excel 2007 that WPS knows too. The quantile is the project's: the ceil(a n)-th smallest value (SMALL),
never PERCENTILE, which interpolates. Where histories were chosen by strata each row has a weight, and the quantile is the
first row, in rising order, up to which the weight is enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from dashboard.export.report import Report, yuan_of
from sim import estimate
from sim.units import F64

_ROUNDING = "1E-9"  # of a history, as in sim.estimate.order


@dataclass(frozen=True)
class Cell:
    """A cell of the calculation: a formula with its value, or an input."""

    formula: str
    value: float | str


@dataclass(frozen=True)
class Columns:
    """Where the histories stand: absolute ranges of the sheet, in rising order of need."""

    sheet: str
    first: int
    last: int
    need: str
    accounts: list[str]
    weight: str
    below: str  # weight up to and including the row

    def of(self, column: str) -> str:
        """Range of a column."""
        return f"{self.sheet}!${column}${self.first}:${column}${self.last}"


@dataclass
class Live:
    """Formulas on the histories' sheet, and what they are worth.

    Parameters
    ----------
    r : Report
    c : Columns
    cells : dict of name -> address
        Where the calculation's own cells stand; filled as they are written.
    """

    r: Report
    c: Columns
    cells: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        h = self.r.sample
        self.need: F64 = yuan_of(h["need_fen"])
        self.by_account: F64 = np.column_stack([yuan_of(h[f"need_{i}_fen"]) for i in range(self.r.parts.size)])
        self.n = self.need.size
        self.is_plain = h.is_plain
        self.unit = 1 / self.r.w.in_unit(1.0)  # yuan in the reader's unit of money

    # --- the need

    def count(self) -> Cell:
        """Histories."""
        return Cell(f"=COUNT({self.c.of(self.c.need)})", self.n)

    def rank(self, a: float) -> Cell:
        """Which order statistic: from the smallest, 1."""
        n, miss = self.cells["n"], self.cells["accepted"]
        if self.is_plain:
            formula = f"=MIN(MAX(ROUNDUP((1-{miss})*{n}-{_ROUNDING},0),1),{n})"
            return Cell(formula, estimate.quantile_rank(self.n, a))
        wanted = f"((1-{miss})*{n}-{_ROUNDING})"
        formula = f'=MIN(COUNTIF({self.c.of(self.c.below)},"<"&{wanted})+1,{n})'
        below = np.cumsum(self.r.mass)
        return Cell(formula, min(int((below < a * self.n - 1e-9).sum()) + 1, self.n))

    def need_cell(self, rank: int) -> Cell:
        """The need [reader's unit]."""
        return self._of_rank(self.cells["rank"], float(self.need[rank - 1]))

    def bounds(self, a: float) -> tuple[Cell, Cell, Cell]:
        """Ends of the 95 per cent interval, and the conservative figure [reader's unit]; distribution-free, from the binomial."""
        n, p = self.cells["n"], f"1-{self.cells['accepted']}"
        strata = self.r.sample.strata
        found = estimate.quantile(self.need, a, strata)
        low, high = found.ci95 or (0.0, 0.0)
        # histories that share uncertain parameters count as fewer; their ranks are those of so many, stretched
        m = n if strata is None else str(estimate.worth_of(self.need, a, strata))
        more = "" if strata is None else f"*{n}/{m}"
        return (
            self._of_rank(f"MAX(INT(CRITBINOM({m},{p},0.025){more}+{_ROUNDING}),1)", low),
            self._of_rank(f"MIN(ROUNDUP((CRITBINOM({m},{p},0.975)+1){more}-{_ROUNDING},0),{n})", high),
            self._of_rank(
                f"MIN(ROUNDUP((CRITBINOM({m},{p},0.95)+1){more}-{_ROUNDING},0),{n})", found.conservative or 0.0
            ),
        )

    def _of_rank(self, rank: str, yuan: float) -> Cell:
        """The need of a rank, from the smallest."""
        return Cell(f"=SMALL({self.c.of(self.c.need)},{rank})/{self.unit:.0f}", self.r.w.in_unit(yuan))

    def step(self, low: float, high: float) -> Cell:
        """Step to which advice is rounded: 1, 2 or 5 times a power of ten, not finer than the simulation error.

        Its ends are in yuan; the cell is in the reader's unit, the smallest step 10,000 yuan.
        """
        least = self.r.w.in_unit(10_000.0)
        half = f"(({self.cells['high']}-{self.cells['low']})/2/{least:g})"
        power = f"10^INT(LOG10({half}))"
        times = f"IF({half}<=1,1,{power}*IF({half}<={power},1,IF({half}<=2*{power},2,IF({half}<=5*{power},5,10))))"
        return Cell(f"={times}*{least:g}", self.r.w.in_unit(_step((high - low) / 2)))

    def advised(self, conservative: float, step: float) -> Cell:
        """The advised size [reader's unit], from yuan."""
        up, by = self.cells["conservative"], self.cells["step"]
        yuan = math.ceil(conservative / step - 1e-9) * step
        return Cell(f"=ROUNDUP(MAX({up}/{by}-{_ROUNDING},0),0)*{by}", self.r.w.in_unit(yuan))

    # --- a size

    def chance(self, size: str, yuan: float) -> Cell:
        """Share of the years that need more than a size, a cell or an expression in yuan."""
        short = self.need > yuan
        column = self.c.of(self.c.need)
        if self.is_plain:
            return Cell(f'=COUNTIF({column},">"&{size})/{self.cells["n"]}', float(np.count_nonzero(short)) / self.n)
        weight = self.c.of(self.c.weight)
        value = float(self.r.mass[short].sum() / self.r.mass.sum())
        return Cell(f'=SUMIF({column},">"&{size},{weight})/SUM({weight})', value)

    def missing(self, size: str, yuan: float, chance: str) -> Cell:
        """Mean of what is missing where the size is not enough, account by account [reader's unit]."""
        total, worth = self._each(size, yuan, 1)
        likely = float(self.chance(size, yuan).value)
        none = "—"
        return Cell(f'=IF({chance}=0,"{none}",{total}/{chance})', worth / likely if likely else none)

    def idle(self, size: str, yuan: float) -> Cell:
        """Mean of what is left over, account by account [reader's unit]."""
        total, worth = self._each(size, yuan, -1)
        return Cell(f"={total}", worth)

    def _each(self, size: str, yuan: float, sign: int) -> tuple[str, float]:
        """Mean over years of the sum over accounts of need less size (or size less need), where it is more than nothing."""
        sums, worth = [], 0.0
        weight = "" if self.is_plain else f"*{self.c.of(self.c.weight)}"
        for i, column in enumerate(self.c.accounts):
            part = float(self.r.parts[i])
            mine, has = self.c.of(column), f"{size}*{part!r}"
            over = f"({mine}-{has})" if sign > 0 else f"({has}-{mine})"
            sums.append(f"SUMPRODUCT(({over}>0)*{over}{weight})")
            worth += float((np.maximum(sign * (self.by_account[:, i] - yuan * part), 0.0) * self.r.mass).sum())
        return f"({'+'.join(sums)})/{self.cells['n']}/{self.unit:.0f}", self.r.w.in_unit(worth / self.n)


def _step(half: float) -> float:
    """The step of `sim.estimate.rounded_up`: what the smallest sum above nothing is rounded to."""
    return estimate.rounded_up(1.0, half)
