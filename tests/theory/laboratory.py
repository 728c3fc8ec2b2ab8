"""From an oracle to samples: which counties it needs, and what of their histories is compared."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import creditrisk_plus as published
import numpy as np
import portfolios as p
import referee

import sim

FEN_PER_YUAN = 100
FUND_YUAN = 35_000  # the fund's 70 per cent of a loan
NEED_UNIT_FEN = FUND_YUAN * FEN_PER_YUAN // 7  # O17 counts 7 units for a bad loan
STRICT_YUAN = 58 * FUND_YUAN  # a fund that 58 bad loans empty to the fen, the smallest that is enough in 95 of 100
FUND_1_YUAN = 93 * FUND_YUAN  # the smallest that is enough in 99 of 100
FUNDS_YUAN = (1_000_000, 2_000_000, 3_000_000)

Studies = dict[str, sim.Results]


@dataclass(frozen=True)
class Oracle:
    """Scenarios by study (arms of one study share a portfolio), and samples of their histories.

    Strata are equally likely values of something that the test gives: each is a study with its share of the
    histories and a seed of its own.
    """

    studies: dict[str, Callable[[], list[sim.Scenario]]]
    samples: Callable[[Studies], dict[str, Any]]
    in_strata: bool = False


@dataclass(frozen=True)
class Laboratory:
    """Runs studies through the public entry point, each once.

    Attributes
    ----------
    folder : Path
        Where the run folders go.
    pool : Executor, optional
        Worker processes; without one, everything runs in this process.
    """

    folder: Path
    pool: Executor | None = None

    def samples(self, name: str, n: int, seed: int) -> dict[str, Any]:
        """Samples of an oracle from its first n histories."""
        oracle = ORACLES[name]
        share, step = (n // len(oracle.studies), 1_000) if oracle.in_strata else (n, 0)
        studies = oracle.studies.items()
        return oracle.samples({s: self.run(s, make(), share, seed + step * k) for k, (s, make) in enumerate(studies)})

    def run(self, study: str, scenarios: list[sim.Scenario], n: int, seed: int) -> sim.Results:
        """One study, taken up where an earlier call left it; no history may fail."""
        out = self.folder / f"{study}-{seed}"
        results = sim.run(scenarios, n, seed=seed, out=out, workers=1, executor=self.pool)
        assert results.failures() == []
        return results


def counts(results: sim.Results, arm: str | None = None) -> Any:
    """Defaulted loans, one figure a history."""
    return results.histories(arm)["defaulted_count"].to_numpy()


def by_township(results: sim.Results) -> Any:
    """Defaulted loans, (n histories, n townships)."""
    table = results.townships().pivot_table(index="replication", columns="township", values="defaulted_count")
    return table.to_numpy()


# --- samples -----------------------------------------------------------------------------------------


def _o1(s: Studies) -> dict[str, Any]:
    d = counts(s["independent-2.0"])
    return {"bins": d, "mean": d}


def _o2(s: Studies) -> dict[str, Any]:
    d = counts(s["one-factor"])
    return {"bins": d, "mean": d, "P(D>93)": d > 93, "excess over 93": np.maximum(d - 93, 0)}


def _o2_200(s: Studies) -> dict[str, Any]:
    d = counts(s["one-factor-200"])
    return {"bins": d, "P(D=0)": d == 0}


def _o5(s: Studies) -> dict[str, Any]:
    a, b = by_township(s["two-townships"]).T
    return {"bins": a + b, "P(DA>30, DB>20)": (a > 30) & (b > 20), "P(D>107)": a + b > 107}


def _o6(s: Studies) -> dict[str, Any]:
    d = counts(s["drought"])
    return {"bins": d, "P(D>82)": d > 82, "second moment": (d - 19.02) ** 2}


def _o7(s: Studies) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for fund in FUNDS_YUAN:
        h = s["fund-layer"].histories(f"one-factor-{fund}")
        out[f"paid {fund}"] = h["waterfall_fund_paid_fen"].to_numpy() / FEN_PER_YUAN
        out[f"P(short) {fund}"] = h["gap_fen"].to_numpy() > 0
    h = s["fund-layer"].histories(f"one-factor-{STRICT_YUAN}")
    is_short = h["gap_fen"].to_numpy() > 0
    out[f"P(short) {STRICT_YUAN}"] = is_short
    out[f"not strict {STRICT_YUAN}"] = is_short != (h["defaulted_count"].to_numpy() > 58)
    out[f"P(need>{FUND_1_YUAN})"] = h["need_fen"].to_numpy() > FUND_1_YUAN * FEN_PER_YUAN
    return out


def _o8(s: Studies) -> dict[str, Any]:
    units = _units(s["sizes"])
    return {"mean": units, "P(L>259)": units > 259, "P(L>545)": units > 545}


def _o8_independent(s: Studies) -> dict[str, Any]:
    units = _units(s["sizes-independent"])
    return {"mean": units, "P(L>211)": units > 211}


def _units(results: sim.Results) -> Any:
    return results.histories()["defaulted_fen"].to_numpy() / (p.UNIT_YUAN * FEN_PER_YUAN)


def _o9(s: Studies) -> dict[str, Any]:
    d = counts(s["stacked"])
    return {"bins": d, "second moment": (d - 25.2) ** 2}


def _o10(s: Studies) -> dict[str, Any]:
    d = counts(s["late-subsidy"])
    return {"P(D=0)": d == 0, "P(D>150)": d > 150, "P(D>30)": d > 30, "mean": d}


def _o11(s: Studies) -> dict[str, Any]:
    d = counts(s["hazard"])
    return {"P(D=0)": d == 0, "P(D=1)": d == 1}


def _o11_100(s: Studies) -> dict[str, Any]:
    d = counts(s["hazard-100"])
    return {"P(D=0)": d == 0, "P(D=1)": d == 1, "P(D>=2)": d >= 2}


def _o16(s: Studies) -> dict[str, Any]:
    difference = counts(s["independent-2.2"]) - counts(s["independent-2.0"])
    return {"bins": np.maximum(difference, 0), "violations": difference < 0}


def _o17(s: Studies) -> dict[str, Any]:
    """Need in units by arm (drought, late, stacked), and Shapley values of its mean, history by history."""
    arm = {
        (d, late, k): s[f"factorial-{k}"].histories(f"D{d}S{late}")["need_fen"].to_numpy() / NEED_UNIT_FEN
        for d in (0, 1) for late in (0, 1) for k in (0, 1)
    }  # fmt: skip
    full = arm[1, 1, 1]
    phi = [shapley(arm, driver) for driver in range(3)]
    unequal = np.abs(sum(phi) - (full - arm[0, 0, 0])) > 1e-9
    out = {f"mean D{d}S{late}K{k}": need for (d, late, k), need in arm.items()}
    out |= {f"P(need>{x})": full > x for x in (300, 707, 1232)}
    out |= {f"Shapley {name}": x for name, x in zip(("drought", "late", "stacking"), phi, strict=True)}
    fell = [(arm[1, x, k] < arm[0, x, k]) | (arm[x, 1, k] < arm[x, 0, k]) for x in (0, 1) for k in (0, 1)]
    out |= {"bins": counts(s["factorial-1"], "D1S1"), "violations": np.any(fell, axis=0)}
    return out | {"Shapley values that do not add up": unequal}


def shapley(value: dict[Any, Any], driver: int) -> Any:
    """Shapley value of one of three drivers from the values of all eight arms."""
    first, second = (i for i in range(3) if i != driver)
    total: Any = 0.0
    for a, b, weight in ((0, 0, 1 / 3), (1, 0, 1 / 6), (0, 1, 1 / 6), (1, 1, 1 / 3)):
        on = [0, 0, 0]
        on[first], on[second] = a, b
        without = value[tuple(on)]
        on[driver] = 1
        total = total + weight * (value[tuple(on)] - without)
    return total


def _obligors(quantiles: tuple[float, ...], excess: float) -> Callable[[Studies], dict[str, Any]]:
    """Loss in millions: mean, chances of more than some quantiles, excess over one of them."""

    def samples(s: Studies) -> dict[str, Any]:
        fen = np.concatenate([study.histories()["defaulted_fen"].to_numpy() for study in s.values()])
        loss = fen / (published.MILLION * FEN_PER_YUAN)
        out = {f"P(L>{q:g})": loss > q for q in quantiles}
        return out | {"mean": loss, f"excess over {excess:g}": np.maximum(loss - excess, 0.0)}

    return samples


def _layer(s: Studies) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for fund in referee.FUNDS_YUAN:
        h = s["layer"].histories(f"layer-{fund}")
        out[f"paid {fund}"] = h["waterfall_fund_paid_fen"].to_numpy() / FEN_PER_YUAN
        out[f"P(short) {fund}"] = h["gap_fen"].to_numpy() > 0
    return out


GAMMA = {f"obligors-{k:02d}": lambda k=k: [published.gamma_stratum(k)] for k in range(published.STRATA)}
GAUSS = {"factor": {"county_variance": published.RHO}}

ORACLES = {
    "O1": Oracle({"independent-2.0": lambda: [p.independent(0.020)]}, _o1),
    "O2": Oracle({"one-factor": lambda: [p.one_factor()]}, _o2),
    "O2-200": Oracle({"one-factor-200": lambda: [p.one_factor(200)]}, _o2_200),
    "O5": Oracle({"two-townships": lambda: [p.two_townships()]}, _o5),
    "O6": Oracle({"drought": lambda: [p.drought_county()]}, _o6),
    "O7": Oracle({"fund-layer": lambda: [p.one_factor(fund_yuan=f) for f in (*FUNDS_YUAN, STRICT_YUAN)]}, _o7),
    "O8": Oracle({"sizes": lambda: [p.sizes(0.12)]}, _o8),
    "O8-independent": Oracle({"sizes-independent": lambda: [p.sizes(0.0)]}, _o8_independent),
    "O9": Oracle({"stacked": lambda: [p.stacked()]}, _o9),
    "O10": Oracle({"late-subsidy": lambda: [p.late_subsidy()]}, _o10),
    "O11-1000": Oracle({"hazard": lambda: [p.hazard()]}, _o11),
    "O11-100": Oracle({"hazard-100": lambda: [p.hazard(100)]}, _o11_100),
    "O16": Oracle({f"independent-{100 * x:.1f}": lambda x=x: [p.independent(x)] for x in (0.020, 0.022)}, _o16),
    "O17": Oracle({f"factorial-{k}": lambda k=k: p.factorial(bool(k)) for k in (0, 1)}, _o17),
    "P-independent": Oracle(
        {"obligors-independent": lambda: [published.obligors("obligors")]}, _obligors((32.955, 42.8, 46.78), 42.8)
    ),
    "P-gamma": Oracle(GAMMA, _obligors((37.31, 50.56, 55.675), 50.56), in_strata=True),
    "P-gauss": Oracle(
        {"obligors-gauss": lambda: [published.obligors("obligors", **GAUSS)]},
        _obligors((38.361, 53.049, 58.731), 53.049),
    ),
    "R-layer": Oracle({"layer": lambda: [referee.county(fund) for fund in referee.FUNDS_YUAN]}, _layer),
}
