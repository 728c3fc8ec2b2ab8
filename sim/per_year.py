"""The years of a paired run one by one: need, what falls due by the term of the loan, and what is lent."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sim import estimate
from sim.errors import InputError
from sim.store import RunFolder
from sim.study import Results, row
from sim.units import FEN_PER_YUAN


def per_year(results: Results, frames: dict[str, pd.DataFrame], assurance: float) -> list[dict[str, Any]]:
    """Rows of `Results.by_year`, from the histories of each arm."""
    base, *others = results.names
    common = frames[base].index
    for frame in frames.values():
        common = common.intersection(frame.index)
    arms = {name: frame.loc[common] / FEN_PER_YUAN for name, frame in frames.items()}
    u, strata = estimate.resampling(results.seed, len(common)), RunFolder(results.folder).strata(common.to_numpy())
    columns = arms[base].columns
    n_years = sum(c.startswith("lent_y") for c in columns)
    if not n_years:
        raise InputError("results", "years", 0, "a run to a year (to_year, or --to-year)")
    first = results.scenarios()[0].sized_year
    out = []
    for name, k in ((name, k) for name in others for k in range(n_years)):

        def total(arm: str, start: str, k: int = k) -> Any:
            return arms[arm][[c for c in columns if c.startswith(start.format(k=k))]].sum(axis=1).to_numpy()

        x, y = (total(arm, "need_y{k}_") for arm in (base, name))
        a, b = (estimate.quantile(z, assurance, strata) for z in (x, y))
        rows = [row(name, "need_yuan", a, b, estimate.paired_quantile_difference(x, y, assurance, u, strata))]
        terms = sorted({int(c.split("_")[3]) for c in columns if c.startswith("due_y0_term_")})
        metrics = {"due_yuan": "due_y{k}_term_", **{f"due_{t}_months_yuan": f"due_y{{k}}_term_{t}_" for t in terms},
                   "lent_yuan": "lent_y{k}_"}  # fmt: skip
        for metric, start in metrics.items():
            x, y = (total(arm, start) for arm in (base, name))
            a, b = (estimate.mean(z, strata) for z in (x, y))
            rows.append(row(name, metric, a, b, estimate.paired_mean_difference(x, y, strata)))
        out += [{"year": first + k, **row} for row in rows]
    return out
