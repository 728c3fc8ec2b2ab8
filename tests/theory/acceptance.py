"""Checks against exact values: reads `acceptance.toml`, says of a sample whether it agrees, and keeps the verdicts."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom

SMALL, LARGE = 5_000, 20_000  # histories for which intervals are tabulated
N = int(os.environ.get("THEORY_N", SMALL))  # histories of a check
CONFIRM = 4  # times as many, with another seed, before a check fails
SEED, CONFIRMING_SEED = 20_270_101, 20_270_102
ERROR = 1e-6  # two-sided, of one statistic

Samples = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What a run said of one statistic. `value` and the interval are missing where nothing is random."""

    oracle: str
    name: str
    agrees: bool
    n: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    run: str = "first"

    @property
    def line(self) -> str:
        """The verdict in words."""
        ends = "" if self.agrees else "  FAILS"
        if self.value is None:
            return f"{self.oracle} {self.name}: {'exactly so' if self.agrees else 'not so'}{ends}"
        return f"{self.oracle} {self.name}: {self.value:.6g} in [{self.low:.6g}, {self.high:.6g}], n={self.n}{ends}"


HEADS = ("check", "exact", "estimate", "accepted", "n", "verdict")


def in_columns(verdicts: Sequence[Verdict]) -> list[str]:
    """A table for the terminal: a line a check, and how many agree."""
    tables = {(check.oracle, check.name): check.table for group in CHECKS.values() for check in group}
    rows = [HEADS]
    for v in verdicts:
        table = tables.get((v.oracle, v.name), {})
        exact = (
            f"{table['exact']:.6g}" if "exact" in table else f"{len(table['p'])} bins" if "p" in table else "exactly"
        )
        said = ("agrees" if v.agrees else "FAILS") + (" (second run)" if v.run != "first" else "")
        found, ends, n = ("", "not random", "") if v.value is None else (
            f"{v.value:.6g}", f"{v.low:.6g} to {v.high:.6g}", f"{v.n:,}")  # fmt: skip
        rows.append((f"{v.oracle} {v.name}", exact, found, ends, n, said))
    wide = [max(len(row[k]) for row in rows) for k in range(len(HEADS))]
    lines = ["  ".join(f"{cell:<{w}}" if k in (0, 5) else f"{cell:>{w}}" for k, (cell, w) in enumerate(zip(row, wide, strict=True))).rstrip()
             for row in rows]  # fmt: skip
    return [*lines, f"{sum(v.agrees for v in verdicts)} of {len(verdicts)} checks agree"]


@dataclass(frozen=True)
class Check:
    """One statistic of one oracle.

    A sample is one value a history: the statistic is its mean, or, for bins, chi-square over the bins.
    """

    oracle: str
    name: str
    table: Mapping[str, Any]

    def verdict(self, sample: Any) -> Verdict:
        """Whether a sample agrees with the exact value, and by how much."""
        x = np.asarray(sample, dtype=float)
        if "edges" in self.table:
            value = chi_square(x, self.table["edges"], self.table["p"])
            low, high = 0.0, float(self.table["critical"])
        else:
            value, (low, high) = float(x.mean()), self.interval(x)
        return Verdict(self.oracle, self.name, bool(low <= value <= high), x.size, value, float(low), float(high))

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
        low, high = self.table[f"accept_{SMALL}"]
        scale = math.sqrt(SMALL / n)
        return exact + (low - exact) * scale, exact + (high - exact) * scale


def checks() -> dict[str, list[Check]]:
    """The checks of each oracle; what belongs to the whole oracle stands beside its statistics."""
    raw = tomllib.loads((Path(__file__).parent / "acceptance.toml").read_text(encoding="utf-8"))
    return {
        oracle: [Check(oracle, name, table) for name, table in tables.items() if isinstance(table, dict)]
        for oracle, tables in raw.items()
    }


CHECKS = checks()
EXACT = {oracle for oracle, group in CHECKS.items() if all(c.table.get("exactly") for c in group)}


def chi_square(x: Any, edges: list[int], p: list[float]) -> float:
    """Pearson's statistic over bins given by their lower edges, the last bin open."""
    counts = np.bincount(np.searchsorted(edges, x, side="right") - 1, minlength=len(p))
    expected = np.asarray(p) / sum(p) * x.size
    return float(((counts - expected) ** 2 / expected).sum())


def binomial_interval(p: float, n: int) -> tuple[float, float]:
    """Shares that a binomial sample leaves with a chance of at most `ERROR`, half of it on each side."""
    return float(binom.ppf(ERROR / 2, n, p)) / n, float(binom.isf(ERROR / 2, n, p)) / n


def verdicts(oracle: str, samples: Samples) -> list[Verdict]:
    """What the samples say of each statistic of an oracle; prints a line for each."""
    wanted = CHECKS[oracle]
    if {check.name for check in wanted} != set(samples):
        raise AssertionError(f"{oracle}: samples {sorted(samples)}, checks {sorted(c.name for c in wanted)}")
    out = [check.verdict(samples[check.name]) for check in wanted]
    for verdict in out:
        print(verdict.line)
    return out


def failing(oracle: str, samples: Samples) -> set[str]:
    """Statistics of an oracle with which the samples do not agree."""
    return {verdict.name for verdict in verdicts(oracle, samples) if not verdict.agrees}


def assert_agrees(oracle: str, draw: Callable[[int, int], Samples]) -> None:
    """Every check of an oracle holds; one that does not gets a second run, larger and with another seed.

    Parameters
    ----------
    oracle : str
    draw : callable (n, seed) -> samples
    """
    first = {v.name: v for v in verdicts(oracle, draw(N, SEED))}
    suspects = {name for name, v in first.items() if not v.agrees}
    if suspects:
        again = {v.name: v for v in verdicts(oracle, draw(CONFIRM * N, CONFIRMING_SEED))}
        first |= {name: replace(again[name], run="confirming") for name in suspects}
    RECORD.verdicts.extend(first.values())
    rejected = [name for name, v in first.items() if not v.agrees]
    assert not rejected, f"{oracle}: {rejected} fail twice"


class Record:
    """What this test run has said so far: verdicts, and the faults that each statistic was seen to notice."""

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []
        self.noticed: dict[str, list[str]] = {}

    def notice(self, bug: Any, failed: set[str]) -> None:
        """Statistics that failed under a planted fault, of those that must."""
        for name in sorted(failed & set(bug.caught_by)):
            self.noticed.setdefault(f"{bug.oracle} {name}", []).append(bug.name)

    def as_dict(self, version: str) -> dict[str, Any]:
        """For JSON."""
        return {
            "version": version, "n": N, "seed": SEED, "verdicts": [asdict(v) for v in self.verdicts],
            "noticed": self.noticed,
        }  # fmt: skip


RECORD = Record()
