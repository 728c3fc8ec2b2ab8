"""What the data-quality report says to people, in Chinese and English."""

from __future__ import annotations

WARNINGS: dict[str, dict[str, str]] = {
    "matured_open": {
        "en": "matured, still open, and no day of being overdue is told",
        "zh": "已到期仍有余额，但没有逾期日期",
    },
    "lent_twice": {
        "en": "same household, lender, day and amount as a loan above, under another number",
        "zh": "与前面某笔贷款的农户、银行、日期和金额都相同，借据号不同",
    },
    "renewed": {
        "en": "followed within a week of its payment by a new loan for about the same amount",
        "zh": "结清后一周内又发放了金额相近的新贷款",
    },
    "name": {
        "en": "township written nearly as a much more frequent one",
        "zh": "乡镇名称与另一个常见名称几乎相同",
    },
    "balance_differs": {
        "en": "balance is not the principal less the payments",
        "zh": "余额不等于贷款金额减去还款合计",
    },
    "extended": {
        "en": "maturity is later than in the ledger before",
        "zh": "到期日晚于上一期台账（可能是展期）",
    },
    "changed": {
        "en": "amount or day paid out differs from the ledger before",
        "zh": "贷款金额或放款日期与上一期台账不同",
    },
    "balance_rose": {"en": "balance is higher than in the ledger before", "zh": "余额高于上一期台账"},
    "appeared_late": {
        "en": "paid out before the ledger before was drawn up, but not in it",
        "zh": "放款日早于上一期台账日期，但上一期台账没有",
    },
    "gone_overdue": {
        "en": "was overdue, and is in no later ledger: paid or written off, the ledger does not say",
        "zh": "当时已逾期，之后的台账中没有：是还清还是核销，台账没有说明",
    },
}

LABELS: dict[str, dict[str, str]] = {
    "title": {"en": "Loan book: data and estimates", "zh": "贷款台账：数据质量与估计"},
    "files": {"en": "Files", "zh": "文件"},
    "name": {"en": "file", "zh": "文件名"},
    "on": {"en": "date", "zh": "日期"},
    "rows": {"en": "rows", "zh": "行数"},
    "good": {"en": "kept", "zh": "保留"},
    "left_out": {"en": "left out", "zh": "剔除"},
    "problems": {
        "en": "Problems: these rows were left out (rejected_rows.csv)",
        "zh": "问题：以下行已剔除（rejected_rows.csv）",
    },
    "warnings": {"en": "Kept, but look at them (warnings.csv)", "zh": "保留，但请核对（warnings.csv）"},
    "what": {"en": "what", "zh": "内容"},
    "number": {"en": "number", "zh": "数量"},
    "first_rows": {"en": "first rows", "zh": "前几行"},
    "privacy": {
        "en": "Columns with personal data, dropped before anything was stored",
        "zh": "含个人信息的列，保存之前已删除",
    },
    "unused": {"en": "Columns without a use here", "zh": "未使用的列"},
    "suggested": {"en": "May be a field that is missing", "zh": "可能是缺少的字段"},
    "absent": {"en": "Fields without a column", "zh": "没有对应列的字段"},
    "told": {"en": "Share of loans for which it is told", "zh": "填写比例"},
    "span": {"en": "Paid out between {first} and {last}.", "zh": "放款日期从 {first} 至 {last}。"},
    "gone_note": {
        "en": "{n} loans were open in one ledger and are missing from the next; they count as paid when due, or on the later date if "
        "they were overdue.",
        "zh": "{n} 笔贷款在某期台账中未结清、在下一期台账中消失：未逾期的按到期还清计算，已逾期的按后一期日期还清计算。",
    },
    "parameters": {"en": "Estimates for the model", "zh": "模型参数估计"},
    "middle": {"en": "middle", "zh": "中值"},
    "interval": {"en": "nine in ten between", "zh": "十有九成在"},
    "learned": {"en": "uncertainty taken away by the ledger", "zh": "台账消除的不确定性"},
    "p_default": {"en": "loans in default, long run", "zh": "长期违约率（按笔数）"},
    "anchor": {"en": "matured principal that becomes compensable", "zh": "到期本金中可申请补偿的比例"},
    "township_variance": {"en": "how far townships differ (variance share)", "zh": "乡镇之间的差异（方差占比）"},
    "county_variance": {"en": "how far years differ (variance share)", "zh": "年份之间的差异（方差占比）"},
    "recovery_first_year": {"en": "recovered within the first year", "zh": "违约后一年内清收的比例"},
    "by": {"en": "Default by {name}", "zh": "按{name}分的违约"},
    "share": {"en": "share", "zh": "比例"},
    "interval95": {"en": "95 % interval", "zh": "95% 区间"},
    "vintage": {"en": "year paid out", "zh": "放款年份"},
    "term": {"en": "term in months, rounded up to years", "zh": "期限（月，按年向上取整）"},
    "season": {"en": "quarter of maturity", "zh": "到期季度"},
    "township": {"en": "township", "zh": "乡镇"},
    "product": {"en": "product", "zh": "贷款品种"},
    "lender": {"en": "lender", "zh": "承贷银行"},
    "loans_held": {
        "en": "loans held by the household (3: three or more)",
        "zh": "农户持有贷款笔数（3 表示三笔及以上）",
    },
    "other": {"en": "Cure, recovery, renewal", "zh": "逾期后还清、清收与续贷"},
    "cured_before_wait": {"en": "of loans late, paid before the wait was over", "zh": "逾期贷款中等待期内还清"},
    "recovered_count": {"en": "of defaulted loans, paid off within a year", "zh": "违约贷款中一年内还清"},
    "recovered_money": {"en": "of defaulted principal, paid back within a year", "zh": "违约本金中一年内收回"},
    "renewed": {"en": "of loans paid off, renewed for about the amount", "zh": "已结清贷款中以相近金额续贷"},
    "default_of_tested": {"en": "default among loans not renewed so", "zh": "未续贷贷款的违约"},
    "time_to_default": {
        "en": "Time from paying out to default (Kaplan-Meier)",
        "zh": "从放款到违约的时间（Kaplan-Meier 曲线）",
    },
    "time_to_payment": {
        "en": "Time from maturity to payment, of loans not paid in time (Kaplan-Meier)",
        "zh": "逾期贷款从到期到还款的时间（Kaplan-Meier 曲线）",
    },
    "days": {"en": "days", "zh": "天数"},
    "not_yet": {"en": "not yet", "zh": "尚未发生"},
    "transitions": {"en": "What became of loans between ledgers", "zh": "两期台账之间的变化"},
    "state_before": {"en": "before", "zh": "之前"},
    "state_after": {"en": "after", "zh": "之后"},
    "loans": {"en": "loans", "zh": "笔数"},
    "balance": {"en": "balance before, yuan", "zh": "之前余额（元）"},
    "new": {"en": "not yet lent", "zh": "尚未发放"},
    "current": {"en": "current", "zh": "正常"},
    "overdue": {"en": "overdue, within the wait", "zh": "逾期（等待期内）"},
    "default": {"en": "in default", "zh": "违约"},
    "closed": {"en": "closed", "zh": "已结清"},
    "gone": {"en": "not in the ledger", "zh": "台账中没有"},
    "notes": {"en": "What to know", "zh": "须知"},
    "none": {"en": "none", "zh": "无"},
}
