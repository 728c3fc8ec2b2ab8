"""A messy synthetic loan ledger: mixed dates, names, fake ID numbers and bad rows of known kinds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

ON = dt.date(2019, 12, 31)
LENDERS = {"rcb": ["农商行", "县农村商业银行"], "psbc": ["邮储银行"], "abc": ["农业银行", "农行"]}
_NAMES = (
    *("城关镇", "河湾镇", "石桥乡", "柳林镇", "白杨乡", "青山镇"),
    *("黄土坡乡", "双河镇", "五里铺镇", "东岭乡", "西川镇", "北塬乡"),
)
TOWNSHIPS = {f"T{i:02d}": [name] for i, name in enumerate(_NAMES)}
PERSONAL = ("户主姓名", "身份证号", "联系电话", "住址")
CEILING_YUAN = 50_000.0
TERM_MAX = 36
_DATE_FORMS: tuple[Callable[[dt.date], str], ...] = (
    lambda d: d.isoformat(),
    lambda d: f"{d.year}/{d.month}/{d.day}",
    lambda d: f"{d.year}.{d.month}.{d.day}",
    lambda d: f"{d:%Y%m%d}",
    lambda d: f"{d.year}年{d.month}月{d.day}日",
    lambda d: str((d - dt.date(1899, 12, 30)).days),
)
_BAD: tuple[tuple[str, str], ...] = (
    ("贷款金额(元)", "约300万"),
    ("贷款金额(元)", "80000"),
    ("贷款金额(元)", ""),
    ("放款日期", "不详"),
    ("放款日期", "2017-02-30"),
    ("到期日期", "2010-01-01"),
    ("期限(月)", "二年"),
    ("年利率(%)", "43.5"),
    ("年利率(%)", "4.3.5"),
    ("承贷银行", "农商航"),
    ("所在乡镇", "城关真"),
    ("贷款余额(元)", "60000"),
    ("逾期日期", "2031-01-01"),
    ("结清日期", "2012-05-06"),
    ("户编号", ""),
)


@dataclass(frozen=True)
class MadeLedger:
    """A ledger and what is true of it.

    Attributes
    ----------
    frame : DataFrame
        Text cells under Chinese headings.
    bad : set of (int, str)
        Excel row number and heading of every bad cell.
    p_default : float [1]
    township_variance : float [1]
        Variance of the township's factor; the latent variable has variance 1.
    """

    frame: Any
    bad: set[tuple[int, str]]
    p_default: float
    township_variance: float


def make_ledger(
    n: int, seed: int = 1, bad_share: float = 0.02, p_default: float = 0.08, township_variance: float = 0.1
) -> MadeLedger:
    """Make a ledger of ``n`` rows, the same for the same arguments."""
    rng = np.random.Generator(np.random.PCG64(seed))
    household = rng.integers(0, int(n * 0.8), n)
    township = household % len(TOWNSHIPS)
    started = np.datetime64("2016-01-01") + rng.integers(0, 1300, n)
    term = rng.choice([12, 24, 36], n, p=[0.2, 0.3, 0.5])
    ends = [_add_months(day.item(), int(months)) for day, months in zip(started, term, strict=True)]
    factor = rng.standard_normal(len(TOWNSHIPS)) * np.sqrt(township_variance)
    latent = factor[township] + rng.standard_normal(n) * np.sqrt(1 - township_variance)
    defaulted = latent < ndtri(p_default)
    matured = np.array([end + dt.timedelta(days=90) <= ON for end in ends])
    principal = rng.integers(10, 101, n) * 500
    repaid = matured & ~defaulted
    rows = []
    for i in range(n):
        amount = int(principal[i])
        form = _DATE_FORMS[i % len(_DATE_FORMS)]
        names = list(LENDERS.values())[int(household[i]) % 3]
        rows.append({
            "借据号": f"JJ{i:07d}",
            "户编号": f"H{household[i]:06d}",
            "户主姓名": fake_name(int(household[i])),
            "身份证号": fake_id(int(household[i])),
            "联系电话": f"139{int(household[i]):08d}",
            "住址": f"某县某村{household[i]}号",
            "承贷银行": names[i % len(names)],
            "所在乡镇": _NAMES[township[i]],
            "贷款金额(元)": (str(amount), f"{amount:,}", f"{amount}元", f"{amount / 1e4:g}万元")[i % 4],
            "贷款余额(元)": "0" if repaid[i] else str(amount),
            "放款日期": form(started[i].item()),
            "到期日期": form(ends[i]),
            "期限(月)": f"{term[i]}个月" if i % 5 == 0 else str(term[i]),
            "年利率(%)": "4.35" if i % 2 else "４.７５",
            "逾期日期": form(ends[i] + dt.timedelta(1)) if defaulted[i] and ends[i] < ON else "",
            "结清日期": form(ends[i]) if repaid[i] else "",
            "备注": f"联系{fake_id(int(household[i]))}" if i % 50 == 0 else "",
            "信用等级": "ABC"[i % 3],
        })  # fmt: skip
    bad = set()
    chosen = rng.choice(np.arange(1, n), max(len(_BAD) + 1, int(n * bad_share)), replace=False)
    for j, i in enumerate(sorted(int(i) for i in chosen)):
        column, value = (*_BAD, ("借据号", rows[0]["借据号"]))[j % (len(_BAD) + 1)]
        if column == "贷款余额(元)":
            rows[i]["结清日期"] = ""  # one fault a row, so that one listing is due
        if column == "结清日期":
            rows[i]["贷款余额(元)"] = "0"
        if column == "借据号":
            rows[i]["承贷银行"] = rows[0]["承贷银行"]
        rows[i][column] = value
        bad.add((i + 2, column))
    return MadeLedger(pd.DataFrame(rows), bad, p_default, township_variance)


def fake_name(household: int) -> str:
    """A made-up name; 欧阳 stands in no other cell."""
    return "欧阳" + chr(0x4E00 + household % 5000) + chr(0x6400 + household // 5000)


def fake_id(household: int) -> str:
    """18 characters in the form of an ID number."""
    born = f"19{60 + household % 40:02d}{household % 12 + 1:02d}{household % 28 + 1:02d}"
    return f"620102{born}{household % 1000:03d}X"


def write_csv(frame: Any, path: Path, encoding: str = "utf-8-sig") -> Path:
    """Save as a bank would."""
    frame.to_csv(path, index=False, encoding=encoding)
    return path


def write_xlsx(frame: Any, path: Path) -> Path:
    """Save as .xlsx, amounts as numbers and ISO dates as real Excel dates."""
    out = frame.copy().astype(object)
    for name in ("放款日期", "到期日期"):
        out[name] = [_real_date(text) for text in out[name]]
    out["贷款余额(元)"] = [int(text) if text.isdigit() else text for text in out["贷款余额(元)"]]
    out.to_excel(path, index=False)
    return path


def _real_date(text: str) -> Any:
    try:
        return dt.datetime.fromisoformat(text) if text.count("-") == 2 else text
    except ValueError:
        return text


def _add_months(day: dt.date, months: int) -> dt.date:
    return (pd.Timestamp(day) + pd.DateOffset(months=months)).date()
