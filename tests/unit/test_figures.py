"""Pictures of results: the right numbers in the marks, in the words and in the tables, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboard import figures
from dashboard.figures import Figure, theme
from dashboard.figures.measure import ticks
from dashboard.words import Words
from sim.estimate import Estimate, Strata

NASTY = "<script>alert('x')</script> & <a href='http://x'>y</a>"
DEMONSTRATION = {"zh": "演示数据，不可用于预算", "en": "Demonstration data: not for a budget"}
NEED_YUAN = np.arange(1, 401) * 10_000.0  # the chance above s yuan is 1 - s / 4,000,000
UNIT = {"zh": 10_000, "en": 1_000_000}


def value(x: float | None, low: float | None = None, high: float | None = None, reason: str = "") -> dict[str, Any]:
    """An estimate as an answer holds it."""
    out: dict[str, Any] = {"value": x}
    if low is not None:
        out["ci95"] = [low, high]
    return out | ({"reason": reason} if reason else {})


@pytest.fixture(scope="module", params=["zh", "en"])
def w(request: pytest.FixtureRequest) -> Words:
    return Words(request.param)


def chance(size: float) -> float:
    """Share of the histories that need more."""
    return float(np.greater(NEED_YUAN, size).mean())


def histories() -> pd.DataFrame:
    order = np.random.default_rng(7).permutation(400)
    return pd.DataFrame({"replication": order, "need_fen": (NEED_YUAN[order] * 100).astype(np.int64)})


def months(n: int = 100) -> pd.DataFrame:
    """Two sub-accounts of 0.6 and 0.4 million yuan plus 100 yuan a history; December of the year is lower."""
    rows = [
        {"replication": r, "month": 12 * 48 + k, "lender": i, "fund_fen": (60_000_000, 40_000_000)[i] + 10_000 * r - (k == 11) * 5_000_000}
        for r, k, i in product(range(n), range(-2, 14), range(2))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def townships() -> pd.DataFrame:
    """Three townships: 2 % and 10 % of principal default, in the third nothing is due."""
    rows = [
        {"replication": r, "township": t, "due_fen": due, "defaulted_fen": bad + (r % 2 * 2 - 1) * bad // 10}
        for r in range(50)
        for t, (due, bad) in enumerate(((1_000_000, 20_000), (1_000_000, 100_000), (0, 0)))
    ]
    return pd.DataFrame(rows)


def answer() -> dict[str, Any]:
    """As `Answer.data` is shaped, small."""
    present = ["drought", "stacking"]
    effects = {
        "drought": {"off": value(9e5, 5e5, 1.2e6), "alone": value(8e5, 4e5, 1.1e6)},
        "stacking": {"off": value(3e5, 1e5, 5e5), "alone": value(2e5, 5e4, 4e5)},
        "late_subsidy": {
            "off": value(None, reason="the scenario has no late subsidy"),
            "alone": value(None, reason="the scenario has no late subsidy"),
        },
        "all": value(1.1e6, 8e5, 1.4e6),
        "interaction": value(1e5, -5e4, 2e5),
    }
    return {
        "scenario": "x-county", "year": 2018, "assurance": 0.95, "replications": 400, "seed": 2027, "is_demonstration": True,
        "fund_yuan": 20_000_000, "need_yuan": value(3.8e6, 3.7e6, 3.9e6), "advice": {"fund_yuan": 3_800_000.0},
        "uncertainty": {"need_over_parameters_yuan": {"p05": 2.5e6, "p25": 3e6, "p50": 3.4e6, "p75": 3.8e6, "p95": 4.2e6}},
        "frontier": {
            "rows": [
                {"fund_yuan": s, "shortfall_chance": value(c, c * 0.8, c * 1.1), "idle_yuan": value(s / 2),
                 "mean_gap_if_short_yuan": value(g) if g else value(None, reason="no history was short")}
                for s, c, g in ((0.0, 1.0, 2e6), (2e6, 0.5, 1e6), (4e6, 0.0, None))
            ],
            "knee_yuan": 2e6,
        },
        "need_yuan_lending_reacts": {
            "value": 4e6,
            "grid": [{"fund_yuan": s, "short_share": c, "credit_granted_yuan": 10 * s} for s, c in ((0.0, 1.0), (4e6, 0.05), (8e6, 0.0))],
        },
        "drivers": {
            "present": present, "absent": {"late_subsidy": "the scenario has no late subsidy"},
            "arms": {"none": {"need_yuan": value(2.7e6, 2.5e6, 2.9e6)}}, "effects": {"need_yuan": effects},
        },
        "subsidy_unpaid_by_age_yuan": {
            "0_90_days": value(1e6, 9e5, 1.1e6), "91_180_days": value(5e5), "181_365_days": value(0.0), "366_days_and_more": value(2e5),
        },
        "households": {"default_share_by_other_debts": {
            "0": value(0.02, 0.018, 0.022), "1": value(0.05, 0.045, 0.055), "2": value(None, reason="nothing to divide by in the sized year"),
            "3": value(0.12, 0.1, 0.14),
        }},
        "provenance": {"result_number": "RF-2018-ABCDEF", "rules_sha256": "0123456789abcdef"},
    }  # fmt: skip


def attribution() -> dict[str, Any]:
    """As `sim.answers.attribution` gives it."""
    shares = {"drought": value(8.5e5, 5e5, 1.1e6), "stacking": value(2.5e5, 1e5, 4e5)}
    split = {"total": value(1.1e6, 8e5, 1.4e6), "shares": shares, "interaction": value(1e5, -5e4, 2e5)}
    return {"drivers": ["drought", "stacking"], "need_yuan": split, "levels_yuan": {"none": {"need": value(2.7e6)}}}


def compared(name: str = "dry") -> list[dict[str, Any]]:
    """As `Results.compare` gives it."""
    rows = [
        (name, Estimate(2e6, (1e6, 3e6))),
        ("monthly", Estimate(-1e5, (-3e5, 1e5))),
        ("same", Estimate(0.0, (0.0, 0.0))),
    ]
    out = [
        {"scenario": s, "metric": "need_yuan", "base": 3e6, "other": 3e6 + (d.value or 0), "difference": d}
        for s, d in rows
    ]
    return [
        *out,
        {
            "scenario": name,
            "metric": "default_share",
            "base": 0.02,
            "other": 0.03,
            "difference": value(0.01, 0.005, 0.015),
        },
    ]


def targets(name: str = "repaid") -> list[dict[str, Any]]:
    keys = ("name", "target", "low", "high", "model", "model_low", "model_high")
    rows = (
        (name, 0.9, 0.88, 0.92, 0.891, 0.889, 0.893),
        ("stacked", 0.5, 0.4, 0.6, 0.1, 0.09, 0.11),
        ("days", 180.0, None, None, 198.0, 180.0, 210.0),
        ("unknown", None, None, None, 3.0, None, None),
    )
    return [dict(zip(keys, row, strict=True)) for row in rows]


def cells() -> list[dict[str, Any]]:
    return [
        {"late_months": 0, "drought": "none", **value(0.01, 0.005, 0.02)},
        {"late_months": 6, "drought": "severe", **value(0.2, 0.15, 0.25)},
        {"late_months": 3, "drought": "light", **value(None, reason="no history was short")},
    ]


def forecasts(name: str, w: Words) -> list[dict[str, Any]]:
    ends = [
        (1e6, 2e6, 5e6, 3e6, True, w.money),
        (0.02, 0.03, 0.06, 0.5, False, w.percent),
        (4.0, 4.0, 4.0, 4.0, True, w.number),
    ]
    keys = ("low", "middle", "high", "actual", "is_inside", "say")
    return [{"name": f"{name} {k}", **dict(zip(keys, row, strict=True))} for k, row in enumerate(ends)]


@cache
def every(w: Words, name: str = "a") -> tuple[tuple[str, Figure], ...]:
    """Every picture, with a name of the caller's in all places where names can stand."""
    return tuple(_every(w, name))


def _every(w: Words, name: str) -> Iterator[tuple[str, Figure]]:
    d = answer() | {"scenario": name}
    yield "dots", figures.dots(d, histories(), w)
    yield "exceedance", figures.exceedance(d, histories(), w)
    yield "frontier", figures.frontier(d, w)
    yield "drivers_waterfall", figures.drivers_waterfall(d, w)
    yield "drivers_waterfall, shares", figures.drivers_waterfall(d, w, attribution=attribution())
    yield "differences", figures.differences(compared(name), "need_yuan", w, about=d)
    yield "balance_fan", figures.balance_fan(d, months(), w)
    yield "subsidy_ageing", figures.subsidy_ageing(d, w, others={f"{name} 2": d})
    yield "township_map", figures.township_map(townships(), [name, "b", "c"], w, about=d)
    yield "default_by_debts", figures.default_by_debts(d, w)
    yield "calibration_dots", figures.calibration_dots(targets(name), w, about=d)
    yield "forecast_and_fact", figures.forecast_and_fact(forecasts(name, w), w, about=d)
    yield "heat_table", figures.heat_table(cells(), w, about=d)
    yield "lending_curve", figures.lending_curve(d, w)


def axes(f: Figure) -> list[Any]:
    layout = f.figure.layout
    return [layout[name] for name in ("xaxis", "yaxis", "yaxis2") if name in layout]


def texts(f: Figure) -> str:
    """All that is written in a picture, as its markup."""
    written = [a.text for a in f.figure.layout.annotations]
    for axis in axes(f):
        written += list(axis.ticktext or [])
    for trace in f.figure.data:
        for part in (trace.hovertext, trace.text):
            written += [part] if isinstance(part, str) else list(part or [])
    return "\n".join(written)


def marks(f: Figure, k: int) -> list[Any]:
    return list(f.figure.data[k].y)


# --- all of them -------------------------------------------------------------------------------------


def test_every_picture_has_words_data_and_source(w: Words) -> None:
    for name, f in every(w):
        assert f.title and f.title in f.alt.replace("\n", ""), name
        assert re.search(r"\d", f.alt), name
        assert len(f.alt) > len(f.title) + 10, name
        assert len(f.table) > 0 and f.table.columns.is_unique, name
        assert all(part in f.source for part in (DEMONSTRATION[w.lang], "RF-2018-ABCDEF", "012345", "400", "2027")), (
            name
        )
        bare = re.sub("<[^>]+>", "", texts(f).replace("<br>", " "))
        assert "RF-2018-ABCDEF" in bare and DEMONSTRATION[w.lang].split()[0] in bare, name
        f.figure.to_json()


def test_no_picture_writes_k_or_m_or_turns_numbers_into_dates(w: Words) -> None:
    for name, f in every(w):
        for axis in axes(f):
            assert axis.type != "date", name
            assert "s" not in (axis.tickformat or ""), name
            assert axis.visible is False or axis.tickmode in ("array", None), name
            labels = list(axis.ticktext or [])
            assert not [t for t in labels if re.search(r"\d\s*[kMGµ]\b|\de[+-]?\d|^-\d", t)], (name, labels)
        assert theme.TEMPLATE.layout.yaxis.exponentformat == "none"
        assert not re.search(r"(?<![\w–])-\d", f.alt), name  # a minus is a minus, not a hyphen


def test_names_with_markup_are_shown_and_not_run(w: Words) -> None:
    for name, f in every(w, NASTY):
        assert "<script" not in texts(f) and "<a " not in texts(f), name
    shown = texts(figures.differences(compared(NASTY), "need_yuan", w)).replace("<br>", "")
    assert "&lt;script&gt;" in shown


def test_texts_can_be_read(w: Words) -> None:
    for colour in (theme.INK, theme.MUTED, theme.SHORT, *theme.CATEGORICAL):
        assert theme.contrast(colour, theme.PAPER) >= 4.5, colour
    for colour in (*theme.RAMP, theme.PAPER):
        assert theme.contrast(theme.text_on(colour), colour) >= 4.5, colour
    lightness = [theme.contrast(theme.PAPER, colour) for colour in theme.RAMP]
    assert lightness == sorted(lightness)  # in grey print darker is still more
    assert theme.SHORT not in theme.CATEGORICAL
    assert theme.CONFIG["displayModeBar"] is False
    assert "Microsoft YaHei" in theme.TEMPLATE.layout.font.family


def test_a_picture_without_values_says_why(w: Words) -> None:
    """None, empty tables and missing sections: a reason in words, never an exception."""
    reason = "no history was short"
    none = value(None, reason=reason)
    data = answer() | {
        "need_yuan": none, "frontier": {"rows": [], "reason": reason}, "need_yuan_lending_reacts": none, "households": none,
        "subsidy_unpaid_by_age_yuan": none, "drivers": {"present": [], "effects": {"need_yuan": {"all": none}}},
    }  # fmt: skip
    nil = pd.DataFrame({"replication": [0, 1], "need_fen": [0, 0]})
    no = pd.DataFrame(
        columns=["replication", "month", "lender", "fund_fen", "township", "due_fen", "defaulted_fen", "need_fen"]
    )
    made: dict[str, Callable[[], Figure]] = {
        "dots": lambda: figures.dots(data, nil, w),
        "exceedance": lambda: figures.exceedance(data, nil, w),
        "frontier": lambda: figures.frontier(data, w),
        "waterfall": lambda: figures.drivers_waterfall(data, w),
        "shares": lambda: figures.drivers_waterfall(data, w, attribution={"drivers": [], "reason": reason}),
        "differences": lambda: figures.differences([{"scenario": "s", "metric": "need_yuan", "difference": none}], "need_yuan", w),
        "ageing": lambda: figures.subsidy_ageing(data, w),
        "debts": lambda: figures.default_by_debts(data, w),
        "heat": lambda: figures.heat_table([{"late_months": 0, "drought": "none", **none}], w),
        "lending": lambda: figures.lending_curve(data, w),
    }  # fmt: skip
    for name, make in made.items():
        f = make()
        assert w.reason(reason) in f.alt and f.title, name
        assert f.table.empty and len(f.table.columns) > 0, name
        assert not f.figure.data, name
    for make in (
        lambda: figures.dots(data, no, w), lambda: figures.exceedance(data, no, w), lambda: figures.balance_fan(data, no, w),
        lambda: figures.township_map(no, [], w), lambda: figures.calibration_dots([], w), lambda: figures.differences([], "need_yuan", w),
        lambda: figures.heat_table([], w), lambda: figures.frontier({}, w), lambda: figures.default_by_debts({}, w),
        lambda: figures.subsidy_ageing({}, w), lambda: figures.drivers_waterfall({}, w), lambda: figures.lending_curve({}, w),
    ):  # fmt: skip
        f = make()
        assert not f.figure.data and f.alt


# --- one by one --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fund_yuan, years, short", [(3_800_000, 20, 1), (3_000_000, 20, 5), (3_940_000, 20, 0), (1, 20, 20)]
)
def test_dots_beyond_the_size_are_the_chance(w: Words, fund_yuan: float, years: int, short: int) -> None:
    f = figures.dots(answer(), histories(), w, fund_yuan=fund_yuan)
    enough, beyond = f.figure.data
    assert len(enough.x) + len(beyond.x) == years and len(beyond.x) == short
    assert all(x < fund_yuan / UNIT[w.lang] for x in enough.x) and all(x > fund_yuan / UNIT[w.lang] for x in beyond.x)
    assert enough.marker.symbol != beyond.marker.symbol and enough.marker.color != beyond.marker.color
    assert all(count in texts(f) for count in w.counted(chance(fund_yuan), answer()))
    assert str(years) in f.alt and w.percent(chance(fund_yuan)) in f.alt
    assert (f.table.iloc[:, 1] > fund_yuan / UNIT[w.lang]).sum() == short


def test_dots_are_order_statistics_that_name_their_history(w: Words) -> None:
    f = figures.dots(answer(), histories(), w)
    assert f.table.iloc[:, 1].tolist() == pytest.approx([(20 * k + 11) * 10_000 / UNIT[w.lang] for k in range(20)])
    history = histories().set_index("replication")["need_fen"]
    assert [history[r] / 100 / UNIT[w.lang] for r in f.table.iloc[:, 2]] == pytest.approx(f.table.iloc[:, 1].tolist())
    assert sorted([*f.figure.data[0].customdata, *f.figure.data[1].customdata]) == sorted(f.table.iloc[:, 2])


def test_dots_weigh_histories_that_were_chosen_by_strata(w: Words) -> None:
    frame = pd.DataFrame({"replication": range(40), "need_fen": [100_000_000] * 20 + [900_000_000] * 20})
    strata = Strata(np.repeat([0, 1], 20), np.array([0.9, 0.1]))
    f = figures.dots(answer(), frame, w, fund_yuan=5e6, strata=strata)
    assert len(f.figure.data[1].x) == 2


def test_the_exceedance_curve_is_one_less_the_distribution(w: Words) -> None:
    f = figures.exceedance(answer(), histories(), w, fund_yuan=3e6)
    x, y, low, high = (f.table.iloc[:, k].to_numpy(float) for k in range(4))
    assert y == pytest.approx([100 * chance(v * UNIT[w.lang] + 1e-6) for v in x])
    assert (low <= y).all() and (y <= high).all() and (np.diff(y) <= 0).all()
    assert marks(f, 2) == pytest.approx(y.tolist()) and list(f.figure.data[2].x) == pytest.approx(x.tolist())
    assert "25.0%" in f.title and "25.0%" in f.alt
    assert list(f.figure.data[3].x) == pytest.approx([v / UNIT[w.lang] for v in (2.5e6, 3.4e6, 4.2e6)])
    data = answer() | {
        "uncertainty": {"need_over_parameters_yuan": value(None, reason="every parameter is taken as known")}
    }
    assert len(figures.exceedance(data, histories(), w).figure.data) == 4  # no bar over parameters


def test_the_frontier_breaks_where_nothing_is_short(w: Words) -> None:
    f = figures.frontier(answer(), w)
    names = [t.name for t in f.figure.data]
    chance, gap, idle = (f.figure.data[names.index(n)] for n in names if n)
    assert list(chance.y) == pytest.approx([100, 50, 0])
    assert list(gap.y)[:2] == pytest.approx([2e6 / UNIT[w.lang], 1e6 / UNIT[w.lang]]) and gap.y[2] is None
    assert list(idle.y) == pytest.approx([0, 1e6 / UNIT[w.lang], 2e6 / UNIT[w.lang]])
    assert w.money(2e6) in f.title and "50.0%" in f.title
    assert f.table.iloc[:, 1].tolist() == pytest.approx([100, 50, 0])
    plain = answer() | {
        "frontier": {
            "rows": [{"fund_yuan": 0.0, "shortfall_chance": 1.0, "mean_gap_if_short_yuan": 1e6, "idle_yuan": 0.0}]
        }
    }
    assert len(figures.frontier(plain, w).table) == 1  # numbers without intervals, no knee


def test_waterfalls_end_where_all_drivers_are(w: Words) -> None:
    alone, shares = (
        figures.drivers_waterfall(answer(), w),
        figures.drivers_waterfall(answer(), w, attribution=attribution()),
    )
    for f, steps in ((alone, 5), (shares, 4)):
        bars, whiskers = f.figure.data
        ends = [b + y for b, y in zip(bars.base, bars.y, strict=True)]
        assert len(ends) == steps == len(f.table)
        assert ends[-1] == pytest.approx(3.8e6 / UNIT[w.lang]) == pytest.approx(ends[-2])
        assert bars.base[1] == pytest.approx(ends[0]) == pytest.approx(2.7e6 / UNIT[w.lang])
        assert f.table.iloc[:, 5].tolist() == pytest.approx(ends)
        assert list(whiskers.y) == pytest.approx([ends[k] for k in whiskers.x])
        assert steps - 1 not in whiskers.x  # the last level has no interval of its own
    assert alone.figure.data[1].error_y.array[1] == pytest.approx(3e5 / UNIT[w.lang])
    assert alone.figure.data[1].error_y.arrayminus[1] == pytest.approx(4e5 / UNIT[w.lang])
    assert alone.title != shares.title
    assert w("interaction") in alone.table.iloc[:, 0].tolist()
    assert w("interaction") not in shares.table.iloc[:, 0].tolist()
    assert w.label("driver.late_subsidy") in alone.alt  # what is not switched is said
    assert alone.figure.data[0].marker.color[3] == theme.GREYED  # the interaction's interval includes none


def test_differences_say_what_cannot_be_told_apart(w: Words) -> None:
    f = figures.differences(compared(), "need_yuan", w, names={"dry": "Dry"})
    apart, grey = f.figure.data
    assert list(apart.x) == pytest.approx([2e6 / UNIT[w.lang]]) and list(grey.x) == pytest.approx(
        [-1e5 / UNIT[w.lang], 0]
    )
    assert list(apart.error_x.array) == pytest.approx([1e6 / UNIT[w.lang]])
    assert grey.marker.color != apart.marker.color
    assert f.table.iloc[:, -1].tolist() == [w("can be told apart"), w("cannot be told apart"), w("no difference")]
    assert texts(f).count(w("cannot be told apart")) >= 1 and "Dry" in f.title
    share = figures.differences(compared(), "default_share", w)
    assert list(share.figure.data[0].x) == pytest.approx([1.0]) and "1.00" in share.title


def test_the_fan_sums_separate_accounts_and_not_a_common_one(w: Words) -> None:
    f = figures.balance_fan(answer(), months(), w)
    assert len(f.table) == 12 and w.month(12) in f.title
    assert w.advised(answer()["fund_yuan"]) in texts(f)  # of which size it is
    middle = f.figure.data[4]
    assert list(middle.y) == pytest.approx(f.table.iloc[:, 3].tolist())
    assert middle.y[0] == pytest.approx((1_000_000 + 200 * 49) / UNIT[w.lang])  # the 50th of 100 histories
    low, high = f.table.iloc[0, 1], f.table.iloc[0, 5]
    assert (low, high) == pytest.approx(((1_000_000 + 200 * 2) / UNIT[w.lang], (1_000_000 + 200 * 97) / UNIT[w.lang]))
    common = figures.balance_fan(answer(), months(), w, is_ring_fenced=False)
    assert common.figure.data[4].y[0] == pytest.approx((600_000 + 100 * 49) / UNIT[w.lang])


def test_ageing_adds_up(w: Words) -> None:
    f = figures.subsidy_ageing(answer(), w)
    assert [t.x[0] for t in f.figure.data] == pytest.approx(
        [1e6 / UNIT[w.lang], 5e5 / UNIT[w.lang], 0, 2e5 / UNIT[w.lang]]
    )
    assert f.table.iloc[:, 2].tolist() == pytest.approx([t.x[0] for t in f.figure.data])
    assert w.money(1.7e6) in f.title and w.money(7e5) in f.title
    paid = answer() | {"subsidy_unpaid_by_age_yuan": {k: value(0.0) for k in answer()["subsidy_unpaid_by_age_yuan"]}}
    assert figures.subsidy_ageing(paid, w).title == w("No subsidy is unpaid on 31 December")


def test_townships_show_ratios_of_totals_in_squares_or_outlines(w: Words) -> None:
    names = ["A", "B", "C"]
    f = figures.township_map(townships(), names, w)
    assert f.table.iloc[:2, 1].tolist() == pytest.approx([2.0, 10.0]) and pd.isna(f.table.iloc[2, 1])
    assert f.table.iloc[0, 2] < 2.0 < f.table.iloc[0, 3]
    assert list(f.figure.data[0].customdata) == [2.0, 10.0, None] and len(f.figure.layout.shapes) == 3
    assert "B" in f.title and "10.0%" in f.title and w("no loans due") in texts(f)
    ring = [[103.0, 25.0], [103.5, 25.0], [103.5, 25.4], [103.0, 25.0]]
    shapes: list[dict[str, Any]] = [
        {"properties": {"key": "a"}, "geometry": {"type": "Polygon", "coordinates": [ring]}},
        {"properties": {"key": "b"}, "geometry": {"type": "MultiPolygon", "coordinates": [[ring], [ring]]}},
        {"properties": {"key": "elsewhere"}, "geometry": None},
    ]
    drawn = figures.township_map(townships(), names, w, keys=["a", "b", "c"], geometry={"features": shapes})
    assert [t.fill for t in drawn.figure.data[:3]] == ["toself"] * 3 and list(drawn.figure.data[3].customdata) == [
        2.0,
        10.0,
    ]


def test_debts_and_targets(w: Words) -> None:
    f = figures.default_by_debts(answer(), w)
    assert marks(f, 0) == pytest.approx([2, 5, 12]) == f.table.iloc[:, 1].tolist()
    assert list(f.figure.data[0].error_y.array) == pytest.approx([0.2, 0.5, 2.0])
    assert "2.0%" in f.title and "12.0%" in f.title
    c = figures.calibration_dots(targets(), w)
    met, missed = c.figure.data
    assert list(missed.x) == pytest.approx([-80]) and sorted(met.x) == pytest.approx([-1, 10])
    assert c.table.iloc[:, 0].tolist() == ["stacked", "days", "repaid"]  # the largest deviation first
    assert "−80%" in c.alt and "2" in c.title and "3" in c.title
    assert "unknown" in texts(c)  # left out, and said


def test_the_grid_marks_what_was_not_run(w: Words) -> None:
    f = figures.heat_table(cells(), w)
    shown = [x for x in f.figure.data[0].customdata if x is not None]
    assert shown == pytest.approx([1, 20]) and len(f.table) == 28
    assert texts(f).count(f">{w('not run')}") + texts(f).count(f"\n{w('not run')}") >= 25
    assert (f.table.iloc[:, -1] == w("not run")).sum() == 25
    assert "3" in texts(f) and "28" in texts(f) and "1.0%" in f.title and "20.0%" in f.title
    assert w.reason("no history was short") in f.table.iloc[:, -1].tolist()


def test_the_lending_curve_shows_credit_and_shortfall(w: Words) -> None:
    f = figures.lending_curve(answer(), w)
    credit, short = f.figure.data
    assert list(credit.y) == pytest.approx([0, 4e7 / UNIT[w.lang], 8e7 / UNIT[w.lang]]) and list(
        short.y
    ) == pytest.approx([100, 5, 0])
    assert w.money(4e6) in f.title and w.money(4e7) in f.title
    never = answer()
    never["need_yuan_lending_reacts"] |= value(
        None, reason="no size on the grid from zero to twice the fund is enough, it and all larger ones"
    )
    assert w.money(8e6) in figures.lending_curve(never, w).title


def test_lines_and_marks() -> None:
    assert theme.wrapped("余额为1,631–1,967 万元和更多", 14) == ["余额为", "1,631–1,967 万元", "和更多"]
    assert theme.wrapped("a-very-long-name-without-a-gap", 10)[0] == "a-very-lon"
    assert theme.wrapped("", 10) == [""]
    assert ticks(0, 100) == [0, 20, 40, 60, 80, 100] and ticks(-0.6, 1.1, 4) == [0.0, 1.0] and ticks(3, 3) == [3]


def test_what_happened_stands_where_it_lies_in_its_interval(w: Words) -> None:
    f = figures.forecast_and_fact(forecasts("a", w), w)
    inside, outside = f.figure.data
    assert (list(inside.x), list(inside.y)) == (
        [0.5, 0.5],
        [2, 0],
    )  # middle of 1 to 5 million; an interval of no length
    assert outside.x[0] > 1 and outside.marker.symbol != inside.marker.symbol  # far off: just beyond the bar
    assert {"2", "3"} <= set(re.findall(r"\d+", f.title)) and w.percent(0.5) in f.alt
    assert figures.forecast_and_fact([], w).table.empty
