"""What choosing histories by strata gains over plain ones, on a county of simulated households, pilots counted.

Quote the gains: how many times as many plain histories would be as precise. Run with `make bench-sampling`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import sim
from sim.arms import LUCK, arms_of, known, openings_of
from sim.estimate import Strata, effective_sample_size, quantile
from sim.estimate.strata import stratified_mean
from sim.experiment import run_arms
from sim.outcomes import year_span
from sim.planning import plan_run
from sim.sampling import SCORED, Sampling
from sim.store import RunFolder
from sim.units import F64

# The last with a larger pool: the error of shares counted in 40,000 takes much of what 6,000 chosen histories gain.
SCHEMES = (
    Sampling("flags"), Sampling("cells"), Sampling("score"), Sampling("score", "neyman"),
    Sampling("score", "neyman", pool=160_000),
)  # fmt: skip
LEVELS = (0.95, 0.99)


def main(name: str = "x-county-all-three", n: int = 6000) -> None:
    """Print the systemic share of the variance, and each scheme's gain."""
    scenario = known(sim.Scenario.load(name))
    openings = openings_of(scenario, 2027)
    main_arm, *others = arms_of(scenario, 2027)
    short: Any = replace(main_arm, last_day=year_span(scenario.sized_year)[1], is_main=False, keeps_defaults=False)
    again = next(arm for arm in others if arm.name == LUCK["households"])
    with tempfile.TemporaryDirectory() as root:
        plain = _folder(root, "plain")
        run_arms([short, again], n, 2027, plain, openings)
        x, y = (plain.read("histories", arm, n)["need_fen"].to_numpy(float) for arm in (short.name, again.name))
        at = {a: quantile(x, a) for a in LEVELS}
        print(
            f"{name}, {n:,} histories; systemic share of the variance of the need {np.cov(x, y)[0, 1] / x.var(ddof=1):.2f}"
        )
        print(
            f"  plain: {', '.join(f'{a:.0%} {_million(q.value)} ({_million(q.ci95[0])}-{_million(q.ci95[1])})' for a, q in at.items())}"
        )  # type: ignore[index]
        for how in SCHEMES:
            folder, begin = _folder(root, f"{how.kind}-{how.allocation}-{how.pool}"), time.perf_counter()
            plan_run(folder, short, how, 0.99, 2027, openings)
            looked = time.perf_counter() - begin
            pilot = SCORED if how.kind == "score" else 0
            run_arms([short], n - pilot, 2027, folder, openings)
            h = folder.read("histories", short.name, n - pilot)
            need, strata = h["need_fen"].to_numpy(float), folder.strata(h["replication"].to_numpy())
            assert strata is not None
            gains = []
            for a, q in at.items():
                is_bad = (need > (q.value or 0.0)).astype(float)
                p, error = stratified_mean(is_bad, strata)
                gains.append(
                    f"{a:.0%} x{p * (1 - p) / n / error**2:.1f} of at most {_most(is_bad, strata):.1f} (at {_million(quantile(need, a, strata).value)})"
                )
            print(f"  {how.kind:6} {how.allocation:7} of {how.pool:,} {strata.share.size:3} strata, gain {', '.join(gains)}; "
                  f"effective {effective_sample_size(strata):,.0f}; look and pilot {looked:.0f} s")  # fmt: skip


def _most(x: F64, strata: Strata) -> float:
    """The gain that these strata would have with the best allocation and no pilot: what they leave within is luck."""
    p = np.bincount(strata.of, x) / strata.counts
    mean = strata.share @ p
    return float(mean * (1 - mean) / (strata.share @ np.sqrt(p * (1 - p))) ** 2)


def _folder(root: str, name: str) -> RunFolder:
    path = Path(root) / name
    path.mkdir()
    return RunFolder(path)


def _million(fen: float | None) -> str:
    return f"{(fen or 0.0) / 1e8:.2f}m"


if __name__ == "__main__":
    main(*sys.argv[1:2], *(int(x) for x in sys.argv[2:3]))
