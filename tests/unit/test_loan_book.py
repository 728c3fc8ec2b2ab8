"""`calibration.ledger` and `calibration.importer`: every bad row is listed, nothing private gets out."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

import sim
from calibration import importer, table_file
from calibration.importer import import_ledger
from calibration.ledger import CANONICAL, read_ledger
from calibration.lender_names import names_of
from calibration.text import ESTIMATE, REASONS
from sim.errors import InputError
from sim.streams import entity_id
from tests.make_ledger import (
    CEILING_YUAN,
    LENDERS,
    ON,
    PERSONAL,
    TERM_MAX,
    TOWNSHIPS,
    fake_id,
    fake_name,
    make_ledger,
    write_csv,
    write_xlsx,
)

RULES: dict[str, Any] = {
    **{"lenders": LENDERS, "townships": TOWNSHIPS, "on": ON},
    **{"ceiling_yuan": CEILING_YUAN, "term_max_months": TERM_MAX},
}
FREE: dict[str, Any] = {**RULES, "lenders": None, "townships": None}
GOOD = {
    **{"借据号": "A1", "户编号": "H1", "承贷银行": "农商行", "所在乡镇": "城关镇", "贷款金额(元)": "50000"},
    **{"贷款余额(元)": "20000", "放款日期": "2017-07-15", "到期日期": "2019-07-15", "期限(月)": "24"},
    **{"年利率(%)": "4.35", "逾期日期": "", "结清日期": "", "申请代偿日期": "", "贷款品种": ""},
}


def save(tmp_path: Path, *rows: dict[str, str], name: str = "ledger.csv", encoding: str = "utf-8") -> Path:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    frame = pd.DataFrame([{key: row.get(key, "") for key in columns} for row in rows], columns=columns)
    return write_csv(frame, tmp_path / name, encoding)


def without(*names: str) -> dict[str, str]:
    return {key: value for key, value in GOOD.items() if key not in names}


# --- the whole of it, on a messy ledger -------------------------------------------------------------


@pytest.mark.parametrize(("n", "kind"), [(20_000, "csv"), (1_500, "xlsx")])
def test_every_bad_row_is_listed_and_nothing_private_gets_out(tmp_path: Path, n: int, kind: str) -> None:
    made = make_ledger(n)
    source = tmp_path / f"ledger.{kind}"
    write_csv(made.frame, source) if kind == "csv" else write_xlsx(made.frame, source)
    ledger = read_ledger(source, **RULES)
    listed = list(zip(ledger.problems["row"], ledger.problems["column"], strict=True))
    assert len(listed) == len(set(listed))
    assert set(listed) == made.bad
    assert len(ledger.loans) == n - len({row for row, _ in made.bad})
    assert ledger.n_rows == n
    assert ledger.dropped_columns == [*PERSONAL, "备注"]
    assert ledger.ignored_columns == ["信用等级"]
    good = np.setdiff1d(np.arange(n), [row - 2 for row, _ in made.bad])
    assert (ledger.loans["principal_fen"].to_numpy() == _fen(made.frame["贷款金额(元)"].iloc[good])).all()
    assert ledger.loans["loan_id"].is_unique

    report = import_ledger(source, tmp_path / "out", **RULES)
    assert (report.n_rows, report.n_rejected_rows, report.n_problems) == (n, len(made.bad), len(made.bad))
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    text = written.decode("utf-8", "ignore")
    assert "欧阳" in fake_name(5) and "欧阳" not in text and "某村" not in text
    for length, column in ((18, "身份证号"), (11, "联系电话"), (7, "户编号")):
        pieces = {text[i : i + length] for i in range(len(text))}
        assert not pieces & set(made.frame[column])


def _fen(texts: Any) -> Any:
    plain = texts.str.replace(",", "").str.replace("元", "")
    is_wan = plain.str.endswith("万")
    return (plain.str.replace("万", "").astype(float) * np.where(is_wan, 1_000_000, 100)).round().astype(np.int64)


def test_csv_and_xlsx_give_the_same_loans(tmp_path: Path) -> None:
    made = make_ledger(300)
    a = read_ledger(write_csv(made.frame, tmp_path / "a.csv", "gb18030"), **RULES).loans
    b = read_ledger(write_xlsx(made.frame, tmp_path / "a.xlsx"), **RULES).loans
    same = [name for name in CANONICAL if name != "household_id"]
    pd.testing.assert_frame_equal(a[same], b[same])
    assert (pd.factorize(a["household_id"])[0] == pd.factorize(b["household_id"])[0]).all()


# --- one row ----------------------------------------------------------------------------------------


def test_a_good_row_in_canonical_form(tmp_path: Path) -> None:
    ledger = read_ledger(save(tmp_path, GOOD), **RULES)
    assert list(ledger.loans.columns) == list(CANONICAL)
    assert ledger.problems.empty and list(ledger.problems.columns) == ["row", "column", "value", "reason"]
    loan = ledger.loans.iloc[0]
    assert loan["loan_id"] == entity_id("loan", "rcb", "A1")
    assert (loan["lender"], loan["township"], loan["product"]) == ("rcb", "T00", "microcredit")
    assert (loan["principal_fen"], loan["balance_fen"], loan["rate_ppm"]) == (5_000_000, 2_000_000, 43_500)
    assert (loan["originated_on"], loan["matures_on"]) == (
        pd.Timestamp("2017-07-15"),
        pd.Timestamp("2019-07-15"),
    )
    assert loan["term_months"] == 24
    assert loan[["repaid_on", "overdue_since", "filed_on"]].isna().all()
    kinds = ledger.loans.dtypes.astype(str)
    assert set(kinds[["loan_id", "household_id", "principal_fen", "balance_fen", "rate_ppm"]]) == {"int64"}
    assert set(kinds[["originated_on", "matures_on", "repaid_on", "overdue_since", "filed_on"]]) == {"datetime64[s]"}


PAID = {"贷款余额(元)": "0", "结清日期": "2019-07-15"}
BAD_CELLS = [
    ({"贷款金额(元)": "约300万"}, "贷款金额(元)", "number"),
    ({"贷款金额(元)": "5,00"}, "贷款金额(元)", "number"),
    ({"贷款金额(元)": "50000%"}, "贷款金额(元)", "number"),
    ({"贷款金额(元)": "99999999999999999"}, "贷款金额(元)", "number"),
    ({"贷款金额(元)": ""}, "贷款金额(元)", "missing"),
    ({"贷款金额(元)": "0", "贷款余额(元)": "0"}, "贷款金额(元)", "not_positive"),
    ({"贷款金额(元)": "50000.01"}, "贷款金额(元)", "above_ceiling"),
    ({"贷款余额(元)": "-1"}, "贷款余额(元)", "negative"),
    ({"贷款余额(元)": "50000.01"}, "贷款余额(元)", "above_principal"),
    ({"贷款余额(元)": "若干"}, "贷款余额(元)", "number"),
    ({"贷款余额(元)": ""}, "贷款余额(元)", "balance_unknown"),
    ({"结清日期": "2019-07-15"}, "贷款余额(元)", "repaid_open"),
    ({"放款日期": ""}, "放款日期", "missing"),
    ({"放款日期": "2017-02-30"}, "放款日期", "date"),
    ({"放款日期": "15/07/2017"}, "放款日期", "date"),
    ({"放款日期": "1917-07-15"}, "放款日期", "date"),
    ({"放款日期": "2020-01-01", "到期日期": "2022-01-01"}, "放款日期", "after_on"),
    ({"到期日期": "—"}, "到期日期", "missing"),
    ({"到期日期": "两年后"}, "到期日期", "date"),
    ({"到期日期": "2017-07-15"}, "到期日期", "matures_first"),
    ({"期限(月)": "无"}, "期限(月)", "missing"),
    ({"期限(月)": "二年"}, "期限(月)", "number"),
    ({"期限(月)": "24.5"}, "期限(月)", "whole_months"),
    ({"期限(月)": "0"}, "期限(月)", "not_positive"),
    ({"期限(月)": "27"}, "期限(月)", "term_mismatch"),
    ({"期限(月)": "37", "到期日期": "2020-08-15"}, "期限(月)", "term_max"),
    ({"年利率(%)": ""}, "年利率(%)", "missing"),
    ({"年利率(%)": "低"}, "年利率(%)", "number"),
    ({"年利率(%)": "24.01"}, "年利率(%)", "rate_range"),
    ({"年利率(%)": "-1"}, "年利率(%)", "rate_range"),
    ({"年利率(%)": "0.0435"}, "年利率(%)", "rate_fraction"),
    ({"承贷银行": ""}, "承贷银行", "missing"),
    ({"承贷银行": "招商银行"}, "承贷银行", "unknown_name"),
    ({"所在乡镇": ""}, "所在乡镇", "missing"),
    ({"所在乡镇": "城关真"}, "所在乡镇", "unknown_name"),
    ({"贷款品种": "产业贷 13912345678"}, "贷款品种", "personal"),
    ({"户编号": ""}, "户编号", "missing"),
    ({"借据号": ""}, "借据号", "missing"),
    ({"逾期日期": "去年"}, "逾期日期", "date"),
    ({"逾期日期": "2017-07-14"}, "逾期日期", "before_originated"),
    ({"逾期日期": "2020-01-01"}, "逾期日期", "after_on"),
    ({**PAID, "结清日期": "2017-07-14"}, "结清日期", "before_originated"),
    ({**PAID, "结清日期": "2020-01-01"}, "结清日期", "after_on"),
    ({"申请代偿日期": "2017-07-14"}, "申请代偿日期", "before_originated"),
    ({"申请代偿日期": "2020-01-01"}, "申请代偿日期", "after_on"),
]


@pytest.mark.parametrize(("change", "column", "code"), BAD_CELLS)
def test_each_bad_cell_is_listed_once_and_left_out(
    tmp_path: Path, change: dict[str, str], column: str, code: str
) -> None:
    ledger = read_ledger(save(tmp_path, GOOD, {**GOOD, "借据号": "A2", **change}), **RULES)
    assert ledger.problems[["row", "column"]].values.tolist() == [[3, column]]
    assert ledger.problems["reason"].iloc[0].startswith(REASONS[code]["en"].split("{")[0])
    assert len(ledger.loans) == 1


def test_every_reason_has_a_bad_cell_and_both_languages() -> None:
    elsewhere = {"too_long", "total", "duplicate", "id_card"}
    assert {code for _, _, code in BAD_CELLS} | elsewhere == set(REASONS)
    assert all(set(says) == {"en", "zh"} for says in (*REASONS.values(), *ESTIMATE.values()))


GOOD_CELLS = [
    ({"贷款金额(元)": "５０，０００．００"}, "principal_fen", 5_000_000),
    ({"贷款金额(元)": "5万元"}, "principal_fen", 5_000_000),
    ({"贷款金额(元)": "3.5 万"}, "principal_fen", 3_500_000),
    ({"贷款金额(元)": "¥20000.015"}, "principal_fen", 2_000_002),
    ({"贷款余额(元)": "0"}, "balance_fen", 0),
    ({"结清日期": "2019-07-15", "贷款余额(元)": ""}, "balance_fen", 0),
    *(({"放款日期": text}, "originated_on", pd.Timestamp("2017-07-15")) for text in (
        "2017/7/15", "2017.7.15", "20170715", "2017年7月15日", "２０１７年０７月１５日", "42931",
        "2017-07-15 08:30:00",
    )),
    ({"期限(月)": "24个月"}, "term_months", 24),
    ({"期限(月)": "2年"}, "term_months", 24),
    ({"期限(月)": "730天"}, "term_months", 24),
    ({"期限(月)": "26"}, "term_months", 26),
    ({"年利率(%)": "4.35%"}, "rate_ppm", 43_500),
    ({"年利率(%)": "0"}, "rate_ppm", 0),
    ({"年利率(%)": "24"}, "rate_ppm", 240_000),
    ({"承贷银行": "县农村商业银行"}, "lender", "rcb"),
    ({"承贷银行": "RCB"}, "lender", "rcb"),
    ({"所在乡镇": " 城关镇 "}, "township", "T00"),
    ({"贷款品种": "产业贷"}, "product", "产业贷"),
    ({"逾期日期": "2018-01-01"}, "overdue_since", pd.Timestamp("2018-01-01")),
    ({"申请代偿日期": "2019-10-20"}, "filed_on", pd.Timestamp("2019-10-20")),
]  # fmt: skip


@pytest.mark.parametrize(("change", "column", "value"), GOOD_CELLS)
def test_usual_notations_are_read(tmp_path: Path, change: dict[str, str], column: str, value: Any) -> None:
    ledger = read_ledger(save(tmp_path, {**GOOD, **change}), **RULES)
    assert ledger.problems.empty
    assert ledger.loans[column].iloc[0] == value


@pytest.mark.parametrize(
    ("heading", "cell", "field", "value"),
    [
        ("贷款金额（万元）", "4.5", "principal_fen", 4_500_000),
        ("贷款金额：元", "45000", "principal_fen", 4_500_000),
        ("合同金额", "45000", "principal_fen", 4_500_000),
        ("principal_fen", "4500000", "principal_fen", 4_500_000),
        ("Loan Amount (yuan)", "45000", "principal_fen", 4_500_000),
        ("月利率(‰)", "3.625", "rate_ppm", 43_500),
        ("年利率(‰)", "43.5", "rate_ppm", 43_500),
        ("利率", "4.35", "rate_ppm", 43_500),
        ("利率", "0.0435", "rate_ppm", 43_500),
        ("rate_ppm", "43500", "rate_ppm", 43_500),
        ("贷款期限(年)", "2", "term_months", 24),
        ("期限（天）", "730", "term_months", 24),
        ("Start Date", "2017-07-15", "originated_on", pd.Timestamp("2017-07-15")),
        ("放款日期(yyyy-mm-dd)", "2017-07-15", "originated_on", pd.Timestamp("2017-07-15")),
    ],
)
def test_headings_with_units_are_known(tmp_path: Path, heading: str, cell: str, field: str, value: Any) -> None:
    replaced = {
        "principal_fen": "贷款金额(元)",
        "rate_ppm": "年利率(%)",
        "term_months": "期限(月)",
        "originated_on": "放款日期",
    }[field]
    ledger = read_ledger(save(tmp_path, {**without(replaced), heading: cell}), **RULES)
    assert ledger.loans[field].iloc[0] == value


def test_duplicates_are_told_by_lender_and_number(tmp_path: Path) -> None:
    other = {**GOOD, "承贷银行": "邮储银行"}
    ledger = read_ledger(save(tmp_path, GOOD, other, {**GOOD, "承贷银行": "县农村商业银行"}), **RULES)
    assert ledger.problems[["row", "column", "value"]].values.tolist() == [[4, "借据号", "A1"]]
    assert len(ledger.loans) == 2


def test_contract_number_stands_in_for_a_loan_number(tmp_path: Path) -> None:
    both = read_ledger(save(tmp_path, {**GOOD, "合同号": "C1"}, {**GOOD, "借据号": "A2", "合同号": "C1"}), **RULES)
    assert len(both.loans) == 2
    alone = {**without("借据号"), "合同号": "C1"}
    ledger = read_ledger(save(tmp_path, alone, alone), **RULES)
    assert ledger.problems["column"].tolist() == ["合同号"]


def test_totals_long_rows_and_blank_rows(tmp_path: Path) -> None:
    head, line = ",".join(GOOD), ",".join(GOOD.values())
    body = f"某县小额信贷台账\n\n{head}\n{line}\n,,\n{line.replace('A1', 'A2')},多\n合 计,,,,50000\n"
    path = tmp_path / "ledger.csv"
    path.write_text(body, encoding="utf-8")
    ledger = read_ledger(path, **RULES)
    assert ledger.problems[["row", "column"]].values.tolist() == [[6, "(row)"], [7, "(row)"]]
    assert [text[:8] for text in ledger.problems["reason"]] == ["the row ", "a total,"]
    assert (len(ledger.loans), ledger.n_rows) == (1, 3)


def test_reasons_in_chinese_with_the_nearest_name(tmp_path: Path) -> None:
    bad = {**GOOD, "借据号": "A2", "承贷银行": "农商航"}
    problems = read_ledger(save(tmp_path, GOOD, bad), **RULES, lang="zh").problems
    assert problems["reason"].tolist() == ["名称不在名单内；最接近的名称：农商行"]


# --- columns that are not there ---------------------------------------------------------------------


def test_defaults_where_a_column_is_absent(tmp_path: Path) -> None:
    bare = {key: GOOD[key] for key in ("承贷银行", "贷款金额(元)", "放款日期", "到期日期")}
    ledger = read_ledger(save(tmp_path, bare, bare, {**bare, "到期日期": "2017-08-20"}), **FREE)
    loans = ledger.loans
    assert loans["loan_id"].is_unique and loans["household_id"].is_unique
    assert loans["township"].tolist() == ["unknown"] * 3 and loans["lender"].iloc[0] == "农商行"
    assert loans["balance_fen"].tolist() == [5_000_000] * 3 and loans["rate_ppm"].tolist() == [0] * 3
    assert loans["term_months"].tolist() == [24, 24, 1]
    assert {"township", "balance", "rate", "term", "repaid_on"} <= set(ledger.absent_fields)


def test_maturity_from_the_term_runs_by_anniversary(tmp_path: Path) -> None:
    row = {**without("到期日期"), "放款日期": "2018-08-31", "期限(月)": "6"}
    assert read_ledger(save(tmp_path, row), **RULES).loans["matures_on"].iloc[0] == pd.Timestamp("2019-02-28")


def test_term_limit_without_a_term_column(tmp_path: Path) -> None:
    row = without("期限(月)")
    ledger = read_ledger(save(tmp_path, row, {**row, "借据号": "A2", "到期日期": "2020-09-15"}), **RULES)
    assert ledger.problems[["row", "column"]].values.tolist() == [[3, "到期日期"]]


def test_balance_of_a_repaid_loan_without_a_balance_column(tmp_path: Path) -> None:
    row = without("贷款余额(元)")
    loans = read_ledger(save(tmp_path, row, {**row, "借据号": "A2", "结清日期": "2019-07-15"}), **RULES).loans
    assert loans["balance_fen"].tolist() == [5_000_000, 0]


def test_a_loan_id_does_not_depend_on_row_order(tmp_path: Path) -> None:
    rows = [{**without("借据号"), "户编号": f"H{i % 3}", "放款日期": f"2017-07-{i + 1:02d}"} for i in range(6)]
    one = read_ledger(save(tmp_path, *rows, name="a.csv"), **RULES).loans
    two = read_ledger(save(tmp_path, *rows, name="a.csv"), **RULES).loans
    assert one.equals(two) and one["loan_id"].is_unique
    assert one["household_id"].nunique() == 3


# --- private data -----------------------------------------------------------------------------------


def test_id_cards_stand_in_for_households_and_vanish(tmp_path: Path) -> None:
    card, other = fake_id(1), fake_id(2)
    rows = [
        {**without("户编号"), "借据号": f"A{i}", "身份证号": text, "户主姓名": fake_name(i)}
        for i, text in enumerate([card, card.lower(), other, "不详", card[:15], ""])
    ]
    ledger = read_ledger(save(tmp_path, *rows), **RULES)
    households = ledger.loans["household_id"].tolist()
    assert households[0] == households[1] != households[2] and len(households) == 3
    assert ledger.problems[["row", "value"]].values.tolist() == [
        [5, "(withheld)"],
        [6, "(withheld)"],
        [7, ""],
    ]
    assert ledger.dropped_columns == ["身份证号", "户主姓名"]
    assert not any(word in repr(ledger.loans.values.tolist()) for word in (card, card.lower(), other))


def test_household_ids_cannot_be_made_from_the_hash_that_is_written_down(tmp_path: Path) -> None:
    ledger = read_ledger(save(tmp_path, GOOD), **RULES)
    assert ledger.loans["household_id"].iloc[0] != entity_id("household", ledger.sha256, "H1")


@pytest.mark.parametrize("text", ["622201199001011234", "62220119900101123x", "13912345678", "电话13912345678。"])
def test_private_cells_drop_an_unknown_column(tmp_path: Path, text: str) -> None:
    ledger = read_ledger(save(tmp_path, GOOD, {**GOOD, "借据号": "A2", "其他": text}), **RULES)
    assert ledger.dropped_columns == ["其他"]


@pytest.mark.parametrize(
    "heading",
    [
        "姓名",
        "户主",
        "借款人",
        "身份证号码",
        "证件号",
        "电话",
        "手机号",
        "银行卡号",
        "账号",
        "家庭住址",
        "Borrower Name",
    ],
)
def test_private_headings_are_dropped(tmp_path: Path, heading: str) -> None:
    assert read_ledger(save(tmp_path, {**GOOD, heading: "甲"}), **RULES).dropped_columns == [heading]


def test_private_values_in_a_wrong_column_are_withheld(tmp_path: Path) -> None:
    shifted = {
        **GOOD,
        "姓名": "王小二",
        "贷款金额(元)": "王小二",
        "放款日期": "13912345678",
        "期限(月)": fake_id(3),
    }
    problems = read_ledger(save(tmp_path, {**GOOD, "姓名": "李四"}, {**shifted, "借据号": "A2"}), **RULES).problems
    assert problems["value"].tolist() == ["(withheld)"] * 3


# --- files that are refused -------------------------------------------------------------------------


def refused(path: Path, match: str, **change: Any) -> None:
    with pytest.raises(InputError, match=match):
        read_ledger(path, **{**RULES, **change})


@pytest.mark.parametrize("kind", ["xls", "xlsm", "txt", "pdf"])
def test_other_types_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"ledger.{kind}"
    path.write_bytes(b"x")
    refused(path, "file type")


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"\n,,\n", "empty"),
        ("a.csv", ",".join(GOOD).encode(), "no row below"),
        ("a.csv", b"\xff\xff\xff", "encoding"),
        ("a.csv", "承贷银行,本金".encode("utf-16"), "encoding"),
        ("a.csv", "a,b".encode("utf-16-le"), "not plain text"),
        ("a.csv", b'a,b\n"c,d\n', "broken table"),
        ("a.csv", b"PK\x03\x04", "named .csv"),
        ("a.csv", b"\xd0\xcf\x11\xe0", "password"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0", "password"),
        ("a.xlsx", b"hello", "not an Excel file"),
    ],
)
def test_unreadable_files_are_refused(tmp_path: Path, name: str, content: bytes, match: str) -> None:
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, match)


def test_missing_large_and_damaged_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(tmp_path / "none.csv", "a file that exists")
    good = save(tmp_path, GOOD)
    book = write_xlsx(make_ledger(40).frame, tmp_path / "a.xlsx")
    monkeypatch.setattr(table_file, "MAX_BYTES", 10)
    refused(good, "at most 50 MB")
    monkeypatch.undo()
    monkeypatch.setattr(table_file, "_MAX_UNPACKED", 10)
    refused(book, "at most 1 GB unpacked")
    monkeypatch.undo()
    for name, match in (("xl/vbaProject.bin", "macros"), ("nothing.xml", "unreadable")):
        with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as archive:
            archive.writestr(name, "x")
        refused(tmp_path / "b.xlsx", match)


def test_two_sheets_with_loans_are_refused_and_other_sheets_are_not(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["说明"])
    for title in ("农商行", "邮储"):
        sheet = book.create_sheet(title)
        sheet.append(list(GOOD))
        sheet.append(list(GOOD.values()))
        book.save(tmp_path / f"{title}.xlsx")
    assert len(read_ledger(tmp_path / "农商行.xlsx", **RULES).loans) == 1
    refused(tmp_path / "邮储.xlsx", "农商行, 邮储")


def test_xlsx_percent_cells_dates_and_long_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    row: dict[str, Any] = {
        **GOOD,
        "年利率(%)": 0.0435,
        "放款日期": dt.datetime(2017, 7, 15),
        "到期日期": 43661,
    }
    sheet.append([*row, "身份证号"])
    sheet.append([*row.values(), 622201199001011234])
    sheet.cell(2, list(row).index("年利率(%)") + 1).number_format = "0.00%"
    book.save(tmp_path / "a.xlsx")
    loan = read_ledger(tmp_path / "a.xlsx", **RULES).loans.iloc[0]
    assert (loan["rate_ppm"], loan["originated_on"]) == (43_500, pd.Timestamp("2017-07-15"))
    assert loan["matures_on"] == pd.Timestamp("2019-07-15")
    sheet.delete_cols(list(row).index("户编号") + 1)
    book.save(tmp_path / "a.xlsx")
    refused(tmp_path / "a.xlsx", "not an 18-digit ID number")  # Excel rounded it: neighbours would merge


@pytest.mark.parametrize(
    ("dropped", "match"),
    [
        (("承贷银行",), "lender: found 'no such column'"),
        (("贷款金额(元)",), "principal: found 'no such column'"),
        (("放款日期",), "originated_on: found 'no such column'"),
        (("到期日期", "期限(月)"), "matures_on or term: found 'no such column'"),
        (("所在乡镇",), "township: found 'no such column'"),
    ],
)
def test_missing_columns_are_refused(tmp_path: Path, dropped: tuple[str, ...], match: str) -> None:
    refused(save(tmp_path, without(*dropped)), match)


def test_a_missing_lender_says_which_columns_were_seen_and_how_to_name_them(tmp_path: Path) -> None:
    seen = "columns seen: 借据号, 户编号, 所在乡镇.*--column lender=HEADING.*--lender LENDER=NAME"
    refused(save(tmp_path, without("承贷银行")), seen)


def test_a_ledger_of_other_lenders_says_how_to_tell_which_is_which(tmp_path: Path) -> None:
    rows = [{**GOOD, "承贷银行": name, "借据号": name} for name in ("甲行", "乙行", "甲行二部")]
    named = dict(lenders={"rcc": ["信用社", "*信用*社"], "psbc": ["邮储"]})
    match = r"lender: found '甲行, 乙行, 甲行二部'; allowed: .*rcc \(信用社\); psbc \(邮储\).*--lender LENDER=NAME"
    refused(save(tmp_path, *rows), match, **named)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("农村信用社", "rcc"), ("罗平县农村信用合作联社", "rcc"), ("农商行", "rcc"), ("罗平农村商业银行股份有限公司", "rcc"),
        ("邮储银行", "psbc"), ("中国邮政储蓄银行罗平县支行", "psbc"), ("县信用联社", "rcc"), ("psbc", "psbc"),
        ("中国农业银行", None), ("农行", None), ("某银行", None), ("农商行邮储银行", None),
    ],
)  # fmt: skip
def test_usual_names_of_banks_are_known(tmp_path: Path, name: str, key: str | None) -> None:
    """Under X county's lenders: a bank that the scenario has not, and a name of two, are nobody's."""
    lenders = names_of(sim.scenario("x-county").lenders)
    ledger = read_ledger(save(tmp_path, {**GOOD, "承贷银行": name, "借据号": "A2"}, {**GOOD, "承贷银行": "rcc"}), **{**RULES, "lenders": lenders})  # fmt: skip
    assert ledger.loans["lender"].tolist() == ([key, "rcc"] if key else ["rcc"])


def test_two_banks_of_a_kind_are_told_apart_by_their_own_names_alone() -> None:
    base = sim.scenario("x-county").lenders
    both = [x.model_copy(update={"key": key}) for x, key in ((base[0], "a"), (base[0], "b"))]
    assert names_of(both) == {"a": ("a", *_labels(base[0])), "b": ("b", *_labels(base[0]))}


def _labels(lender: Any) -> tuple[str, str]:
    return lender.label.zh, lender.label.en


def test_a_misspelt_heading_is_pointed_out(tmp_path: Path) -> None:
    refused(save(tmp_path, {**without("放款日期"), "放款曰期": "2017-07-15"}), "is 放款曰期 meant")


@pytest.mark.parametrize(
    ("change", "drop", "match"),
    [
        ({"合同金额": "50000"}, (), "贷款金额\\(元\\), 合同金额"),
        ({"利率(‰)": "3.6"}, ("年利率(%)",), "月利率\\(‰\\)"),
        ({"月利率": "3.6"}, ("年利率(%)",), "月利率\\(%\\)"),
        ({"贷款金额": "5"}, ("贷款金额(元)", "贷款余额(元)"), "typical loan 5 yuan"),
        ({"身份证号": fake_id(1), "证件号码": fake_id(1)}, ("户编号",), "one ID-card column"),
        ({"贷款金额(元)": "很多"}, (), "1 rows, all with problems; first: row 2"),
    ],
)
def test_tables_that_cannot_be_told_are_refused(
    tmp_path: Path, change: dict[str, str], drop: tuple[str, ...], match: str
) -> None:
    refused(save(tmp_path, {**without(*drop), **change}), match)


def test_one_spelling_for_two_lenders_is_refused(tmp_path: Path) -> None:
    refused(save(tmp_path, GOOD), "one meaning; now a and b", lenders={"a": ["农商行"], "b": ["农商行"]})


def test_thousands_of_unknown_names_take_no_minutes(tmp_path: Path) -> None:
    rows = [{**GOOD, "借据号": f"A{i}", "承贷银行": f"某银行{i}" if i else "农商行"} for i in range(3000)]
    assert len(read_ledger(save(tmp_path, *rows), **RULES).problems) == 2999


# --- what is written --------------------------------------------------------------------------------


def test_files_written(tmp_path: Path) -> None:
    source = save(tmp_path, GOOD, {**GOOD, "借据号": "A2", **PAID}, {**GOOD, "借据号": "A3", "贷款金额(元)": "?"})
    report = import_ledger(source, tmp_path / "a" / "out", **RULES, lang="zh")
    out = tmp_path / "a" / "out"
    assert sorted(path.name for path in out.iterdir()) == sorted(importer.FILES)
    book = pd.read_csv(out / "book.csv")
    assert list(book.columns) == list(CANONICAL) and len(book) == 1
    assert book.loc[0, "originated_on"] == "2017-07-15" and pd.isna(book.loc[0, "repaid_on"])
    assert (out / "rejected_rows.csv").read_bytes().startswith(b"\xef\xbb\xbfrow,column,value,reason")
    made = json.loads((out / "import.json").read_text(encoding="utf-8"))
    assert made["source_name"] == "ledger.csv" and len(made["sha256"]) == 64 and made["on"] == "2019-12-31"
    assert (made["n_rows"], made["n_loans"], made["n_open"], made["n_rejected_rows"]) == (3, 2, 1, 1)
    assert json.loads((out / "estimate.json").read_text(encoding="utf-8"))["n_matured"] == 2
    assert report.summary.startswith("读入 3 行") and report.estimate.is_weak
    assert sorted(path.name for path in out.parent.iterdir()) == ["out"]


def test_formulas_are_made_harmless(tmp_path: Path) -> None:
    names = ["=1+1", "+1", "-1", "@a", "好"]
    rows = [{**GOOD, "借据号": f"A{i}", "承贷银行": name} for i, name in enumerate(names)]
    rows.append({**GOOD, "借据号": "A9", "贷款金额(元)": "=HYPERLINK(1)"})
    import_ledger(save(tmp_path, *rows), tmp_path / "out", **FREE)
    book = pd.read_csv(tmp_path / "out" / "book.csv")
    assert book["lender"].tolist() == ["'=1+1", "'+1", "'-1", "'@a", "好"]
    rejected = pd.read_csv(tmp_path / "out" / "rejected_rows.csv", encoding="utf-8-sig")
    assert rejected["value"].tolist() == ["'=HYPERLINK(1)"]
    assert importer._harmless("\tx") == "'\tx" and importer._harmless("\rx") == "'\rx"


def test_an_earlier_import_is_replaced_and_anything_else_refused(tmp_path: Path) -> None:
    source, out = save(tmp_path, GOOD), tmp_path / "out"
    out.mkdir()
    import_ledger(source, out, **RULES)
    assert import_ledger(save(tmp_path, GOOD, {**GOOD, "借据号": "A2"}), out, **RULES).n_loans == 2
    assert len(pd.read_csv(out / "book.csv")) == 2
    (out / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="a folder with other files"):
        import_ledger(source, out, **RULES)
    (out / "mine.txt").unlink()
    (out / "import.json").write_text("[]")
    with pytest.raises(InputError, match="a folder with other files"):
        import_ledger(source, out, **RULES)
    with pytest.raises(InputError, match="a file"):
        import_ledger(source, source, **RULES)


@pytest.mark.parametrize("step", ["_to_csv", "put_in_place"])
def test_nothing_is_left_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    source, out = save(tmp_path, GOOD), tmp_path / "out"
    import_ledger(source, out, **RULES)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(importer, step, fail)
    with pytest.raises(OSError, match="disk full"):
        import_ledger(save(tmp_path, {**GOOD, "借据号": "A2"}), out, **RULES)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.csv", "out"]


def test_the_earlier_import_comes_back_when_the_swap_fails(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "book.csv").write_text("old")
    with pytest.raises(OSError, match="gone"):
        importer.put_in_place(tmp_path / "gone", out)
    assert (out / "book.csv").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_same_ledger_gives_the_same_bytes(tmp_path: Path) -> None:
    source = save(tmp_path, GOOD, {**GOOD, "借据号": "A2", "年利率(%)": "x"})
    for name in ("a", "b"):
        import_ledger(source, tmp_path / name, **RULES)
    for name in importer.FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
