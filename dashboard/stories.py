"""One simulated year told from the stored run: what it needed, what the weather did, what went bad, when money was lowest."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

import sim
from dashboard import library, safe
from dashboard.shell import View
from dashboard.words import Words
from sim import Answer
from sim.units import FEN_PER_YUAN

_CAUSES = ("inability", "death", "disaster", "wilful")


def show(v: View, replication: int) -> None:
    """The story of a history as a short list."""
    assert v.answer is not None and v.run is not None
    w = v.w
    history = library.stored(v.answer, v.run.sha).sample.frame
    row = history.loc[history["replication"] == replication].iloc[0]
    months = library.table_of(v.answer, v.run.sha, "months")
    places = library.table_of(v.answer, v.run.sha, "townships")
    lines = told(v.answer, row, months, places, w)
    st.markdown("\n".join(f"- {safe.markdown(line)}" for line in lines))
    name = v.answer.scenario.name
    if name in sim.scenario_names():
        line = f"riskfund trace {name} --replication {replication} --seed {v.answer.data['seed']}"
        st.caption(safe.markdown(w("One loan of that year from day to day, in a terminal: {command}", command=line)))


def told(answer: Answer, row: Any, months: pd.DataFrame, places: pd.DataFrame, w: Words) -> list[str]:
    """What a stored history says of itself, sentence by sentence."""
    k = int(row["replication"])

    def money(name: str) -> str:
        return w.money(float(row[name]) / FEN_PER_YUAN)

    size = float(answer.data["advice"]["fund_yuan"])
    need = float(row["need_fen"]) / FEN_PER_YUAN
    ends = w("the advised {size} would have been enough", size=w.advised(size)) if need <= size else w("of the advised {size} {gap} would have been missing", size=w.advised(size), gap=w.money(need - size))  # fmt: skip
    lines = [w("History {k}: the fund needed {need}; {ends}.", k=k, need=w.money(need), ends=ends)]
    lines.append(_drought(row, w))
    lines.append(w(
        "{n} loans of {due} due went bad, {principal} of {total}: {causes}.",
        n=w.number(float(row["defaulted_count"])), due=w.number(float(row["due_count"])), principal=money("defaulted_fen"),
        total=money("due_fen"), causes=_causes(row, w),
    ))  # fmt: skip
    lines += _place(answer, places[places["replication"] == k], w)
    lines.append(w("The fund paid {paid} in the year; {waiting} of claims were in process on 31 December.", paid=money("payout_fen"), waiting=money("waterfall_in_process_fen")))  # fmt: skip
    lines += _lowest(answer, months[months["replication"] == k], w)
    return lines


def _drought(row: Any, w: Words) -> str:
    """The drought under way at the beginning of the year, and how many of the year's months were dry."""
    began = w("The year began in a drought.") if row["dry_opening"] else w("The year did not begin in a drought.")
    n = int(row["dry_months"])
    return w.joined([began, w.n("One of its months was dry.", "{n} of its months were dry.", n) if n else w("None of its months was dry.")])  # fmt: skip


def _causes(row: Any, w: Words) -> str:
    found = [(w.label(f"cause.{c}"), float(row[f"defaulted_{c}_count"])) for c in _CAUSES]
    return w.listed([f"{name} {w.number(n)}" for name, n in found if n > 0]) or w.label("none")


def _place(answer: Answer, mine: pd.DataFrame, w: Words) -> list[str]:
    """The township in which most went bad."""
    if mine.empty or not mine["defaulted_fen"].max() > 0:
        return []
    worst = mine.loc[mine["defaulted_fen"].idxmax()]
    name = answer.scenario.townships[int(worst["township"])].label.get(w.lang)
    return [w("Most of it in {township}: {n} loans, {principal}.", township=name, n=w.number(float(worst["defaulted_count"])), principal=w.money(float(worst["defaulted_fen"]) / FEN_PER_YUAN))]  # fmt: skip


def _lowest(answer: Answer, mine: pd.DataFrame, w: Words) -> list[str]:
    """The month in which the fund had least, with what is set today."""
    begin = 12 * (answer.scenario.sized_year - 1970)
    year = mine[(mine["month"] >= begin) & (mine["month"] < begin + 12)]
    if year.empty:
        return []
    if not answer.scenario.law().fund.ring_fenced:
        year = year[year["lender"] == 0]
    balance = year.groupby("month")["fund_fen"].sum()
    return [w("The fund as it is set today had least at the end of {month}: {balance}.", month=w.month(int(balance.idxmin()) % 12 + 1), balance=w.money(float(balance.min()) / FEN_PER_YUAN))]  # fmt: skip


__all__ = ["show", "told"]
