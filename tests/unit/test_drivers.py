"""Drivers switched one by one: which there are, their arms, their effects, and who defaults only because of delay."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import sim
from sim import clock
from sim.answers.attribution import attribution
from sim.answers.drivers import ONLY_BECAUSE_LATE, contrasts, driver_figures, only_because_late
from sim.arms import arms_of, four_months_past, horizon
from sim.drivers import DRIVERS, absent, arm_name, described, present, set_name, subsets, switched
from sim.errors import InputError
from sim.store import BATCH, RunFolder
from tests.theory.portfolios import LOAN_YUAN, STACKED, county, drought, group

N = 2 * BATCH
P, P_DRY, P_HIT, P_LATE, SHIFTS = 0.015, 0.15, 0.6, 0.25, {"drought": 0.8, "late_subsidy": 0.45, "stacking": 0.25}
HOUSEHOLDS, TOWNSHIPS = 100, 6


def three_drivers(**more: Any) -> sim.Scenario:
    """600 households in six townships, with one to three loans each, under all three drivers."""
    groups = [group(HOUSEHOLDS, P, township=k, loans=STACKED) for k in range(TOWNSHIPS)]
    sections = {
        "drought": drought(P_HIT, {"kind": "probit_shift", "value": SHIFTS["drought"]}),
        "late_subsidy": {"p_late_year": P_LATE, "probit_shift": SHIFTS["late_subsidy"]},
        "stacking": {"probit_shift_per_loan": SHIFTS["stacking"]},
    }
    return county("three-drivers", groups, townships=TOWNSHIPS, **{**sections, **more})


# --- which there are ---------------------------------------------------------------------------------


def test_a_driver_is_present_where_it_is_described_and_on(small: Any) -> None:
    assert present(three_drivers()) == DRIVERS
    assert absent(three_drivers()) == {}
    assert present(small) == ("drought",)
    assert set(absent(small)) == {"late_subsidy", "stacking"}
    off = three_drivers(stacking={"probit_shift_per_loan": 0.25, "on": False})
    assert absent(off) == {"stacking": "switched off in the scenario"}
    assert present(three_drivers(stacking={"multiplier_per_loan": 0.5})) == DRIVERS
    nothing = three_drivers(drought=None, late_subsidy=None, stacking={})
    assert present(nothing) == ()
    assert len(set(absent(nothing).values())) == 3


def test_switching_touches_only_what_it_names() -> None:
    base = three_drivers()
    assert switched(base, DRIVERS) == base
    for on in subsets(DRIVERS):
        other = switched(base, on)
        assert present(other) == on
        assert set(sim.what_differs(base, other)) == {f"defaults.{d}.on" for d in DRIVERS if d not in on}


def test_nothing_is_switched_on(small: Any) -> None:
    base = three_drivers(stacking={"probit_shift_per_loan": 0.25, "on": False})
    assert present(switched(base, DRIVERS)) == ("drought", "late_subsidy")
    assert present(switched(small, ("late_subsidy",))) == ()


def test_households_have_switches_of_their_own() -> None:
    base = sim.scenario("x-county-households")
    assert present(base) == DRIVERS
    fields = {"drought": "livelihoods.weather.on", "late_subsidy": "fiscal.pays_on_time", "stacking": "livelihoods.stacking_on"}  # fmt: skip
    for driver, field in fields.items():
        other = switched(base, [d for d in DRIVERS if d != driver])
        assert set(sim.what_differs(base, other)) == {field}
        assert absent(other) == {driver: "switched off in the scenario"}


def test_firms_and_groups_are_drivers_where_there_are_any() -> None:
    base = sim.scenario("x-county-households")
    firm = {"per_township": 2, "covers": 0.2, "income_share": 0.5, "failures_per_year": 0.05, "drought_logit": 1.0,
            "price_logit": 1.0, "disease_logit": 1.0, "replaced_after_months": 12}  # fmt: skip
    both = base.with_changes({"livelihoods.firms": firm, "livelihoods.groups": {"infects_logit": 1.0}})
    assert present(both) == described(both) == (*DRIVERS, "firms", "groups")
    assert set(sim.what_differs(both, switched(both, DRIVERS))) == {
        "livelihoods.firms.can_fail",
        "livelihoods.groups.on",
    }
    assert arm_name(both, ("groups", "drought")) == "drivers-drought+groups"
    assert described(base) == DRIVERS
    off = both.with_changes({"livelihoods.groups.on": False})
    assert absent(off) == {"groups": "switched off in the scenario"}


def test_sets_and_their_arms_have_one_name() -> None:
    base, partly = three_drivers(), three_drivers(late_subsidy=None)
    assert [set_name(on) for on in subsets(DRIVERS)] == [
        "none", "drought", "late_subsidy", "stacking", "drought+late_subsidy", "drought+stacking", "late_subsidy+stacking",
        "drought+late_subsidy+stacking",
    ]  # fmt: skip
    assert set_name({"stacking", "drought"}) == "drought+stacking"
    assert arm_name(base, DRIVERS) == "main"
    assert arm_name(base, ()) == "drivers-none"
    assert arm_name(partly, ("stacking", "late_subsidy")) == "drivers-stacking"
    assert arm_name(partly, ("drought", "stacking")) == arm_name(partly, DRIVERS) == "main"


# --- arms --------------------------------------------------------------------------------------------


def test_arms_are_all_sets_but_the_one_that_is_main() -> None:
    base = three_drivers()
    arms = {a.name: a for a in arms_of(base, 1) if a.name.startswith("drivers-")}
    assert list(arms) == [f"drivers-{set_name(on)}" for on in subsets(DRIVERS)[:-1]]
    for on in subsets(DRIVERS)[:-1]:
        arm = arms[arm_name(base, on)]
        assert (arm.scenario, arm.openings, arm.is_main) == (switched(base, on), ("base",), False)
        assert clock.date_of(arm.last_day).isoformat() == "2019-04-30"
        assert arm.keeps_defaults == (on == ("drought", "stacking"))
    (main,) = (a for a in arms_of(base, 1) if a.name == "main")
    assert main.keeps_defaults and main.last_day == horizon(base)


def test_one_driver_is_one_arm_from_the_openings_of_main(small: Any) -> None:
    for state in ("known", "stationary"):
        arms = {a.name: a for a in arms_of(small.with_changes({"opening.state": state}), 1)}
        assert [name for name in arms if name.startswith("drivers-")] == ["drivers-none"]
        assert arms["drivers-none"].openings == arms["main"].openings
        assert not arms["drivers-none"].keeps_defaults
    alone = three_drivers(drought=None, stacking={})
    assert [a.keeps_defaults for a in arms_of(alone, 1) if a.name == "drivers-none"] == [True]


# --- effects -----------------------------------------------------------------------------------------


def write(folder: RunFolder, arm: str, columns: dict[str, Any], table: str = "histories") -> None:
    """One table of an arm from whole columns, cut into batches."""
    frame = pd.DataFrame(columns)
    for batch in range(N // BATCH):
        rows = frame[frame["replication"] // BATCH == batch]
        folder.write_part(table, arm, batch, rows, [])


def no_defaults(folder: RunFolder) -> None:
    for arm in ("main", "drivers-drought+stacking"):
        columns = (
            "replication",
            "loan",
            "household",
            "lender",
            "township",
            "balance_fen",
            "missed",
            "cause",
            "in_opening",
        )
        write(folder, arm, {name: np.zeros(0, np.int64) for name in columns}, "defaults")


def toy(path: Path, need: Callable[[tuple[str, ...], Any], Any], kept: Callable[[str], Any] | None = None) -> Any:
    """Figures of a run whose need [fen] is a formula of the drivers that act and of the history."""
    folder, scenario, r = RunFolder(path), three_drivers(), np.arange(N)
    for on in subsets(DRIVERS):
        arm = arm_name(scenario, on)
        rows = r if kept is None else kept(arm)
        fen = need(on, rows)
        columns = {"replication": rows, "need_fen": fen, "due_fen": np.full(rows.size, 10**9), "defaulted_fen": fen,
                   "defaulted_households": fen // 100}  # fmt: skip
        write(folder, arm, columns)
    no_defaults(folder)
    return driver_figures(folder, scenario, N, 0.95, 1)


SIZES = {"drought": 70_000, "late_subsidy": 20_000, "stacking": 300}  # fen


def test_effects_that_add_up_do_not_interact(tmp_path: Path) -> None:
    got = toy(tmp_path, lambda on, r: 1_000 * r * r + sum(SIZES[d] for d in on))
    for metric in ("need_yuan", "need_mean_yuan"):
        effects = got["effects"][metric]
        for driver, fen in SIZES.items():
            for kind in ("off", "alone"):
                assert effects[driver][kind] == {"value": fen / 100, "ci95": [fen / 100, fen / 100]}
        assert effects["all"] == {"value": 903.0, "ci95": [903.0, 903.0]}
        assert effects["interaction"] == {"value": 0.0, "ci95": [0.0, 0.0]}
    assert got["arms"]["none"]["need_yuan"]["value"] == 10 * 94 * 94
    assert got["arms"]["late_subsidy+stacking"]["need_yuan"]["value"] == 10 * 94 * 94 + 203
    assert got["effects"]["default_share"]["interaction"]["value"] == pytest.approx(0, abs=1e-15)
    assert got["effects"]["defaulted_households"]["drought"]["alone"]["value"] == 700


def test_what_two_add_only_together_is_interaction(tmp_path: Path) -> None:
    got = toy(tmp_path, lambda on, r: 1_000 * r + 5_000 * len(on) + 700 * ("drought" in on and "stacking" in on))
    for metric in ("need_yuan", "need_mean_yuan"):
        effects = got["effects"][metric]
        assert effects["interaction"] == {"value": 7.0, "ci95": [7.0, 7.0]}
        assert (effects["drought"]["off"]["value"], effects["drought"]["alone"]["value"]) == (57.0, 50.0)
        assert (effects["late_subsidy"]["off"]["value"], effects["late_subsidy"]["alone"]["value"]) == (50.0, 50.0)
        assert effects["all"]["value"] == 157.0


def attributed(tmp_path: Path, need: Callable[[tuple[str, ...], Any], Any]) -> Any:
    """Shapley shares of a toy run; see `toy`."""
    toy(tmp_path, need)
    return attribution(RunFolder(tmp_path), three_drivers(), N, 0.5, 1)


def test_shares_of_drivers_that_add_up_are_what_each_adds(tmp_path: Path) -> None:
    got = attributed(tmp_path, lambda on, r: 1_000 * r * r + sum(SIZES[d] for d in on))
    for metric in ("need_mean_yuan", "need_yuan"):
        assert {d: x["value"] for d, x in got[metric]["shares"].items()} == {d: fen / 100 for d, fen in SIZES.items()}
        assert got[metric]["interaction"]["value"] == 0


def test_what_two_make_together_is_shared_by_the_two(tmp_path: Path) -> None:
    got = attributed(tmp_path, lambda on, r: 1_000 * r + 5_000 * len(on) + 700 * ("drought" in on and "stacking" in on))
    for metric in ("need_mean_yuan", "need_yuan", "bad_years_yuan"):
        found = got[metric]
        if found["total"]["value"] is None:
            continue
        shares = {d: x["value"] for d, x in found["shares"].items()}
        assert shares == pytest.approx({"drought": 53.5, "late_subsidy": 50.0, "stacking": 53.5})
        assert sum(shares.values()) == pytest.approx(found["total"]["value"], abs=1e-9)
        assert found["interaction"]["value"] == pytest.approx(7.0)


def test_a_driver_that_does_nothing_has_a_share_of_exactly_zero(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 10**7, N)
    got = attributed(tmp_path, lambda on, r: noise[r] + 10_000 * ("drought" in on) + r * ("stacking" in on))
    for metric in ("need_mean_yuan", "need_yuan", "default_share", "default_share_quantile"):
        share = got[metric]["shares"]["late_subsidy"]
        assert share == {"value": 0.0, "ci95": [0.0, 0.0]}


def test_a_driver_that_changes_nothing_has_an_effect_of_exactly_zero(tmp_path: Path) -> None:
    """Noise that is common to all arms leaves no trace in any paired effect."""
    noise = np.random.default_rng(3).integers(0, 10**7, N)
    got = toy(tmp_path, lambda on, r: noise[r])
    for effects in got["effects"].values():
        kinds = [effects[d][kind] for d in DRIVERS for kind in ("off", "alone")] + [
            effects["all"],
            effects["interaction"],
        ]
        assert all(e == {"value": 0.0, "ci95": [0.0, 0.0]} for e in kinds)


def test_histories_that_failed_in_any_arm_are_left_out_of_all(tmp_path: Path) -> None:
    """History 7 of one arm is missing; in the others it is very different, and must not count."""
    r = np.arange(N)
    got = toy(
        tmp_path,
        lambda on, rows: np.where(rows == 7, 10**9 * len(on), 1_000),
        kept=lambda arm: r[r != 7] if arm == "drivers-stacking" else r,
    )
    assert got["effects"]["need_mean_yuan"]["all"] == {"value": 0.0, "ci95": [0.0, 0.0]}
    with pytest.raises(InputError, match="at least one history that failed in no arm"):
        toy(tmp_path / "none", lambda on, rows: rows, kept=lambda arm: r[:5] if arm == "main" else r[5:])


def test_contrasts_are_differences() -> None:
    """Every effect is nil where all arms are alike."""
    for here in subsets(DRIVERS):
        for kinds in contrasts(here).values():
            for sums in kinds.values():
                assert sum(sums.values()) == 0
    assert contrasts(("drought",))["together"].keys() == {"all"}


# --- who defaults only because of delay --------------------------------------------------------------


def loans(rows: list[tuple[int, int, int]]) -> dict[str, Any]:
    """Defaults from (history, loan, household)."""
    at = np.array(rows, dtype=np.int64).reshape(-1, 3)
    n = len(at)
    return {
        "replication": at[:, 0], "loan": at[:, 1], "household": at[:, 2], "lender": np.zeros(n, np.int64),
        "township": np.full(n, 2), "balance_fen": np.full(n, 5_000_000),
        "missed": np.full(n, clock.day_of(sim.scenario("x-county").information_on) + 14), "cause": np.full(n, 2),
        "in_opening": np.full(n, True),
    }  # fmt: skip


def test_loans_are_matched_by_history_and_id(tmp_path: Path) -> None:
    folder, scenario, r = RunFolder(tmp_path), three_drivers(), np.arange(N)
    toy(tmp_path, lambda on, rows: 1_000 + 0 * rows, kept=lambda arm: r if arm == "main" else r[r != 99])
    late = [(0, 1, 10), (0, 2, 10), (0, 3, 30), (1, 1, 10), (2, 3, 30), (99, 8, 80)]
    in_time = [(0, 1, 10), (1, 1, 10), (2, 4, 40)]
    write(folder, "main", loans(late), "defaults")
    write(folder, "drivers-drought+stacking", loans(in_time), "defaults")
    found = only_because_late(folder, scenario, N)
    assert found[["replication", "loan"]].to_numpy().tolist() == [[0, 2], [0, 3], [2, 3]]  # 99 failed in one arm
    assert found["household_defaults_anyway"].tolist() == [True, False, False]
    assert (
        set(found["township"]) == {"t02"}
        and set(found["cause"]) == {"disaster"}
        and set(found["balance_yuan"]) == {50_000}
    )
    assert {str(d) for d in found["missed_on"]} == {"2018-01-15"}
    got = driver_figures(folder, scenario, N, 0.95, 1)["only_because_late"]
    assert (got["loans"], got["households"], got["only_in_time"]["loans"]) == (3, 2, 1)
    assert got["loans_per_history"]["value"] == 3 / 99
    assert got["households_per_history"]["value"] == 2 / 99
    assert got["share_of_defaults"]["value"] == pytest.approx((2 / 3 + 0 + 1) / 3)


# --- end to end --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dry_county(small: Any, tmp_path_factory: pytest.TempPathFactory) -> sim.Answer:
    return sim.size(small, replications=60, seed=5, workers=1, out=tmp_path_factory.mktemp("dry") / "run")


def test_a_county_with_one_driver(dry_county: sim.Answer, small: Any, tmp_path: Path) -> None:
    """Its two arms are those of a study that switches drought off by hand."""
    got = dry_county.data["drivers"]
    assert got["present"] == ["drought"] and set(got["absent"]) == {"late_subsidy", "stacking"}
    assert len(got["arms"]) == 8
    for on in subsets(DRIVERS):
        assert got["arms"][set_name(on)] == got["arms"]["drought" if "drought" in on else "none"]
    assert got["arms"]["drought"]["need_yuan"] == dry_county.data["need_yuan"]
    assert got["arms"]["drought"]["default_share"] == dry_county.data["default_share"]
    off = small.change("off", defaults__drought__on=False)
    study = sim.run([small, off], n=60, seed=5, workers=1, out=tmp_path / "study")
    for name, arm in (("small", "main"), ("off", "drivers-none")):
        columns = ["replication", "need_fen", "due_fen", "defaulted_fen", "defaulted_households"]
        assert study.histories(name)[columns].equals(dry_county.histories(arm)[columns])
    for row in study.compare("off"):
        if row["metric"] in ("need_yuan", "need_mean_yuan"):
            effect = got["effects"][row["metric"]]["drought"]
            assert effect["off"] == effect["alone"] == row["difference"].scaled(1, 2).as_dict()
    assert got["effects"]["need_mean_yuan"]["drought"]["off"]["value"] > 0
    assert got["effects"]["need_yuan"]["stacking"]["off"] == {"value": None, "reason": got["absent"]["stacking"]}
    assert "reason" in got["effects"]["need_yuan"]["interaction"]
    assert got["only_because_late"] == {"value": None, "reason": "the scenario has no late subsidy"}
    assert not (dry_county.folder / ONLY_BECAUSE_LATE).exists()
    with pytest.raises(InputError, match="late_subsidy"):
        dry_county.only_because_late()


def test_the_list_of_defaults_is_that_of_the_default_share(dry_county: sim.Answer) -> None:
    h = dry_county.histories()
    listed = RunFolder(dry_county.folder).read("defaults", "main", 60).groupby("replication")
    some = h[h["defaulted_count"] > 0].set_index("replication")
    assert listed.size().to_dict() == some["defaulted_count"].to_dict()
    assert listed["balance_fen"].sum().to_dict() == some["defaulted_fen"].to_dict()
    assert listed["household"].nunique().to_dict() == some["defaulted_households"].to_dict()


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> sim.Answer:
    return sim.size(three_drivers(), replications=N, seed=2027, workers=1, out=tmp_path_factory.mktemp("three") / "run")


def exact_mean_yuan(on: tuple[str, ...]) -> float:
    """Mean need: the fund's 70 per cent of each bad loan, over hit or not, late or not, loans in the household."""
    total = 0.0
    for hit, late, (k, share) in product((0, 1), (0, 1), STACKED.items()):
        weight = (P_DRY * P_HIT if hit else 1 - P_DRY * P_HIT) * (P_LATE if late else 1 - P_LATE) * share
        times = {"drought": hit, "late_subsidy": late, "stacking": k - 1}
        shift = sum(SHIFTS[d] * times[d] for d in on)
        total += weight * k * norm.cdf(norm.ppf(P) + shift)
    return 0.7 * LOAN_YUAN * HOUSEHOLDS * TOWNSHIPS * total


def agrees(estimate: dict[str, Any], exact: float) -> bool:
    """Within four standard errors."""
    half = (estimate["ci95"][1] - estimate["ci95"][0]) / 2
    return abs(estimate["value"] - exact) <= 4 / 1.96 * half


def test_arm_means_against_the_exact_ones(answer: sim.Answer) -> None:
    """Planted bugs: two drivers exchanged; off read as on. Stacking alone is told from late subsidy alone."""
    got, exact = answer.data["drivers"], {on: exact_mean_yuan(on) for on in subsets(DRIVERS)}
    for on, mean in exact.items():
        assert agrees(got["arms"][set_name(on)]["need_mean_yuan"], mean), on
    effects = got["effects"]["need_mean_yuan"]
    for d in DRIVERS:
        assert agrees(effects[d]["alone"], exact[d,] - exact[()]), d
        assert agrees(effects[d]["off"], exact[DRIVERS] - exact[tuple(x for x in DRIVERS if x != d)]), d
    alone = sum(exact[d,] - exact[()] for d in DRIVERS)
    assert agrees(effects["interaction"], exact[DRIVERS] - exact[()] - alone)
    assert not agrees(effects["stacking"]["alone"], exact["late_subsidy",] - exact[()])
    assert effects["interaction"]["ci95"][0] > 0


def test_no_history_improves_when_a_driver_is_switched_on(answer: sim.Answer) -> None:
    scenario = three_drivers()
    for on in subsets(DRIVERS):
        for d in set(DRIVERS) - set(on):
            less, more = (answer.histories(arm_name(scenario, x))["need_fen"] for x in (on, (*on, d)))
            assert (more >= less).all()
    assert answer.data["drivers"]["arms"][set_name(DRIVERS)]["need_yuan"] == answer.data["need_yuan"]


def test_who_defaults_only_because_money_came_late(answer: sim.Answer) -> None:
    """On one luck the list is the difference of the two arms, and falls into late years only."""
    found, got = answer.only_because_late(), answer.data["drivers"]["only_because_late"]
    main, in_time = (answer.histories(arm) for arm in ("main", "drivers-drought+stacking"))
    assert got["only_in_time"]["loans"] == 0
    more = (main["defaulted_count"] - in_time["defaulted_count"]).to_numpy()
    assert found.groupby("replication").size().reindex(range(N), fill_value=0).tolist() == more.tolist()
    assert got["loans"] == len(found) == more.sum() > 0
    # loans of a household stand or fall together here
    assert got["households"] == found[["replication", "household"]].drop_duplicates().shape[0]
    assert not found["household_defaults_anyway"].any() and found["in_opening"].all()
    assert (
        got["households_per_history"]
        == answer.data["drivers"]["effects"]["defaulted_households"]["late_subsidy"]["off"]
    )
    assert 10 < found["replication"].nunique() < 40  # of a hundred years, one in four is late
    written = pd.read_csv(answer.folder / ONLY_BECAUSE_LATE, encoding="utf-8-sig")
    assert written["loan"].tolist() == found["loan"].tolist()
    assert written.loc[0, ["lender", "missed_on", "cause"]].tolist() == ["bank", "2018-01-15", "inability"]


def test_four_months_past_the_year_know_all_its_defaults(small: Any) -> None:
    days = four_months_past(small) - clock.day_of(small.information_on.replace(month=12, day=31))
    assert days > small.law().claim.wait_days


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_table_for_people(answer: sim.Answer, dry_county: sim.Answer, lang: str, capsys: Any) -> None:
    from cli import show

    show.answer(answer, lang)
    text = capsys.readouterr().out
    words = {"zh": ("违约成因", "只有旱灾", "除一户多贷外全部", "交互作用", "只因贴息迟付而违约", ONLY_BECAUSE_LATE),
             "en": ("Drivers of default", "only drought", "all but stacked loans", "Interaction", "only because the subsidy came late", ONLY_BECAUSE_LATE)}  # fmt: skip
    assert all(word in text for word in words[lang])
    show.answer(dry_county, lang)
    text = capsys.readouterr().out
    assert words[lang][0] in text and not any(word in text for word in words[lang][3:])
    assert ("情景不含贴息迟付" if lang == "zh" else "the scenario has no late subsidy") in text
    without = sim.Answer({**answer.data, "drivers": {"present": []}}, answer.scenario, answer.folder, ())
    show.answer(without, lang)
    assert words[lang][0] not in capsys.readouterr().out
