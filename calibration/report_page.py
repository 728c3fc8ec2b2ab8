"""The readable page of a loan-book import: data quality and estimates, in one file without scripts or links."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from calibration.book_study import BookStudy
from calibration.breakdown import Breakdown, Count, Curve
from calibration.quality import Quality
from calibration.quality_text import LABELS, WARNINGS
from calibration.text import field_name, reason_in

_STYLE = (
    "body{font-family:'Noto Sans SC','Microsoft YaHei',sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{border-bottom:1px solid #ccc;padding:.2rem .8rem .2rem 0;"
    "text-align:left;vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums}h1{font-size:1.5rem}h2{font-size:1.1rem}"
)


def page(
    summary: str, quality: Quality, study: BookStudy | None, notes: Sequence[str], lang: str, names: Mapping[str, str]
) -> str:
    """The page as HTML.

    Parameters
    ----------
    summary : str
        One sentence on top.
    quality : Quality
    study : BookStudy, optional
    notes : sequence of str
        What a reader has to know, in the same language.
    lang : {"en", "zh"}
    names : mapping of key to label
        Of lenders and townships, in the same language.
    """
    parts = [_text("p", summary)]
    if notes:
        parts += [_head("notes", lang), "<ul>", *(_text("li", note) for note in notes), "</ul>"]
    parts += _data(quality, lang)
    if study is not None:
        parts += _parameters(study, lang) + _breakdown(study.breakdown, lang, names, quality.absent_fields)
    title = html.escape(LABELS["title"][lang])
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return (
        f'<!doctype html><html lang="{lang}"><head>{head}</head><body><h1>{title}</h1>{"".join(parts)}</body></html>\n'
    )


def _data(quality: Quality, lang: str) -> list[str]:
    say = {key: words[lang] for key, words in LABELS.items()}
    rows = [(f["name"], f["on"], f["rows"], f["good"], f["left_out"]) for f in quality.files]
    parts = [_head("files", lang), _table([say[k] for k in ("name", "on", "rows", "good", "left_out")], rows)]
    parts.append(_text("p", say["span"].format(first=quality.first_lent, last=quality.last_lent)))
    if quality.n_closed_by_absence:
        parts.append(_text("p", say["gone_note"].format(n=quality.n_closed_by_absence)))
    parts += [
        _head("problems", lang),
        _table(
            [say["what"], say["number"]],
            [(reason_in(reason, lang), n) for reason, n in quality.left_out.items()] or [(say["none"], 0)],
        ),
    ]
    warned = [
        (
            WARNINGS[code][lang],
            found["n"],
            ", ".join(str(row) for _, row in found["rows"]) + (" …" if found["n"] > len(found["rows"]) else ""),
        )
        for code, found in quality.warnings.items()
    ]
    parts += [
        _head("warnings", lang),
        _table([say["what"], say["number"], say["first_rows"]], warned or [(say["none"], 0, "")]),
    ]
    for key, items in (
        ("privacy", quality.dropped_columns),
        ("absent", [field_name(name, lang) for name in quality.absent_fields]),
        ("unused", quality.ignored_columns),
        ("suggested", [f"{heading} → {field_name(name, lang)}" for heading, name in quality.suggestions.items()]),
    ):
        parts.append(_text("p", say["colon"].format(name=say[key], value=say["comma"].join(items) or say["none"])))
    parts += [
        _head("told", lang),
        _table([say["what"], say["share"]], [(field_name(k, lang), f"{v:.1%}") for k, v in quality.told.items()]),
    ]
    if quality.transitions:
        moves = [
            (
                t["earlier"],
                t["later"],
                say[t["state_before"]],
                say[t["state_after"]],
                t["loans"],
                f"{t['balance_fen'] / 100:,.0f}",
            )
            for t in quality.transitions
        ]
        heads = ["", "", say["state_before"], say["state_after"], say["loans"], say["balance"]]
        parts += [_head("transitions", lang), _table(heads, moves)]
    return parts


def _parameters(study: BookStudy, lang: str) -> list[str]:
    of = {
        **{"p_default": study.model.p_default, "anchor": study.anchor},
        **{"township_variance": study.model.township_variance, "county_variance": study.model.county_variance},
        **({"recovery_first_year": study.recovery_first_year} if study.recovery_first_year else {}),
    }
    rows = []
    for key, found in of.items():
        form = "{:.3f}" if "variance" in key else "{:.1%}"
        low, mid, high = (form.format(x) for x in (found.p05, found.p50, found.p95))
        remark = LABELS["leans"][lang] if found.leans_on_prior else ""
        rows.append((LABELS[key][lang], mid, f"{low} – {high}", f"{found.learned:.0%}", remark))
    heads = [*(LABELS[k][lang] for k in ("what", "middle", "interval", "learned")), ""]
    return [_head("parameters", lang), _table(heads, rows)]


def _breakdown(seen: Breakdown, lang: str, names: Mapping[str, str], absent: Sequence[str]) -> list[str]:
    say = {key: words[lang] for key, words in LABELS.items()}
    heads = ["", say["counted"], say["share"], say["interval95"]]
    shown = {**names, "unknown": say["not_told"], "microcredit": say["microcredit"]}
    parts = []
    for name, groups in seen.by.items():
        if name in absent:  # every loan the same
            continue
        parts += [
            _text("h2", say["by"].format(name=say[name])),
            _table(heads, [_counted(shown.get(k, k), c) for k, c in groups.items()]),
        ]
    others: dict[str, Count | None] = {
        **{"cured_before_wait": seen.cured_before_wait, "recovered_count": seen.recovered_first_year},
        **{"renewed": seen.renewed, "default_of_tested": seen.default_of_tested},
    }
    rows = [_counted(say[key], count) for key, count in others.items() if count is not None]
    if seen.recovered_principal_share is not None:
        rows.append((say["recovered_money"], "", f"{seen.recovered_principal_share:.1%}", ""))
    parts += [_head("other", lang), _table(heads, rows)]
    for key, curve in (("time_to_default", seen.time_to_default), ("time_to_payment", seen.time_to_payment)):
        if curve is not None:
            parts += [_head(key, lang), _table([say["days"], say["not_yet"], say["interval95"]], _points(curve))]
    return parts


def _points(curve: Curve) -> list[tuple[str, str, str]]:
    columns = zip(curve.days, curve.share, curve.low, curve.high, strict=True)
    return [(str(day), f"{share:.1%}", f"{low:.1%} – {high:.1%}") for day, share, low, high in columns]


def _counted(name: str, count: Count) -> tuple[str, str, str, str]:
    return name, f"{count.k:,} / {count.n:,}", f"{count.share:.1%}", f"{count.low:.1%} – {count.high:.1%}"


def _head(key: str, lang: str) -> str:
    return _text("h2", LABELS[key][lang])


def _text(tag: str, text: str) -> str:
    return f"<{tag}>{html.escape(text)}</{tag}>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    top = "".join(_text("th", head) for head in heads)
    body = "".join("<tr>" + "".join(_cell(x) for x in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _cell(value: Any) -> str:
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return _text("td", str(value))
