"""Numbers, money, shares and dates as people write them in each language.

Chinese counts money in 万元 (from 1 亿 in 亿元), English in million yuan; neither uses k, M or powers of ten. Halves
round away from zero, as readers expect, and a negative number carries a true minus sign.
"""

from __future__ import annotations

import datetime as dt
import math
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

NOTHING = "—"
MINUS = "−"

_WAN, _YI, _MILLION = 10_000, 100_000_000, 1_000_000
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_MOST_DIGITS = 4  # of an advised size in its unit: finer than any step to which advice is rounded


def number(x: float | None, digits: int = 0, rounding: str = ROUND_HALF_UP) -> str:
    """A number with thousands separators and a fixed number of decimals."""
    if x is None or not math.isfinite(x):
        return NOTHING
    value = rounded(x, digits, rounding)
    return f"{MINUS if value < 0 else ''}{abs(value):,.{digits}f}"


def rounded(x: float, digits: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    """A float rounded as a decimal number; nothing is never negative."""
    # through the shortest decimal that names the float: 0.285 is meant as 0.285, not as 0.28499...
    value = Decimal(repr(float(x))).quantize(Decimal(1).scaleb(-digits), rounding)
    return abs(value) if value == 0 else value


def percent(share: float | None, digits: int = 1) -> str:
    """A share as per cent; a small one that would round to nothing with two digits that say something."""
    if share is None or not math.isfinite(share):
        return NOTHING
    if share != 0 and abs(share) < 10.0 ** -(digits + 2):
        digits = 1 - math.floor(math.log10(abs(share) * 100))
        text = number(share * 100, digits)
        return (text.rstrip("0") if "." in text else text) + "%"
    return number(float(Decimal(repr(float(share))) * 100), digits) + "%"


def unit_of(yuan: float, lang: str) -> tuple[int, int, str]:
    """The unit of an amount: its size in yuan, the decimals shown in it, and its name.

    The amount as shown decides, not the amount itself: 99,999,999 yuan is 1.00 亿元, not 10,000 万元.
    """
    size = abs(yuan)
    if lang == "en":
        million = size / _MILLION
        if rounded(million, 2) < Decimal("0.1"):
            return 1, 0, ""
        return _MILLION, 2 if rounded(million, 2) < 10 else 1 if rounded(million, 1) < 100 else 0, " million"
    if rounded(size, 0) < _WAN:
        return 1, 0, " 元"
    if rounded(size / _WAN, 0) < _YI // _WAN:
        return _WAN, 1 if rounded(size / _WAN, 1) < 100 else 0, " 万元"
    return _YI, 2, " 亿元"


def money(yuan: float | None, lang: str) -> str:
    """An amount with its unit: 1,250 万元, 1.25 亿元, 8,500 元; CNY 12.5 million, CNY 8,500."""
    if yuan is None or not math.isfinite(yuan):
        return NOTHING
    unit, digits, name = unit_of(yuan, lang)
    return _signed(_without_empty_decimals(number(yuan / unit, digits)), name, lang)


def advised(yuan: float, lang: str) -> str:
    """An advised size: with as many decimals as it has, because what is shown must not be less than what is advised."""
    unit, digits, name = unit_of(yuan, lang)
    exact = Decimal(repr(float(yuan))) / unit
    while digits < _MOST_DIGITS and exact != rounded(float(exact), digits):
        digits += 1
    return _signed(_without_empty_decimals(number(float(exact), digits, ROUND_CEILING)), name, lang)


def _without_empty_decimals(text: str) -> str:
    """34 for 34.0: decimals that are all zero say nothing."""
    whole, dot, decimals = text.partition(".")
    return whole if dot and not decimals.strip("0") else text


def _signed(text: str, unit: str, lang: str) -> str:
    if lang == "zh":
        return text + unit
    sign, text = (MINUS, text[1:]) if text.startswith(MINUS) else ("", text)
    return f"{sign}CNY {text}{unit}"


def range_money(bounds: tuple[float, float], lang: str) -> str:
    """Two amounts in one unit: 1,150–1,400 万元; CNY 11.5–14.0 million."""
    unit, digits, name = unit_of(max(bounds, key=abs), lang)
    low, high = (number(x / unit, digits) for x in bounds)
    return ("CNY " if lang == "en" else "") + between(low, high, lang) + name


def between(low: str, high: str, lang: str) -> str:
    """From one to the other; a dash beside a minus sign would be read as another minus."""
    if MINUS in low + high:
        return f"{low} 至 {high}" if lang == "zh" else f"{low} to {high}"
    return f"{low}–{high}"


def exact_yuan(fen: int, lang: str) -> str:
    """Money to the fen, as on a slip: 50,000.00元; CNY 50,000.00."""
    return _signed(number(float(Decimal(int(fen)) / 100), 2), "元" if lang == "zh" else "", lang)


def date(day: str | dt.date, lang: str) -> str:
    """2018年1月1日; 1 January 2018."""
    d = dt.date.fromisoformat(day[:10]) if isinstance(day, str) else day
    return f"{d.year}年{d.month}月{d.day}日" if lang == "zh" else f"{d.day} {_MONTHS[d.month - 1]} {d.year}"


def month(k: int, lang: str) -> str:
    """3月; Mar."""
    if not 1 <= k <= 12:
        raise ValueError(f"month {k}")
    return f"{k}月" if lang == "zh" else _MONTHS[k - 1][:3]
