"""How many loans an officer can watch, and what becomes of claims on those that nobody watched."""

from __future__ import annotations

import numpy as np

from sim.scenario import Scenario
from sim.units import F64, FEN_PER_YUAN, I64


def negligence(scenario: Scenario, loans: I64) -> F64:
    """Chance that a claim is refused for the bank's negligence, by lender.

    Parameters
    ----------
    loans : (n_lenders,) int64
        Loans to be watched.

    Returns
    -------
    (n_lenders,) float64
        ``defaults.negligence`` for loans that are watched, ``refused_if_unwatched`` for the rest. Of L loans, officers
        times ``loans_per_officer`` are watched, at most all. Without a capacity every loan is watched.

    Source: X county regulation, art. 21 (grounds of refusal); that they grow with the load is an assumption.
    """
    base, capacity = scenario.defaults.negligence, scenario.lending.monitoring
    if capacity is None:
        return np.full(loans.size, base)
    officers = np.array([capacity.officers[lender.key] for lender in scenario.lenders])
    watched = np.minimum(officers * capacity.loans_per_officer / np.maximum(loans, 1), 1.0)
    return np.where(watched < 1, watched * base + (1 - watched) * capacity.refused_if_unwatched, base)


def loans_to_watch(scenario: Scenario, lender: I64, limit_fen: I64) -> I64:
    """Loans of each lender: those of the book on the information date; before there is one, those of a full book."""
    n = limit_fen.size
    if lender.size:
        return np.bincount(lender, minlength=n).astype(np.int64)
    sizes = scenario.lending.principal_yuan
    mean_fen = sum(yuan * share for yuan, share in sizes.items()) * FEN_PER_YUAN
    return np.round(limit_fen / mean_fen).astype(np.int64)
