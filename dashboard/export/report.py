"""What every export says: the answer's sentences, options, tables and marks, worked out once for all formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from calibration.actuals import Backtest
from calibration.kept_backtest import kept
from dashboard import back_table, details, fit_table, options
from dashboard.export.text import plain
from dashboard.figures.figure import source_of
from dashboard.options import Option
from dashboard.words import Words
from dashboard.words.labels import N_
from sim import estimate
from sim.answers.answer import Answer
from sim.answers.outlook import account_parts
from sim.answers.sample import Sample
from sim.law.vocabulary import term_for
from sim.store import RunFolder
from sim.units import F64, FEN_PER_YUAN

DRAFT = 2000  # fewer histories than these are for orientation only
FIGURES = (
    "need_yuan", "need_yuan_free_split", "need_yuan_pooled", "ring_fencing_price_yuan", "runoff_need_yuan",
    "need_yuan_stationary_opening", "top_up_yuan", "top_up_by_account_yuan", "mean_gap_if_short_yuan", "fiscal_debt_yuan",
    "shortfall_chance", "default_share", "default_share_by_count", "compensable_share", "overdue_share_reported",
    "bad_loan_ratio_reported", "hidden_default_share", "subsidy_unpaid_share_90d", "subsidy_unpaid_share_90d_q4",
    "exhausting_share_of_maturities", "clerk_utilisation",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A figure with its name: an estimate as the answer holds it, money [yuan] or a share."""

    key: str
    name: str
    estimate: Mapping[str, Any]
    is_money: bool


@dataclass(frozen=True)
class Report:
    """An answer for a reader of one language.

    Parameters
    ----------
    answer : Answer
    w : Words
    """

    answer: Answer
    w: Words

    @property
    def data(self) -> dict[str, Any]:
        """The answer's figures."""
        return self.answer.data

    # --- marks

    @property
    def number(self) -> str:
        """Number of the result."""
        return str(self.data["provenance"]["result_number"])

    @property
    def mark(self) -> str:
        """That the data are for demonstration; nothing where they are a county's own."""
        return self.w("Demonstration data: not for a budget") if self.data["is_demonstration"] else ""

    @property
    def draft(self) -> str:
        """That there are few histories; nothing where they are enough."""
        few = self.data["replications"] < DRAFT
        return self.w("Draft: fewer than 2,000 histories, for orientation only.") if few else ""

    @property
    def warnings(self) -> list[str]:
        """What the reader must know first."""
        outside = self.w.outside(self.data["as_if"]) if "as_if" in self.data else ""
        return [text for text in (self.mark, outside, self.draft) if text]

    @property
    def stamp(self) -> str:
        """Result number, rules, histories, seed and version, in one line."""
        return f"{source_of(self.data, self.w)} · riskfund {self.data['provenance']['version']}"

    @cached_property
    def made(self) -> list[tuple[str, str]]:
        """How the result was made, line by line."""
        w, d, p = self.w, self.data, self.data["provenance"]
        return [
            (w("result number"), self.number),
            (w("scenario"), plain(w.bracketed(d["scenario"], self.title))),
            (w("version"), f"riskfund {p['version']}, numpy {p['numpy']}, numba {p['numba']}, simpy {p['simpy']}"),
            (w("seed"), str(d["seed"])),
            (w("histories"), w.number(d["replications"])),
            (w("assurance"), w.percent(d["assurance"], 0)),
            (w("known up to"), w.date(d["information_on"])),
            *((w.field("posterior"), plain(text)) for text in fit_table.taken_over(self.answer.scenario, w)),
            *((w("fingerprint of {what}", what=w(what)), str(p[f"{key}_sha256"])) for key, what in _FINGERPRINTS),
            *((w("fingerprint of {what}", what=w.field(field)), str(sha)) for field, sha in p["tables_sha256"].items()),
        ]

    # --- words

    @property
    def title(self) -> str:
        """The scenario's title; names come from people."""
        return plain(self.answer.scenario.title.get(self.w.lang))

    @property
    def heading(self) -> str:
        """Title of the whole document."""
        return self.w("How much the risk-compensation fund must hold in {year}", year=self.data["year"])

    @cached_property
    def sentences(self) -> list[str]:
        """The answer, and what belongs under it."""
        said = list(self.w.sentences(self.data).values())
        return said if self.data["need_yuan"]["conservative"] == 0 else [*said, self._topped_up(), self._set_size()]

    def _topped_up(self) -> str:
        return self.w(
            "The accounts are expected to carry over {carried}, so {top_up} must be added.",
            carried=self.w.money(self.data["carried_over_yuan"]),
            top_up=self.w.money(self.data["top_up_by_account_yuan"]["conservative"]),
        )  # fmt: skip

    def _set_size(self) -> str:
        w, chance = self.w, self.data["shortfall_chance"]
        low, high = (w.percent(x) for x in chance["ci95"])
        return w(
            "The set size of {fund}: shortfall chance {chance} (95% interval {low} to {high}).",
            fund=w.money(self.data["fund_yuan"]), chance=w.percent(chance["value"]), low=low, high=high,
        )  # fmt: skip

    @cached_property
    def limits(self) -> list[str]:
        """What the reader must not take the figures for."""
        w = self.w
        texts = [
            w("The figures are shares of equally likely simulated years, not a promise and not a timetable."),
            w("Intervals show simulation error only; what is not known about the county is larger and shows in the scenarios."),
            w("Loans that mature up to {date} are paid from this year's fund; later ones from the next.", date=w.date(self.data["cutoff_maturity_on"])),
            w("The advised size is rounded up; lenders' figures do not add up to the total."),
        ]  # fmt: skip
        return [*self.warnings, *texts]

    # --- tables

    @cached_property
    def lenders(self) -> list[str]:
        """Names of the lenders."""
        return [plain(lender.label.get(self.w.lang)) for lender in self.answer.scenario.lenders]

    @cached_property
    def townships(self) -> list[str]:
        """Names of the townships."""
        return [plain(name) for name in self.answer.scenario.township_names(self.w.lang).values()]

    @cached_property
    def sources(self) -> list[tuple[str, str, str]]:
        """Fields of the scenario, whether law, data or assumption, and why."""
        w = self.w
        return [
            (plain(w.listed([w.field(f) for f in s.fields])), w.label(s.kind), plain(w.source(s.note)))
            for s in self.answer.scenario.sources
        ]

    @cached_property
    def calibration(self) -> tuple[list[str], list[list[str]], list[str]]:
        """The stored fit of the scenario's way to default: heads and rows of targets beside the model, and what they mean."""
        fit = fit_table.of_mechanism(self.answer.scenario.defaults.mechanism)
        if fit is None:
            return [], [], []
        rows = [[plain(cell) for cell in row] for row in fit_table.target_rows(fit, self.w)]
        return fit_table.target_heads(self.w), rows, [plain(text) for text in fit_table.sentences(fit, self.w)]

    @cached_property
    def backtest(self) -> tuple[list[str], list[list[str]], list[str]]:
        """The back-test kept with the run: heads, rows, and what it says; nothing where none is kept."""
        if self._held is None:
            return [], [], []
        w, (source, held) = self.w, self._held
        rows = back_table.county_rows(held, w)
        rows += back_table.named_townships(held, self.answer.scenario.township_names(w.lang), w)
        said = [back_table.source(held, source, w), *back_table.sentences(held, w), back_table.explained(w)]
        return back_table.heads(w), [[plain(cell) for cell in row] for row in rows], [plain(text) for text in said]

    @cached_property
    def short_backtest(self) -> tuple[list[str], list[list[str]], list[str]]:
        """The same for a page that has little room: few rows, no scores."""
        if self._held is None:
            return [], [], []
        w, (source, held) = self.w, self._held
        heads, rows = back_table.short(held, self.answer.scenario.township_names(w.lang), w)
        said = [*back_table.sentences(held, w), back_table.source(held, source, w)]
        return heads, [[plain(cell) for cell in row] for row in rows], [plain(text) for text in said]

    @cached_property
    def _held(self) -> tuple[str, Backtest] | None:
        return kept(self.answer.folder)

    @cached_property
    def rules(self) -> list[tuple[str, str, str, str]]:
        """Rules in force: name, value, unit, article or assumption."""
        scenario, w = self.answer.scenario, self.w
        values, out = scenario.rule_values(), []
        terms = {key: term_for(key, now.value) for key, now in values.items()}
        steps = w.step_names(terms)
        for key, now in values.items():
            term = terms[key]
            is_own = any(f"{changed}.".startswith(f"{key}.") for changed in scenario.rule_changes)
            source = w("changed in this scenario") if is_own else w.source(now.source)
            out.append(
                (
                    plain(term.label[w.lang]),
                    plain(w.rule_value(now.value, term, steps)),
                    w.unit(term.unit),
                    plain(source),
                )
            )
        return out

    @cached_property
    def figures(self) -> list[Row]:
        """The answer's main figures."""
        return [Row(key, self.w.label(key), self.data[key], "_yuan" in key) for key in FIGURES]

    @cached_property
    def cases(self) -> list[Row]:
        """The need under other assumptions, the answer's own first."""
        d, w = self.data, self.w
        rows = [Row("need_yuan", w("this answer"), d["need_yuan"], True)]
        for group in ("anchor", "opening"):
            states = d[f"need_by_{group}"]
            rows += [Row(f"{group}.{k}", w.label(f"{group}.{k}"), e, True) for k, e in states.items()]
        rows.append(Row("need_yuan_pooled", w("if sub-accounts were pooled"), d["need_yuan_pooled"], True))
        key = "need_yuan_stationary_opening"
        rows.append(Row(key, w("if the opening state were drawn"), d[key], True))
        return [row for row in rows if row.estimate.get("value") is not None]

    @cached_property
    def claims(self) -> list[Row]:
        """Where the year's claimable losses stand at its end: the total, then its parts, those of several bearers apart."""
        out, divided = [], self._divided
        for key, found in self.data["waterfall"].items():
            name = key.removesuffix("_yuan")
            if name in divided:
                out += [Row(b, self.w.bearer(b), self.data["bearers"][b]["borne_yuan"], True) for b in divided[name]]
            elif name == "claimable" or found.get("value"):
                out.append(Row(name, self.w.label(name), found, True))
        return out

    @property
    def _divided(self) -> dict[str, list[str]]:
        """Parts of the waterfall that several bearers share."""
        bearers = self.data["bearers"]
        through = [bearer for bearer, found in bearers.items() if found["through_fund"]]
        others = [bearer for bearer in bearers if bearer not in (*through, "bank", "insurer")]
        return {
            name: who for name, who in (("fund_paid", through), ("others", others)) if len(who) > (name == "fund_paid")
        }

    @cached_property
    def by_lender(self) -> list[tuple[str, float, float | None, float | None]]:
        """Each lender's sub-account, own need [yuan] and chance of a shortfall."""
        accounts = self.answer.scenario.sub_accounts_yuan()
        found = self.data["by_lender"]
        return [
            (name, float(accounts[key]), found[key]["need_yuan"]["value"], found[key]["shortfall_chance"]["value"])
            for name, key in zip(self.lenders, accounts, strict=True)
        ]

    @cached_property
    def blocks(self) -> list[details.Block]:
        """Further figures, those of which the scenario has something."""
        return details.blocks(self.answer, self.w)

    # --- histories

    @cached_property
    def sample(self) -> Sample:
        """The histories, from the smallest need to the largest."""
        h = Sample.of(RunFolder(self.answer.folder), "main", self.data["replications"])
        order = np.argsort(h["need_fen"], kind="stable")
        frame = h.frame.iloc[order].reset_index(drop=True)
        if h.strata is None:
            return Sample(frame, None)
        return Sample(frame, RunFolder(self.answer.folder).strata(frame["replication"].to_numpy()))

    @cached_property
    def mass(self) -> F64:
        """How many equally likely histories each one stands for."""
        return estimate.mass_of(self.sample["need_fen"], self.sample.strata)

    @cached_property
    def parts(self) -> F64:
        """Part of the fund in each separate account."""
        return account_parts(self.answer.scenario)

    @cached_property
    def options(self) -> list[Option]:
        """Sizes to choose from, those of the pages."""
        return options.options(self.data, self.sample, self.parts, self.w)

    @cached_property
    def option_table(self) -> tuple[list[str], list[list[str]]]:
        """The same as a table: heads and rows."""
        w = self.w
        heads = [w("option"), w("size"), w("shortfall chance"), w("mean gap if short"), w("idle money in a mean year")]
        rows = [
            [o.name, w.advised(o.fund_yuan), w.bracketed(o.chance_said(w), w.counted(o.chance, self.data)[1]), w.money(o.gap_yuan), w.money(o.idle_yuan)]
            for o in self.options
        ]  # fmt: skip
        return heads, rows

    @property
    def options_explained(self) -> str:
        """What lean and safe mean."""
        return options.explained(self.options, self.data, self.w)


_FINGERPRINTS = (
    ("code", N_("the code")),
    ("scenario", N_("the scenario")),
    ("rules", N_("the rules")),
    ("opening", N_("the opening state")),
)


def yuan_of(fen: Any) -> F64:
    """Fen as yuan, each the float that its decimal names."""
    return np.asarray(fen, dtype=float) / FEN_PER_YUAN
