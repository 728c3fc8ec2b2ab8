"""The scenario file of a loan book: the county's own book and estimates, everything else from a scenario underneath."""

from __future__ import annotations

import datetime as dt
import json

from calibration.book_study import BookStudy, uncertain_of
from calibration.toml_text import value_text
from sim.scenario import Scenario


def scenario_text(
    base: Scenario,
    on: dt.date,
    townships: list[str] | None,
    ledger: str,
    sub_accounts: dict[str, int],
    balances: dict[str, int],
    study: BookStudy | None,
) -> str:
    """A scenario file that people can read and edit.

    Parameters
    ----------
    base : Scenario
    on : date
        Information date.
    townships : list of str or None
        The ledger's, where they are not the base's.
    ledger : str
        The ledger's file name.
    sub_accounts, balances : dict of lender -> yuan
    study : BookStudy, optional
        Estimates that take the place of the base's assumptions.
    """
    year = on.year if (on.month, on.day) == (1, 1) else on.year + 1
    has_own_fund = set(sub_accounts) == {x.key for x in base.lenders}
    lines = [
        f"# Made from {ledger}. Everything that the ledger does not say comes from {base.name}.",
        f"extends = {_quote(base.name)}",
        f"name = {_quote(f'book-{year}')}",
        f"title = {{ zh = {_quote(f'本县贷款台账 {on}')}, en = {_quote(f'own loan book of {on}')} }}",
        "# true until the sub-account of every lender is the county's own",
        f"is_demonstration = {'false' if has_own_fund else 'true'}",
        f"sized_year = {year}",
        f"information_on = {on}",
    ]
    if sub_accounts:
        lenders = ", ".join(
            f"{{ key = {_quote(x.key)}, label = {{ zh = {_quote(x.label.zh)}, en = {_quote(x.label.en)} }}"
            + (f", sub_account_yuan = {sub_accounts[x.key]} }}" if x.key in sub_accounts else " }")
            for x in base.lenders
        )
        lines.append(f"lenders = [{lenders}]")
    if townships is not None:
        entries = ", ".join(
            f"{{ key = {_quote(t)}, label = {{ zh = {_quote(t)}, en = {_quote(t)} }} }}" for t in townships
        )
        lines.append(f"townships = [{entries}]")
    lines += ["", "[opening]", 'kind = "table"', 'file = "book.csv"']
    if balances:
        lines.append("balance_yuan = { " + ", ".join(f"{key} = {yuan}" for key, yuan in balances.items()) + " }")
    if study is not None:
        lines += _estimates(study, base, ledger)
    lines += _sources(base, ledger, study, has_own_fund)
    return "\n".join(lines) + "\n"


def has_estimates(base: Scenario) -> bool:
    """Does the base take a share of defaults at all? Households that are simulated default for reasons of their own."""
    return base.defaults.mechanism == "reduced-form" and base.opening.kind != "portfolio"


def _estimates(study: BookStudy, base: Scenario, ledger: str) -> list[str]:
    lines: list[str] = []
    if study.mix:
        lines += ["", "# of the loans lent in the two years before", "[lending]"]
        lines += [f"{name} = {value_text(value)}" for name, value in study.mix.items()]
    if has_estimates(base):
        lines += _defaults(study, base)
        for item in uncertain_of(study, base, ledger):
            lines += ["", "[[uncertain]]"]
            lines += [f"{k} = {value_text(v)}" for k, v in item.model_dump(exclude_none=True).items() if v != ""]
    return lines


def _defaults(study: BookStudy, base: Scenario) -> list[str]:
    anchor, model = base.defaults.anchor, study.model
    lines = ["", "# middles of the estimates; their uncertainty stands below", "[defaults]"]
    if anchor is None:
        lines.append(f"p_default = {model.p_default.p50:.4g}")
    else:
        lines.append(f"anchors.{anchor} = {study.anchor.p50:.4g}")
    lines.append(f"factor.township_variance = {model.township_variance.p50:.4g}")
    lines.append(f"factor.county_variance = {model.county_variance.p50:.4g}")
    if study.recovery_first_year is not None:
        lines.append(f"recovery.first_year = {study.recovery_first_year.p50:.4g}")
    if study.cured_before_day_90 is not None:
        lines.append(f"cured_before_day_90 = {study.cured_before_day_90:.4g}")
    return lines


def _sources(base: Scenario, ledger: str, study: BookStudy | None, has_own_fund: bool) -> list[str]:
    data = ["opening", "townships", "information_on", "sized_year", *(["lenders"] if has_own_fund else [])]
    own: list[str] = []
    if study is not None and has_estimates(base) and not study.is_prior_driven:
        own.append(f"defaults.anchors.{base.defaults.anchor}" if base.defaults.anchor else "defaults.p_default")
        own.append("defaults.factor.township_variance")
        own += ["defaults.recovery.first_year"] if study.recovery_first_year is not None else []
        own += ["defaults.cured_before_day_90"] if study.cured_before_day_90 is not None else []
    if study is not None:
        own += [f"lending.{name}" for name in study.mix]
    lines = _source(data, "data", f"ledger {ledger}")
    if own:
        lines += _source(own, "data", f"estimated from ledger {ledger}")
    rest = ["defaults", "uncertain", "lending", "fiscal", "office", "rules", "lenders"]
    return lines + _source(rest, "assumption", f"taken over from {base.name}")


def _source(fields: list[str], kind: str, note: str) -> list[str]:
    return ["", "[[sources]]", f"fields = {json.dumps(fields)}", f'kind = "{kind}"', f"note = {_quote(note)}"]


def _quote(text: str) -> str:
    """A JSON string is a TOML basic string."""
    return json.dumps(text, ensure_ascii=False)
