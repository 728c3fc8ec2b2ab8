"""What an estimate is: a value, its interval, and how many histories a narrower one takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sim.errors import InputError

Z95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 per cent interval for simulation error, and the upper figure for needs.

    ``value`` is None, with a ``reason``, where the figure does not exist.
    """

    value: float | None
    ci95: tuple[float, float] | None = None
    conservative: float | None = None
    reason: str | None = None

    def scaled(self, factor: float, digits: int | None = None) -> Estimate:
        """The same estimate in another unit."""

        def f(x: float | None) -> float | None:
            return None if x is None else round(x * factor, digits) if digits is not None else x * factor

        ci = None if self.ci95 is None else (f(self.ci95[0]) or 0.0, f(self.ci95[1]) or 0.0)
        return Estimate(f(self.value), ci, f(self.conservative), self.reason)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: no empty keys but `value`."""
        out: dict[str, Any] = {"value": self.value}
        if self.ci95 is not None:
            out["ci95"] = list(self.ci95)
        if self.conservative is not None:
            out["conservative"] = self.conservative
        if self.reason is not None:
            out["reason"] = self.reason
        return out


def check_assurance(assurance: float) -> None:
    """Refuse an assurance outside the open interval (0, 1)."""
    if not 0 < assurance < 1:
        raise InputError("command", "assurance", assurance, "a number between 0 and 1, both excluded, such as 0.95")


def half_width(figure: Estimate) -> float | None:
    """Half the length of the interval, in the figure's unit; None where there is no interval."""
    return None if figure.ci95 is None else (figure.ci95[1] - figure.ci95[0]) / 2


def histories_for(figure: Estimate, n: int, wanted_half_width: float) -> int:
    """Histories that the wanted half-width is predicted to take, from the interval that n of them gave.

    An interval shrinks with the root of n. The prediction is as uncertain as the interval is; look again before
    the last batch. An interval of no length wants no more than n.
    """
    if not wanted_half_width > 0:
        raise InputError("command", "half-width", wanted_half_width, "a number above 0, in the unit of the figure")
    half = half_width(figure)
    if half is None:
        raise InputError("estimate", "ci95", None, f"an interval to predict from ({figure.reason or 'there is none'})")
    return n if half == 0 else math.ceil(n * (half / wanted_half_width) ** 2 - 1e-9)


def rounded_up(yuan: float, half_width: float) -> float:
    """Up to a step that is not finer than the simulation error: 1, 2 or 5 times a power of ten of 10,000 yuan."""
    step = 10_000.0
    while step < half_width:
        for factor in (2, 2.5, 2):
            step *= factor
            if step >= half_width:
                break
    return math.ceil(yuan / step - 1e-9) * step
