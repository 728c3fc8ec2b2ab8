"""Which column of a bank's table is which field, in which unit, and which columns are private."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from calibration.table_file import Table
from sim.errors import InputError

HEADINGS: dict[str, tuple[str, ...]] = {
    "loan_id": ("借据号", "借据编号", "贷款编号", "贷款号", "业务编号", "loan id", "loan no", "loan number"),
    "contract_id": ("合同号", "合同编号", "贷款合同号", "借款合同号", "contract id", "contract no"),
    "household_id": (
        *(
            "户编号",
            "户号",
            "农户编号",
            "农户号",
            "家庭编号",
            "贫困户编号",
            "客户号",
            "客户编号",
            "借款人编号",
        ),
        *("household id", "household", "farmer id", "customer id", "borrower id"),
    ),
    "lender": (
        *("承贷银行", "经办银行", "金融机构", "放款银行", "放贷银行", "贷款银行", "承贷机构", "贷款机构"),
        *("经办机构", "银行", "银行名称", "金融机构名称", "lender", "bank", "lender name", "bank name"),
    ),
    "township": (
        *("乡镇", "镇", "所在乡镇", "所属乡镇", "乡(镇)", "乡镇名称", "乡镇(街道)"),
        *("township", "town", "township name"),
    ),
    "product": (
        *("贷款品种", "贷款产品", "产品", "产品名称", "贷款种类", "贷款类型"),
        *("product", "product name", "loan type"),
    ),
    "principal": (
        *("贷款金额", "合同金额", "本金", "贷款本金", "放款金额", "发放金额", "借款金额"),
        *("principal", "loan amount", "amount"),
    ),
    "balance": (
        *("贷款余额", "余额", "本金余额", "当前余额", "未还本金", "结欠本金"),
        *("balance", "outstanding", "outstanding balance"),
    ),
    "originated_on": (
        *("放款日期", "发放日期", "起息日", "放款日", "发放日", "起息日期", "贷款日期", "贷款发放日期"),
        *("贷款发放日", "借款日期", "借款日", "贷款起始日", "起始日期"),
        *("originated on", "origination date", "disbursed on", "disbursement date", "start date"),
    ),
    "matures_on": (
        *("到期日期", "到期日", "贷款到期日", "贷款到期日期", "约定到期日"),
        *("matures on", "maturity date", "maturity", "due date", "end date"),
    ),
    "term": ("期限", "贷款期限", "借款期限", "term", "loan term"),
    "rate": (
        *("年利率", "利率", "执行利率", "贷款利率", "执行年利率", "贷款年利率"),
        *("月利率", "执行月利率", "贷款月利率", "rate", "interest rate", "annual rate", "monthly rate"),
    ),
    "overdue_since": (
        *("逾期日期", "逾期起始日", "逾期自", "逾期起始日期", "逾期开始日期", "逾期日"),
        *("overdue since", "overdue date", "overdue from"),
    ),
    "repaid_on": (
        *("结清日期", "还清日期", "结清日", "还清日", "贷款结清日期"),
        *("repaid on", "repaid date", "settled on", "closed on"),
    ),
    "filed_on": (
        *("申请代偿日期", "代偿申请日期", "申请补偿日期", "补偿申请日期", "风险补偿申请日期", "申报日期"),
        *("filed on", "claim date", "claim filed on"),
    ),
}
UNITS = {
    **{"元": "元", "人民币元": "元", "yuan": "元", "rmb": "元", "cny": "元", "万元": "万元", "万": "万元"},
    **{"分": "分", "fen": "分", "%": "%", "percent": "%", "‰": "‰", "ppm": "ppm"},
    **{"月": "月", "个月": "月", "months": "月", "month": "月", "年": "年", "years": "年", "year": "年"},
    **{"天": "天", "日": "天", "days": "天"},
}
MONEY_UNITS = frozenset({"元", "万元", "分"})
_FIELD_UNITS = {
    "principal": MONEY_UNITS,
    "balance": MONEY_UNITS,
    "rate": frozenset({"%", "‰", "ppm"}),
    "term": frozenset({"月", "年", "天"}),
}
_PRIVATE = re.compile(
    "姓名|户主|借款人|配偶|担保人|保证人|联系人|身份证|证件号|电话|手机|联系方式|银行卡|卡号|账号|帐号|账户"
    "|住址|地址|name|idcard|idnumber|identity|phone|mobile|address|account"
)
_ID_HEADING = re.compile("身份证|证件号|idcard|idnumber|identity")
_OTHER_PERSON = re.compile("配偶|担保|保证|共同|联系人|spouse|guarantor")
ID_CARD = re.compile(r"(?<!\d)[1-9]\d{16}[\dXx](?!\d)")
MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_IN_GROUPS = re.compile(  # as people write them down: 620102 19700101 1234, 139-1234-5678
    r"(?<!\d)(?:[1-9]\d{5}[ -]?(?:19|20)\d{6}[ -]?\d{3}[\dXx]|1[3-9]\d[ -]\d{4}[ -]\d{4})(?!\d)"
)


@dataclass(frozen=True)
class Columns:
    """Where each field stands.

    Attributes
    ----------
    position : dict of str to int
        Field to column position.
    unit : dict of str to str
        Field to the unit in its heading, "" where it has none.
    is_monthly_rate : bool
    id_card : int or None
        Column of ID-card numbers that stands in for a missing household number.
    dropped, ignored : list of str
        Headings of private columns, and of other columns with no use here.
    dropped_at : list of int
        Positions of the private columns.
    """

    position: dict[str, int]
    unit: dict[str, str]
    is_monthly_rate: bool
    id_card: int | None
    dropped: list[str]
    ignored: list[str]
    dropped_at: list[int]


def plain_heading(heading: str) -> str:
    """A heading in lower case without spaces, underscores and full-width forms."""
    return re.sub(r"[\s_:：*-]+", "", unicodedata.normalize("NFKC", heading)).lower()


_NAMES = {name: field for field, names in HEADINGS.items() for name in names}
_FIELD_OF = {plain_heading(name): field for name, field in _NAMES.items()}


def field_and_unit(heading: str) -> tuple[str, str] | None:
    """The field and unit a heading stands for, or None.

    ``贷款金额(万元)`` and ``principal_yuan`` are known; ``贷款金额(大写)`` is not, because words in brackets
    that are no unit may change the meaning.
    """
    plain = re.sub(r"[(\[【](yyyy.*?)[)\]】]$", "", plain_heading(heading))
    if plain in _FIELD_OF:
        return _FIELD_OF[plain], ""
    inside = re.fullmatch(r"(.+?)[(\[【](.+?)[)\]】]", plain)
    if inside:
        stem, unit = inside.groups()
        unit = unit.removeprefix("单位").removeprefix(",")
    else:
        unit = next((u for u in sorted(UNITS, key=len, reverse=True) if plain.endswith(u)), "")
        stem = plain[: len(plain) - len(unit)]
    field, known = _FIELD_OF.get(stem, ""), UNITS.get(unit, "")
    return (field, known) if known in _FIELD_UNITS.get(field, frozenset()) else None


def is_heading(text: str) -> bool:
    """True for a text that heads a known column."""
    return bool(text) and field_and_unit(text) is not None


def is_private(heading: str) -> bool:
    """True for the heading of a column with personal data."""
    return bool(_PRIVATE.search(plain_heading(heading)))


def is_personal(text: str) -> bool:
    """True for a text that holds an 18-digit ID number or an 11-digit mobile number, also in groups of digits."""
    return bool(ID_CARD.search(text) or MOBILE.search(text) or _IN_GROUPS.search(text))


def match_columns(table: Table, needs_township: bool, given: Mapping[str, str] | None = None) -> Columns:
    """Assign columns to fields and single out the private ones.

    Parameters
    ----------
    table : Table
    needs_township : bool
        True where the county's township list is known.
    given : mapping of field to heading, optional
        What a person said; goes before what the headings say by themselves.

    Raises
    ------
    InputError
        A missing column, two columns for one field, a rate in ‰ that says neither year nor month, or a
        monthly rate without a unit.
    """
    at: dict[str, int] = {}
    unit: dict[str, str] = {}
    dropped_at, ignored = [], []
    said = _given(table, given or {})
    for i, heading in enumerate(table.headers):
        match = said.get(i) or (field_and_unit(heading) if heading else None)
        if match is not None and i not in said and match[0] in (given or {}):
            match = None
            ignored.append(heading)
        elif match is not None:
            field = match[0]
            if field in at:
                both = f"{table.headers[at[field]]}, {heading}"
                raise InputError(table.name, field, both, "one column for this field; delete the other")
            at[field], unit[field] = i, match[1]
        elif is_private(heading) or any(is_personal(row[i]) for row in table.rows):
            dropped_at.append(i)
        elif heading:
            ignored.append(heading)
    _require(table, at, needs_township)
    is_monthly = _is_monthly_rate(table, at, unit)
    id_card = None if "household_id" in at else _id_card_column(table, dropped_at)
    dropped = [table.headers[i] or f"(column {i + 1})" for i in dropped_at]
    return Columns(at, unit, is_monthly, id_card, dropped, ignored, dropped_at)


def suggestions(columns: Columns) -> dict[str, str]:
    """Headings without a use that look like a field which has no column yet: heading to field."""
    out: dict[str, str] = {}
    missing = {plain_heading(name): field for name, field in _NAMES.items() if field not in columns.position}
    for heading in columns.ignored:
        near = difflib.get_close_matches(plain_heading(heading), list(missing), 1, 0.5)
        if near:
            out[heading] = missing[near[0]]
    return out


def _given(table: Table, given: Mapping[str, str]) -> dict[int, tuple[str, str]]:
    """Position to field and unit of the columns that a person named."""
    out: dict[int, tuple[str, str]] = {}
    for field, heading in given.items():
        if field not in HEADINGS:
            raise InputError("command", "column", field, f"one of {', '.join(HEADINGS)}", list(HEADINGS))
        wanted = plain_heading(heading)
        at = [i for i, name in enumerate(table.headers) if name and plain_heading(name) == wanted]
        if len(at) != 1:
            headings = [name for name in table.headers if name]
            allowed = f"one heading of the table: {', '.join(headings)}"
            raise InputError(table.name, field, heading, allowed, headings)
        inside = re.fullmatch(r".+?[(\[【](.+?)[)\]】]", wanted)
        unit = UNITS.get(inside.group(1).removeprefix("单位").removeprefix(","), "") if inside else ""
        out[at[0]] = field, unit if unit in _FIELD_UNITS.get(field, frozenset()) else ""
    return out


def _require(table: Table, at: dict[str, int], needs_township: bool) -> None:
    needed: list[tuple[str, ...]] = [("lender",), ("principal",), ("originated_on",), ("matures_on", "term")]
    if needs_township:
        needed.append(("township",))
    for fields in needed:
        if any(field in at for field in fields):
            continue
        names = [name for field in fields for name in HEADINGS[field]]
        free = {plain_heading(h): h for i, h in enumerate(table.headers) if h and i not in at.values()}
        near = [h for name in names for h in difflib.get_close_matches(plain_heading(name), list(free), 1, 0.6)]
        hint = f"; is {free[near[0]]} meant?" if near else ""
        seen = ", ".join(h for h in table.headers if h) or "none"
        allowed = f"a column headed, for example, {', '.join(names[:3])} or {names[-1]}{hint}; columns seen: {seen}; --column {fields[0]}=HEADING says which one it is"
        if fields == ("lender",):
            allowed += ", --lender LENDER=NAME what it calls each lender"
        raise InputError(table.name, " or ".join(fields), "no such column", allowed)


def _is_monthly_rate(table: Table, at: dict[str, int], unit: dict[str, str]) -> bool:
    if "rate" not in at:
        return False
    heading = table.headers[at["rate"]]
    is_monthly = "月" in heading or "monthly" in heading.lower()
    is_yearly = "年" in heading or "annual" in heading.lower()
    # Banks quote monthly rates in ‰ and yearly ones in %, but not all: a factor of twelve is not guessed.
    if unit["rate"] == "‰" and not (is_monthly or is_yearly):
        raise InputError(table.name, "rate", heading, "年利率(‰) or 月利率(‰)")
    if unit["rate"] == "" and is_monthly:
        raise InputError(table.name, "rate", heading, "月利率(‰) or 月利率(%)")
    return is_monthly


def _id_card_column(table: Table, dropped_at: list[int]) -> int | None:
    headed = [i for i in dropped_at if _ID_HEADING.search(plain_heading(table.headers[i]))]
    headed = [i for i in headed if not _OTHER_PERSON.search(plain_heading(table.headers[i]))]
    by_content = [i for i in dropped_at if all(ID_CARD.fullmatch(row[i]) for row in table.rows)]
    found = headed or by_content
    if len(found) > 1:
        both = ", ".join(table.headers[i] for i in found)
        raise InputError(table.name, "household_id", both, "one ID-card column, or a column 户编号")
    return found[0] if found else None
