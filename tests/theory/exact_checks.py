"""Checks that no random number decides (D1, D2): what a right simulator gives is known to the last bit or fen.

Each function raises AssertionError where the simulator differs. Planted faults call the same functions.
"""

from __future__ import annotations

import hashlib
import math
import re
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import portfolios as p
import pytest
from component_beds import backlog, desk, payment_month

import sim
from sim import estimate, streams
from sim.errors import TooFewHistories
from sim.fiscal.office import CLAIM
from sim.fund import need
from sim.units import share_of

Exact = Callable[[], None]
PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0)  # the digits of pi
ONES = (0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2


# --- D1: random numbers by address -------------------------------------------------------------------


def known_answers() -> None:
    """Philox4x32-10 on three counters and keys, as published with Random123; compiled and plain."""
    published = {
        ((0, 0, 0, 0), (0, 0)): (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
        ONES: (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        PI: (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    }
    for (counter, key), words in published.items():
        k = np.uint64(key[0] | key[1] << 32)
        assert tuple(int(w) for w in streams.philox(*map(np.uint64, counter), k)) == words
        plain = streams.philox_reference(*(np.array([x], np.uint64) for x in counter), k)
        assert tuple(int(w[0]) for w in plain) == words


def address() -> None:
    """A uniform is the one that its written address says: hash of seed and purpose as key, and as counter the two
    halves of the entity's id, the month and the replication. Philox is spelled out here once more, on Python's ints."""
    for seed, purpose, replication, month, entity in (
        (2027, "household.ability", 77, 540, 2**62 + 5),
        (1, "x", 0, 0, 3),
    ):
        key = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest()
        k = [int.from_bytes(key[:4], "little"), int.from_bytes(key[4:], "little")]
        c = [entity % 2**32, entity >> 32, month, replication]
        for _ in range(10):
            a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            c = [(b >> 32) ^ c[1] ^ k[0], b % 2**32, (a >> 32) ^ c[3] ^ k[1], a % 2**32]
            k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
        expected = [((hi >> 6) * 2**26 + (lo >> 6) + 0.5) / 2**52 for hi, lo in ((c[0], c[1]), (c[2], c[3]))]
        found = streams.uniforms(streams.stream_key(seed, purpose), replication, month, np.array([entity]))
        assert found[:, 0].tolist() == expected


def keys_do_not_collide() -> None:
    """The purposes that the source draws for have each their own key, under 200 seeds."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted(Path(sim.__file__).parent.rglob("*.py")))
    purposes = set(re.findall(r'stream_key\(\s*[a-z.]*seed,\s*"([^"]+)"', source))
    purposes |= set(re.findall(r'"((?:household|factor)\.[a-z_]+)"', source))
    assert {"household.ability", "factor.county", "drought.year", "subsidy.late_year"} <= purposes
    keys = {int(streams.stream_key(seed, purpose)) for purpose in purposes for seed in range(200)}
    assert len(keys) == 200 * len(purposes)


def draws_do_not_collide() -> None:
    """400,000 addresses in replication, month and entity give as many different uniforms; 100,000 ids differ."""
    key = streams.stream_key(9, "household.ability")
    ids = np.array([streams.entity_id("portfolio", g, k) for g in range(10) for k in range(10_000)], dtype=np.int64)
    assert np.unique(ids).size == ids.size
    draws = [streams.uniforms(key, r, m, ids[:10_000])[0] for r in range(5) for m in range(8)]
    assert np.unique(np.concatenate(draws)).size == 400_000


def order_of_loans() -> None:
    """A loan book read in two orders gives the same histories, to the bit."""
    rows = pd.DataFrame({
        "loan_id": [streams.entity_id("loan", k) for k in range(300)],
        "household_id": [streams.entity_id("household", k % 240) for k in range(300)],
        "lender": "bank", "township": [p.place(k % 3) for k in range(300)],
        "principal_fen": 5_000_000, "balance_fen": [5_000_000 - 1_000 * k for k in range(300)],
        "originated_on": "2016-03-15", "matures_on": [f"2018-0{1 + k % 6}-15" for k in range(300)], "rate_ppm": 47_500,
    })  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for name, table in (("as-it-came", rows), ("shuffled", rows.sample(frac=1, random_state=1))):
            file = Path(folder) / f"{name}.csv"
            table.to_csv(file, index=False)
            base = p.county("book", [p.group(1, 0.0)], townships=3, factor={"county_variance": 0.2})
            changes = {"opening": {"kind": "table", "file": str(file)}, "defaults.p_default": 0.1}
            results = sim.run(base.with_changes(changes, "book"), 20, seed=5, workers=1, out=Path(folder) / name)
            found.append(results.histories())
    assert found[0]["defaulted_count"].sum() > 100
    pd.testing.assert_frame_equal(found[0], found[1], check_exact=True)


def workers_and_batches() -> None:
    """Histories do not know how many workers there were, nor that a run was taken up again."""
    county = p.one_factor(100)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(3) as pool:
        one = sim.run(county, 150, seed=6, workers=1, out=Path(folder) / "one").histories()
        sim.run(county, 60, seed=6, workers=1, out=Path(folder) / "two")
        again = sim.run(county, 150, seed=6, workers=3, executor=pool, out=Path(folder) / "two").histories()
    pd.testing.assert_frame_equal(one, again, check_exact=True)


# --- D2: definitions on fixed vectors ----------------------------------------------------------------

TIES = np.array([0] * 90 + [5] * 9 + [50])


def quantile_and_tail_mean() -> None:
    """The ceil(a n)-th order statistic, and the tail mean of Acerbi and Tasche, with ties and with a n not whole."""
    for x, a, quantile, tail in (
        (np.arange(1, 11), 0.9, 9.0, 10.0),
        (np.arange(1, 11), 0.91, 10.0, 10.0),
        (np.arange(1, 11), 0.85, 9.0, 9 + 0.1 / 0.15),  # not E[L | L > VaR] = 10
        (TIES, 0.9, 0.0, 9.5),  # ties below
        (TIES, 0.95, 5.0, 14.0),  # ties at the quantile
        (np.array([7] * 10), 0.5, 7.0, 7.0),
        (np.array([3, 1, 2]), 1 / 3, 1.0, 2.5),  # a n whole up to rounding
    ):
        assert np.sort(x)[estimate.quantile_rank(x.size, a) - 1] == quantile
        assert float(estimate.tail_value(x, a)) == pytest.approx(tail, abs=1e-9)
        if estimate.upper_rank(x.size, a) is not None:
            assert estimate.quantile(x, a).value == quantile


def smallest_fund() -> None:
    """The a-quantile of need is exceeded, strictly, in at most 1 - a of the histories, and nothing smaller is."""
    for need_of_each in (TIES, np.arange(1, 101)):
        fund = estimate.quantile(need_of_each, 0.95).value
        assert fund in (5.0, 95.0)
        assert (fund < need_of_each).mean() <= 0.05 < (fund <= need_of_each).mean()


def ranks_of_order_statistics() -> None:
    """Ranks (r, s) that hold the quantile in 95 of 100 samples, and one-sided ranks for 95 and 99 per cent."""
    assert estimate.interval_ranks(10_000, 0.99) == (9880, 9920)
    assert estimate.interval_ranks(100_000, 0.999) == (99_880, 99_920)
    assert estimate.upper_rank(10_000, 0.99) == 9917
    assert estimate.upper_rank(10_000, 0.99, 0.99) == 9923


def fewest_histories() -> None:
    """Wilks: 59, 299, 459 and 2,995 histories, in which the largest is the upper figure; fewer are refused."""
    for a, confidence, n in ((0.95, 0.95, 59), (0.99, 0.95, 299), (0.99, 0.99, 459), (0.999, 0.95, 2995)):
        assert estimate.needed_histories(a, confidence) == n
        assert estimate.upper_rank(n, a, confidence) == n
        assert estimate.upper_rank(n - 1, a, confidence) is None
    with pytest.raises(TooFewHistories, match="59 or more"):
        estimate.quantile(np.arange(58.0), 0.95)


def share_before_cap() -> None:
    """Two bad loans of 50,000 yuan and a fund of 60,000: it pays 60,000, short of its 70,000 (not 42,000)."""
    county = p.county("two-bad", [p.group(2, 1.0)], fund_yuan=60_000)
    with tempfile.TemporaryDirectory() as folder:
        row = sim.run(county, 1, seed=1, workers=1, out=Path(folder) / "run").histories().iloc[0]
    assert (row["defaulted_fen"], row["need_fen"]) == (10_000_000, 7_000_000)
    assert (row["waterfall_fund_paid_fen"], row["gap_fen"]) == (6_000_000, 1_000_000)


def share_to_the_fen() -> None:
    """70 per cent, halves up: of 5 fen 4 (3.5), of 1 fen 1 (0.7), of 2 fen 1 (1.4)."""
    assert share_of(np.array([0, 1, 2, 5, 15, 10**13 + 5]), 700_000).tolist() == [0, 1, 1, 4, 11, 7 * 10**12 + 4]


def emptied_is_not_short() -> None:
    """A fund that is paid out to the fen is not short; one fen less is, on the day of the last payment."""
    nothing, paid = np.zeros(3, np.int64), np.array([70, 0, 30])
    assert need.first_short_day(100, nothing, paid) == -1
    assert need.first_short_day(99, nothing, paid) == 2
    assert int(need.need(paid, nothing)) == 100


def need_is_just_enough() -> None:
    """On 200 paths: the need as opening balance is never short, and one less is."""
    rng = np.random.default_rng(12)
    for _ in range(200):
        paid, received = rng.integers(0, 50, 24), rng.integers(0, 40, 24)
        enough = int(need.need(paid, received))
        assert need.first_short_day(enough, received, paid) == -1
        assert enough == 0 or need.first_short_day(enough - 1, received, paid) >= 0


def batch_at_the_desk() -> None:
    """50 files at 6 a day: the last on day 9, on average on day 4.68."""
    clerks = desk(6.0)
    for k in range(50):
        clerks.submit(0, CLAIM, 1.0, k)
    days = [math.ceil(minute / 6 - 1e-9) for minute, _ in clerks.advance(20)]
    assert (max(days), sum(days) / 50) == (9, 4.68)
    assert days == [math.ceil(k / 6) for k in range(1, 51)]


def backlog_runs_off() -> None:
    """30 files, 8 come and 10 go a month: 28, 26, ... 0 in month 15, and room is not saved up."""
    assert backlog([8] * 18, at_start=30) == [*range(28, -1, -2), 0, 0, 0]


def months_of_payment() -> None:
    """Missed + 3 + 1 + 2 months, then the next quarter's end, the same day included."""
    assert [payment_month(m) for m in range(1, 13)] == [9, 9, 9, 12, 12, 12, 15, 15, 15, 18, 18, 18]


EXACT: dict[str, dict[str, Exact]] = {
    "D1": {
        "known answers": known_answers,
        "address": address,
        "keys": keys_do_not_collide,
        "draws": draws_do_not_collide,
        "order of loans": order_of_loans,
        "workers and batches": workers_and_batches,
    },
    "D2": {
        "quantile and tail mean": quantile_and_tail_mean,
        "smallest fund": smallest_fund,
        "ranks": ranks_of_order_statistics,
        "fewest histories": fewest_histories,
        "share before cap": share_before_cap,
        "share to the fen": share_to_the_fen,
        "emptied is not short": emptied_is_not_short,
        "need is just enough": need_is_just_enough,
        "batch at the desk": batch_at_the_desk,
        "backlog runs off": backlog_runs_off,
        "months of payment": months_of_payment,
    },
}


def notices(suite: str, name: str) -> Any:
    """Whether a check fails now (with a fault planted): the words of its failure, else None."""
    try:
        EXACT[suite][name]()
    except Exception as error:  # a fault may also stop the simulator, which is noticed as well
        return repr(error)
    return None
