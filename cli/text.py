"""What the command line says, in Chinese and English: one table, complete in both languages."""

from __future__ import annotations

import os
import re
from typing import Any

from sim.estimate import rounded_up as rounded_up
from sim.units import FEN_PER_YUAN

LANGUAGES = ("zh", "en")

# key: (Chinese, English)
_TEXT: dict[str, tuple[str, str]] = {
    "demonstration": ("演示数据，不可用于预算", "Demonstration data: not for a budget"),
    "headline": (
        "{year}年度风险补偿金年初应有{size}：{dots}个同样可能的年份中，至少{enough}个够用（本次模拟中{p}的年份有缺口）。",
        "For {year} the fund should hold {size} on 1 January: enough in at least {enough} of {dots} equally likely years (short in {p} of the simulated ones).",
    ),
    "carried": (
        "年初各账户预计结转{carried}，按此还需新增{top_up}。",
        "The accounts are expected to carry over {carried}, so {top_up} must be added.",
    ),
    "nothing_due": (
        "{year}年度内没有到期应付的代偿：{date}以后到期的贷款由以后年度的补偿金承担。",
        "Nothing falls due in {year}: loans that mature after {date} are paid from a later year's fund.",
    ),
    "given_that": ("以{on}掌握的情况为准。", "Given what is known on {on}."),
    "interval": (
        "恰好{a}的年份够用需{value}，模拟误差95%区间{low}至{high}（模拟{n}次）；建议取保守值{up}（95%把握不低估）并向上取整。",
        "Enough in exactly {a} of years: {value}, 95% interval for simulation error {low} to {high} ({n} histories); the advice is the conservative figure {up} (95% sure not to be too low), rounded up.",
    ),
    "given_fund": (
        "现定规模{fund}：缺口概率{p}（95%区间{low}至{high}）。",
        "The set size of {fund}: shortfall chance {p} (95% interval {low} to {high}).",
    ),
    "cutoff": (
        "{date}（含）以前到期的贷款，其代偿落在本年；以后到期的落在下一年。",
        "Loans that mature up to {date} are paid from this year's fund; later ones from the next.",
    ),
    "failed": (
        "警告：{n}个模拟年份出错，未计入；地址见下。",
        "Warning: {n} histories failed and are left out; their addresses follow.",
    ),
    "run_folder": ("结果文件夹：{path}", "Run folder: {path}"),
    "resume_hint": (
        "已中断：完成{done}/{total}次，已保存在{path}，再次运行同一命令即可继续。",
        "Interrupted: {done} of {total} histories are kept in {path}; the same command goes on from there.",
    ),
    "draft": ("初步测算：模拟不足2,000次，仅供参考。", "Draft: fewer than 2,000 histories, for orientation only."),
    "by_lender_note": ("各机构的数相加不等于总数。", "Lenders' figures do not add up to the total."),
    "figure": ("指标", "figure"),
    "value": ("估计", "estimate"),
    "ci95": ("95%区间", "95% interval"),
    "conservative": ("保守值", "conservative"),
    "need_yuan": ("需要的规模（分账户均不缺）", "need, no sub-account short (headline)"),
    "need_yuan_free_split": ("需要的规模（事后可任意分配）", "need if money could be placed afterwards"),
    "need_yuan_pooled": ("需要的规模（合并为一个账户）", "need if pooled"),
    "ring_fencing_price_yuan": ("分账户的代价", "price of ring-fencing"),
    "runoff_need_yuan": ("年末存量贷款今后所需代偿", "run-off need of the year-end book"),
    "need_yuan_lending_reacts": (
        "放贷随规模变动时需要的规模（按规模十分之一取档）",
        "need when lending follows the size (in steps of a tenth of the fund)",
    ),
    "need_yuan_stationary_opening": ("期初状态也随机抽取时需要的规模", "need if the opening state were drawn as well"),
    "top_up_yuan": ("需新增（扣除结转）", "top-up needed (less balance carried over)"),
    "top_up_by_account_yuan": ("需新增（按分账户分别计算）", "top-up needed, account by account"),
    "shortfall_chance": ("缺口概率（现定规模）", "shortfall chance of the set size"),
    "mean_gap_if_short_yuan": ("如有缺口，平均缺口", "mean gap if short"),
    "oldest_wait_days_if_short": ("如有缺口，最久等待", "oldest claim's wait if short"),
    "exhausting_share_of_maturities": (
        "耗尽现定规模的到期违约比例",
        "share of the year's maturities that would exhaust the set size",
    ),
    "default_share": ("到期第90天未还比例（金额）", "unpaid on day 90, share of principal due"),
    "default_share_by_count": ("到期第90天未还比例（笔数）", "unpaid on day 90, share by count"),
    "compensable_share": ("可代偿比例（占到期本金）", "compensable share of principal due"),
    "overdue_share_reported": ("年末账面逾期率", "overdue share booked on 31 December"),
    "bad_loan_ratio_reported": ("年末账面逾期90天以上占比", "booked 90+ days overdue on 31 December"),
    "hidden_default_share": ("被续贷掩盖的比例", "hidden by renewal"),
    "fiscal_debt_yuan": ("年末财政欠付", "fiscal debt on 31 December"),
    "subsidy_unpaid_share_90d": ("贴息90天后未付比例", "subsidy unpaid after 90 days"),
    "subsidy_unpaid_share_90d_q4": ("第四季度贴息90天后未付比例", "the same, fourth quarter"),
    "cause.inability": ("因无力偿还", "because of inability"),
    "cause.death": ("因死亡或丧失劳动能力", "because of death or lost labour"),
    "cause.disaster": ("因灾害", "because of disaster"),
    "cause.wilful": ("因恶意拖欠", "because of unwillingness"),
    "causes_title": ("违约原因与欠付贴息账龄（平均）", "Causes of default, and unpaid subsidy by age (mean)"),
    "age.0_90_days": ("年末欠付贴息：90天以内", "subsidy unpaid on 31 December: up to 90 days"),
    "age.91_180_days": ("年末欠付贴息：91—180天", "unpaid for 91 to 180 days"),
    "age.181_365_days": ("年末欠付贴息：181—365天", "unpaid for 181 to 365 days"),
    "age.366_days_and_more": ("年末欠付贴息：一年以上", "unpaid for more than a year"),
    "households_title": ("农户情况（平均）", "Households (mean)"),
    "over_indebted_share": ("借款户中过度负债", "over-indebted among borrowers"),
    "poor_share": ("年收入低于贫困线的农户", "households below the poverty line in the year"),
    "refused_over_indebted_share": ("申请被拒：负债过重", "applications refused: too much debt"),
    "refused_lender_waits_share": ("申请被拒：银行等待贴息", "applications refused: lender waits for the subsidy"),
    "refused_cap_share": ("申请被拒：放大倍数用满", "applications refused: the multiple is used up"),
    "default_by_debts": ("另有{k}笔债务者：第90天未还（笔数）", "unpaid on day 90, with {k} other debts (by count)"),
    "clerk_utilisation": ("经办人员忙碌程度", "clerks' utilisation"),
    "anchor.low": ("低违约假设", "if defaults are low"),
    "anchor.central": ("中违约假设", "if defaults are central"),
    "anchor.high": ("高违约假设", "if defaults are high"),
    "opening.dry": ("开年即旱", "given a dry opening"),
    "opening.normal": ("开年正常", "given a normal opening"),
    "opening.long_run": ("长期平均", "long-run mix"),
    "claimable": ("第90天可申报", "claimable"),
    "repaid_before_payment": ("代偿前已收回", "repaid before payment"),
    "in_process": ("办理中", "in process"),
    "refused": ("不予代偿", "refused"),
    "insurer": ("保险承担", "insurer"),
    "bank": ("银行承担", "bank's share"),
    "fund_paid": ("补偿金已付", "fund paid"),
    "fund_approved_waiting": ("已批未付", "approved, not yet paid"),
    "recovered": ("追偿收回", "recovered after payment"),
    "recovered_to_fund": ("归还补偿金", "returned to the fund"),
    "recovered_to_bank": ("归还银行", "to the bank"),
    "recovered_to_insurer": ("归还保险", "to the insurer"),
    "waterfall_title": (
        "本年可申报代偿的去向（平均）",
        "Where the year's claimable losses stand on 31 December (means)",
    ),
    "recoveries_title": ("本年追偿（平均）", "Recoveries of the year (means)"),
    "drivers_title": (
        "各项违约成因开关后的结果（同一组随机情形）",
        "Drivers of default, switched on and off (same random numbers)",
    ),
    "acting": ("起作用的成因", "drivers that act"),
    "acting.need": ("需要的规模", "need"),
    "acting.share": ("未还比例", "default share"),
    "acting.none": ("都不起作用", "none"),
    "acting.only": ("只有{driver}", "only {driver}"),
    "acting.all_but": ("除{driver}外全部", "all but {driver}"),
    "acting.all": ("全部（本测算）", "all (this answer)"),
    "driver.drought": ("旱灾", "drought"),
    "driver.late_subsidy": ("贴息迟付", "late subsidy"),
    "driver.stacking": ("一户多贷", "stacked loans"),
    "drivers_absent": ("未开关的成因：{drivers}。", "Not switched: {drivers}."),
    "interaction": (
        "交互作用（同时起作用比各自单独作用之和多出的部分）：需要的规模{need}（95%区间{low}至{high}），平均{mean}（{mean_low}至{mean_high}）。",
        "Interaction (what they add together beyond the sum of each alone): need {need} (95% interval {low} to {high}), mean need {mean} ({mean_low} to {mean_high}).",
    ),
    "only_because_late": (
        "平均每个模拟年份有{households:.1f}户（95%区间{low:.1f}至{high:.1f}）只因贴息迟付而违约，其贷款占当年违约笔数的{share}；逐笔见结果文件夹中的 only-because-late.csv。",
        "In a mean year {households:.1f} households (95% interval {low:.1f} to {high:.1f}) default only because the subsidy came late, with {share} of the year's defaulted loans; loan by loan in only-because-late.csv of the run folder.",
    ),
    "lender": ("承贷机构", "lender"),
    "none": ("无", "none"),
    "law": ("法规", "law"),
    "data": ("数据", "data"),
    "assumption": ("假设", "assumption"),
    "parameter": ("参数", "parameter"),
    "in_force": ("生效", "in force"),
    "source": ("依据", "source"),
    "scenario": ("情景", "scenario"),
    "title": ("名称", "title"),
    "year": ("年度", "year"),
    "rules": ("规则", "rules"),
    "compare_title": (
        "与基准{base}的差（同一组随机情形，均从基准的期初状态出发）",
        "Differences to {base} (same random numbers, all from the base's opening state)",
    ),
    "difference": ("差异", "difference"),
    "no_difference": ("（无差异）", "(no difference)"),
    "indistinct": ("（差异不可区分）", "(not distinguishable)"),
    "what_differs": ("改动的参数", "what differs"),
    "later": (
        "推迟到以后年度支付的不是节约，请看“办理中”和“今后所需代偿”两行。{n}次模拟，把握程度{a}，种子{seed}。",
        "What is paid in a later year is no saving: see the rows on claims in process and the run-off. {n} histories, assurance {a}, seed {seed}.",
    ),
    "in_process_yuan": ("年末办理中的代偿申请", "claims in process on 31 December"),
    "days": ("{n}天", "{n} days"),
    "borrowed_fund": (
        "注意：未给出分账户规模，仍用{base}的规模，结果标为演示。请加 --sub-account 机构=元。",
        "Note: no sub-accounts were given, those of {base} are used and the result is marked as a demonstration. Add --sub-account LENDER=YUAN.",
    ),
    "need_mean_yuan": ("需要规模的平均", "mean need"),
    "payout_yuan": ("代偿支出平均", "mean payout"),
    "gap_yuan": ("平均缺口", "mean gap"),
    "defaulted_yuan": ("违约本金平均", "mean defaulted principal"),
    "subsidy_unpaid_90d_yuan": ("90天未付贴息平均", "mean subsidy unpaid after 90 days"),
    "check_ok": ("{file}：有效", "{file}: valid"),
    "working": ("模拟中", "simulating"),
    "import_done": (
        "读入{good}笔，退回{bad}处问题（见 rejected_rows.csv），未保存的列：{dropped}",
        "{good} loans read, {bad} problems listed in rejected_rows.csv, columns not stored: {dropped}",
    ),
    "import_next": ("下一步：riskfund size {path}", "Next: riskfund size {path}"),
    # --- trace
    "made": ("发放贷款，本金{principal}，年利率{rate}", "loan made, principal {principal}, rate {rate}"),
    "matured": ("到期未还，贴息自即日停止", "matures and is not repaid; the subsidy ends"),
    "missed": ("应还未还，贴息停止", "not paid when due; the subsidy ends"),
    "penalty": ("开始按逾期利率计息", "penalty interest starts"),
    "entitled": ("逾期满90天，进入补偿程序", "day 90: the compensation procedure may start"),
    "filed": (
        "银行报送申请：本金{principal}，利息{interest}（{days}天），申报{claim}",
        "bank files: principal {principal}, interest {interest} ({days} days), claim {claim}",
    ),
    "signed": ("镇扶贫工作站核准签字", "township station signs"),
    "notice": ("公示期满", "public notice ends"),
    "reviewed": ("经办人员审核完毕", "clerks have reviewed the file"),
    "approved": ("会议批准，金额{claim}", "meeting approves {claim}"),
    "refused_step": ("会议不予代偿", "meeting refuses the claim"),
    "paid": ("补偿金支付{fund}，银行承担{bank}", "the fund pays {fund}, the bank bears {bank}"),
    "paid_by_county": ("县财政另行安排支付{fund}", "the county pays {fund} from other money"),
    "recovered_step": (
        "追回{recovered}：归还补偿金{fund}，归银行{bank}",
        "{recovered} recovered: {fund} to the fund, {bank} to the bank",
    ),
    "collected_first": (
        "代偿前已收回{recovered}，申请终止",
        "{recovered} collected before the fund paid; the claim ends",
    ),
    "renewed": ("到期续贷", "renewed at maturity"),
    "repaid": ("按期归还{principal}", "repaid in time: {principal}"),
    "repaid_late": ("逾期后归还{principal}", "repaid late: {principal}"),
    # --- a household's story
    "who": (
        "农户{id}：{township}，第{village}村；{persons}人，劳动力{workers}人；借款人{sex}，{age}岁，{category}，信用{rating}星；承贷机构{lender}。",
        "Household {id}: {township}, village {village}; {persons} persons, {workers} of them workers; borrower {sex}, {age} years, {category}, {rating} stars; lender {lender}.",
    ),
    "who_income": (
        "通常年收入{total}：{parts}；作物收入中靠雨水的占{rain}。",
        "Usual income {total} a year: {parts}; {rain} of the crops live on rain.",
    ),
    "who_money": (
        "开始时现金{cash}，欠亲友和民间{informal}；通常留存{savings}。",
        "At the beginning it holds {cash} and owes kin and moneylenders {informal}; it usually keeps {savings}.",
    ),
    "who_may_not": ("按规则不予贷款。", "The rules allow it no loan."),
    "who_debt": (
        "其他债务：{debt}，每{months}个月还{payment}（在{calendar}月）。",
        "Another debt: {debt}, {payment} every {months} months (in month {calendar} of the year).",
    ),
    "man": ("男", "a man"),
    "woman": ("女", "a woman"),
    "category.registered": ("建档立卡户", "registered as poor"),
    "category.borderline": ("边缘户", "borderline"),
    "category.five_guarantee": ("五保户", "five-guarantee"),
    "income.crop": ("作物", "crops"),
    "income.livestock": ("牲畜", "livestock"),
    "income.wage": ("工资", "wages"),
    "income.transfer": ("补贴和亲属汇款", "transfers"),
    "income.project": ("贷款项目", "the loan's project"),
    "income.debts": ("其他借款的项目", "other loans' projects"),
    "month_line": ("当月现金{before} → {after}：{flows}", "cash of the month {before} -> {after}: {flows}"),
    "flow.income": ("收入{fen}", "income {fen}"),
    "flow.refund": ("贴息到账{fen}", "subsidy {fen}"),
    "flow.sold": ("项目变现{fen}", "project sold {fen}"),
    "flow.borrowed": ("借入{fen}", "borrowed {fen}"),
    "flow.spent": ("支出{fen}", "spent {fen}"),
    "flow.interest": ("付息{fen}", "interest {fen}"),
    "flow.loan": ("归还贷款本息{fen}", "loan repaid {fen}"),
    "flow.others": ("还其他债务{fen}", "other debts {fen}"),
    "flow.collected": ("被追偿{fen}", "collected {fen}"),
    "flow.paid_back": ("还亲友{fen}", "back to kin {fen}"),
    "flow.informal_after": ("月末欠亲友{fen}", "owes kin {fen} at the end"),
    "home.year": (
        "今年收成为常年的{harvest}，务工收入为常年的{wage}",
        "this year's harvest is {harvest} of usual, wages {wage}",
    ),
    "home.died": ("借款人去世，家中少一个劳动力", "the borrower dies; the family has one worker less"),
    "home.lost_labour": (
        "借款人丧失劳动能力，家中少一个劳动力",
        "the borrower can no longer work; the family has one worker less",
    ),
    "home.called": ("银行提前收贷，{days}天后到期", "the bank calls the loan: due in {days} days"),
    "home.ill": ("生病，花费{cost}", "illness costs {cost}"),
    "home.expense": ("红白事、上学等大额开支{cost}", "a large expense (wedding, funeral, school): {cost}"),
    "home.project_lost": ("项目失败，损失本钱{lost}", "the project fails and loses {lost} of its capital"),
    "home.drought": (
        "旱灾：当月作物收入少{lost}，占{share}",
        "drought: {lost} of the month's crop income is lost, {share} of it",
    ),
    "home.income_off": ("{source}收入{income}，常年为{usual}", "income from {source}: {income}, usually {usual}"),
    "home.short": (
        "只花得起{spent}，低于基本生活所需{floor}",
        "can only spend {spent}, below the {floor} needed to live",
    ),
    "home.borrows": (
        "向亲友和民间借{borrowed}，共欠{informal}",
        "borrows {borrowed} from kin and moneylenders, owes them {informal}",
    ),
    "home.interest_first": (
        "先付利息{interest}，贴息以后返还",
        "pays {interest} of interest first; the subsidy is to follow",
    ),
    "home.interest_debited": (
        "县里未付的贴息，银行向农户扣收{interest}",
        "the bank takes {interest} of interest that the county has not paid",
    ),
    "home.interest_unpaid": ("欠息{arrears}", "interest of {arrears} stays unpaid"),
    "home.refund": (
        "贴息到账{refund}，距结算日{days}天",
        "subsidy of {refund} arrives, {days} days after its settlement",
    ),
    "home.debt_paid": ("{debt}应还{due}，已还", "{debt}: {due} due, paid"),
    "home.debt_missed": ("{debt}应还{due}，未还", "{debt}: {due} due, not paid"),
    "home.applies": ("申请贷款{principal}", "applies for {principal}"),
    "home.misused": ("贷款未用于项目", "the money is not put into the project"),
    "home.refused_debts": (
        "被拒：银行认为负债过重，{months}个月后可再申请",
        "refused: too much debt in the bank's eyes; may apply again in {months} months",
    ),
    "home.refused_waits": ("被拒：银行等待县里付清贴息", "refused: the bank waits for the county's subsidy"),
    "home.refused_cap": ("被拒：放大倍数已用满", "refused: the multiple of the sub-account is used up"),
    "home.asked": (
        "到期应还{asked}：现金{cash}（其中项目变现{sold}），须留生活费{floor}，亲友还可借{room}",
        "due: {asked}. It has {cash} (of which {sold} from the project), keeps {floor} to live, and kin would lend {room}",
    ),
    "home.cannot": ("还不起，差{short}", "cannot pay: {short} is missing"),
    "home.unwilling": ("不愿还", "does not want to pay"),
    "home.heirs_refuse": ("家人不接续还款", "the family does not take over the loan"),
    "home.cured": ("逾期后还清本金{principal}，共付{asked}", "repaid late: {principal}, {asked} with interest"),
    "home.bad": (
        "到第90天还不上，违约（{cause}）：本金{principal}",
        "will not be paid by day 90, a default ({cause}): principal {principal}",
    ),
    "home.collected": (
        "被追偿{recovered}，生活费以外的现金先付，不足部分由亲友垫付",
        "pays {recovered} to the collector: cash beyond what it needs to live, the rest from kin",
    ),
}

# Reasons that the model gives for a missing figure, as they stand in its JSON: Chinese.
_REASONS: dict[str, str] = {
    "the scenario has no set of behaviour of this name": "情景没有这一组农户行为参数",
    "households are not simulated by the reduced form": "简化方式不模拟农户",
    "fewer than two histories": "模拟次数不足两次",
    "the opening state comes from data": "期初状态来自数据",
    "no history was short": "没有出现缺口",
    "nothing to divide by in the sized year": "本年没有可比的基数",
    "default probabilities are given, no anchor is used": "违约概率直接给定，未使用违约假设",
    "the scenario has no drought": "情景不含旱灾",
    "the scenario has no late subsidy": "情景不含贴息迟付",
    "a further loan of a household changes no probability": "情景中一户多贷不改变违约概率",
    "switched off in the scenario": "情景中已关闭",
    "no driver of default is switched on": "没有开启任何违约成因",
    "fewer than two drivers: nothing to interact with": "成因不足两项，无交互作用",
    "sub-accounts are pooled": "分账户合并",
    "no size on the grid from zero to twice the fund is enough, it and all larger ones": "零至两倍规模之间没有足够的规模",
}


def reason(text: str, lang: str) -> str:
    """The model's reason for a missing figure, in the reader's language."""
    return _REASONS.get(text, text) if lang == "zh" else text


def default_language() -> str:
    """Language from the environment: English where the locale says so, else Chinese."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "en" if locale.lower().startswith("en") else "zh"


def say(key: str, lang: str, **values: Any) -> str:
    """One text in one language."""
    return _TEXT[key][LANGUAGES.index(lang)].format(**values)


def source(text: str, lang: str) -> str:
    """An article or an assumption as the reader's language writes it."""
    if lang == "en":
        return text
    text = re.sub(r"X county regulation, art\. ([\d()]+)", r"X县办法第\1条", text)
    return text.replace("assumption: ", "假设：")


def money(yuan: float | None, lang: str) -> str:
    """Money as people read it: 万元 or 亿元 in Chinese, million yuan in English."""
    if yuan is None:
        return "—"
    sign, size = ("-" if yuan < 0 else ""), abs(yuan)
    if lang == "zh":
        if size >= 1e8:
            return f"{sign}{size / 1e8:,.2f}亿元"
        wan = size / 1e4
        return f"{sign}{wan:,.0f}万元" if wan >= 100 else f"{sign}{wan:,.1f}万元"
    million = size / 1e6
    return f"{sign}CNY {million:,.2f} million" if million >= 0.1 else f"{sign}CNY {size:,.0f}"


def exact_yuan(fen: int, lang: str) -> str:
    """Money to the fen."""
    return f"{fen / FEN_PER_YUAN:,.2f}元" if lang == "zh" else f"CNY {fen / FEN_PER_YUAN:,.2f}"


def percent(share: float | None) -> str:
    """A share as per cent; below 0.05 per cent with the digits that it needs."""
    if share is None:
        return "—"
    if share != 0 and abs(share) < 0.001:
        return f"{share * 100:.2g}%"
    return f"{share * 100:.1f}%"
