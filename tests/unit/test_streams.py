"""Random numbers by address: published known answers, twins with the same bits, no shared addresses."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from scipy.special import ndtri

import sim
from sim import streams
from sim.streams import (
    entity_id,
    normal_inverse,
    normal_inverse_reference,
    philox,
    philox_reference,
    stream_key,
    uniform_pair,
    uniforms,
    uniforms_reference,
)

SOURCE = Path(sim.__file__).parent

# Known-answer vectors of Philox4x32-10 published with Random123: counter, key, result.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@njit
def _inverse_of_each(u):  # type: ignore[no-untyped-def]
    out = np.empty_like(u)
    for i in range(u.size):
        out[i] = normal_inverse(u[i])
    return out


def _many_u() -> np.ndarray:
    """Centre, seams between the branches, and both tails down to the smallest u that can be drawn."""
    near = np.array([0.075, 0.925, 0.5, np.exp(-25.0), 1 - np.exp(-25.0)])
    seams = np.concatenate([near * (1 + k * 2.0**-52) for k in range(-3, 4)])
    tails = 2.0 ** -np.arange(1, 54, 0.37)
    inside = np.random.Generator(np.random.PCG64(1)).random(20_000)
    u = np.concatenate([seams, tails, 1 - tails, inside])
    return u[(u > 0) & (u < 1)]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_published_vectors(counter: tuple[int, ...], key: tuple[int, int], words: tuple[int, ...]) -> None:
    c = [np.uint64(x) for x in counter]
    k = np.uint64(key[0] | key[1] << 32)
    assert tuple(int(w) for w in philox(*c, k)) == words
    assert tuple(int(w) for w in philox.py_func(*c, k)) == words
    arrays = philox_reference(*(np.array([x]) for x in c), k)
    assert tuple(int(w[0]) for w in arrays) == words


def test_uniforms_have_the_same_bits_in_all_twins() -> None:
    key = stream_key(2027, "household.ability")
    ids = np.array([entity_id("loan", k) for k in range(300)] + [0, 1, 2**63 - 1], dtype=np.int64)
    months = np.arange(ids.size) + 540
    compiled, plain = uniforms(key, 77, months, ids), uniforms_reference(key, 77, months, ids)
    assert compiled.tobytes() == plain.tobytes()
    uncompiled = [uniform_pair.py_func(key, 77, m, i) for m, i in zip(months, ids, strict=True)]
    assert np.array(uncompiled).T.tobytes() == plain.tobytes()
    one = [uniform_pair(key, 77, int(m), i) for m, i in zip(months, ids, strict=True)]
    assert np.array(one).T.tobytes() == plain.tobytes()


def test_fill_loop_without_compiling() -> None:
    key, ids = stream_key(1, "test"), np.arange(20, dtype=np.uint64)
    out = np.empty((2, 20))
    streams._fill.py_func(key, 3, np.zeros(20, np.int64), ids, out)
    assert out.tobytes() == uniforms(key, 3, 0, ids).tobytes()


def test_uniforms_stay_inside_the_open_interval() -> None:
    u = uniforms(stream_key(5, "test"), 0, 0, np.arange(200_000))
    assert u.min() > 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 4.9 / np.sqrt(12 * u.size)


def test_the_largest_words_give_a_uniform_below_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ones = np.array([0xFFFFFFFF], dtype=np.uint64)
    monkeypatch.setattr(streams, "philox_reference", lambda *args: (ones, ones, ones, ones))
    assert uniforms_reference(stream_key(1, "test"), 0, 0, np.array([1])).max() < 1.0


def test_every_part_of_the_address_counts() -> None:
    ids = np.arange(50)
    base = uniforms(stream_key(1, "a"), 0, 0, ids)
    for other in (
        uniforms(stream_key(2, "a"), 0, 0, ids),
        uniforms(stream_key(1, "b"), 0, 0, ids),
        uniforms(stream_key(1, "a"), 1, 0, ids),
        uniforms(stream_key(1, "a"), 0, 1, ids),
        uniforms(stream_key(1, "a"), 0, 0, ids + 2**32),
    ):
        assert not np.isin(other, base).any()


def test_no_two_addresses_give_one_draw() -> None:
    key = stream_key(9, "test")
    draws = [uniforms(key, r, m, np.arange(40))[0] for r in range(20) for m in range(20)]
    assert np.unique(np.concatenate(draws)).size == 40 * 400


def test_purposes_share_no_key_and_are_each_drawn_in_one_place() -> None:
    """Two decisions on one stream would be tied together without anybody having said so."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py")))
    drawn = re.findall(r'stream_key\(\s*seed,\s*"([^"]+)"', text)
    assert len(drawn) > 8
    assert sorted(drawn) == sorted(set(drawn))
    by_name = re.findall(r'"((?:household|factor)\.[a-z_]+)"', text)  # keys made in a loop
    assert {"household.ability", "household.cause", "factor.county", "factor.township"} <= set(by_name)
    names = sorted(set(drawn) | set(by_name))
    assert len({int(stream_key(seed, name)) for name in names for seed in range(50)}) == 50 * len(names)


def test_draws_move_with_their_ids() -> None:
    key, ids = stream_key(3, "test"), np.array([entity_id("x", k) for k in range(500)])
    order = np.random.Generator(np.random.PCG64(2)).permutation(500)
    for draw in (uniforms, uniforms_reference):
        assert draw(key, 4, 5, ids)[:, order].tobytes() == draw(key, 4, 5, ids[order]).tobytes()


def test_entity_ids_are_made_from_what_the_entity_is() -> None:
    assert entity_id("a", 1) == entity_id("a", 1) != entity_id("a", 2)
    assert entity_id("a", "b1") != entity_id("ab", "1")
    ids = [entity_id("household", k) for k in range(20_000)]
    assert len(set(ids)) == 20_000
    assert min(ids) >= 0
    assert max(ids) < 2**63


def test_normal_inverse_against_a_second_implementation() -> None:
    u = _many_u()
    exact = ndtri(u)
    error = np.abs(normal_inverse_reference(u) - exact) / np.maximum(np.abs(exact), 1.0)
    assert error.max() < 1e-14


def test_normal_inverse_has_the_same_bits_in_all_twins() -> None:
    u = _many_u()
    plain = normal_inverse_reference(u)
    assert _inverse_of_each(u).tobytes() == plain.tobytes()
    few = np.concatenate([u[:400], u[-200:]])
    uncompiled = np.array([normal_inverse.py_func(float(x)) for x in few])
    assert uncompiled.tobytes() == normal_inverse_reference(few).tobytes()


def test_logarithm_against_the_library() -> None:
    x = np.concatenate([2.0 ** -np.arange(1, 60, 0.31), [0.999999, 0.5, np.sqrt(0.5)]])
    for log in (streams.log_scalar, streams.log_scalar.py_func):
        ours = np.array([log(float(v)) for v in x])
        assert np.max(np.abs(ours - np.log(x)) / np.abs(np.log(x))) < 1e-14
