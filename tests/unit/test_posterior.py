"""The fit on a problem whose answer is known exactly, and what its checks see when it is broken."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from calibration.fit_checks import inside_by_luck, log_density, recover, recover_in_folds
from calibration.posterior import posterior, predicted, weighted_quantile
from sim.streams import stream_key, uniforms
from sim.units import F64

NOISE = 0.5  # of the one figure that tells something


def normals(name: str, n: int, k: int) -> F64:
    return np.asarray(norm.ppf(np.array([uniforms(stream_key(3, name), j, 0, np.arange(n))[0] for j in range(k)]))).T


def table(n: int) -> tuple[F64, F64]:
    """Two parameters; a figure that shows the first, and one that shows nothing."""
    z, e = normals("z", n, 2), normals("e", n, 2)
    return z, np.column_stack([z[:, 0] + NOISE * e[:, 0], e[:, 1]])


def test_the_posterior_is_that_of_the_linear_normal_model() -> None:
    z, figures = table(3000)
    for at in (-1.0, 0.3, 1.5):
        found = posterior(z, figures, np.array([at, 0.0]))
        mean, sd = at / (1 + NOISE**2), np.sqrt(NOISE**2 / (1 + NOISE**2))
        low, middle, high = found.quantile([0.05, 0.5, 0.95])
        assert middle[0] == pytest.approx(mean, abs=0.08)
        assert high[0] - low[0] == pytest.approx(2 * 1.645 * sd, rel=0.12)
        assert high[1] - low[1] == pytest.approx(2 * 1.645, rel=0.15)  # nothing tells the second


def test_known_values_are_found_and_a_posterior_pressed_to_half_is_noticed() -> None:
    z, figures = table(1900)
    found = recover(z[:1500], figures[:1500], z[1500:], figures[1500:])
    assert found.n == 400
    assert ((found.covered >= 0.85) & (found.covered <= 0.95)).all()
    assert (found.p_values(found.ranks) > 1e-3).all()
    assert (found.p_values(found.halved_ranks) < 1e-6).all()
    assert found.keeps == pytest.approx([np.sqrt(NOISE**2 / (1 + NOISE**2)), 1.0], rel=0.1)
    low, high = inside_by_luck(400)
    assert 0.84 < low < 0.86
    assert 0.94 < high < 0.96


def test_a_figure_left_out_is_predicted_with_its_spread() -> None:
    z, figures = table(3000)
    other = z[:, 0] + NOISE * normals("other", 3000, 1)[:, 0]
    draws, weight = predicted(z, figures, other, np.array([1.0, 0.0]))
    mean, var = 1 / (1 + NOISE**2), NOISE**2 / (1 + NOISE**2) + NOISE**2
    assert float(weight @ draws) == pytest.approx(mean, abs=0.08)
    low, high = weighted_quantile(draws, weight, [0.05, 0.95])
    assert high - low == pytest.approx(2 * 1.645 * np.sqrt(var), rel=0.12)
    exact = float(norm.logpdf(0.5, mean, np.sqrt(var)))
    assert log_density(draws, weight, 0.5, 0.1) == pytest.approx(exact, abs=0.15)
    assert log_density(draws, weight, 9.0, 0.1) < exact - 20


def test_one_figure_says_the_same_whatever_else_is_fitted() -> None:
    """Ten parameters from one figure: the ten regressions are of one thing, and their matrix has no inverse."""
    z, other = normals("z", 3000, 10), normals("other", 3000, 1)[:, 0]
    figure = z[:, 0] + NOISE * normals("e", 3000, 1)[:, 0]
    other = z[:, 0] + NOISE * other
    mean, var = 1 / (1 + NOISE**2), NOISE**2 / (1 + NOISE**2) + NOISE**2
    for k in (1, 10):
        draws, weight = predicted(z[:, :k], figure[:, None], other, np.array([1.0]))
        ends = weighted_quantile(draws, weight, [0.05, 0.95])
        assert ends == pytest.approx(mean + 1.645 * np.sqrt(var) * np.array([-1, 1]), abs=0.08)
        left = posterior(z[:, :k], figure[:, None], np.array([1.0])).scores[:, 0]
        assert left.std() == pytest.approx(np.sqrt(NOISE**2 / (1 + NOISE**2)), rel=0.1)


def test_equal_draws_are_the_same_for_a_seed_and_keep_their_weights() -> None:
    z, figures = table(2000)
    found = posterior(z, figures, np.array([0.5, 0.0]))
    a, b = found.resampled(512, 7), found.resampled(512, 7)
    assert (a == b).all()
    assert not (a == found.resampled(512, 8)).all()
    assert a.mean(axis=0) == pytest.approx(found.weight @ found.scores, abs=0.03)
    assert abs(np.corrcoef(a[:-1, 0], a[1:, 0])[0, 1]) < 0.2  # in a random order


def test_rows_held_out_in_folds_are_each_fitted_without_their_own_fold() -> None:
    rng = np.random.default_rng(11)
    z = rng.standard_normal((300, 2))
    figures = z @ np.array([[1.0, 0.2], [0.0, 1.0]]) + 0.3 * rng.standard_normal((300, 2))
    one, plain = recover_in_folds(z, figures, 100, 1), recover(z[:200], figures[:200], z[200:], figures[200:])
    assert (one.ranks == plain.ranks).all() and (one.covered == plain.covered).all()
    folded = recover_in_folds(z, figures, 100, 4)
    rest = np.r_[0:225, 250:300]
    second = recover(z[rest], figures[rest], z[225:250], figures[225:250])
    assert (folded.ranks[25:50] == second.ranks).all() and folded.ranks.shape == (100, 2)
