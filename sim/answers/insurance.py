"""What insurance costs and pays in the sized year, and how far the weather index stands for what was lost."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.answers.sample import Sample
from sim.estimate import Estimate
from sim.insurance import BASIS, INDEX, LOANS, PAYERS, correlation


def insurance_figures(h: Sample) -> dict[str, Any]:
    """Premiums and payments by kind of cover, loss ratio, basis risk; no figure where nothing is insured."""
    kinds = [kind for kind in (LOANS, INDEX) if f"premium_{kind}_fen" in h.frame]
    if not kinds:
        return {}
    out: dict[str, Any] = {
        kind: {
            "premium_yuan": h.mean_yuan(f"premium_{kind}_fen").as_dict(),
            "paid_yuan": h.mean_yuan(f"insurer_paid_{kind}_fen").as_dict(),
            "loss_ratio": loss_ratio(h, kind).as_dict(),
        }
        for kind in kinds
    }
    out["premium_by_payer_yuan"] = {payer: h.mean_yuan(f"premium_by_{payer}_fen").as_dict() for payer in PAYERS}
    if f"basis_{BASIS[0]}" in h.frame:
        out[INDEX]["correlation_with_own_loss"] = basis_correlation(h).as_dict()
    return {"insurance": out}


def loss_ratio(h: Sample, kind: str) -> Estimate:
    """Mean payment over mean premium: a ratio of means, its error that of the residuals (Cochran 1977, 2.11)."""
    paid, premium = (h[f"{name}_{kind}_fen"].astype(float) for name in ("insurer_paid", "premium"))
    whole = h.mean(premium).value or 0.0
    if whole == 0:
        return Estimate(None, reason="nothing to divide by in the sized year")
    ratio = (h.mean(paid).value or 0.0) / whole
    return h.mean(ratio + (paid - ratio * premium) / whole)


def basis_correlation(h: Sample) -> Estimate:
    """Over all insured households of all histories; its error by leaving out one history at a time (Quenouille 1956)."""
    sums = np.array([h[f"basis_{name}"] for name in BASIS], dtype=float)
    n, whole = sums.shape[1], sums.sum(axis=1)
    value = float(correlation(whole))
    if n < 2 or not np.isfinite(value):
        return Estimate(None, reason="nothing to divide by in the sized year")
    without = np.nan_to_num(correlation(whole[:, None] - sums), nan=value)
    return h.mean(value + (n - 1) * (value - without))
