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
from sim.arms import four_months_past, horizon, known, main_openings, openings_of_main
from sim.comparable import check_comparable, end_of
from sim.errors import IncompatibleRun, InputError
from sim.estimate import Estimate, Strata
from sim.experiment import Arm, Progress, check_amounts, run_arms
from sim.households.reduced_form import base_probability
from sim.law.rules import value_in
from sim.parameters import Changes, at, points, value_of
from sim.planning import plan_run
from sim.provenance import key_of, provenance, rules_sha256, tables_sha256
from sim.sampling import Sampling
from sim.scenario import Scenario
from sim.sizing import check_today, refuse_early
from sim.store import BATCH, RunFolder
from sim.units import FEN_PER_YUAN
from sim.warmup import opening_state
from sim.years import N_YEARS

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

    def arrears(self, name: str | None = None) -> pd.DataFrame:
        """One row a history and year: subsidy due, paid, and unpaid by age (runs to the full horizon only)."""
        return RunFolder(self.folder).read("arrears", self._known(name), self.n)

    def scenarios(self) -> list[Scenario]:
        """The scenarios as they were run: all on the base's probability of default, unless they set their own."""
        stored = RunFolder(self.folder).manifest()["identity"]["scenarios"]
        return [Scenario.from_dict(raw, str(self.folder)) for raw in stored]

    def what_differs(self, name: str) -> dict[str, tuple[Any, Any]]:
        """Fields in which a scenario differs from the base, as `what_differs`."""
        base, *_ = found = self.scenarios()
        other = found[self.names.index(self._known(name))]
        return what_differs(_on_same_base_probability(base, base) if other.defaults.anchor is None else base, other)

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
        arms = {name: frame.loc[common] for name, frame in frames.items()}
        strata = RunFolder(self.folder).strata(common.to_numpy())
        return [
            row
            for name in self.names
            if name != base
            for row in self._differences(name, arms[base], arms[name], assurance, strata)
        ]

    def _differences(
        self, name: str, base: pd.DataFrame, other: pd.DataFrame, assurance: float, strata: Strata | None
    ) -> list[dict[str, Any]]:
        """One row a metric."""
        u = estimate.resampling(self.seed, len(base))
        rows: list[dict[str, Any]] = []
        for metric, column in QUANTILES.items():
            if column == "runoff_need_fen" and self._stops_before_the_runoff():
                continue
            x, y = (frame[column].to_numpy() / FEN_PER_YUAN for frame in (base, other))
            a, b = (estimate.quantile(z, assurance, strata) for z in (x, y))
            rows.append(row(name, metric, a, b, estimate.paired_quantile_difference(x, y, assurance, u, strata)))
        pairs = {metric: tuple(frame[column].to_numpy() / FEN_PER_YUAN for frame in (base, other))
                 for metric, column in MEANS.items()}  # fmt: skip
        pairs["default_share"] = _share(base), _share(other)
        for metric, (x, y) in pairs.items():
            a, b = (estimate.mean(z, strata) for z in (x, y))
            rows.append(row(name, metric, a, b, estimate.paired_mean_difference(x, y, strata)))
        x, y = ((frame["gap_fen"] > 0).to_numpy() for frame in (base, other))
        a, b = (estimate.weighted_share(z, strata) for z in (x, y))
        is_same = base["need_fen"].equals(other["need_fen"]) and base["gap_fen"].equals(other["gap_fen"])
        # a policy that changes no history changes nothing; arms that merely never disagree may yet differ
        between = (estimate.paired_mean_difference(1.0 * x, 1.0 * y, strata) if is_same
                   else estimate.paired_chance_difference(x, y, strata))  # fmt: skip
        rows.append(row(name, "shortfall_chance", a, b, between))
        return rows

    def by_year(self, assurance: float = 0.95) -> list[dict[str, Any]]:
        """Differences to the base in each year of a run to a year, paired history by history.

        Returns
        -------
        list of dict
            ``scenario``, ``year``, ``metric``, ``base``, ``other`` and ``difference``, as `compare`. Metrics: the need at the assurance
            (``need_yuan``: the most that the accounts together are ever short of from 1 January on), the fund's part of claims
            that fall due, in all (``due_yuan``) and by term (``due_36_months_yuan``), and what is lent (``lent_yuan``).
        """
        from sim.per_year import per_year

        frames = {name: self.histories(name).set_index("replication") for name in self.names}
        return per_year(self, frames, assurance)

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
    executor: Executor | None = None, progress: Progress | None = None, sampling: Sampling | None = None,
    assurance: float = 0.95, to_year: int | None = None,
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
    to_year : int, optional
        Run to the end of this year, with monthly tables and the need of each year (`Results.by_year`).
    sampling, assurance
        As in `sizing.size`: strata and their allocation are the base's, the same for all.

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
        check_comparable(base, other)
    how = sampling or Sampling()
    how.check(n)
    drawn = [_points(base, other, seed, how.among(n)) for other in arms_in]
    arms_in = [base, *(_on_same_base_probability(base, other) for other in arms_in[1:])]
    opening = opening_state(known(base))
    for scenario in arms_in:
        refuse_early(scenario, opening)
    openings = {"base": opening, **openings_of_main(base, drawn[0], ("base",), -(-how.among(n) // BATCH) * BATCH)}
    last = horizon(base) if to_horizon else max(four_months_past(s) for s in arms_in)
    n_years = N_YEARS
    if to_year is not None:
        last, n_years = end_of(to_year, base), max(to_year - base.sized_year + 1, N_YEARS)
        to_horizon = True
    identity = {
        **provenance(base, opening.sha256, seed), "kind": "study", "batch": BATCH, "last_day": last, "names": names,
        "scenarios": [s.model_dump(mode="json") for s in arms_in],
        "read": [[rules_sha256(s), tables_sha256(s)] for s in arms_in], **how.as_dict(assurance),
    }  # fmt: skip
    path = Path(out) if out is not None else Path(runs) / f"study-{base.name}-{key_of(identity)}"
    folder = RunFolder.open(path, identity, resume=resume)
    starts = main_openings(base, drawn[0])
    arms = [
        Arm(name, s, starts, last, to_horizon, points=changes, n_years=n_years)
        for name, s, changes in zip(names, arms_in, drawn, strict=True)
    ]
    running: dict[str, Any] = {"workers": workers, "executor": executor, "progress": progress}
    plan_run(folder, arms[0], how, assurance, seed, openings, **running)
    run_arms(arms, n, seed, folder, openings, **running)
    folder.complete(n)
    return Results(tuple(names), n, seed, folder.path, opening.sha256)


def read_results(path: Path | str) -> Results:
    """The results of a stored study, without simulating.

    Raises
    ------
    InputError
        Not a run folder, a run of another kind, or one that is not complete.
    IncompatibleRun
        Made by other code or under other rules than today's.
    """
    path = Path(path)
    identity, n = RunFolder(path).stored(
        "study", "a run made by `riskfund run` or `compare`", "scenarios", "names", "read"
    )
    if n < 1:
        allowed = "a run with 1 finished histories; the command that made it goes on from there"
        raise InputError(str(path), "finished histories", n, allowed)
    results = Results(tuple(identity["names"]), n, int(identity["seed"]), path, identity["opening_sha256"])
    scenarios = results.scenarios()
    check_today(path, identity, scenarios[0])
    if [rules_sha256(s) for s in scenarios] != [rules for rules, _ in identity["read"]]:
        raise IncompatibleRun(
            f"{path}: rules_sha256 is another today than when this run was made; size the scenario again"
        )
    return results


def _points(base: Scenario, other: Scenario, seed: int, n: int) -> tuple[Changes, ...]:
    """The base's points for another scenario: what that one sets itself stays as it is set."""
    changes = points(base, seed, n)
    if other is base:
        return tuple(changes)
    own = {field for change in changes[:1] for field in change if value_of(other, field) != value_of(base, field)}
    out = []
    for change in changes:
        kept = {field: value for field, value in change.items() if field not in own}
        there = _on_same_base_probability(at(base, change), at(other, kept))
        same = {"defaults.anchor": there.defaults.anchor, "defaults.p_default": there.defaults.p_default}
        out.append(kept | (same if there.defaults.anchor != other.defaults.anchor else {}))
    return tuple(out)


def scenario_of(path: Path) -> Scenario:
    """The scenario of a stored run; of a study, its base."""
    identity = RunFolder(path).manifest()["identity"]
    raw = identity["scenario"] if "scenario" in identity else identity["scenarios"][0]
    return Scenario.from_dict(raw, str(path))


def seed_of(path: Path) -> int:
    """The seed of a stored run."""
    return int(RunFolder(path).manifest()["identity"]["seed"])


def check_pairs(folders: Sequence[Path]) -> None:
    """Can histories of stored runs stand side by side? Only if luck, opening state and horizon are the same.

    Raises
    ------
    IncompatibleRun
        With the reason, and the command that makes them comparable.
    """
    first, *others = folders
    known = _luck(first)
    names = [str(folder) for folder in folders]
    for folder in others:
        found = _luck(folder)
        for what in known:
            if found[what] != known[what]:
                raise IncompatibleRun(
                    f"{folder}: {what} is {found[what]}, {first} has {known[what]}: their histories are not pairs; "
                    f"riskfund compare {' '.join(scenario_of(Path(name)).name for name in names)} --seed {known['seed']} "
                    "runs them on the same luck, from one opening state"
                )


def _luck(path: Path) -> dict[str, Any]:
    """What two runs must share to be paired."""
    identity = RunFolder(path).manifest()["identity"]
    base = scenario_of(path)
    last = int(identity.get("last_day", horizon(base)))
    return {
        "seed": int(identity["seed"]),
        "sized year": base.sized_year,
        "opening state": str(identity["opening_sha256"])[:12],
        "horizon": clock.date_of(last).isoformat(),
        "sampling": identity.get("sampling", "plain"),
    }


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
    found = value_in(scenario.rule_values(), key)
    return found.value if found is not None else None


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


def row(name: str, metric: str, base: Estimate, other: Estimate, difference: Estimate) -> dict[str, Any]:
    """One line of a comparison."""
    return {
        "scenario": name,
        "metric": metric,
        "base": base.value,
        "other": other.value,
        "difference": difference,
    }


def _share(frame: pd.DataFrame) -> Any:
    return (frame["defaulted_fen"] / np.maximum(frame["due_fen"], 1)).to_numpy(float)
