"""Shares of drivers that act together: they add up, nothing gets nothing, and the order of naming does not matter."""

from __future__ import annotations

import math
from itertools import combinations, permutations

import numpy as np
import pytest

from sim import estimate, shapley
from sim.errors import InputError
from sim.estimate import Estimate, Strata
from sim.shapley import Arms, Attribution

N = 400
U = estimate.resampling(1, N, 100)
STRATA = Strata(np.arange(N) % 4, np.array([0.3, 0.3, 0.2, 0.2]))
Z = np.random.default_rng(1).normal(size=(5, N))


def arms(drivers: str, dummy: str = "") -> Arms:
    """Lognormal needs in which drivers make each other worse; the dummy ones change nothing."""
    out = {}
    for k in range(len(drivers) + 1):
        for on in combinations(drivers, k):
            real = [d for d in on if d not in dummy]
            luck = sum(Z["abcd".index(d)] for d in real)
            out[on] = np.exp(10 + Z[4] + 0.2 * len(real) ** 2 + 0.3 * luck)
    return out


def all_figures(given: Arms, strata: Strata | None = None) -> list[Attribution]:
    """Every kind of attribution, at levels that 400 histories bear."""
    return [
        shapley.of_means(given, strata),
        shapley.of_quantiles(given, 0.9, U, strata),
        shapley.of_tail_means(given, 0.3, U, strata),
        shapley.of_bad_years(given, 0.6, U, strata),
    ]


@pytest.mark.parametrize("strata", [None, STRATA], ids=["plain", "strata"])
@pytest.mark.parametrize("drivers", ["a", "ab", "abc", "abcd"])
def test_shares_add_up_to_the_total(drivers: str, strata: Strata | None) -> None:
    for found in all_figures(arms(drivers), strata):
        assert list(found.shares) == list(drivers)
        values = [e.value for e in found.shares.values()]
        assert found.total.value is not None
        assert math.fsum(v for v in values if v is not None) == pytest.approx(found.total.value, rel=1e-9)
        for e in (found.total, found.interaction, *found.shares.values()):
            assert e.value is not None and e.ci95 is not None
            assert e.ci95[0] <= e.value <= e.ci95[1]


@pytest.mark.parametrize("strata", [None, STRATA], ids=["plain", "strata"])
def test_a_driver_that_does_nothing_gets_exactly_nothing(strata: Strata | None) -> None:
    for found in all_figures(arms("abc", dummy="b"), strata):
        assert (found.shares["b"].value, found.shares["b"].ci95) == (0.0, (0.0, 0.0))
        assert found.shares["a"].value != 0
    for found in all_figures(arms("abc", dummy="ab"), strata):
        assert (found.shares["a"].value, found.shares["b"].value, found.interaction.value) == (0.0, 0.0, 0.0)
        assert found.shares["c"].value == pytest.approx(found.total.value, rel=1e-12)
    for found in all_figures(arms("abc", dummy="abc"), strata):
        assert (found.total.value, found.total.ci95, found.interaction.ci95) == (0.0, (0.0, 0.0), (0.0, 0.0))


def test_shares_by_hand() -> None:
    """Two drivers: 1 alone, 2 alone, 7 together; each gets its own and half of the 4 that they make together."""
    base = np.arange(N, dtype=float)
    given = {(): base, ("a",): base + 1, ("b",): base + 2, ("a", "b"): base + 7}
    for found in all_figures(given):
        assert found.total.value == pytest.approx(7)
        assert found.interaction.value == pytest.approx(4)
        assert {d: e.value for d, e in found.shares.items()} == pytest.approx({"a": 3.0, "b": 4.0})
        assert found.shares["a"].ci95 == pytest.approx((3, 3))


def test_shares_are_the_mean_over_orders() -> None:
    """Against the definition: what each driver adds when its turn comes, over all orders."""
    given = {frozenset(on): x for on, x in arms("abcd").items()}
    figures = {
        "mean": lambda x: x.mean(),
        "quantile": lambda x: np.sort(x)[359],
        "tail": lambda x: np.sort(x)[119] + np.maximum(x - np.sort(x)[119], 0).mean() / 0.7,
        "bad": lambda x: x[given[frozenset("abcd")] >= np.sort(given[frozenset("abcd")])[239]].mean(),
    }
    for figure, found in zip(figures.values(), all_figures(given), strict=True):
        value = {on: float(figure(x)) for on, x in given.items()}
        by_hand = dict.fromkeys("abcd", 0.0)
        for order in permutations("abcd"):
            for i, d in enumerate(order):
                by_hand[d] += (value[frozenset(order[: i + 1])] - value[frozenset(order[:i])]) / 24
        assert {d: e.value for d, e in found.shares.items()} == pytest.approx(by_hand, rel=1e-9)


def test_names_follow_the_full_set_and_sets_may_be_of_any_kind() -> None:
    given = arms("abc")
    turned = {tuple(reversed(on)): x for on, x in given.items()}
    frozen = {frozenset(on): x for on, x in given.items()}
    assert list(shapley.of_means(turned).shares) == ["c", "b", "a"]
    assert shapley.of_means(frozen) == shapley.of_means(given)
    for d in "abc":
        assert shapley.of_means(turned).shares[d].value == pytest.approx(shapley.of_means(given).shares[d].value)


def test_one_driver_takes_all() -> None:
    given = arms("a")
    found = shapley.of_quantiles(given, 0.9, U)
    assert found.shares["a"] == found.total
    assert found.total == estimate.paired_quantile_difference(given[()], given[("a",)], 0.9, U)
    assert (found.interaction.value, found.interaction.ci95) == (0.0, (0.0, 0.0))
    assert shapley.of_means(given).total == estimate.paired_mean_difference(given[()], given[("a",)])


def test_whole_numbers_of_fen_add_up() -> None:
    given = {on: np.rint(x * 1e6).astype(np.int64) for on, x in arms("abc").items()}
    found = shapley.of_means(given)
    assert found.total.value is not None
    assert math.fsum(e.value or 0 for e in found.shares.values()) == pytest.approx(found.total.value, rel=1e-12)


def test_any_figure_of_an_arm() -> None:
    """The chance of a need above a line, as a figure of weighted values."""
    given = arms("ab")
    line = 5e4
    found = shapley.of_metric(given, lambda x, mass: mass @ (x > line) / N, U)
    assert found.total.value == pytest.approx((given[("a", "b")] > line).mean() - (given[()] > line).mean())


def test_thin_tails_are_refused_in_words() -> None:
    tail = shapley.of_tail_means(arms("ab"), 0.9, U)
    none = Estimate(None, reason="too few histories in the tail: 2000 or more are needed for 200 beyond the quantile")
    assert (tail.total, tail.interaction, tail.shares) == (none, none, {"a": none, "b": none})
    bad = shapley.of_bad_years(arms("ab"), 0.9, U)
    assert bad.total.reason == "too few histories in the tail: 1000 or more are needed for 100 beyond the quantile"


def test_arms_that_are_refused() -> None:
    given = arms("ab")
    with pytest.raises(InputError, match=r"arms: drivers on: found 3; allowed: all 4 sets of \['a', 'b'\]"):
        shapley.of_means({on: x for on, x in given.items() if on != ("b",)})
    with pytest.raises(InputError, match=r"arms: drivers on: found 1; allowed: all 1 sets of \[\], at least one"):
        shapley.of_means({(): given[()]})
    with pytest.raises(InputError, match=r"arms: histories: found .*; allowed: the same histories in all"):
        shapley.of_means({**given, (): given[()][1:]})
