"""What the targets can tell of the parameters, before any fit: derivatives by common random numbers.

Each parameter is moved one prior standard deviation up and down from the middle, on the same luck. A derivative counts in
units of what blurs the figure: the target's own error and the luck of the place's loans together. A direction with
singular value s keeps 1 / sqrt(1 + s^2) of its prior spread.

Source: Iskrev, Journal of Monetary Economics 57 (2010) 189-202 (rank of the Jacobian of moments).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration.fit_problem import CHUNK, Problem
from calibration.reference_table import simulate_rows
from sim.units import F64

TOLD = 0.8  # of the prior spread; a parameter that keeps more of it is not identified
_NEVER_MOVES = 1e-9
_FILE = "identification.json"


@dataclass(frozen=True)
class Identification:
    """The report.

    Attributes
    ----------
    jacobian : (n_targets, n_parameters) float64
        Change of a figure, in units of its blur, for one prior standard deviation of a parameter.
    singular_values : (n,) float64
    directions : (n, n_parameters) float64
        Unit vectors, the best told first.
    keeps : (n_parameters,) float64
        Part of the prior spread that is expected to be left, the others unknown as well.
    """

    fields: list[str]
    targets: list[str]
    jacobian: F64
    singular_values: F64
    directions: F64
    keeps: F64

    @property
    def rank(self) -> int:
        """Directions that the targets tell."""
        return int((1 / np.sqrt(1 + self.singular_values**2) <= TOLD).sum())

    @property
    def identified(self) -> list[bool]:
        """Of each parameter: is a good part of its spread expected to go?"""
        return [bool(k <= TOLD) for k in self.keeps]

    def untold(self) -> list[dict[str, float]]:
        """Directions along which the targets tell next to nothing: weights of the parameters in each."""
        keeps = 1 / np.sqrt(1 + self.singular_values**2)
        rows = [self.directions[k] for k in range(len(keeps)) if keeps[k] > TOLD]
        return [
            {f: round(float(x), 2) for f, x in zip(self.fields, row, strict=True) if abs(x) >= 0.25} for row in rows
        ]


def identify(problem: Problem, folder: Path | None = None) -> Identification:
    """The report, from derivatives that the folder keeps; simulated where it has none."""
    kept = folder / _FILE if folder is not None else None
    if kept is not None and kept.is_file():
        return _report(problem, np.array(json.loads(kept.read_text(encoding="utf-8"))))
    jacobian = derivatives(problem)
    if kept is not None:
        kept.write_text(json.dumps(jacobian.tolist()) + "\n", encoding="utf-8")
    return _report(problem, jacobian)


def derivatives(problem: Problem) -> F64:
    """Simulate at the middle and one step to both sides of each parameter: `CHUNK` counties at each point, on one luck."""
    n = len(problem.parameters)
    rows = np.arange(CHUNK)
    blur_error = np.array([t.scaled_error for t in problem.targets])

    def figures(step: F64) -> F64:
        found = simulate_rows(problem, np.tile(step, (CHUNK, 1)), rows, "identification")
        return np.column_stack([t.scaled(found[t.key]) for t in problem.targets])

    middle = figures(np.zeros(n))
    blur = np.hypot(blur_error, middle.std(axis=0, ddof=1))
    jacobian = np.column_stack([(figures(e) - figures(-e)).mean(axis=0) / 2 / blur for e in np.eye(n)])
    jacobian[np.abs(jacobian) < _NEVER_MOVES] = 0.0
    return np.asarray(jacobian)


def _report(problem: Problem, jacobian: F64) -> Identification:
    n = len(problem.parameters)
    _, s, v = np.linalg.svd(jacobian, full_matrices=True)
    s = np.concatenate([s, np.zeros(n - len(s))])[:n]
    keeps = np.sqrt(np.diag(np.linalg.inv(np.eye(n) + jacobian.T @ jacobian)))
    return Identification(problem.fields, [t.key for t in problem.targets], jacobian, s, v, keeps)
