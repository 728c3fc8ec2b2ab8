"""Checks against exact values: reads `acceptance.toml`, and says of a sample whether it agrees."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom

N = 5_000  # histories of a check
CONFIRM = 4  # times as many, with another seed, before a check fails
SEED, CONFIRMING_SEED = 20_270_101, 20_270_102
ERROR = 1e-6  # two-sided, of one statistic

Samples = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One statistic of one oracle.

    A sample is one value a history: the statistic is its mean, or, for bins, chi-square over the bins.
    """

    oracle: str
    name: str
    table: Mapping[str, Any]

    def verdict(self, sample: Any) -> tuple[bool, str]:
        """Whether a sample agrees with the exact value, and one line that says by how much."""
        x = np.asarray(sample, dtype=float)
        if "edges" in self.table:
            value = chi_square(x, self.table["edges"], self.table["p"])
            low, high = 0.0, self.table["critical"]
            words = f"chi-square {value:.2f}, at most {high}"
        else:
            value, (low, high) = float(x.mean()), self.interval(x)
            words = f"{value:.6g} in [{low:.6g}, {high:.6g}], exact {self.table['exact']:.6g}"
        agrees = bool(low <= value <= high)
        return agrees, f"{self.oracle} {self.name}: {words}, n={x.size}{'' if agrees else '  FAILS'}"

    def interval(self, x: Any) -> tuple[float, float]:
        """Acceptance interval of the mean for a sample of this size.

        Between the two tabulated sizes a probability gets its exact binomial interval, and any other mean
        the tabulated one scaled by one over the root of the number of histories.
        """
        exact, n = float(self.table["exact"]), int(x.size)
        if "standard_errors" in self.table:
            half = self.table["standard_errors"] * float(x.std(ddof=1)) / math.sqrt(n) + 1e-12
            return exact - half, exact + half
        if f"accept_{n}" in self.table:
            low, high = self.table[f"accept_{n}"]
            return low, high
        if self.table.get("is_probability"):
            return binomial_interval(exact, n)
        low, high = self.table[f"accept_{N}"]
        scale = math.sqrt(N / n)
        return exact + (low - exact) * scale, exact + (high - exact) * scale


def checks() -> dict[str, list[Check]]:
    """The checks of each oracle."""
    raw = tomllib.loads((Path(__file__).parent / "acceptance.toml").read_text(encoding="utf-8"))
    return {oracle: [Check(oracle, name, table) for name, table in tables.items()] for oracle, tables in raw.items()}


CHECKS = checks()


def chi_square(x: Any, edges: list[int], p: list[float]) -> float:
    """Pearson's statistic over bins given by their lower edges, the last bin open."""
    counts = np.bincount(np.searchsorted(edges, x, side="right") - 1, minlength=len(p))
    expected = np.asarray(p) / sum(p) * x.size
    return float(((counts - expected) ** 2 / expected).sum())


def binomial_interval(p: float, n: int) -> tuple[float, float]:
    """Shares that a binomial sample leaves with a chance of at most `ERROR`, half of it on each side."""
    return float(binom.ppf(ERROR / 2, n, p)) / n, float(binom.isf(ERROR / 2, n, p)) / n


def failing(oracle: str, samples: Samples) -> list[Check]:
    """Checks of an oracle that the samples fail; prints a line for each check."""
    wanted = CHECKS[oracle]
    if {check.name for check in wanted} != set(samples):
        raise AssertionError(f"{oracle}: samples {sorted(samples)}, checks {sorted(c.name for c in wanted)}")
    out = []
    for check in wanted:
        agrees, line = check.verdict(samples[check.name])
        print(line)
        if not agrees:
            out.append(check)
    return out


def assert_agrees(oracle: str, draw: Callable[[int, int], Samples]) -> None:
    """Every check of an oracle holds; one that does not gets a second run, larger and with another seed.

    Parameters
    ----------
    oracle : str
    draw : callable (n, seed) -> samples
    """
    suspects = failing(oracle, draw(N, SEED))
    if not suspects:
        return
    again = failing(oracle, draw(CONFIRM * N, CONFIRMING_SEED))
    rejected = [check.name for check in suspects if check in again]
    assert not rejected, f"{oracle}: {rejected} fail twice"
