"""Random numbers by address: Philox4x32-10 on (seed, purpose, replication, month, entity).

A draw is a pure function of its address. It depends on no array position, on no number of calls, and
on no policy, so two scenarios with one seed face the same weather and the same luck, household by
household. Every function here has a plain NumPy twin (``*_reference``) that gives the same bits.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11 (the generator
and its known-answer vectors); Wichura, "Algorithm AS 241", Applied Statistics 37 (1988) (normal inverse).
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
from numba import njit

from sim.units import F64, Array

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_6 = np.uint64(6)  # 26 bits of each word: 52 and a half bits are exact, so that no uniform rounds to 1


def stream_key(seed: int, purpose: str) -> np.uint64:
    """64-bit key of one stream.

    Parameters
    ----------
    seed : int
        The study's seed.
    purpose : str
        What the draws decide, for example ``"household.ability"``. Each purpose has its own key, so a
        new purpose changes no other draw.
    """
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def entity_id(*parts: object) -> int:
    """63-bit id made from what the entity is (never from a running count)."""
    text = "\x1f".join(str(part) for part in parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


@njit(cache=True, inline="always")
def philox(c0: Any, c1: Any, c2: Any, c3: Any, key: Any) -> Any:
    """Philox4x32-10: four 32-bit words (in uint64) from a 128-bit counter and a 64-bit key."""
    k0, k1 = key & _LOW, key >> _32
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> _32) ^ c1 ^ k0, p1 & _LOW, (p0 >> _32) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@njit(cache=True, inline="always")
def uniform_pair(key: Any, replication: Any, month: Any, entity: Any) -> Any:
    """Two uniforms in (0, 1), never 0 or 1, for one address."""
    e = np.uint64(entity)
    w0, w1, w2, w3 = philox(e & _LOW, e >> _32, np.uint64(month) & _LOW, np.uint64(replication) & _LOW, key)
    u = (float(w0 >> _6) * 67108864.0 + float(w1 >> _6) + 0.5) * (1.0 / 4503599627370496.0)
    v = (float(w2 >> _6) * 67108864.0 + float(w3 >> _6) + 0.5) * (1.0 / 4503599627370496.0)
    return u, v


@njit(cache=True)
def _fill(key: Any, replication: Any, months: Any, entities: Any, out: Any) -> None:
    for i in range(entities.shape[0]):
        out[0, i], out[1, i] = uniform_pair(key, replication, months[i], entities[i])


def uniforms(key: np.uint64, replication: int, months: Array | int, entities: Array) -> F64:
    """Two uniforms for each entity.

    Parameters
    ----------
    key : uint64
        From `stream_key`.
    replication : int
        Index of the history.
    months : (n,) int64 or int
        Month (or year, or draw number) part of the address.
    entities : (n,) int64 or uint64
        Stable ids.

    Returns
    -------
    (2, n) float64 [1]
        In the open interval (0, 1).
    """
    ids = np.ascontiguousarray(entities).astype(np.uint64, copy=False)
    m = np.ascontiguousarray(np.broadcast_to(np.asarray(months, dtype=np.int64), ids.shape))
    out = np.empty((2, ids.size))
    _fill(key, replication, m, ids, out)
    return out


def uniforms_reference(key: np.uint64, replication: int, months: Array | int, entities: Array) -> F64:
    """Plain NumPy twin of `uniforms`."""
    e = np.asarray(entities).astype(np.uint64)
    shape = e.shape
    c0, c1 = e & _LOW, e >> _32
    c2 = np.broadcast_to(np.asarray(months, dtype=np.int64).astype(np.uint64) & _LOW, shape)
    c3 = np.full(shape, np.uint64(replication) & _LOW)
    w0, w1, w2, w3 = philox_reference(c0, c1, c2, c3, key)
    scale = 1.0 / 4503599627370496.0
    u = ((w0 >> _6).astype(float) * 67108864.0 + (w1 >> _6).astype(float) + 0.5) * scale
    v = ((w2 >> _6).astype(float) * 67108864.0 + (w3 >> _6).astype(float) + 0.5) * scale
    return np.stack([u, v])


def philox_reference(c0: Array, c1: Array, c2: Array, c3: Array, key: np.uint64) -> tuple[Array, ...]:
    """Plain NumPy twin of `philox` on arrays of counters."""
    k0, k1 = np.uint64(key & _LOW), np.uint64(key >> _32)
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> _32) ^ c1 ^ k0, p1 & _LOW, (p0 >> _32) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = np.uint64((k0 + _W0) & _LOW), np.uint64((k1 + _W1) & _LOW)
    return c0, c1, c2, c3


def cdf(shares: Array) -> F64:
    """Cumulative shares whose last value is exactly one."""
    out: F64 = np.cumsum(shares, dtype=float)
    out[-1] = 1.0
    return out


# --- log and the normal inverse, from + - x / and sqrt alone -----------------------------------------
# A libm that differs in its last digit would flip a threshold and with it a fen; these do not.

_LN2 = 0.6931471805599453
_SQRT_HALF = 0.7071067811865476


@njit(cache=True, inline="always")
def log_scalar(x: Any) -> Any:
    """Natural logarithm of x > 0 (atanh series after exact scaling by a power of two)."""
    m, e = math.frexp(x)
    if m < _SQRT_HALF:
        m = m * 2.0
        e = e - 1
    s = (m - 1.0) / (m + 1.0)
    return _log_series(s, s * s) + e * _LN2


@njit(cache=True, inline="always")
def _log_series(s: Any, q: Any) -> Any:
    p = 1.0 / 23.0
    p = p * q + 1.0 / 21.0
    p = p * q + 1.0 / 19.0
    p = p * q + 1.0 / 17.0
    p = p * q + 1.0 / 15.0
    p = p * q + 1.0 / 13.0
    p = p * q + 1.0 / 11.0
    p = p * q + 1.0 / 9.0
    p = p * q + 1.0 / 7.0
    p = p * q + 1.0 / 5.0
    p = p * q + 1.0 / 3.0
    p = p * q + 1.0
    return 2.0 * s * p


@njit(cache=True, inline="always")
def _centre(q: Any) -> Any:
    r = 0.180625 - q * q
    num = 2.5090809287301226727e3
    num = num * r + 3.3430575583588128105e4
    num = num * r + 6.7265770927008700853e4
    num = num * r + 4.5921953931549871457e4
    num = num * r + 1.3731693765509461125e4
    num = num * r + 1.9715909503065514427e3
    num = num * r + 1.3314166789178437745e2
    num = num * r + 3.3871328727963666080e0
    den = 5.2264952788528545610e3
    den = den * r + 2.8729085735721942674e4
    den = den * r + 3.9307895800092710610e4
    den = den * r + 2.1213794301586595867e4
    den = den * r + 5.3941960214247511077e3
    den = den * r + 6.8718700749205790830e2
    den = den * r + 4.2313330701600911252e1
    den = den * r + 1.0
    return q * num / den


@njit(cache=True, inline="always")
def _near_tail(r: Any) -> Any:
    r = r - 1.6
    num = 7.74545014278341407640e-4
    num = num * r + 2.27238449892691845833e-2
    num = num * r + 2.41780725177450611770e-1
    num = num * r + 1.27045825245236838258e0
    num = num * r + 3.64784832476320460504e0
    num = num * r + 5.76949722146069140550e0
    num = num * r + 4.63033784615654529590e0
    num = num * r + 1.42343711074968357734e0
    den = 1.05075007164441684324e-9
    den = den * r + 5.47593808499534494600e-4
    den = den * r + 1.51986665636164571966e-2
    den = den * r + 1.48103976427480074590e-1
    den = den * r + 6.89767334985100004550e-1
    den = den * r + 1.67638483018380384940e0
    den = den * r + 2.05319162663775882187e0
    den = den * r + 1.0
    return num / den


@njit(cache=True, inline="always")
def _far_tail(r: Any) -> Any:
    r = r - 5.0
    num = 2.01033439929228813265e-7
    num = num * r + 2.71155556874348757815e-5
    num = num * r + 1.24266094738807843860e-3
    num = num * r + 2.65321895265761230930e-2
    num = num * r + 2.96560571828504891230e-1
    num = num * r + 1.78482653991729133580e0
    num = num * r + 5.46378491116411436990e0
    num = num * r + 6.65790464350110377720e0
    den = 2.04426310338993978564e-15
    den = den * r + 1.42151175831644588870e-7
    den = den * r + 1.84631831751005468180e-5
    den = den * r + 7.86869131145613259100e-4
    den = den * r + 1.48753612908506148525e-2
    den = den * r + 1.36929880922735805310e-1
    den = den * r + 5.99832206555887937690e-1
    den = den * r + 1.0
    return num / den


@njit(cache=True, inline="always")
def normal_inverse(u: Any) -> Any:
    """Standard normal quantile of one u in (0, 1)."""
    q = u - 0.5
    if -0.425 <= q <= 0.425:
        return _centre(q)
    tail = u if q < 0.0 else 1.0 - u
    r = math.sqrt(-log_scalar(tail))
    x = _near_tail(r) if r <= 5.0 else _far_tail(r)
    return -x if q < 0.0 else x


def log_reference(x: F64) -> F64:
    """Plain NumPy twin of `log_scalar` on arrays."""
    m, e = np.frexp(x)
    small = m < _SQRT_HALF
    m, e = np.where(small, m * 2.0, m), np.where(small, e - 1, e)
    s = (m - 1.0) / (m + 1.0)
    return np.asarray(_log_series.py_func(s, s * s) + e * _LN2)


def normal_inverse_reference(u: F64) -> F64:
    """Plain NumPy twin of `normal_inverse` on arrays."""
    u = np.asarray(u, dtype=float)
    q = u - 0.5
    tail = np.where(q < 0.0, u, 1.0 - u)
    r = np.sqrt(np.maximum(-log_reference(tail), 0.0))
    x = np.where(r <= 5.0, _near_tail.py_func(r), _far_tail.py_func(r))
    return np.where((q >= -0.425) & (q <= 0.425), _centre.py_func(q), np.where(q < 0.0, -x, x))


@njit(cache=True, error_model="numpy")
def ar1(noise: Any, persistence: Any) -> None:
    """Turn independent standard normals, one row a month, into stationary AR(1) columns of variance one, in place."""
    rest = math.sqrt(1.0 - persistence * persistence)
    for k in range(1, noise.shape[0]):
        for j in range(noise.shape[1]):
            noise[k, j] = persistence * noise[k - 1, j] + rest * noise[k, j]
