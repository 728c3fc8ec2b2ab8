"""What the loan-book import says to people, in Chinese and English, kept in one place."""

from __future__ import annotations

import re

from calibration.columns import HEADINGS

REASONS: dict[str, dict[str, str]] = {
    "missing": {"en": "the cell is empty", "zh": "单元格为空"},
    "date": {
        "en": "cannot be read as a date; write 2017-07-15",
        "zh": "无法识别为日期，请写成 2017-07-15",
    },
    "number": {
        "en": "cannot be read as a number; write digits only, for example 50000",
        "zh": "无法识别为数字，请只写数字，例如 50000",
    },
    "whole_months": {"en": "is not a whole number of months", "zh": "期限不是整月数"},
    "too_long": {
        "en": "the row has more cells than the header; is a comma missing its quotes?",
        "zh": "该行单元格多于表头，可能有未加引号的逗号",
    },
    "total": {"en": "a total, not a loan", "zh": "合计行，不是贷款"},
    "not_positive": {"en": "must be above zero", "zh": "必须大于零"},
    "negative": {"en": "must not be negative", "zh": "不得为负数"},
    "above_principal": {"en": "balance is above the principal", "zh": "余额大于贷款金额"},
    "above_ceiling": {"en": "above the ceiling of {limit} yuan", "zh": "超过单笔上限 {limit} 元"},
    "matures_first": {
        "en": "the loan matures on or before the day it was paid out",
        "zh": "到期日不晚于放款日",
    },
    "after_on": {"en": "later than the ledger's date {on}", "zh": "晚于台账日期 {on}"},
    "before_originated": {"en": "before the loan was paid out", "zh": "早于放款日"},
    "term_mismatch": {
        "en": "more than 2 months off the time between the two dates",
        "zh": "与放款日至到期日的时间相差超过 2 个月",
    },
    "term_max": {"en": "longer than {limit} months", "zh": "期限超过 {limit} 个月"},
    "rate_range": {"en": "outside 0 to 24 per cent a year", "zh": "年利率不在 0 至 24% 之间"},
    "rate_fraction": {
        "en": "below 0.1 per cent a year; is it a fraction among per cents?",
        "zh": "年利率低于 0.1%，是否把百分数写成了小数",
    },
    "unknown_name": {"en": "unknown name{hint}", "zh": "名称不在名单内{hint}"},
    "personal": {
        "en": "holds an ID number or a mobile number",
        "zh": "含有身份证号或手机号",
    },
    "duplicate": {"en": "this loan number has appeared above", "zh": "借据号与前面的行重复"},
    "repaid_open": {
        "en": "the balance is above zero although the loan has been repaid",
        "zh": "已有结清日期，余额却大于零",
    },
    "balance_unknown": {
        "en": "the cell is empty and the loan has no repayment date",
        "zh": "余额为空，且没有结清日期",
    },
    "id_card": {
        "en": "not an 18-digit ID number, so the household cannot be told apart",
        "zh": "不是 18 位身份证号，无法区分农户",
    },
}

PAYMENT_REASONS: dict[str, dict[str, str]] = {
    "unknown_loan": {"en": "no loan of the ledger has this number", "zh": "台账中没有这个借据号"},
    "two_lenders": {
        "en": "two lenders have a loan of this number; add a column with the lender",
        "zh": "两家银行都有这个借据号，请增加承贷银行一列",
    },
    "payment_twice": {"en": "the same payment has appeared above", "zh": "与前面的还款记录重复"},
    "above_principal_paid": {
        "en": "with this payment more was paid than was lent",
        "zh": "加上这笔，累计还款超过贷款金额",
    },
}

HINT = {"en": "; nearest valid name: {name}", "zh": "；最接近的名称：{name}"}

ESTIMATE: dict[str, dict[str, str]] = {
    "weak": {
        "en": "Only {n} loans have a known outcome (fewer than 30); these shares are a rough hint.",
        "zh": "只有 {n} 笔贷款已有结果（少于 30 笔），以下比例只能作粗略参考。",
    },
    "survivors": {
        "en": "The ledger holds open loans only (no repayment dates, no zero balances), so the share that "
        "defaulted cannot be estimated: repaid loans are missing from it.",
        "zh": "台账只有未结清贷款（没有结清日期，也没有余额为零的贷款），缺少已还清的贷款，无法估计违约比例。",
    },
    "none_matured": {
        "en": "No loan had matured {wait} days before {on}, so no outcome is known yet.",
        "zh": "截至 {on}，没有贷款到期满 {wait} 天，尚无已知结果。",
    },
    "few_townships": {
        "en": "Fewer than 3 townships have matured loans; how townships move together cannot be estimated.",
        "zh": "有到期贷款的乡镇少于 3 个，无法估计乡镇内的相关性。",
    },
    "same_outcome": {
        "en": "All matured loans had the same outcome; how townships move together cannot be estimated.",
        "zh": "到期贷款结果全部相同，无法估计乡镇内的相关性。",
    },
    "undated": {
        "en": "{n} loans have a zero balance but no repayment date; they count as repaid in time, so the "
        "share may be too low.",
        "zh": "{n} 笔贷款余额为零但没有结清日期，按如期还清计算，违约比例可能偏低。",
    },
    "all_unpaid": {
        "en": "Every matured loan paid out in {years} is unpaid; the ledger may have dropped repaid loans, "
        "and the share may be too high.",
        "zh": "{years} 年发放且已到期的贷款全部未还，台账可能删去了已还清的贷款，违约比例可能偏高。",
    },
}

STUDY: dict[str, dict[str, str]] = {
    "prior": {
        "en": "Only {n} loans have a known outcome that counts (fewer than 30): the estimate of default rests on what the "
        "scenario underneath assumes, and is wide.",
        "zh": "只有 {n} 笔贷款的结果可以计入（少于 30 笔）：违约估计主要依据所用情景的假定，区间很宽。",
    },
    "county": {
        "en": "One county's few years say next to nothing of how much whole years differ; that variance stays as assumed.",
        "zh": "一个县的几年数据几乎说明不了各年之间的差异有多大，该方差沿用假定。",
    },
    "township": {
        "en": "The ledger says little of how much townships differ; that variance stays about as assumed.",
        "zh": "台账对各乡镇差异大小说明不了多少，该方差大体沿用假定。",
    },
    "renewed": {
        "en": "{k} loans ({share:.1%} of those paid off around their maturity) were followed within a week by a new loan of about "
        "the same amount. They count as repaid. Among all other loans {tested:.1%} defaulted.",
        "zh": "{k} 笔贷款（占到期前后结清贷款的 {share:.1%}）结清后一周内又发放了金额相近的新贷款，仍按已还计算。其余贷款的违约比例为 {tested:.1%}。",
    },
    "no_days": {
        "en": "The ledger has no days of payment: loans that were late but paid within {wait} days cannot be told from loans paid "
        "in time, and recovery cannot be estimated.",
        "zh": "台账没有还款日期：逾期后 {wait} 天内还清的贷款与按期还清的贷款无法区分，也无法估计清收率。",
    },
}

SUMMARY = {
    "en": "{n_rows} rows read; {n_loans} loans kept, {n_open} of them open on {on}; {n_rejected} rows left "
    "out, listed in rejected_rows.csv; personal columns dropped: {dropped}.",
    "zh": "读入 {n_rows} 行；保留 {n_loans} 笔贷款，其中 {on} 未结清 {n_open} 笔；剔除 {n_rejected} 行，"
    "见 rejected_rows.csv；已删除的个人信息列：{dropped}。",
}
NOTHING = {"en": "none", "zh": "无"}


def field_name(field: str, lang: str) -> str:
    """What a field is called: in Chinese its usual heading, and the name to type."""
    return f"{HEADINGS[field][0]}（{field}）" if lang == "zh" and field in HEADINGS else field


def reason_in(reason: str, lang: str) -> str:
    """A reason for leaving out a row, in another language than it was written in."""
    for words in (*REASONS.values(), *PAYMENT_REASONS.values(), HINT):
        for text in words.values():
            pattern = "".join(
                f"(?P<{part}>.*)" if k % 2 else re.escape(part) for k, part in enumerate(re.split(r"{(\w+)}", text))
            )
            match = re.fullmatch(pattern, reason)
            if match:
                return words[lang].format(**{name: reason_in(value, lang) for name, value in match.groupdict().items()})
    return reason
