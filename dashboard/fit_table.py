"""A stored fit of the calibration as tables that pages, exports and the command line share."""

from __future__ import annotations

from typing import Any

from calibration.stored_fit import StoredFit, fit_names, name_of, read_fit
from dashboard.words import Words, numbers
from dashboard.words.labels import N_
from sim.parameters import drawn_together
from sim.scenario import Scenario

MECHANISMS = {"reduced-form": N_("The rate of default fitted to printed figures"), "household": N_("The behaviour of simulated households fitted to printed figures")}  # fmt: skip
TAKEN_BY = {"reduced-form": "x-county", "household": "x-county-households"}  # a scenario that a fit can be tried on
LAYERS = {"true": N_("true"), "booked": N_("booked"), "reported": N_("reported")}


def shipped() -> list[StoredFit]:
    """The fits to the printed figures, that of the reduced form first."""
    found = [read_fit(name) for name in fit_names()]
    return sorted(found, key=lambda fit: list(MECHANISMS).index(fit.made["mechanism"]))


def of_mechanism(mechanism: str) -> StoredFit | None:
    """The fit of a way to default; none where it is not stored."""
    return next((fit for fit in shipped() if fit.made["mechanism"] == mechanism), None)


def title(fit: StoredFit, w: Words) -> str:
    """What is fitted, as a heading."""
    text = MECHANISMS[fit.made["mechanism"]]
    return w(text)


def command(fit: StoredFit) -> str:
    """A command that takes the fit over."""
    return f"riskfund size {TAKEN_BY[fit.made['mechanism']]} --posterior {fit.name}"


def taken_over(scenario: Scenario, w: Words) -> list[str]:
    """Which fit a scenario takes parameters from, and which; nothing where it takes none."""
    if scenario.posterior is None:
        return []
    fields = w.listed([w.field(str(field)) for field in drawn_together(scenario)])
    return [
        w(
            "Parameters come jointly from the fit {name}: {fields}.",
            name=name_of(scenario.posterior.file),
            fields=fields,
        )
    ]


def target_heads(w: Words) -> list[str]:
    """Columns of `target_rows`."""
    return [w("target"), w("layer"), w("printed"), w("its error"), w("model"), w("nine in ten between"), w("width"), w("deviation"), w("verdict")]  # fmt: skip


def target_rows(fit: StoredFit, w: Words) -> list[list[str]]:
    """Each target beside the model, those farthest off first."""
    return [
        [
            _label(row, w), w(LAYERS[row["layer"]]), _figure(row, "target", w), _figure(row, "standard_error", w),
            _figure(row, "model", w), f"{_figure(row, 'low', w)} – {_figure(row, 'high', w)}", _figure(row, "width", w),
            _deviation(row["deviation"]), w("within") if row["is_within"] else w("outside"),
        ]
        for row in fit.targets
    ]  # fmt: skip


def summary(fit: StoredFit, w: Words) -> str:
    """One sentence: how many targets are met."""
    return w("{met} of {n} targets lie within the interval of nine tenths of what the fitted model gives.", met=fit.n_within, n=len(fit.targets))  # fmt: skip


def parameter_heads(w: Words) -> list[str]:
    """Columns of `parameter_rows`."""
    return [w("field"), w("before the fit"), w("after the fit"), w("spread left"), w("told by the targets"), w("known values found again"), w("ranks, p")]  # fmt: skip


def parameter_rows(fit: StoredFit, w: Words) -> list[list[str]]:
    """Each parameter before and after the fit, and whether the targets tell anything of it."""
    return [
        [
            w.field(p["field"]), _span(p["prior"], p["field"], w), _span(p["posterior"], p["field"], w), w.percent(p["keeps"], 0),
            w("yes") if p["is_identified"] else w("no"), w.percent(p["covered"]),
            w.number(p["p_ranks"], 3),
        ]
        for p in fit.parameters
    ]  # fmt: skip


def left_out_heads(w: Words) -> list[str]:
    """Columns of `left_out_rows`."""
    return [w("target left out"), w("predicted"), w("nine in ten between"), w("printed"), w("log score"), w("one rate for all places")]  # fmt: skip


def left_out_rows(fit: StoredFit, w: Words) -> list[list[str]]:
    """Each target as the others predict it, and the score of one rate of default for all."""
    by_key = {row["key"]: row for row in fit.targets}
    return [
        [
            _label(by_key[x["key"]], w), _figure({**by_key[x["key"]], **x}, "middle", w),
            f"{_figure({**by_key[x['key']], **x}, 'low', w)} – {_figure({**by_key[x['key']], **x}, 'high', w)}",
            _figure(by_key[x["key"]], "target", w), w.number(x["log_score"], 2),
            w.number(x["constant_rate"], 2) if "constant_rate" in x else "—",
        ]
        for x in fit.left_out
    ]  # fmt: skip


def scores(fit: StoredFit) -> tuple[float, float]:
    """Sum of the log scores over targets that both models predict: of the model, and of one rate for all places."""
    both = [x for x in fit.left_out if "constant_rate" in x]
    return sum(x["log_score"] for x in both), sum(x["constant_rate"] for x in both)


def sentences(fit: StoredFit, w: Words) -> list[str]:
    """What the tables mean, in words."""
    out = [summary(fit, w)]
    told = [w.field(p["field"]) for p in fit.parameters if not p["is_identified"]]
    if told:
        out.append(w("Not told by these figures, and left as believed before: {fields}.", fields=w.listed(told)))
    ours, constant = scores(fit)
    if any("constant_rate" in x for x in fit.left_out):
        out.append(w("Targets left out one at a time: sum of log scores {ours}, of one rate of default for all places {constant} (higher is better).", ours=w.number(ours, 1), constant=w.number(constant, 1)))  # fmt: skip
    for b in fit.bands:
        values = {
            "low": w.percent(b["low"]), "high": w.percent(b["high"]), "low0": w.percent(b["independent_low"]),
            "high0": w.percent(b["independent_high"]), "seen": w.percent(b["observed"], 2),
        }  # fmt: skip
        if b["of"] == "worst":
            out.append(w("Luoping fitted on the county's total alone: worst of 13 townships {low} to {high}; without shared luck {low0} to {high0}; printed {seen}.", **values))  # fmt: skip
        else:
            out.append(w("The two largest townships together {low} to {high}; without shared luck {low0} to {high0}; printed {seen}.", **values))  # fmt: skip
    out += [w("Not fitted: {target}. {why}", target=x["label"][w.lang], why=x["why"][w.lang]) for x in fit.not_used]
    return out


def dots(fit: StoredFit, w: Words) -> list[dict[str, Any]]:
    """Rows of `figures.calibration_dots`."""
    return [
        {
            "name": _label(row, w), "unit": row["unit"], "target": row["target"],
            "low": max(row["target"] - 1.96 * row["standard_error"], 0), "high": row["target"] + 1.96 * row["standard_error"],
            "model": row["model"], "model_low": row["low"], "model_high": row["high"],
        }
        for row in fit.targets
    ]  # fmt: skip


def _label(row: dict[str, Any], w: Words) -> str:
    return str(row["label"][w.lang])


def _deviation(x: float) -> str:
    """In whole per cent, with its sign; a model that gives the printed figure as printed is off by nothing."""
    text = numbers.number(100 * x, 0)
    return f"{'+' if x > 0 and text != '0' else ''}{text}%"


def _figure(row: dict[str, Any], key: str, w: Words) -> str:
    return w.percent(row[key], 2) if row["unit"] == "share" else w.number(row[key])


def _span(ends: list[float], field: str, w: Words) -> str:
    """Middle and interval of a parameter."""
    low, middle, high = (w.field_value(field, float(f"{x:.3g}")) for x in ends)
    return w.bracketed(middle, f"{low} – {high}")
