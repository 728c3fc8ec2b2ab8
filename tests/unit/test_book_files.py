"""Payments, ledgers of several dates, and the report on a loan book's data."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import sim
from calibration.importer import import_ledger
from calibration.ledger import read_ledger
from calibration.payments import read_payments, recovered, with_payments
from calibration.quality_text import LABELS, WARNINGS
from calibration.text import PAYMENT_REASONS
from sim.errors import InputError
from tests.make_ledger import LENDERS, ON, TOWNSHIPS, fake_name, make_ledger, write_csv
from tests.unit.test_loan_book import FREE, GOOD, RULES, save, without

PAYMENT = {"借据号": "A1", "还款日期": "2018-07-15", "还款本金(元)": "20000"}


def paid(tmp_path: Path, *rows: dict[str, str], **changes: Any) -> Any:
    """Payments on two loans of 50,000 yuan, A1 and A2."""
    ledger = read_ledger(save(tmp_path, GOOD, {**GOOD, "借据号": "A2"}), **RULES)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    frame = pd.DataFrame([{key: row.get(key, "") for key in columns} for row in rows], columns=columns)
    return ledger, read_payments(write_csv(frame, tmp_path / "paid.csv"), ledger, ON, LENDERS, **changes)


def test_payments_make_balance_and_day(tmp_path: Path) -> None:
    book = save(tmp_path, without("贷款余额(元)", "结清日期"), {**without("贷款余额(元)", "结清日期"), "借据号": "A2"})
    ledger = read_ledger(book, **RULES)
    frame = pd.DataFrame(
        [PAYMENT, {**PAYMENT, "还款日期": "20190701", "还款本金(元)": "3万元"}, {**PAYMENT, "借据号": "A2"}]
    )
    found = read_payments(write_csv(frame, tmp_path / "p.csv"), ledger, ON, LENDERS)
    loans, differs = with_payments(ledger, found)
    assert found.problems.empty and not differs.any()
    assert loans["balance_fen"].tolist() == [0, 3_000_000]
    assert loans["repaid_on"].tolist()[0] == pd.Timestamp("2019-07-01") and pd.isna(loans["repaid_on"].iloc[1])


def test_a_balance_of_its_own_stands_and_is_held_against_the_payments(tmp_path: Path) -> None:
    ledger, found = paid(tmp_path, PAYMENT, {**PAYMENT, "借据号": "A2", "还款本金(元)": "30000"})
    loans, differs = with_payments(ledger, found)
    assert loans["balance_fen"].tolist() == [2_000_000, 2_000_000] and differs.tolist() == [True, False]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"借据号": "A9"}, "no loan of the ledger"),
        ({"借据号": ""}, "empty"),
        ({"还款日期": "不详"}, "date"),
        ({"还款日期": "2016-01-01"}, "before the loan"),
        ({"还款日期": "2030-01-01"}, "later than"),
        ({"还款本金(元)": "很多"}, "number"),
        ({"还款本金(元)": "-5"}, "above zero"),
        ({"还款本金(元)": "60000"}, "more was paid than was lent"),
    ],
)
def test_a_payment_with_a_fault_is_listed(tmp_path: Path, change: dict[str, str], word: str) -> None:
    _, found = paid(tmp_path, {**PAYMENT, "还款日期": "2018-01-01", "借据号": "A2"}, {**PAYMENT, **change})
    assert len(found.problems) == 1 and found.problems["row"].tolist() == [3]
    assert word in found.problems["reason"].iloc[0]
    assert len(found.frame) == 1


def test_a_payment_told_twice_counts_once(tmp_path: Path) -> None:
    _, found = paid(tmp_path, PAYMENT, PAYMENT)
    assert len(found.frame) == 1 and "appeared above" in found.problems["reason"].iloc[0]


def test_two_lenders_with_one_number_need_the_lender(tmp_path: Path) -> None:
    ledger = read_ledger(save(tmp_path, GOOD, {**GOOD, "承贷银行": "邮储银行"}), **RULES)
    one = read_payments(write_csv(pd.DataFrame([PAYMENT]), tmp_path / "p.csv"), ledger, ON, LENDERS)
    assert "two lenders" in one.problems["reason"].iloc[0]
    frame = pd.DataFrame([{**PAYMENT, "承贷银行": "邮储银行"}])
    both = read_payments(write_csv(frame, tmp_path / "q.csv"), ledger, ON, LENDERS)
    psbc = ledger.loans.loc[ledger.loans["lender"] == "psbc", "loan_id"].tolist()
    assert both.frame["loan_id"].tolist() == psbc


def test_payments_without_a_column(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="paid_on"):
        paid(tmp_path, {"借据号": "A1", "还款本金(元)": "1", "承贷银行": "农商行"})


def test_recovery_in_money_counts_the_year_after_default() -> None:
    bad = pd.DataFrame(
        {"loan_id": [1], "matures_on": [pd.Timestamp("2017-01-01")], "principal_fen": [100], "defaulted": [True]}
    )
    days = ["2017-03-01", "2017-04-02", "2018-03-31", "2018-04-02"]  # day 90 is 1 April
    frame = pd.DataFrame({"loan_id": 1, "paid_on": pd.to_datetime(days), "fen": [10, 20, 5, 50]})
    assert recovered(bad, frame, dt.date(2019, 1, 1), 90) == (90, 25)
    assert recovered(bad, frame, dt.date(2018, 3, 1), 90) is None


# --- several dates ----------------------------------------------------------------------------------

OPEN = {**GOOD, "放款日期": "2016-03-01", "到期日期": "2018-03-01"}


def both(tmp_path: Path, older: list[dict[str, str]], newer: list[dict[str, str]]) -> Any:
    old, new = save(tmp_path, *older, name="2017.csv"), save(tmp_path, *newer, name="2019.csv")
    how = {**FREE, "earlier": [(old, dt.date(2017, 12, 31))], "base": sim.scenario("x-county")}
    report = import_ledger(new, tmp_path / "out", **how)
    return report, json.loads((tmp_path / "out" / "quality.json").read_text(encoding="utf-8"))


def test_a_loan_that_left_the_ledger_is_closed(tmp_path: Path) -> None:
    """Ledgers of open loans alone cannot tell the share of default; two of them can."""
    stays = {**OPEN, "借据号": "B1"}
    report, quality = both(tmp_path, [OPEN, stays], [stays, {**GOOD, "借据号": "C1"}])
    assert report.estimate.default is not None
    assert (report.estimate.default.n_defaulted, report.estimate.default.n) == (2, 3)  # C1 matured in July 2019
    assert quality["n_closed_by_absence"] == 1
    moves = {(t["state_before"], t["state_after"]): t["loans"] for t in quality["transitions"]}
    assert moves == {("current", "gone"): 1, ("current", "default"): 1, ("new", "default"): 1}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"到期日期": "2019-12-01", "期限(月)": "45"}, "extended"),
        ({"贷款金额(元)": "49000"}, "changed"),
        ({"贷款余额(元)": "30000"}, "balance_rose"),
    ],
)
def test_what_changed_between_two_ledgers_is_said(tmp_path: Path, change: dict[str, str], code: str) -> None:
    old, new = save(tmp_path, OPEN, name="a.csv"), save(tmp_path, {**OPEN, **change}, name="b.csv")
    how = {**FREE, "term_max_months": 60, "earlier": [(old, dt.date(2017, 12, 31))], "base": sim.scenario("x-county")}
    import_ledger(new, tmp_path / "out", **how)
    found = json.loads((tmp_path / "out" / "quality.json").read_text(encoding="utf-8"))["warnings"]
    assert found[code]["n"] == 1 and found[code]["rows"] == [["b.csv", 2]]


def test_lent_before_but_missing_and_overdue_but_gone(tmp_path: Path) -> None:
    overdue = {**GOOD, "借据号": "D1", "放款日期": "2015-01-01", "到期日期": "2017-01-01"}
    _, quality = both(tmp_path, [overdue], [{**OPEN, "借据号": "E1"}])
    assert quality["warnings"]["appeared_late"]["n"] == quality["warnings"]["gone_overdue"]["n"] == 1


def test_an_earlier_ledger_is_earlier(tmp_path: Path) -> None:
    source = save(tmp_path, GOOD)
    with pytest.raises(InputError, match="a day before 2019-12-31"):
        import_ledger(source, tmp_path / "out", **FREE, earlier=[(source, ON)])
    assert not (tmp_path / "out").exists()


# --- the report -------------------------------------------------------------------------------------


def test_the_report_stands_in_both_languages_and_names_nobody(tmp_path: Path) -> None:
    made = make_ledger(1500)
    source = write_csv(made.frame, tmp_path / "ledger.csv")
    base = sim.scenario("x-county")
    import_ledger(source, tmp_path / "out", **{**RULES, "townships": None}, base=base)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"quality.json", "report.zh.html", "report.en.html", "warnings.csv", "parameters.json"} <= names
    for lang, word in (("zh", "数据质量"), ("en", "data and estimates")):
        text = (tmp_path / "out" / f"report.{lang}.html").read_text(encoding="utf-8")
        assert word in text and "身份证号" in text and "欧阳" not in text and "欧阳" in fake_name(1)
    zh, en = ((tmp_path / "out" / f"report.{lang}.html").read_text(encoding="utf-8") for lang in ("zh", "en"))
    # field names and the reasons for leaving rows out are in the reader's language, whatever the command's
    assert "申请代偿日期（filed_on）" in zh and "单元格为空" in zh
    assert "the cell is empty" in en and "单元格为空" not in en
    assert "较多依据情景的假定" in zh and "leans on what the scenario assumes" in en  # years say next to nothing
    own = "|".join(["Kaplan-Meier", *LENDERS])
    plain = re.sub(rf"<style>.*</style>|<[^>]*>|（\w+）|[\w-]+\.csv|{own}", " ", zh)
    assert not re.findall(r"[A-Za-z]{3,}", plain), re.findall(r"[A-Za-z]{3,}", plain)
    quality = json.loads((tmp_path / "out" / "quality.json").read_text(encoding="utf-8"))
    # townships as written: the misspelt ones are not refused, but shown
    wrong = [row for row, column in made.bad if column == "所在乡镇"]
    assert {row for _, row in quality["warnings"]["name"]["rows"]} == set(wrong)
    assert sum(quality["left_out"].values()) == len(made.bad) - len(wrong)
    assert quality["files"][0]["rows"] == 1500


def test_a_ledger_without_dates_leaves_nothing(tmp_path: Path) -> None:
    frame = make_ledger(50).frame.drop(columns=["放款日期", "到期日期"])
    with pytest.raises(InputError, match="originated_on"):
        import_ledger(write_csv(frame, tmp_path / "l.csv"), tmp_path / "out", **FREE, base=sim.scenario("x-county"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["l.csv"]


def test_the_book_is_as_the_day_begins(tmp_path: Path) -> None:
    rows = [
        {**GOOD, "逾期日期": "2019-12-31"},
        {**GOOD, "借据号": "A2", "放款日期": "2019-12-31", "到期日期": "2021-12-31"},
    ]
    import_ledger(save(tmp_path, *rows), tmp_path / "out", **FREE)
    book = pd.read_csv(tmp_path / "out" / "book.csv")
    assert len(book) == 1 and book["overdue_since"].isna().all()


def test_every_text_has_both_languages() -> None:
    for words in (*LABELS.values(), *WARNINGS.values(), *PAYMENT_REASONS.values()):
        assert words["zh"] and words["en"] and any(ord(c) > 127 for c in words["zh"])
    assert len(TOWNSHIPS) == 12
