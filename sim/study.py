"""Several scenarios on the same random numbers: run them, read their histories, compare them in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim import clock, estimate
from sim.arms import four_months_past, horizon
from sim.errors import IncompatibleRun, InputError
from sim.estimate import Estimate
from sim.experiment import Arm, Progress, check_amounts, run_arms
from sim.households.reduced_form import base_probability
from sim.outcomes import year_span
from sim.provenance import key_of, provenance, rules_sha256, tables_sha256
from sim.scenario import Scenario
from sim.sizing import refuse_early
from sim.store import BATCH, RunFolder
from sim.units import FEN_PER_YUAN
from sim.warmup import opening_state

QUANTILES = {"need_yuan": "need_fen", "need_yuan_pooled": "need_pooled_fen", "runoff_need_yuan": "runoff_need_fen"}
MEANS = {
    "need_mean_yuan": "need_fen",
    "payout_yuan": "payout_fen",
    "in_process_yuan": "waterfall_in_process_fen",
    "gap_yuan": "gap_fen",
    "defaulted_yuan": "defaulted_fen",
    "subsidy_unpaid_90d_yuan": "subsidy_unpaid_90d_fen",
    "fiscal_debt_yuan": "fiscal_debt_fen",
}


@dataclass(frozen=True)
class Results:
    """Stored histories of several scenarios that share seed, opening state and horizon."""

    names: tuple[str, ...]
    n: int
    seed: int
    folder: Path
    opening_sha256: str

    def histories(self, name: str | None = None) -> pd.DataFrame:
        """One row a history: money in fen, counts, days."""
        return RunFolder(self.folder).read("histories", self._known(name), self.n)

    def townships(self, name: str | None = None) -> pd.DataFrame:
        """One row a history and township."""
        return RunFolder(self.folder).read("townships", self._known(name), self.n)

    def months(self, name: str | None = None) -> pd.DataFrame:
        """One row a history, month and lender (runs to the full horizon only)."""
        return RunFolder(self.folder).read("months", self._known(name), self.n)

    def failures(self) -> list[dict[str, Any]]:
        """Histories that failed, with their addresses."""
        return [f for name in self.names for f in RunFolder(self.folder).failures(name, self.n)]

    def compare(self, base: str | None = None, assurance: float = 0.95) -> list[dict[str, Any]]:
        """Differences of every scenario to the base, paired history by history.

        Returns
        -------
        list of dict
            ``scenario``, ``metric``, ``base`` and ``other`` (values), ``difference`` (`Estimate`).
        """
        estimate.check_assurance(assurance)
        base = self._known(base)
        frames = {name: self.histories(name).set_index("replication") for name in self.names}
        common = frames[base].index
        for frame in frames.values():
            common = common.intersection(frame.index)
        a = {name: frame.loc[common] for name, frame in frames.items()}
        u = estimate.resampling(self.seed, len(common))
        rows: list[dict[str, Any]] = []
        for name in self.names:
            if name == base:
                continue
            for metric, column in QUANTILES.items():
                if column == "runoff_need_fen" and self._stops_before_the_runoff():
                    continue
                x, y = a[base][column].to_numpy() / FEN_PER_YUAN, a[name][column].to_numpy() / FEN_PER_YUAN
                d = estimate.paired_quantile_difference(x, y, assurance, u)
                rows.append(_row(name, metric, estimate.quantile(x, assurance), estimate.quantile(y, assurance), d))
            for metric, column in MEANS.items():
                x, y = a[base][column].to_numpy() / FEN_PER_YUAN, a[name][column].to_numpy() / FEN_PER_YUAN
                rows.append(
                    _row(
                        name,
                        metric,
                        estimate.mean(x),
                        estimate.mean(y),
                        estimate.paired_mean_difference(x, y),
                    )
                )
            x, y = (a[base]["gap_fen"] > 0).to_numpy(float), (a[name]["gap_fen"] > 0).to_numpy(float)
            rows.append(
                _row(
                    name,
                    "shortfall_chance",
                    estimate.mean(x),
                    estimate.mean(y),
                    estimate.paired_mean_difference(x, y),
                )
            )
            x, y = _share(a[base]), _share(a[name])
            rows.append(
                _row(
                    name,
                    "default_share",
                    estimate.mean(x),
                    estimate.mean(y),
                    estimate.paired_mean_difference(x, y),
                )
            )
        return rows

    def _stops_before_the_runoff(self) -> bool:
        """Simulated households have no fate beyond the horizon: what is committed shows only at the full one."""
        identity = RunFolder(self.folder).manifest()["identity"]
        base = Scenario.from_dict(identity["scenarios"][0])
        return base.livelihoods is not None and int(identity["last_day"]) < horizon(base)

    def _known(self, name: str | None) -> str:
        if name is None:
            return self.names[0]
        if name not in self.names:
            raise InputError("results", "scenario", name, f"one of {list(self.names)}", self.names)
        return name


def run(
    scenarios: Sequence[Scenario] | Scenario, n: int = 2000, *, seed: int = 2027, workers: int | None = None,
    out: Path | str | None = None, runs: Path | str = "runs", resume: bool = True, to_horizon: bool = False,
    executor: Executor | None = None, progress: Progress | None = None,
) -> Results:  # fmt: skip
    """Run scenarios on the same random numbers, from the first one's opening state.

    Parameters
    ----------
    scenarios : Scenario or sequence of Scenario
        The first is the base. All must share lenders, townships, dates.
    n, seed, workers, out, runs, resume, executor, progress
        As in `sizing.size`.
    to_horizon : bool
        Run to the full horizon with monthly tables, instead of four months past the sized year.

    Raises
    ------
    InputError, IncompatibleRun
    """
    arms_in = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    if not arms_in:
        raise InputError("command", "scenarios", 0, "at least one scenario")
    check_amounts(n, workers)
    names = _unique_names(arms_in)
    base = arms_in[0]
    for other in arms_in[1:]:
        _check_comparable(base, other)
    arms_in = [base, *(_on_same_base_probability(base, other) for other in arms_in[1:])]
    opening = opening_state(base)
    for scenario in arms_in:
        refuse_early(scenario, opening)
    last = horizon(base) if to_horizon else max(four_months_past(s) for s in arms_in)
    identity = {
        **provenance(base, opening.sha256, seed), "kind": "study", "batch": BATCH, "last_day": last, "names": names,
        "scenarios": [s.model_dump(mode="json") for s in arms_in],
        "read": [[rules_sha256(s), tables_sha256(s)] for s in arms_in],
    }  # fmt: skip
    path = Path(out) if out is not None else Path(runs) / f"study-{base.name}-{key_of(identity)}"
    folder = RunFolder.open(path, identity, resume=resume)
    arms = [Arm(name, s, ("base",), last, to_horizon) for name, s in zip(names, arms_in, strict=True)]
    run_arms(arms, n, seed, folder, {"base": opening}, workers=workers, executor=executor, progress=progress)
    manifest = folder.manifest()
    folder.write_manifest({**manifest, "complete_to": max(manifest["complete_to"], n)})
    return Results(tuple(names), n, seed, folder.path, opening.sha256)


def what_differs(base: Scenario, other: Scenario) -> dict[str, tuple[Any, Any]]:
    """Fields in which two scenarios differ: dotted name -> (base, other)."""
    left, right = _flat(base.model_dump(mode="json")), _flat(other.model_dump(mode="json"))
    skip = ("name", "title", "note", "sources", "rule_changes")
    keys = [k for k in {**left, **right} if k.split(".")[0] not in skip]
    out = {k: (left.get(k), right.get(k)) for k in keys if left.get(k) != right.get(k)}
    for key in {**base.rule_changes, **other.rule_changes}:
        a, b = _rule(base, key), _rule(other, key)
        if a != b:
            out[f"rules.{key}"] = (a, b)
    return out


def _rule(scenario: Scenario, key: str) -> Any:
    """A rule as the scenario has it: its own change, else the pack's value on 1 January of the sized year."""
    if key in scenario.rule_changes:
        return scenario.rule_changes[key]
    parameter = scenario.pack().parameters.get(key)
    return None if parameter is None else parameter.on(clock.date_of(year_span(scenario.sized_year)[0])).value


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        items = ((str(v.get("key", i)), v) for i, v in enumerate(value))  # type: ignore[assignment]
    else:
        return {prefix: value}
    out: dict[str, Any] = {}
    for key, item in items:
        out |= _flat(item, f"{prefix}.{key}" if prefix else str(key))
    return out


def _on_same_base_probability(base: Scenario, other: Scenario) -> Scenario:
    """The other scenario with the base's probability of default, unless it sets its own anchor.

    An anchor is a long-run mean. Solved again for every scenario, it would hide what a change of drought or
    causes does to the mean.
    """
    a, b = base.defaults, other.defaults
    if a.mechanism == "household" or b.mechanism == "household":
        return other  # a behaviour set is not solved for an anchor: it is the same in every scenario that names it
    if a.anchor is None or (b.anchor, b.anchors, b.p_default) != (a.anchor, a.anchors, a.p_default):
        return other
    p = base_probability(a)
    return other.with_changes({"defaults.anchor": None, "defaults.p_default": p})


def _unique_names(scenarios: list[Scenario]) -> list[str]:
    names: list[str] = []
    for scenario in scenarios:
        name, k = scenario.name, 2
        while name in names:
            name, k = f"{scenario.name}-{k}", k + 1
        names.append(name)
    return names


def _check_comparable(base: Scenario, other: Scenario) -> None:
    for field in ("sized_year", "information_on"):
        if getattr(base, field) != getattr(other, field):
            raise IncompatibleRun(
                f"{other.name}: {field} is {getattr(other, field)}, {base.name} has {getattr(base, field)}; only one year can be compared"
            )
    for field in ("lenders", "townships"):
        if [x.key for x in getattr(base, field)] != [x.key for x in getattr(other, field)]:
            raise IncompatibleRun(
                f"{other.name}: other {field} than {base.name}; they cannot start from one opening state"
            )
    if base.defaults.mechanism != other.defaults.mechanism:
        raise IncompatibleRun(
            f"{other.name}: mechanism {other.defaults.mechanism}, {base.name} has {base.defaults.mechanism}; they cannot "
            "start from one opening state. Size each and compare the answers"
        )
    if base.opening.portfolio != other.opening.portfolio:
        raise IncompatibleRun(
            f"{other.name}: another portfolio than {base.name}; they cannot start from one opening state"
        )


def _row(name: str, metric: str, base: Estimate, other: Estimate, difference: Estimate) -> dict[str, Any]:
    return {
        "scenario": name,
        "metric": metric,
        "base": base.value,
        "other": other.value,
        "difference": difference,
    }


def _share(frame: pd.DataFrame) -> Any:
    return (frame["defaulted_fen"] / np.maximum(frame["due_fen"], 1)).to_numpy(float)
