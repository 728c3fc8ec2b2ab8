"""What buys safety: sizes against shortfalls, several years ahead, and a budget read backwards.

All of it is arithmetic on stored histories in which the balance never binds: a size enters only here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim import estimate
from sim.answers.sample import Sample
from sim.errors import InputError
from sim.estimate import Estimate, mass_of, quantile_value
from sim.lending.granting import REFUSALS
from sim.reacting import N_GRID
from sim.scenario import Scenario
from sim.store import RunFolder
from sim.units import F64, FEN_PER_YUAN, Array, Bool
from sim.years import N_YEARS

TopUp = Callable[[int, F64], F64]  # number of the year and balances (n, n_accounts) to what is paid in [fen]
_YUAN = 1 / FEN_PER_YUAN
_STEPS = 41
_MOST_YUAN = 1e12  # a budget; fen of a larger one are no whole numbers any more
_FEWEST = 10  # histories of which a share can be told with an interval


def outlook(folder: RunFolder, scenario: Scenario, n: int, fund_yuan: float) -> dict[str, Any]:
    """The figures of `riskfund size` about sizes, years and months; those of one size are of the advised one."""
    h, parts = Sample.of(folder, "main", n), account_parts(scenario)
    return {
        "need_by_assurance": need_by_assurance(h),
        "frontier": frontier(h, parts),
        "years": years(h, parts, fund_yuan, scenario.sized_year, scenario.law().fund.top_up),
        "lowest_month": lowest_month(folder, scenario, n),
        "shortfall_paid_by": paid_by(h, parts, fund_yuan, dict(scenario.law().loss.through)),
        "lending_stops": lending_stops(h, scenario),
        **payout_cap(h, scenario.law().fund.payout_cap_share),
    }


def account_parts(scenario: Scenario) -> F64:
    """Part of the total that each separate account has."""
    if not scenario.law().fund.ring_fenced:
        return np.ones(1)
    sizes = np.array(list(scenario.sub_accounts_yuan().values()), dtype=float)
    return sizes / sizes.sum()


def need_by_assurance(h: Sample) -> list[dict[str, Any]]:
    """The need at each of several assurances; null where the histories are too few."""
    out = []
    for a in (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995):
        if len(h) < estimate.needed_histories(a):
            reason = f"{estimate.needed_histories(a)} or more histories are needed"
            out.append({"assurance": a, **Estimate(None, reason=reason).as_dict()})
        else:
            out.append({"assurance": a, **h.quantile_yuan("need_fen", a).as_dict()})
    return out


def frontier(h: Sample, parts: F64) -> dict[str, Any]:
    """Sizes against the chance of a shortfall, the money missing, and the money idle; and the knee of the curve.

    The knee is the size farthest below the straight line from no fund to the largest need, on the curve of the
    mean money missing: what comes after it buys less than what came before.
    Source: Satopaa et al., "Finding a Kneedle in a Haystack", ICDCS Workshops (2011).
    """
    by_account = _by_account(h, "need", parts.size)
    top = max(float(h["need_fen"].max()), 1.0)
    sizes = np.linspace(0.0, _round_up(top), _STEPS)
    missing = np.array([h.mean(_gap(by_account, size, parts)).value or 0.0 for size in sizes])
    rows = [_row(h, by_account, size, parts) for size in sizes]
    line = missing[0] + (missing[-1] - missing[0]) * sizes / sizes[-1]
    return {"rows": rows, "knee_yuan": round(float(sizes[int(np.argmax(line - missing))]) * _YUAN, 2)}


def at_size(h: Sample, parts: F64, fund_yuan: float) -> dict[str, Any]:
    """One row of the frontier for any size, with intervals."""
    return _row(h, _by_account(h, "need", parts.size), fund_yuan * FEN_PER_YUAN, parts)


def years(h: Sample, parts: F64, fund_yuan: float, first_year: int, rule: str = "none") -> dict[str, Any]:
    """The sized year and the three after it, from one size: how often short, two years running, and what it costs.

    Policies: ``refill`` brings each sub-account back to its size every 1 January; ``no_top_up`` adds nothing;
    ``top_up_mean`` adds every year what an average year costs; ``by_rule``, where the pack has one, what its
    ``fund.top_up`` adds: up to the size, or up to where the book of the history asks for (lending held fixed).
    """
    if f"need_y{N_YEARS - 1}_0_fen" not in h.frame:
        return Estimate(None, reason="this run was not made to the full horizon").as_dict()
    start = fund_yuan * FEN_PER_YUAN * parts
    net = np.array([_by_account(h, f"net_y{k}", parts.size) for k in range(N_YEARS)], dtype=float)
    need = np.array([_by_account(h, f"need_y{k}", parts.size) for k in range(N_YEARS)], dtype=float)
    mean_net = np.array([[h.mean(net[k, :, i]).value or 0.0 for i in range(parts.size)] for k in range(N_YEARS)]).mean(
        axis=0
    )
    out: dict[str, Any] = {"fund_yuan": round(fund_yuan, 2)}
    policies: dict[str, TopUp] = {
        "refill": lambda k, balance: np.maximum(start - balance, 0.0),
        "no_top_up": lambda k, balance: 0.0 * balance,
        "top_up_mean": lambda k, balance: np.maximum(mean_net, 0.0) + 0.0 * balance,
    }
    if rule == "to_set_size":
        policies["by_rule"] = policies["refill"]
    elif rule != "none":
        aims = [_by_account(h, f"top_up_to_y{k}", parts.size) for k in range(1, N_YEARS)]
        policies["by_rule"] = lambda k, balance: np.maximum(aims[k - 1] - balance, 0.0)
    for policy, top_up in policies.items():
        short, paid_in = _several_years(top_up, start, need, net)
        twice = np.asarray((short[1:] & short[:-1]).any(axis=0))
        out[policy] = {
            "short_by_year": {str(first_year + k): h.chance(short[k]).as_dict() for k in range(N_YEARS)},
            "short_in_any_year": h.chance(np.asarray(short.any(axis=0))).as_dict(),
            "short_two_years_running": h.chance(twice).as_dict(),
            "paid_in_yuan": {
                str(first_year + k): h.mean(paid_in[k]).scaled(_YUAN, 2).as_dict() for k in range(1, N_YEARS)
            },
        }
    both = np.asarray((need[0] > quantile_of(h, "need_fen", 0.95) * parts).any(axis=1))
    after = np.asarray((need[1] > start).any(axis=1))
    out["bad_year_then_bad_year"] = _then(h, after, both).as_dict()
    return out


def _then(h: Sample, after: Bool, before: Bool) -> Estimate:
    """Chance of one thing among the histories in which another happened, with an exact interval."""
    n = int(before.sum())
    if n == 0:
        return Estimate(None, reason="no history had such a year")
    found = h.chance_among(after, before)
    return found if n >= _FEWEST else Estimate(found.value, reason=f"fewer than {_FEWEST} such histories: no interval")


def quantile_of(h: Sample, column: str, a: float) -> float:
    """a-quantile of a column of fen, without an interval."""
    x = h[column].astype(float)
    return float(quantile_value(x, a, mass_of(x, h.strata)))


def lowest_month(folder: RunFolder, scenario: Scenario, n: int) -> dict[str, Any]:
    """In which month of the sized year the fund's balance is lowest, as chances, and how low it is [yuan]."""
    months = folder.read("months", "main", n)
    if months.empty:
        return Estimate(None, reason="this run keeps no months").as_dict()
    begin = 12 * (scenario.sized_year - 1970)
    year = months[(months["month"] >= begin) & (months["month"] < begin + 12)]
    if not scenario.law().fund.ring_fenced:
        year = year[year["lender"] == 0]
    balance = year.groupby(["replication", "month"])["fund_fen"].sum().unstack("month")
    sample = Sample(balance.reset_index(), folder.strata(balance.index.to_numpy()))
    lowest = balance.to_numpy().argmin(axis=1)
    return {
        "chance_by_month": {str(k + 1): sample.chance(lowest == k).value for k in range(balance.shape[1])},
        "lowest_balance_yuan": sample.mean(balance.to_numpy().min(axis=1)).scaled(_YUAN, 2).as_dict(),
    }


def paid_by(h: Sample, parts: F64, fund_yuan: float, through: dict[str, int]) -> dict[str, Any]:
    """Who carries what a size cannot pay: the banks while they wait, the next year's budget for what is left.

    What is left is divided like the fund's part of a loss, over the bearers whose part the fund pays.

    Source: X county regulation, art. 26 (within the year the claim waits; what is left is paid from the budget).
    """
    start = fund_yuan * FEN_PER_YUAN * parts
    gap = np.maximum(_by_account(h, "need", parts.size) - start, 0.0).sum(axis=1)
    short = gap > 0
    if not short.any():
        return Estimate(None, reason="no history was short").as_dict()
    out: dict[str, Any] = {
        "fund_yuan": round(fund_yuan, 2),
        "banks_wait_for_yuan": h.mean_among(gap, short).scaled(_YUAN, 2).as_dict(),
    }
    if "net_y0_0_fen" in h.frame:
        left = np.maximum(_by_account(h, "net_y0", parts.size) - start, 0.0).sum(axis=1)
        mean, total = h.mean_among(left, short), sum(through.values())
        out["next_budget_pays_yuan"] = mean.scaled(_YUAN, 2).as_dict()
        out["by_bearer"] = {bearer: mean.scaled(_YUAN * ppm / total, 2).as_dict() for bearer, ppm in through.items()}
    return out


def payout_cap(h: Sample, share: float | None) -> dict[str, Any]:
    """Where the pack caps a year's payments: the cap, how often it holds claims back, how much, and the longest wait."""
    if share is None or "capped_count" not in h.frame:
        return {}
    held = h["capped_count"] > 0
    none = Estimate(None, reason="nothing to divide by in the sized year").as_dict()
    of_those = {"waiting_yuan": ("capped_fen", _YUAN), "longest_wait_days": ("capped_wait_days", 1.0)}
    return {
        "payout_cap": {
            "share": share,
            "chance": h.chance(held).as_dict(),
            **{
                name: h.mean_among(h[column], held).scaled(factor, 2).as_dict() if held.any() else none
                for name, (column, factor) in of_those.items()
            },
        }
    }


def lending_stops(h: Sample, scenario: Scenario) -> dict[str, Any]:
    """How often the multiple, a stop or a quota leaves applicants without a loan, and whom [applications, yuan]."""
    if "cut_off_months" not in h.frame:
        if "refused_cap_count" in h.frame:
            columns = {"multiple": "refused_cap_count", "stop": "refused_stop_count", "quota": "refused_quota_count"}
            refused = np.asarray(sum(h[c] for c in columns.values() if c in h.frame))
            return {
                "chance": h.chance(refused > 0).as_dict(),
                "applications": h.mean(refused).as_dict(),
                **_by_rule(h, scenario, columns),
            }
        return Estimate(None, reason="nothing is lent, or the run was not made to the full horizon").as_dict()
    total = sum(h[f"cut_off_{i}_count"] for i in range(len(scenario.lenders)))
    places = [f"cut_off_township_{k}_count" for k in range(len(scenario.townships))]
    return {
        "chance": h.chance(h["cut_off_months"] > 0).as_dict(),
        "months": h.mean(h["cut_off_months"]).as_dict(),
        "applications": h.mean(np.asarray(total)).as_dict(),
        "principal_yuan": h.mean_yuan("cut_off_fen").as_dict(),
        "by_lender": {
            lender.key: h.mean(h[f"cut_off_{i}_count"]).as_dict() for i, lender in enumerate(scenario.lenders)
        },
        "by_township": {
            t.key: h.mean(h[c]).as_dict() for t, c in zip(scenario.townships, places, strict=True) if c in h.frame
        },
        **_by_rule(h, scenario, {name: f"cut_off_by_{name}_count" for name in REFUSALS}),
    }


def _by_rule(h: Sample, scenario: Scenario, columns: dict[str, str]) -> dict[str, Any]:
    """Where the pack stops lending or sets a quota: applications refused by each rule, months stopped by lender."""
    there = {name: column for name, column in columns.items() if column in h.frame}
    stopped = [f"stopped_months_{i}_count" for i in range(len(scenario.lenders))]
    out: dict[str, Any] = {}
    if {"stop", "quota"} & set(there):
        out["applications_by_rule"] = {name: h.mean(h[column]).as_dict() for name, column in there.items()}
    if stopped[0] in h.frame:
        out["months_stopped"] = {
            lender.key: h.mean(h[c]).as_dict() for lender, c in zip(scenario.lenders, stopped, strict=True)
        }
        out["stopped_chance"] = h.chance(np.asarray(sum(h[c] for c in stopped)) > 0).as_dict()
    return out


def backwards(h: Sample, scenario: Scenario, budget_yuan: float, assurance: float) -> dict[str, Any]:
    """What a budget buys: its assurance, and the largest multiple of it that may be lent at the wanted assurance.

    The multiple is that of the guaranteed principal which is really lent, found among the sizes on which lending follows
    the fund: each lends another volume with its own need, and the largest volume that this budget covers, it and all
    smaller ones, counts. Sizes at which nobody is turned away any more lend what the smallest of them lends. A volume is
    covered if even the upper bound of its chance of a shortfall is allowed.
    """
    check_budget(budget_yuan)
    enough = h.chance(h["need_fen"] <= budget_yuan * FEN_PER_YUAN)
    return {
        "budget_yuan": budget_yuan,
        "assurance": enough.as_dict(),
        "if_short": at_size(h, account_parts(scenario), budget_yuan),
        "largest_multiple": _largest_multiple(h, budget_yuan, 1 - assurance + 1e-9),
    }


def check_budget(yuan: float) -> None:
    """Refuse what is no sum of money above nothing.

    Raises
    ------
    InputError
    """
    if not 0 < yuan <= _MOST_YUAN:
        raise InputError("command", "budget", yuan, f"yuan above 0, at most {_MOST_YUAN:,.0f}")


def _largest_multiple(h: Sample, budget_yuan: float, allowed: float) -> dict[str, Any]:
    last = next(
        k for k in range(N_GRID) if (h[f"reacts_credit_{k:02d}_fen"] == h[f"reacts_credit_{N_GRID - 1:02d}_fen"]).all()
    )
    lent = [h.mean_yuan(f"reacts_stock_{k:02d}_fen").value or 0.0 for k in range(last + 1)]
    short = [h[f"reacts_need_{k:02d}_fen"] > budget_yuan * FEN_PER_YUAN for k in range(last + 1)]
    chances = [h.chance(hit) for hit in short]
    bounds = [chance.ci95 or (0.0, 1.0) for chance in chances]

    def largest(chance: list[float]) -> int:
        """Of the volumes from the smallest on that are short seldom enough; 0 if there is none."""
        return next((k - 1 for k in range(1, last + 1) if chance[k] > allowed), last)

    k, low, high = (
        largest(x) for x in ([h.upper_chance(hit) for hit in short], [b[1] for b in bounds], [b[0] for b in bounds])
    )
    if last == 0:
        return Estimate(None, reason="nothing is lent that a fund's size could limit").as_dict()
    if k == 0:
        return Estimate(None, reason="even the smallest volume of the grid is short too often").as_dict()
    return {
        "multiple": round(lent[k] / budget_yuan, 2),
        "ci95": [round(lent[j] / budget_yuan, 2) if j else 0.0 for j in (low, high)],
        "guaranteed_principal_yuan": lent[k],
        "demand_limited": k == last,
        "shortfall_chance_any_year": chances[k].as_dict(),
    }


def _by_account(h: Sample, prefix: str, n_accounts: int) -> F64:
    return np.column_stack([h[f"{prefix}_{i}_fen"] for i in range(n_accounts)]).astype(float)


def _gap(by_account: F64, size_fen: float, parts: F64) -> F64:
    gap: F64 = np.maximum(by_account - size_fen * parts, 0.0).sum(axis=1)
    return gap


def _row(h: Sample, by_account: F64, size_fen: float, parts: F64) -> dict[str, Any]:
    gap = _gap(by_account, size_fen, parts)
    idle = np.maximum(size_fen * parts - by_account, 0.0).sum(axis=1)
    short = gap > 0
    none = Estimate(None, reason="no history was short")
    if_short = h.mean_among(gap, short) if short.any() else none
    return {
        "fund_yuan": round(size_fen * _YUAN, 2),
        "shortfall_chance": h.chance(short).as_dict(),
        "mean_gap_yuan": h.mean(gap).scaled(_YUAN, 2).as_dict(),
        "mean_gap_if_short_yuan": if_short.scaled(_YUAN, 2).as_dict(),
        "idle_yuan": h.mean(idle).scaled(_YUAN, 2).as_dict(),
    }


def _several_years(top_up: TopUp, start: F64, need: F64, net: F64) -> tuple[Array, Array]:
    """Short or not by year and history, and what is paid in on each 1 January: (n_years, n) each."""
    n_years, n, _ = need.shape
    balance = np.tile(start, (n, 1))
    short: Array = np.zeros((n_years, n), dtype=np.bool_)
    paid_in: Array = np.zeros((n_years, n))
    for k in range(n_years):
        if k > 0:
            added = top_up(k, balance)
            balance, paid_in[k] = balance + added, added.sum(axis=1)
        short[k] = (need[k] > balance).any(axis=1)
        balance = balance - net[k]
    return short, paid_in


def _round_up(fen: float) -> float:
    """To a round sum of yuan: 1, 2 or 5 times a power of ten, in steps fine enough for a grid."""
    step = 10.0 ** np.floor(np.log10(fen)) / 4
    return float(np.ceil(fen / step) * step)
