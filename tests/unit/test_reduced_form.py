"""Default in the reduced form: the plain twin, the compiled kernel and its body give the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from sim import clock
from sim.errors import InputError
from sim.households import kernels, reduced_form
from sim.households.reduced_form import CURED, DEATH, DEFAULTED, REPAID, ReducedForm
from sim.scenario import Defaults
from sim.shocks.paths import Paths, draw_paths

FIRST_MONTH, N_MONTHS = 576, 18  # January 2018
MONTH_ENDS = clock.last_day_of_month(np.arange(FIRST_MONTH, FIRST_MONTH + N_MONTHS))
INFORMATION = int(clock.first_day_of_month(np.array([FIRST_MONTH]))[0])
TOWNSHIPS = np.array([11, 22, 33], dtype=np.int64)
DROUGHT = {"p_normal_to_dry": 0.4, "p_dry_to_dry": 0.6, "p_township_hit": 0.7, "year_starts_month": 11}
BASE = {
    "anchor": None, "p_default": 0.25, "factor": {"county_variance": 0.1, "township_variance": 0.1, "persistence_per_month": 0.9},
    "drought": {**DROUGHT, "effect": {"kind": "multiplier", "value": 2.0}},
}  # fmt: skip
FORMS = {
    "plain": {"anchor": None, "p_default": 0.3},
    "x-county-like": BASE,
    "probability when hit": {**BASE, "drought": {**DROUGHT, "effect": {"kind": "probability", "value": 0.8}}},
    "shift when hit": {**BASE, "drought": {**DROUGHT, "effect": {"kind": "probit_shift", "value": 0.7}}},
    "nobody calls": {**BASE, "death_calls_loan": False, "cured_before_day_90": 0.0},
    "deaths only": {**BASE, "causes": {"inability": 0, "death": 1, "disaster": 0, "wilful": 0, "disaster_if_hit": 0}},
    "late with buffers": {**BASE, "late_subsidy": {"p_late_year": 0.7, "lag_p": 0.3, "probit_shift": 0.3,
                                                   "buffer_months": {0: 0.1, 2: 0.2, 5: 0.3}}},
    "stacked": {**BASE, "stacking": {"multiplier_per_loan": 0.5, "probit_shift_per_loan": 0.1}},
    "renewed": {**BASE, "renewed_instead": 0.6, "p_default_after_renewal": 0.5},
    "monthly": {**BASE, "timing": "monthly_hazard", "p_default": 0.05},
    "monthly, late": {**BASE, "timing": "monthly_hazard", "p_default": 0.05,
                      "late_subsidy": {"p_late_year": 0.7, "probit_shift": 0.5}},
}  # fmt: skip


def book(seed: int, households: int = 80) -> dict[str, np.ndarray]:
    """Random loans of every status: one to four to a household, grouped and in order of maturity."""
    draw = np.random.Generator(np.random.PCG64(seed))
    ids = np.sort(draw.integers(1, 2**62, households))
    owner = np.repeat(ids, draw.integers(1, 5, households))
    n = owner.size
    due = INFORMATION + draw.integers(-150, 30 * N_MONTHS + 200, n)
    status = np.where(due < INFORMATION - 90, draw.choice([2, 3], n), np.where(due < INFORMATION, 1, 0))
    township = np.repeat(draw.integers(0, TOWNSHIPS.size, households), np.unique(owner, return_counts=True)[1])
    order = np.lexsort((due, owner))
    columns = {
        "household": owner, "loan_id": draw.integers(1, 2**62, n), "start": due - draw.choice([365, 730, 1096], n),
        "due": due, "month": clock.month_of(due) - FIRST_MONTH, "township": township, "p_class": draw.integers(0, 4, n),
        "status": status, "cause_in": np.where(status >= 2, draw.integers(-1, 4, n), -1),
        "days_overdue": np.maximum(INFORMATION - due, 0),
    }  # fmt: skip
    return {name: np.ascontiguousarray(values[order].astype(np.int64)) for name, values in columns.items()}


def form_of(defaults: Defaults, renewals_max: int = 1) -> ReducedForm:
    return reduced_form.prepare(defaults, [(None, 1), (None, 2), (0.4, 1), (0.1, 3)], renewals_max, seed=5)


def paths_of(defaults: Defaults, replication: int) -> Paths:
    return draw_paths(defaults, "long_run", TOWNSHIPS, FIRST_MONTH, N_MONTHS, replication, 5)


def run(
    twin: object, rows: dict[str, np.ndarray], paths: Paths, form: ReducedForm, replication: int
) -> tuple[np.ndarray, ...]:
    tail = (form,) if twin is reduced_form.fates_reference else reduced_form.arguments(form)
    with np.errstate(over="ignore"):
        return twin(*rows.values(), INFORMATION, 90, 30, FIRST_MONTH, MONTH_ENDS, replication, paths.factor,
                    paths.is_hit, paths.is_late, paths.lag, *tail)  # type: ignore[operator,no-any-return] # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_three_twins_give_the_same_bits(name: str) -> None:
    defaults = Defaults.model_validate(FORMS[name])
    form = form_of(defaults)
    seen = np.zeros(3, dtype=int)
    for replication in range(4):
        rows, paths = book(replication), paths_of(defaults, replication)
        plain = run(reduced_form.fates_reference, rows, paths, form, replication)
        compiled = run(kernels.fates, rows, paths, form, replication)
        for a, b in zip(plain, compiled, strict=True):
            assert a.dtype == b.dtype == np.int64
            assert a.tobytes() == b.tobytes()
        seen += np.bincount(plain[0], minlength=3)
    assert seen[REPAID] > 0
    assert seen[DEFAULTED] > 0
    rows, paths = book(9, households=25), paths_of(defaults, 9)
    body = run(kernels.fates.py_func, rows, paths, form, 9)
    for a, b in zip(run(kernels.fates, rows, paths, form, 9), body, strict=True):
        assert a.tobytes() == b.tobytes()


def test_twins_would_be_seen_to_differ() -> None:
    """A threshold moved by one part in 1e9 in one twin only must show."""
    defaults = Defaults.model_validate(BASE)
    form, rows, paths = form_of(defaults), book(1), paths_of(defaults, 1)
    compiled = run(kernels.fates, rows, paths, form, 1)
    moved = ReducedForm(**{**vars(form), "threshold": form.threshold + 0.2})
    plain = run(reduced_form.fates_reference, rows, paths, moved, 1)
    assert compiled[0].tobytes() != plain[0].tobytes()


def test_what_each_fate_means() -> None:
    defaults = Defaults.model_validate(BASE)
    form = form_of(defaults)
    for replication in range(20):
        rows = book(replication)
        fate, missed, repaid, cause, renewed = run(
            kernels.fates, rows, paths_of(defaults, replication), form, replication
        )
        bad, cured = fate == DEFAULTED, fate == CURED
        assert (rows["status"] < 2)[~bad].all()  # a claim on the desk is a default
        assert (repaid[bad] == -1).all()
        assert (cause[bad] >= 0).all()
        assert (cause[~bad] == -1).all()
        assert (missed[bad] <= rows["due"][bad]).all()
        called = bad & (missed < rows["due"])
        assert (cause[called] == DEATH).all()
        assert (missed[called] >= INFORMATION).all()
        known = bad & (rows["cause_in"] >= 0)
        assert (cause[known] == rows["cause_in"][known]).all()
        late = repaid[cured] - rows["due"][cured]
        assert late.min(initial=1) >= 1
        assert late.max(initial=1) < 90
        assert (repaid[cured & (rows["status"] == 1)] > INFORMATION).all()
        assert (renewed == 0).all()


def test_a_household_fails_with_all_its_later_loans() -> None:
    defaults = Defaults.model_validate(
        {**BASE, "causes": {"inability": 1, "death": 0, "disaster": 0, "wilful": 0, "disaster_if_hit": 0}}
    )
    form = form_of(defaults)
    rows = book(4, households=400)
    rows["cause_in"][:] = -1
    fate, *_ = run(kernels.fates, rows, paths_of(defaults, 2), form, 2)
    checked = 0
    for i in range(1, fate.size):
        if rows["household"][i] == rows["household"][i - 1] and fate[i - 1] == DEFAULTED and rows["status"][i] == 0:
            assert fate[i] == DEFAULTED
            checked += 1
    assert checked > 50


def test_after_a_death_all_loans_of_the_household_fail() -> None:
    defaults = Defaults.model_validate(FORMS["deaths only"])
    rows = book(4, households=400)
    rows["cause_in"][rows["status"] >= 2] = DEATH
    fate, *_ = run(kernels.fates, rows, paths_of(defaults, 2), form_of(defaults), 2)
    after_claim = (
        np.flatnonzero((rows["status"] == 0)[1:] & (rows["status"] >= 2)[:-1] & (np.diff(rows["household"]) == 0)) + 1
    )
    assert after_claim.size > 20
    assert (fate[after_claim] == DEFAULTED).all()


def test_a_renewed_loan_comes_due_a_year_later() -> None:
    defaults = Defaults.model_validate(FORMS["renewed"])
    rows, paths = book(3, households=500), paths_of(defaults, 3)
    fate, missed, repaid, _, renewed = run(kernels.fates, rows, paths, form_of(defaults), 3)
    at = renewed == 1
    assert at.sum() > 50
    assert (missed[at] == rows["due"][at] + 365).all()
    assert (repaid[at & (fate != DEFAULTED)] == rows["due"][at & (fate != DEFAULTED)] + 365).all()
    share = (fate[at] == DEFAULTED).mean()
    assert abs(share - 0.5) < 4.9 * np.sqrt(0.25 / at.sum())
    none = run(kernels.fates, rows, paths, form_of(defaults, renewals_max=0), 3)[4]
    assert not none.any()  # the pack allows no renewal


def test_share_of_defaults_is_the_given_probability() -> None:
    """30 per cent each, 20,000 single loans: a bias of 1.6 points would be seen."""
    defaults = Defaults.model_validate(FORMS["plain"])
    form = form_of(defaults)
    n = 20_000
    due = np.full(n, INFORMATION + 200)
    rows = {
        "household": np.arange(n) * 7919 + 5, "loan_id": np.arange(n) * 104_729 + 3, "start": due - 365, "due": due,
        "month": clock.month_of(due) - FIRST_MONTH, **{k: np.zeros(n, np.int64) for k in ("township", "p_class", "status")},
        "cause_in": np.full(n, -1), "days_overdue": np.zeros(n, np.int64),
    }  # fmt: skip
    fate, missed, _, cause, _ = run(kernels.fates, rows, paths_of(defaults, 0), form, 0)
    bad, cured = (fate == DEFAULTED).mean(), (fate == CURED).mean()
    early_deaths = 0.3 * 0.25 * (165 - 30) / 365  # called before the information date: they would not be open
    assert abs(bad - (0.3 - early_deaths)) < 4.9 * np.sqrt(0.21 / n)
    assert abs(cured - 0.3) < 4.9 * np.sqrt(0.21 / n)
    assert set(np.unique(cause)) == {-1, 0, 1, 2, 3}
    assert (missed <= due).all()


# --- the anchor --------------------------------------------------------------------------------------


@pytest.mark.parametrize("anchor", ["low", "central", "high"])
def test_the_base_probability_reproduces_the_anchor(anchor: str, small: object) -> None:
    """Against the mixture written out by hand: dry one year in five, 70 per cent hit, 2.5 times."""
    defaults = small.with_changes({"defaults.anchor": anchor}).defaults  # type: ignore[attr-defined]
    p = reduced_form.base_probability(defaults)
    assert reduced_form.long_run_compensable(defaults, p) == pytest.approx(defaults.anchors[anchor], abs=1e-12)
    dry = 0.14 / (1 - 0.45 + 0.14)
    hit = dry * 0.7
    normal_ok = 0.95 * (0.5 * 0.8 + 0.25 + 0.15 + 0.10)
    hit_ok = 0.95 * (0.45 * (0.5 * 0.8 + 0.25 + 0.10) / 0.85 + 0.55)
    assert p == pytest.approx(defaults.anchors[anchor] / ((1 - hit) * normal_ok + 2.5 * hit * hit_ok), rel=1e-9)


def test_the_anchor_counts_late_years_and_no_renewal() -> None:
    more = {"late_subsidy": {"p_late_year": 0.5, "probit_shift": 0.5}, "negligence": 0.0, "inability_accepted": 1.0}
    p = reduced_form.base_probability(Defaults.model_validate({"anchor": "central", **more}))
    assert 0.5 * p + 0.5 * norm.cdf(norm.ppf(p) + 0.5) == pytest.approx(0.025, abs=1e-9)
    renewed = Defaults.model_validate(
        {"anchor": "central", **more, "renewed_instead": 0.4, "p_default_after_renewal": 0.25}
    )
    assert reduced_form.base_probability(renewed) == p  # else what a renewal hides would be anchored away


def test_a_driver_that_is_switched_off_does_not_move_the_probability(small: object) -> None:
    off = small.change(defaults__drought__on=False)  # type: ignore[attr-defined]
    assert reduced_form.base_probability(off.defaults) == reduced_form.base_probability(small.defaults)  # type: ignore[attr-defined]


def test_a_given_probability_is_taken_as_it_is() -> None:
    assert reduced_form.base_probability(Defaults(anchor=None, p_default=0.123)) == 0.123


def test_an_anchor_that_cannot_be_reached_is_refused() -> None:
    defaults = Defaults.model_validate({"anchors": {"low": 0.1, "central": 0.9, "high": 1.0}, "negligence": 0.5})
    with pytest.raises(
        InputError, match=r"defaults\.anchors\.central: found 0\.9; allowed: a share that can be reached"
    ):
        reduced_form.base_probability(defaults)


def test_causes_in_a_hit_township() -> None:
    form = form_of(Defaults.model_validate(BASE))
    shares = np.diff(form.cause_cdf, axis=1, prepend=0)
    assert shares[0] == pytest.approx([0.5, 0.25, 0.15, 0.1])
    assert shares[1] == pytest.approx([0.45 * 0.5 / 0.85, 0.45 * 0.25 / 0.85, 0.55, 0.45 * 0.1 / 0.85])


def test_thresholds_by_number_of_loans() -> None:
    defaults = Defaults.model_validate(
        {**FORMS["plain"], "stacking": {"multiplier_per_loan": 0.5, "probit_shift_per_loan": 0.1}}
    )
    form = form_of(defaults)
    assert norm.cdf(form.threshold[0, 0, 0, 0]) == pytest.approx(0.3)
    assert form.threshold[1, 0, 0, 0] == pytest.approx(norm.ppf(0.45) + 0.1)
    assert norm.cdf(form.threshold[0, 0, 0, 1]) == pytest.approx(0.6)  # half of those who miss are cured
