"""Payments of a loan book, from a second table: what was paid back when, matched by loan number."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calibration.cells import dates, half_up, is_blank, scaled
from calibration.columns import HEADINGS, MONEY_UNITS, UNITS, is_private, plain_heading
from calibration.ledger import FEN, Ledger
from calibration.row_checks import name_key
from calibration.table_file import read_table
from calibration.text import PAYMENT_REASONS, REASONS
from sim.errors import InputError

_HEADINGS: dict[str, tuple[str, ...]] = {
    "loan": (*HEADINGS["loan_id"], *HEADINGS["contract_id"]),
    "lender": HEADINGS["lender"],
    "paid_on": (
        *("还款日期", "还款日", "还款时间", "归还日期", "回收日期", "收回日期", "交易日期", "入账日期"),
        *("paid on", "payment date", "paid date", "date"),
    ),
    "principal": (
        *(
            "还款本金",
            "归还本金",
            "偿还本金",
            "收回本金",
            "已还本金",
            "本金",
            "还款金额",
            "还本金额",
            "归还金额",
            "收回金额",
        ),
        *("principal paid", "principal", "amount paid", "payment", "amount"),
    ),
}
_FIELD_OF = {plain_heading(name): name_of for name_of, names in _HEADINGS.items() for name in names}
_TOLERANCE_FEN = 100


@dataclass(frozen=True)
class Payments:
    """Payments of known loans.

    Attributes
    ----------
    frame : DataFrame
        ``loan_id`` int64, ``paid_on`` datetime64[s], ``fen`` int64 [fen], in order of loan and day.
    problems : DataFrame
        Columns of `calibration.ledger.Ledger.problems`; these rows are left out.
    source_name : str
    n_rows : int
    dropped_columns : list of str
    """

    frame: Any
    problems: Any
    source_name: str
    n_rows: int
    dropped_columns: list[str] = field(default_factory=list)


def read_payments(
    path: Path | str, ledger: Ledger, on: date, lenders: Any = None, lang: str = "en", sheet: str | None = None
) -> Payments:
    """Read a table of payments: loan number, day, principal paid and, where two lenders number alike, the lender.

    Parameters
    ----------
    path : Path or str
        .csv or .xlsx, may be the ledger's own workbook with the payments on another sheet.
    ledger : Ledger
        The loans that they belong to.
    on : date
    lenders : mapping of key to accepted spellings, or None
    lang : {"en", "zh"}
    sheet : str, optional

    Raises
    ------
    InputError
        The file cannot be read, or a column is missing or there twice.
    """
    table = read_table(Path(path), lambda text: _field_and_unit(text) is not None, sheet)
    at: dict[str, int] = {}
    unit = ""
    for i, heading in enumerate(table.headers):
        match = _field_and_unit(heading)
        if match is None:
            continue
        if match[0] in at:
            both = f"{table.headers[at[match[0]]]}, {heading}"
            raise InputError(table.name, match[0], both, "one column for this field; delete the other")
        at[match[0]] = i
        unit = match[1] if match[0] == "principal" else unit
    for name in ("loan", "paid_on", "principal"):
        if name not in at:
            allowed = f"a column headed, for example, {', '.join(_HEADINGS[name][:3])} or {_HEADINGS[name][-1]}"
            raise InputError(table.name, name, "no such column", allowed)
    text = {name: pd.Series([row[i] for row in table.rows], dtype=object) for name, i in at.items()}
    paid_on, fen = dates(text["paid_on"]), half_up(scaled(text["principal"], unit, FEN))
    loan_id, is_twice = _loans_of(text, ledger, lenders)
    known = pd.Series(ledger.loans["originated_on"].to_numpy(), index=ledger.loans["loan_id"].to_numpy())
    started = loan_id.map(known)
    rows = pd.DataFrame({"loan_id": loan_id, "paid_on": paid_on, "fen": fen})
    checks = [
        ("loan", is_blank(text["loan"]), "missing"),
        ("loan", ~is_blank(text["loan"]) & is_twice, "two_lenders"),
        ("loan", ~is_blank(text["loan"]) & loan_id.isna() & ~is_twice, "unknown_loan"),
        ("paid_on", paid_on.isna(), "date"),
        ("paid_on", paid_on > pd.Timestamp(on), "after_on"),
        ("paid_on", paid_on < started, "before_originated"),
        ("principal", fen.isna(), "number"),
        ("principal", fen <= 0, "not_positive"),
        ("principal", loan_id.notna() & rows.duplicated(), "payment_twice"),
    ]
    checks.append(
        ("principal", _above(rows, ledger, np.any([mask for _, mask, _ in checks], axis=0)), "above_principal_paid")
    )
    found = [
        (
            table.row_numbers[i],
            at[name],
            table.headers[at[name]],
            text[name][i],
            (REASONS | PAYMENT_REASONS)[code][lang].format(on=on),
        )
        for name, mask, code in checks
        for i in np.flatnonzero(mask)
    ]
    listed = [(row, heading, value, reason) for row, _, heading, value, reason in sorted(found)]
    problems = pd.DataFrame(listed, columns=["row", "column", "value", "reason"])
    good = rows[~np.any([mask for _, mask, _ in checks], axis=0)]
    good = good.astype({"loan_id": np.int64, "fen": np.int64}).sort_values(["loan_id", "paid_on"], ignore_index=True)
    dropped = [h for i, h in enumerate(table.headers) if h and i not in at.values() and is_private(h)]
    return Payments(good, problems, table.name, len(table.rows), dropped)


def with_payments(ledger: Ledger, payments: Payments) -> tuple[Any, Any]:
    """The loans after their payments, and the loans whose own balance says otherwise.

    A loan paid in full gets the day of its last payment where the ledger names none. The balance follows from the
    payments only where the ledger has no such column.

    Returns
    -------
    loans : DataFrame
    differs : (n,) bool
        The ledger's balance is not the principal less what was paid.
    """
    loans = ledger.loans.copy()
    by_loan = payments.frame.groupby("loan_id")
    paid = loans["loan_id"].map(by_loan["fen"].sum()).fillna(0).astype(np.int64)
    last = loans["loan_id"].map(by_loan["paid_on"].max()).astype("datetime64[s]")
    rest = (loans["principal_fen"] - paid).clip(lower=0)
    rest = rest.where(rest >= _TOLERANCE_FEN, 0)
    is_paid = (paid > 0) & (rest == 0)
    if "balance" in ledger.absent_fields:
        open_still = loans["repaid_on"].isna()
        loans["balance_fen"] = rest.where(open_still, 0)
        differs = np.zeros(len(loans), dtype=bool)
    else:
        has_any = loans["loan_id"].isin(payments.frame["loan_id"])
        differs = (has_any & ((loans["balance_fen"] - rest).abs() > _TOLERANCE_FEN)).to_numpy()
    loans["repaid_on"] = loans["repaid_on"].where(
        ~is_paid | loans["repaid_on"].notna() | (loans["balance_fen"] > 0), last
    )
    return loans, differs


def recovered(matured: Any, payments: Any, on: date, wait_days: int) -> tuple[int, int] | None:
    """Principal owed at default and what came back within a year after it, of loans in default for a year or longer [fen].

    Parameters
    ----------
    matured : DataFrame
        From `calibration.breakdown.outcomes`.
    payments : DataFrame
        `Payments.frame`.
    """
    wait, year = pd.Timedelta(days=wait_days), pd.Timedelta(days=365)
    bad = matured[matured["defaulted"] & (matured["matures_on"] + wait + year <= pd.Timestamp(on))]
    if len(bad) == 0:
        return None
    joined = payments.merge(bad[["loan_id", "matures_on"]], on="loan_id")
    day = joined["matures_on"] + wait
    before = int(joined.loc[joined["paid_on"] <= day, "fen"].sum())
    back = int(joined.loc[(joined["paid_on"] > day) & (joined["paid_on"] <= day + year), "fen"].sum())
    return int(bad["principal_fen"].sum()) - before, back


def _field_and_unit(heading: str) -> tuple[str, str] | None:
    plain = plain_heading(heading)
    stem, _, unit = plain.rstrip(")]】").replace("[", "(").replace("【", "(").partition("(")
    known = UNITS.get(unit.removeprefix("单位").removeprefix(","), "") if unit else ""
    if stem not in _FIELD_OF or (unit and known not in MONEY_UNITS):
        return None
    return _FIELD_OF[stem], known


def _loans_of(text: dict[str, Any], ledger: Ledger, lenders: Any) -> tuple[Any, Any]:
    """Loan of each payment, and where the number is two lenders' and the lender is not told."""
    loans = pd.DataFrame({"no": ledger.numbers, "id": ledger.loans["loan_id"], "lender": ledger.loans["lender"]})
    loans = loans[loans["no"] != ""]
    number = text["loan"].astype(str)
    if "lender" in text:
        keys = {name_key(s): key for key, names in (lenders or {}).items() for s in (key, *names)}
        own = text["lender"].map(lambda name: keys.get(name_key(str(name)), str(name)))
        by = {(a, b): c for a, b, c in zip(loans["lender"], loans["no"], loans["id"], strict=True)}
        found = pd.Series([by.get(pair) for pair in zip(own, number, strict=True)], dtype="Int64")
        return found, np.zeros(len(found), dtype=bool)
    alone = loans.drop_duplicates("no", keep=False).set_index("no")["id"]
    found = number.map(alone).astype("Int64")
    return found, (number.isin(loans["no"]) & found.isna()).to_numpy()


def _above(rows: Any, ledger: Ledger, is_bad: Any) -> Any:
    """The first payment of a loan that brings the sum above its principal, and those after it."""
    fen = rows["fen"].where(~is_bad, 0).fillna(0)
    ordered = rows.assign(fen=fen).sort_values(["loan_id", "paid_on"], kind="stable")
    total = ordered.groupby("loan_id", dropna=False)["fen"].cumsum().reindex(rows.index)
    principal = pd.Series(ledger.loans["principal_fen"].to_numpy(), index=ledger.loans["loan_id"].to_numpy())
    limit = rows["loan_id"].map(principal).astype(float)
    return (~is_bad & (total.to_numpy(float) > limit.to_numpy(float) + _TOLERANCE_FEN)).astype(bool)
