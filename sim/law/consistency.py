"""What the rules of one pack on one day must keep to one another: shares, parts of the fund, limits in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.errors import InputError

if TYPE_CHECKING:
    from sim.law.rules import Rules


def check_together(where: str, rules: Rules) -> None:
    """Refuse rules that contradict one another; ``where`` is the pack's file.

    Raises
    ------
    InputError
    """
    total = sum(rules.loss.shares.values())
    if abs(total - 1) > 1e-9:
        raise InputError(where, "loss.shares", round(total, 9), "shares that add up to 1")
    for bearer in rules.loss.through_fund or ():
        if bearer not in rules.loss.shares:
            raise InputError(where, "loss.through_fund", bearer, "a bearer of loss.shares", rules.loss.shares)
    both = sorted(set(rules.loan.admits or ()) & set(rules.loan.excludes))
    if both:
        allowed = f"categories that loan.excludes does not forbid ({rules.sources['loan.excludes']})"
        raise InputError(where, "loan.admits", both[0], allowed)
    fund = rules.fund
    for name, parts in (
        ("fund.from_upper_level_yuan + fund.from_county_yuan", [fund.from_upper_level_yuan, fund.from_county_yuan]),
        ("fund.sub_accounts_yuan", [*fund.sub_accounts_yuan.values()]),
    ):
        size, given = fund.size_yuan, [part for part in parts if part is not None]
        if size is not None and given and sum(given) != size:
            raise InputError(where, name, sum(given), f"parts that add up to fund.size_yuan = {size}")
    extra, ceiling = rules.loan.extra_ceiling_yuan, rules.loan.ceiling_yuan
    if extra is not None and extra < ceiling:
        raise InputError(where, "loan.extra_ceiling_yuan", extra, f"at least loan.ceiling_yuan, which is {ceiling}")
    line, resume = rules.stop.bad_loan_share, rules.stop.resume_share
    if resume is not None and (line is None or resume > line):
        raise InputError(where, "stop.resume_share", resume, f"at most stop.bad_loan_share, which is {line}")
    days = rules.classes.limits or []
    if sorted(set(days)) != days or 0 in days:
        raise InputError(where, "classes.special_mention_days to classes.loss_days", days, "days that grow, from 1")
    if rules.collection.fee_by_class and not days:
        raise InputError(where, "collection.fee_by_class", "given", "fees by class only where classes has its days")
    if rules.claim.steps.decision.kind == "meeting" and not rules.claim.meetings:
        raise InputError(where, "claim.meetings", [], "at least one meeting a year, or a decision with rolling = true")
    if rules.subsidy.late_loses == "all" and rules.subsidy.paid_when not in ("at_repayment", "yearly"):
        allowed = "at_repayment or yearly where late loans lose all (subsidy.late_loses): what was paid cannot be lost"
        raise InputError(where, "subsidy.paid_when", rules.subsidy.paid_when or "each_settlement", allowed)
    if 12 % max(rules.subsidy.settlements_per_year, 1) or rules.subsidy.settlements_per_year < 1:
        raise InputError(where, "subsidy.settlements_per_year", rules.subsidy.settlements_per_year, "1, 2, 4, 6 or 12")
