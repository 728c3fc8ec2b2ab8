"""The answer on one A4 page, and annexes after it: opens anywhere, prints from any browser, runs nothing and fetches nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from dashboard.details import Block
from dashboard.export import pictures, svg
from dashboard.export.report import Report
from dashboard.export.reproduce import command, snippet
from dashboard.figures import theme

_MOST_WHOLE = 8  # rows

_STYLE = f"""
@page {{ size: A4; margin: 16mm 15mm 18mm }}
* {{ box-sizing: border-box }}
body {{ font: 10.5pt/1.5 {theme.FONT.replace("Microsoft YaHei", '"Microsoft YaHei"')}; color: {theme.INK}; max-width: 180mm; margin: 10mm auto; padding: 0 4mm }}
h1 {{ font-size: 20pt; line-height: 1.3; margin: 0 0 3mm }}
h2 {{ font-size: 13pt; margin: 7mm 0 2mm; break-after: avoid }}
.mark {{ color: {theme.SHORT}; font-weight: 700; border: 1.5pt solid {theme.SHORT}; padding: 1mm 3mm; display: inline-block; margin: 0 2mm 3mm 0 }}
.answer {{ font-size: 15pt; font-weight: 700; background: {theme.RAMP[0]}; padding: 4mm 5mm; line-height: 1.45; print-color-adjust: exact; -webkit-print-color-adjust: exact }}
.small, footer {{ font-size: 8.5pt; color: {theme.MUTED} }}
svg {{ width: 100%; height: auto; font-size: 13px; font-family: inherit; print-color-adjust: exact; -webkit-print-color-adjust: exact }}
figure {{ margin: 2mm 0; break-inside: avoid }}
figcaption {{ font-weight: 700 }}
.first svg {{ max-height: 54mm }}
.annex {{ break-before: page }}
@media print {{ body {{ max-width: none; margin: 0; padding: 0 }} }}
table {{ border-collapse: collapse; width: 100%; font-size: 10pt; margin: 2mm 0 }}
tr {{ break-inside: avoid }}
th, td {{ border-bottom: 0.5pt solid {theme.GREYED}; padding: 1.2mm 2mm; text-align: right; vertical-align: top }}
td {{ white-space: nowrap }}
td:first-child, .words td:last-child {{ white-space: normal }}
.words td:last-child {{ overflow-wrap: anywhere }}
.tight {{ font-size: 8.5pt }}
.tight th, .tight td {{ padding: 1mm }}
.whole {{ break-inside: avoid }}
thead {{ display: table-header-group }}
p {{ margin: 0 0 2mm }}
th {{ background: {theme.RAMP[0]}; print-color-adjust: exact; -webkit-print-color-adjust: exact }}
th:first-child, td:first-child, .words td, .words th {{ text-align: left }}
code, pre {{ font: 9pt/1.5 Consolas, Menlo, monospace; overflow-wrap: anywhere; white-space: pre-wrap }}
pre {{ background: #F5F7F9; padding: 2mm 3mm; break-inside: avoid }}
footer {{ border-top: 0.5pt solid {theme.GREYED}; margin-top: 6mm; padding-top: 2mm }}
"""


def write(r: Report, path: Path) -> Path:
    """Write the page of an answer."""
    w = r.w
    heads, options = r.option_table
    d, c, b, p = pictures.dots(r), pictures.curve(r), pictures.claims(r), pictures.cases(r)
    cases = [
        [x.name, w.money(x.estimate["value"]), w.interval(x.estimate.get("ci95")), w.money(x.estimate.get("conservative"))]
        for x in r.cases
    ]  # fmt: skip
    annexes = w("Annexes: how the figures come about")
    lenders = [[n, w.money(a), w.money(need), w.percent(chance)] for n, a, need, chance in r.by_lender]
    parts = [
        "".join(f'<p class="mark">{escape(text)}</p>' for text in r.warnings),
        f"<h1>{escape(r.heading)}</h1>", f'<p class="answer">{escape(r.sentences[0])}</p>',
        "".join(f"<p>{escape(text)}</p>" for text in r.sentences[1:]),
        _figure(svg.dots(d, w), d.title, "first"), _heading(w("Sizes to choose from: what each one buys")), _table(heads, options, "whole"), f"<p>{escape(r.options_explained)}</p>",
        f'<h1 class="annex">{escape(annexes)}</h1>',
        _figure(svg.curve(c, w), c.title), _figure(svg.bars(b, w), w.bracketed(b.title, w.money_unit)),
        _figure(svg.pairs(p, w), w.bracketed(p.title, w.money_unit)),
        _table([w("case"), w("estimate"), w.term("interval_95"), w.term("conservative")], cases),
        _heading(w("Sub-accounts")),
        _table([w.term("lender"), w("sub-account"), w.label("need"), w.label("shortfall_chance")], lenders, "whole"),
        *(part for block in r.blocks for part in (_heading(block.title), _table(*block.table(w), _kind(block)), f"<p>{escape(block.note)}</p>" if block.note else "")),
        _heading(w("Grounds and limits")), "".join(f"<p>{escape(text)}</p>" for text in r.limits[len(r.warnings) :]),
        _table([w("field"), w("kind"), w("why")], r.sources, "words"),
        _heading(w("Targets and the fitted model")) if r.calibration[1] else "",
        _table(r.calibration[0], r.calibration[1], "tight") if r.calibration[1] else "",
        "".join(f"<p>{escape(text)}</p>" for text in r.calibration[2]),
        *_backtest(r),
        _heading(w("How to get the same number again")), f"<pre>{escape(command(r.answer))}</pre>",
        f"<pre>{escape(snippet(r.answer))}</pre>", _table([w("made by"), w("value")], r.made, "words"),
    ]  # fmt: skip
    path.write_text(_page(r, "\n".join(parts)), encoding="utf-8", newline="\n")
    return path


def _backtest(r: Report) -> list[str]:
    heads, rows, texts = r.backtest
    if not rows:
        return []
    told = [f"<p>{escape(text)}</p>" for text in texts]
    return [_heading(r.w("Forecast and fact")), _table(heads, rows, "tight"), *told]


def _page(r: Report, body: str) -> str:
    """The frame; the policy in its head forbids the browser to run or fetch anything."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="{"zh-CN" if r.w.lang == "zh" else "en-GB"}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(r.heading)} · {escape(r.number)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        f"<footer>{escape(r.stamp)}</footer>\n</body>\n</html>\n"
    )


def _kind(block: Block) -> str:
    """A short table stays on one page; a long one goes on over the next, rather than leave the page before it empty."""
    return "whole" if len(block.lines) <= _MOST_WHOLE else ""


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _figure(picture: str, caption: str, kind: str = "") -> str:
    return f'<figure class="{kind}"><figcaption>{escape(caption)}</figcaption>{picture}</figure>'


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows)
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
