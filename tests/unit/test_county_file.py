"""`calibration.county_file`: a blank is the default, a zero is zero, and one bad cell keeps all of it out."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

import sim
from calibration.county_file import CountyFile, CountyProblems, Problem, read_county, save_county, write_template
from calibration.county_file.form import fields_of, groups
from calibration.county_file.texts import LANGUAGES, keys, text
from sim.law.rules import value_in
from sim.reading import check_path
from sim.scenario import Scenario

PAYLOADS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", '=HYPERLINK("http://x")', "=cmd|'/C calc'!A0")
SHEETS = {key: text(f"sheet.{key}", "zh") for key in keys("sheet")}
LOAN = {
    "借据号": "A1", "户编号": "H1", "承贷银行": "县信用联社", "乡镇": "甲镇", "贷款金额(元)": 50000, "贷款余额(元)": 40000,
    "放款日期": dt.datetime(2017, 3, 1), "到期日期": dt.datetime(2019, 3, 1), "年利率(%)": 4.75,
}  # fmt: skip


@pytest.fixture(scope="module")
def base() -> Scenario:
    return sim.scenario("x-county")


@pytest.fixture(scope="module")
def blank(base: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_template(base, "zh", tmp_path_factory.mktemp("blank") / "县情.xlsx")


Fill = Callable[..., Path]


@pytest.fixture
def fill(blank: Path, tmp_path: Path) -> Fill:
    """Type into the template: cells by (sheet, code, column), loans as dicts, and anything else by a function."""

    def filled(cells: dict[tuple[str, str, str], Any], *loans: dict[str, Any], also: Any = None) -> Path:
        book = openpyxl.load_workbook(blank)
        for (sheet, code, column), value in cells.items():
            put(book[SHEETS[sheet]][address(book, sheet, code, column)], value)
        loan_sheet = book[SHEETS["loans"]]
        headings = {cell.value: cell.column for cell in loan_sheet[2]}
        for number, loan in enumerate(loans, start=3):
            for heading, value in loan.items():
                if heading not in headings:
                    headings[heading] = len(headings) + 1
                    loan_sheet.cell(2, headings[heading], heading)
                put(loan_sheet.cell(number, headings[heading]), value)
        if also is not None:
            also(book)
        path = tmp_path / "filled.xlsx"
        book.save(path)
        return path

    return filled


def put(cell: Any, value: Any) -> None:
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"  # typed as text: openpyxl would take "=1+1" for a formula


def address(book: Any, sheet: str, code: str, column: str) -> str:
    table = book[SHEETS[sheet]]
    at = {str(c.value).split("\n")[0]: c.column_letter for c in table[2] if c.value}
    row = next(c.row for c in table[at[text("heading.code", "zh")]] if c.value == code)
    return f"{at[text(f'heading.{column}', 'zh')]}{row}"


def own(key: str) -> tuple[str, str, str]:
    sheet = next(group["sheet"] for group in groups() for f in group["field"] if key.startswith(f["key"].split("{")[0]))
    return sheet, key, "own"


def problems(path: Path, lang: str = "zh") -> list[Problem]:
    with pytest.raises(CountyProblems) as caught:
        read_county(path, lang=lang)
    return caught.value.problems


def only(path: Path) -> Problem:
    found = problems(path)
    assert len(found) == 1, found
    return found[0]


# --- the template ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", sim.scenario_names())
def test_an_unchanged_template_is_its_scenario(name: str, lang: str, tmp_path: Path) -> None:
    scenario = sim.scenario(name)
    county = read_county(write_template(scenario, lang, tmp_path / "t.xlsx"))
    assert county.scenario == scenario and county.alternative is None and county.changes == []


def test_every_field_of_the_form_is_one_of_the_scenario(base: Scenario) -> None:
    for f in fields_of(base):
        if f.key.startswith("rules."):
            assert value_in(base.rule_values(), f.key.removeprefix("rules.")) is not None
        else:
            check_path(Scenario, ".".join(p for p in f.key.split(".") if not p.isdigit()), "form")
        assert all(f.label[lang] and text(f"unit.{f.unit}", lang) for lang in LANGUAGES), f.key


def test_each_default_stands_with_its_source(blank: Path) -> None:
    book = openpyxl.load_workbook(blank)
    at = address(book, "county", "office.clerks", "source")
    assert str(book[SHEETS["county"]][at].value).startswith("假设：")
    assert book[SHEETS["county"]][address(book, "county", "office.clerks", "default")].value == 3
    assert not any(sheet.merged_cells.ranges for sheet in book.worksheets)


def test_a_scenario_that_was_filled_in_is_the_default_of_its_next_template(fill: Fill, tmp_path: Path) -> None:
    county = read_county(fill({own("office.clerks"): 5, own("rules.claim.wait_days"): 60, own("title"): "甲县"}))
    again = write_template(county.scenario, "zh", tmp_path / "again.xlsx", base="x-county")
    assert read_county(again, county.scenario).scenario == county.scenario


# --- blank, zero, own, alternative -------------------------------------------------------------------


def test_blank_is_the_default_and_zero_is_zero(fill: Fill, base: Scenario) -> None:
    scenario = read_county(fill({own("defaults.negligence"): 0, own("defaults.objection"): "   "})).scenario
    assert scenario.defaults.negligence == 0.0
    assert "defaults.negligence" not in {item.field for item in scenario.uncertain}  # zero is taken as known
    assert scenario.defaults.objection == base.defaults.objection == 0.02


def test_a_mark_for_nothing_is_neither(fill: Fill) -> None:
    found = only(fill({own("defaults.negligence"): "—"}))
    assert "留空" in found.allowed and "0" in found.allowed


def test_values_of_every_kind(fill: Fill) -> None:
    path = fill({
        own("title"): "甲县", own("sized_year"): 2026, own("information_on"): dt.datetime(2026, 1, 1),
        own("fiscal.release_days.0"): "02-20", own("rules.claim.meetings"): "02-15、08-15",
        own("defaults.anchor"): "高", own("defaults.anchors.central"): "8%", own("fiscal.cash_by_quarter.0"): 25,
        own("fiscal.cash_by_quarter.3"): 35.0, own("rules.subsidy.paid_to"): "付给农户（先付后贴）",
        ("lenders", "lenders.1", "own_account"): 1800.5, ("lenders", "lenders.2", "own_balance"): "300万元",
    })  # fmt: skip
    county = read_county(path)
    s = county.scenario
    assert (s.name, s.title.zh, s.sized_year, s.information_on) == ("甲县", "甲县", 2026, dt.date(2026, 1, 1))
    assert s.fiscal.release_days == ["02-20", "05-10", "08-10", "11-10"]
    assert s.law().claim.meetings == ["02-15", "08-15"] and s.rule_changes["subsidy.paid_to"] == "household"
    assert s.defaults.anchor == "high" and s.defaults.anchors["high"] == 0.08  # the share stands at the own level
    assert s.fiscal.cash_by_quarter == [0.25, 0.15, 0.25, 0.35]
    assert s.sub_accounts_yuan() == {"rcc": 18_005_000, "psbc": 5_000_000}
    assert s.opening.balance_yuan == {"rcc": 18_005_000, "psbc": 3_000_000}
    source = s.source_of("fiscal.cash_by_quarter")
    assert source is not None and source.kind == "data" and "filled.xlsx" in source.note
    assert s.is_demonstration  # without a loan book it still is
    assert [c.own for c in county.changes if c.row == "县信用联社" or "第1家" in c.row] == ["1800.5"]


def test_a_cell_that_shows_per_cent_was_typed_in_per_cent(fill: Fill) -> None:
    def show(book: Any) -> None:
        cell = book[SHEETS["parameters"]][address(book, "parameters", "defaults.negligence", "own")]
        cell.value, cell.number_format = 0.07, "0.00%"

    assert read_county(fill({}, also=show)).scenario.defaults.negligence == 0.07


def test_the_range_of_an_uncertain_value_moves_with_it(fill: Fill, base: Scenario) -> None:
    s = read_county(fill({own("defaults.anchors.central"): 5, own("defaults.recovery.first_year"): 40})).scenario
    by_field = {item.field: item for item in s.uncertain}
    anchor, recovery = by_field["defaults.anchors.central"], by_field["defaults.recovery.first_year"]
    assert (anchor.p05, anchor.p95) == (0.018, 0.14)
    assert recovery.p05 is not None and recovery.p95 is not None and 0.12 < recovery.p05 < 0.40 < recovery.p95 < 1
    assert by_field["defaults.negligence"] in base.uncertain


def test_alternatives_make_a_second_scenario(fill: Fill) -> None:
    county = read_county(
        fill({
            own("fiscal.delay_months"): 1, ("county", "fiscal.delay_months", "alternative"): 3,
            ("lenders", "lenders.1", "alternative_account"): 2000,
        })
    )  # fmt: skip
    assert county.alternative is not None
    assert (county.scenario.fiscal.delay_months, county.alternative.fiscal.delay_months) == (1, 3)
    assert county.scenario.sub_accounts_yuan()["rcc"] == 15_000_000
    assert county.alternative.sub_accounts_yuan()["rcc"] == 20_000_000
    assert county.alternative.name == f"{county.scenario.name}-alternative"


def test_own_townships_replace_the_list(fill: Fill) -> None:
    cells = {("townships", f"townships.{k}", "own_name"): name for k, name in ((1, "甲镇"), (2, "乙乡"), (14, "丙镇"))}
    towns = read_county(fill(cells)).scenario.townships
    assert [(t.key, t.label.zh, t.share) for t in towns] == [
        ("t01", "甲镇", None),
        ("t02", "乙乡", None),
        ("t14", "丙镇", None),
    ]
    shares = {("townships", f"townships.{k}", "own_share"): x for k, x in ((1, 50), (2, 30), (14, 20))}
    towns = read_county(fill({**cells, **shares})).scenario.townships
    assert [t.share for t in towns] == [0.5, 0.3, 0.2]


def test_a_lender_more_needs_its_account(fill: Fill) -> None:
    names = {("lenders", f"lenders.{k}", "own_name"): name for k, name in ((1, "农商行"), (2, "邮储"), (3, "村镇银行"))}
    found = only(fill(names))
    assert found.column == "本县分账户" and "村镇银行" in found.row
    s = read_county(fill({**names, ("lenders", "lenders.3", "own_account"): 200})).scenario
    assert s.sub_accounts_yuan() == {"rcc": 15_000_000, "psbc": 5_000_000, "bank3": 2_000_000}


def test_completeness_counts_what_every_county_is_asked_for(fill: Fill) -> None:
    county = read_county(fill({own("title"): "甲县", own("office.clerks"): 3, own("fiscal.payment_day"): 20}))
    assert county.completeness == {"county": (2, 7), "lenders": (0, 2), "townships": (0, 1), "loans": (0, 1)}


# --- the loan book -----------------------------------------------------------------------------------


def test_a_loan_book_becomes_the_opening(fill: Fill, tmp_path: Path) -> None:
    cells = {own("information_on"): dt.datetime(2018, 1, 1), own("title"): "甲县"}
    cells |= {("lenders", f"lenders.{k}", "own_account"): 100 for k in (1, 2)}
    county = read_county(
        fill(
            cells,
            LOAN,
            {**LOAN, "借据号": "A2", "乡镇": "乙镇", "贷款余额(元)": 0, "结清日期": dt.datetime(2017, 9, 1)},
        )
    )
    assert county.n_loans == 1 and not county.scenario.is_demonstration
    saved = save_county(county, tmp_path / "county")
    loaded = Scenario.load(str(saved.scenario))
    assert loaded.opening.kind == "table" and loaded.tables()["opening.file"] == tmp_path / "county/book.csv"
    assert [t.key for t in loaded.townships] == ["甲镇"] and len(pd.read_csv(tmp_path / "county/book.csv")) == 1
    assert saved.scenario.read_text(encoding="utf-8").count("extends") == 1


BAD_LOANS: list[tuple[dict[str, Any], str, str]] = [
    ({"贷款金额(元)": "约300万"}, "E4", "数字"),
    ({"贷款金额(元)": "５００００"}, "E4", "半角数字：50000"),
    ({"贷款余额(元)": "三万"}, "F4", "中文数字"),
    ({"放款日期": "2017-03-01"}, "G4", "文本"),
    ({"放款日期": "01/03/2017"}, "G4", "文本"),
    ({"借据号": "A1"}, "A4", "重复"),
    ({"承贷银行": "农商航"}, "C4", "名单"),
    ({"户编号": "620102197001011234"}, "B4", "身份证"),
    ({"贷款余额(元)": 60000}, "F4", "余额"),
    ({"到期日期": dt.datetime(2016, 3, 1)}, "H4", "到期日"),
]


@pytest.mark.parametrize(("change", "cell", "words"), BAD_LOANS)
def test_a_bad_loan_is_named_by_its_cell(fill: Fill, change: dict[str, Any], cell: str, words: str) -> None:
    path = fill({own("information_on"): dt.datetime(2018, 1, 1)}, LOAN, {**LOAN, "借据号": "A2", **change})
    found = only(path)
    assert (found.sheet, found.cell, found.row) == ("贷款台账", cell, "第4行")
    assert found.column == next(iter(change)) and words in found.allowed
    assert "6201021970" not in str(found)


@pytest.mark.parametrize(
    ("heading", "value"), [("身份证号", "620102197001011234"), ("联系电话", "13912345678"), ("户主姓名", "张三")]
)
def test_personal_columns_are_refused_with_advice(fill: Fill, heading: str, value: str) -> None:
    found = only(fill({own("information_on"): dt.datetime(2018, 1, 1)}, {**LOAN, heading: value}))
    assert (found.cell, found.column) == ("M2", heading) and "删除这一列" in found.allowed
    assert value not in str(found)


@pytest.mark.parametrize("number", ["13912345678", "139-1234-5678", "139 1234 5678", "620102 19700101 123X"])
def test_a_personal_number_under_any_heading_is_refused_and_not_repeated(fill: Fill, number: str) -> None:
    found = only(fill({own("information_on"): dt.datetime(2018, 1, 1)}, {**LOAN, "备注": f"联系{number}"}))
    assert found.cell == "M2" and number not in str(found)


@pytest.mark.parametrize("note", ["2017-03-01 2019-03-01 12", "合同 2017-0301-0001", "138 4567"])
def test_dates_and_contract_numbers_are_not_personal(fill: Fill, note: str) -> None:
    read_county(fill({own("information_on"): dt.datetime(2018, 1, 1)}, {**LOAN, "备注": note}))


def test_a_loan_book_needs_its_day(fill: Fill) -> None:
    found = only(fill({}, LOAN))
    assert found.row == "数据截止日期" and "台账" in found.allowed


def test_all_bad_rows_are_listed(fill: Fill) -> None:
    rows = [{**LOAN, "借据号": f"A{k}", "贷款金额(元)": "很多"} for k in range(3)]
    found = problems(fill({own("information_on"): dt.datetime(2018, 1, 1)}, *rows))
    assert [problem.cell for problem in found] == ["E3", "E4", "E5"]


# --- bad cells ---------------------------------------------------------------------------------------


BAD_CELLS: list[tuple[str, Any, str]] = [
    ("office.clerks", "约300万", "整数"),
    ("office.clerks", "３", "半角数字：3"),
    ("office.clerks", "三", "中文数字"),
    ("office.clerks", 2.5, "整数"),
    ("office.clerks", 0, "1至200"),
    ("office.clerks", True, "整数"),
    ("office.clerks", dt.datetime(2018, 1, 1), "整数"),
    ("fiscal.budget_share", -1, "0至1000"),
    ("fiscal.delay_months", 13, "0至12"),
    ("information_on", "2018年1月1日", "文本"),
    ("information_on", True, "日期"),
    ("fiscal.release_days.0", "02-30", "月-日"),
    ("rules.claim.meetings", "07-15、01-15", "由早到晚"),
    ("defaults.anchor", "很高", "低、中、高"),
    ("defaults.anchors.central", 0, "大于0"),
    ("title", "身份证620102197001011234", "身份证"),
    ("title", "县" * 61, "60字"),
]


@pytest.mark.parametrize(("key", "value", "words"), BAD_CELLS)
def test_a_bad_cell_is_named_by_sheet_row_and_column(fill: Fill, blank: Path, key: str, value: Any, words: str) -> None:
    sheet, _, column = own(key)
    found = only(fill({(sheet, key, column): value}))
    label = next(f.label["zh"] for f in fields_of(sim.scenario("x-county")) if f.key == key)
    at = address(openpyxl.load_workbook(blank), sheet, key, column)
    assert (found.sheet, found.cell, found.row, found.column) == (SHEETS[sheet], at, label, "本县")
    assert words in found.allowed and "6201021970" not in str(found)
    assert found.found in found.sentence("zh")


def test_every_bad_cell_is_listed_at_once_in_either_language(fill: Fill) -> None:
    path = fill(
        {own("office.clerks"): "约3", own("fiscal.delay_months"): 99, ("lenders", "lenders.1", "own_account"): "很多"}
    )
    assert len(problems(path, "zh")) == 3
    found = problems(path, "en")
    assert [problem.column for problem in found] == ["own", "own", "own sub-account"]
    assert all("allowed:" in problem.sentence("en") for problem in found)


def test_parts_that_do_not_add_up(fill: Fill) -> None:
    found = only(fill({own("fiscal.cash_by_quarter.0"): 20}))
    assert found.row == "第1季度到位资金占全年" and found.found == "合计110%"
    found = only(fill({own("rules.loss.shares.fund"): 80}))
    assert found.found == "合计110%"
    found = only(fill({("townships", "townships.1", "own_share"): 50}))
    assert found.column == "本县贷款占比" and found.cell.endswith("3")


def test_a_year_without_its_date(fill: Fill) -> None:
    found = only(fill({own("sized_year"): 2027}))
    assert (found.row, found.found) == ("数据截止日期", "2018-01-01") and "2026-01-01至2027-01-01" in found.allowed


def test_names_are_needed_and_not_repeated(fill: Fill) -> None:
    found = only(fill({("townships", "townships.13", "own_households"): 300}))
    assert found.row == "第13个乡镇" and found.column == "本县名称"
    found = only(fill({("townships", f"townships.{k}", "own_name"): "甲镇" for k in (1, 2)}))
    assert "不重复" in found.allowed


def test_formulas_are_refused(fill: Fill) -> None:
    def formula(book: Any) -> None:
        book[SHEETS["county"]][address(book, "county", "office.clerks", "own")].value = "=1+1"

    found = only(fill({}, also=formula))
    assert found.found == "公式" and found.row == "经办人员"


def test_merged_cells_are_refused(fill: Fill) -> None:
    def merge(book: Any) -> None:
        book[SHEETS["county"]].merge_cells("E5:F5")
        book[SHEETS["loans"]].merge_cells("A5:A6")

    found = problems(fill({}, also=merge))
    assert [(p.sheet, p.cell, p.column) for p in found] == [("县情", "E5", "本县"), ("贷款台账", "A5", "")]
    assert "取消合并 E5:F5" in found[0].allowed


@pytest.mark.parametrize("key", ["county", "lenders", "townships", "parameters", "loans"])
def test_a_missing_sheet_is_named(fill: Fill, key: str) -> None:
    found = only(fill({}, also=lambda book: book.remove(book[SHEETS[key]])))
    assert found.sheet == SHEETS[key] and SHEETS[key] in found.allowed


def test_a_missing_column_and_a_lost_code_are_named(fill: Fill) -> None:
    def damage(book: Any) -> None:
        book[SHEETS["county"]][address(book, "county", "office.clerks", "code")].value = "office.clerk"
        book[SHEETS["parameters"]]["F2"].value = "其他"

    found = problems(fill({own("office.clerks"): 2}, also=damage))
    assert sorted(p.column for p in found) == ["备选", "本县"]


# --- files -------------------------------------------------------------------------------------------


def with_part(path: Path, name: str, content: bytes = b"x") -> Path:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, content)
    return path


def refused(path: Path) -> str:
    found = only(path)
    assert found.sheet == path.name and found.cell == ""
    return f"{found.found} {found.allowed}"


def test_other_files_are_refused(fill: Fill, tmp_path: Path) -> None:
    path = fill({})
    for suffix in (".csv", ".xls", ".toml", ""):
        assert ".xlsx" in refused(path.with_suffix(suffix))
    assert "宏" in refused(path.with_suffix(".xlsm"))
    assert "没有这个文件" in refused(tmp_path / "no.xlsx")
    path.write_bytes(b"\xd0\xcf\x11\xe0rest")
    assert "加密" in refused(path)
    path.write_bytes(b"PK no archive")
    assert "打不开" in refused(path)


def test_macros_and_links_are_refused_whatever_the_name(fill: Fill) -> None:
    assert "宏" in refused(with_part(fill({}), "xl/vbaProject.bin"))
    assert "断开链接" in refused(with_part(fill({}), "xl/externalLinks/externalLink1.xml"))


def test_a_refused_file_is_told_in_one_line_without_gaps(tmp_path: Path) -> None:
    found = only(tmp_path / "a.csv")
    assert found.sentence("zh").startswith("“a.csv” 文件：现为“.csv”")
    assert found.sentence("en").startswith('a.csv, 文件: found ".csv"')


def test_a_file_of_50_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.xlsx"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    assert refused(path) == "50 MB 不超过20MB的文件"


def test_a_stray_cell_far_below_is_told(fill: Fill) -> None:
    def stray(book: Any) -> None:
        book[SHEETS["loans"]].cell(1_048_576, 1, "x")

    assert "1,048,576" in refused(fill({}, also=stray))


def test_a_workbook_that_is_no_template_is_refused(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "other.xlsx")
    assert "模板" in refused(tmp_path / "other.xlsx")


def test_a_template_of_an_unknown_scenario_needs_its_base(base: Scenario, tmp_path: Path) -> None:
    path = write_template(base, "zh", tmp_path / "t.xlsx", base="../../etc/passwd")
    assert "自带方案" in refused(path)
    assert read_county(path, base).scenario == base


# --- what looks like something else ------------------------------------------------------------------


@pytest.mark.parametrize("payload", PAYLOADS)
def test_formulas_as_names_stay_text(fill: Fill, tmp_path: Path, payload: str) -> None:
    cells = {own("title"): payload, ("townships", "townships.1", "own_name"): payload}
    county = read_county(fill(cells))
    loaded = Scenario.load(str(save_county(county, tmp_path / "county").scenario))
    assert loaded == county.scenario and loaded.townships[0].label.zh == payload.strip()
    again = openpyxl.load_workbook(write_template(loaded, "zh", tmp_path / "again.xlsx"))
    kinds = {c.data_type for sheet in again.worksheets for row in sheet.iter_rows() for c in row}
    assert "f" not in kinds


def test_a_name_with_html_is_text_and_names_a_folder(fill: Fill, tmp_path: Path) -> None:
    county = read_county(fill({own("title"): "<script>alert(1)</script>"}))
    assert county.scenario.title.zh == "<script>alert(1)</script>"
    assert not set("<>/") & set(county.scenario.name)
    assert Scenario.load(str(save_county(county, tmp_path / "county").scenario)).title == county.scenario.title


# --- saving ------------------------------------------------------------------------------------------


def test_what_is_saved_is_what_was_read(fill: Fill, tmp_path: Path) -> None:
    county = read_county(
        fill({
            own("title"): "甲县", own("rules.claim.wait_days"): 60, own("lending.term_months.12"): 40,
            own("lending.term_months.36"): 40, ("county", "office.clerks", "alternative"): 6,
            ("townships", "townships.1", "own_name"): "甲\u2028\x7f镇",
        })
    )  # fmt: skip
    saved = save_county(county, tmp_path / "county")
    assert saved.alternative is not None and saved.book is None
    assert Scenario.load(str(saved.scenario)) == county.scenario
    assert Scenario.load(str(saved.alternative)) == county.alternative
    assert save_county(county, tmp_path / "county").scenario == saved.scenario  # replaced


def test_a_folder_with_other_files_is_left_alone(fill: Fill, tmp_path: Path) -> None:
    county: CountyFile = read_county(fill({own("office.clerks"): 2}))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("keep")
    with pytest.raises(sim.InputError, match="other files"):
        save_county(county, tmp_path / "mine")
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_nothing_is_left_when_saving_fails(fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    county = read_county(fill({own("office.clerks"): 2}))

    def full(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("calibration.importer.put_in_place", full)
    with pytest.raises(OSError, match="no space"):
        save_county(county, tmp_path / "out" / "county")
    assert list((tmp_path / "out").iterdir()) == []
