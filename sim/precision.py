"""The precision dial: histories are added until the half-width of the headline's interval is what was asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.errors import InputError, TooFewHistories
from sim.estimate import Estimate, half_width, histories_for
from sim.store import BATCH

MOST = 200_000  # histories; beyond them the model is the larger error by far
GROWTH = 3.0  # at most so many times as many before the next look: early intervals are rough


@dataclass(frozen=True)
class Precision:
    """A wanted half-width of the 95 per cent interval: a part of the figure, or yuan.

    Raises
    ------
    InputError
        Not above zero, or a part of one or more.
    """

    part: float | None = None
    yuan: float | None = None

    def __post_init__(self) -> None:
        if (self.part is None) == (self.yuan is None):
            raise InputError("command", "precision", None, "a part of the figure, or yuan: one of the two")
        if self.part is not None and not 0 < self.part < 1:
            raise InputError("command", "precision", f"{100 * self.part:g}%", "above 0% and below 100%, such as 2%")
        if self.yuan is not None and not 0 < self.yuan < math.inf:
            raise InputError("command", "precision", self.yuan, "yuan above 0, such as 500000")

    @staticmethod
    def of(text: str) -> Precision:
        """Read ``2%`` or ``500000`` (yuan)."""
        try:
            if text.strip().endswith("%"):
                return Precision(part=float(text.strip()[:-1]) / 100)
            return Precision(yuan=float(text))
        except ValueError:
            raise InputError("command", "precision", text, "a part such as 2%, or yuan such as 500000") from None

    def wanted(self, figure: Estimate) -> float:
        """Wanted half-width [yuan]."""
        return self.yuan if self.yuan is not None else (self.part or 0.0) * abs(figure.value or 0.0)

    def histories_more(self, figure: Estimate, n: int, least: float = 0.0) -> int:
        """Histories that are still to run, in whole batches; none if the precision holds.

        An interval that ends where the histories end is shorter than it should be: it counts as no precision at all.

        Parameters
        ----------
        figure : Estimate [yuan]
        n : int
            Histories that gave it.
        least : float [yuan]
            Half-width that more histories leave, because they stand at uncertain parameters that are there already.

        Raises
        ------
        TooFewHistories
            More than `MOST` would be needed, or no number would do.
        """
        half, wanted = half_width(figure), self.wanted(figure)
        if figure.reason is not None and half is not None and n < MOST:
            return -(-n // BATCH) * BATCH
        if half is None or half <= wanted:
            return 0
        if wanted == 0:
            raise TooFewHistories("precision: the figure is zero, so no part of it can be reached; name it in yuan")
        # only what is beyond the least shrinks with the root of n
        needed = histories_for(figure, n, wanted) if least == 0 else _beyond_the_least(half, least, wanted, n)
        if needed > MOST and least > 0:
            raise TooFewHistories(
                f"precision: {n} gave a half-width of {half:,.0f} yuan, and more histories leave about {least:,.0f} yuan of it: they "
                f"stand at values of the uncertain fields that are drawn already; allowed: above {_allowed(half, least, n):,.0f} yuan"
            )
        if needed > MOST:
            raise TooFewHistories(
                f"replications: {n} gave a half-width of {half:,.0f} yuan; about {needed:,} "
                f"would give the {wanted:,.0f} asked for; allowed: {MOST:,} at most"
            )
        return max(-(-(min(needed, round(GROWTH * n)) - n) // BATCH), 1) * BATCH


def _beyond_the_least(half: float, least: float, wanted: float, n: int) -> int:
    """Histories that the wanted half-width takes where a part of it stays."""
    shrinks, left = half**2 - least**2, wanted**2 - least**2
    return math.ceil(n * shrinks / left) if shrinks < left * MOST else MOST + 1


def _allowed(half: float, least: float, n: int) -> float:
    """The half-width that the most histories would give."""
    return math.sqrt(least**2 + max(half**2 - least**2, 0.0) * n / MOST)
