"""Native charts of the slides: a reader can open their data and change them."""

from __future__ import annotations

from typing import Any

from pptx.chart.data import CategoryChartData, XyChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import (
    XL_CHART_TYPE,
    XL_LABEL_POSITION,
    XL_LEGEND_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
)
from pptx.oxml.ns import qn
from pptx.util import Pt

from dashboard.export import styles
from dashboard.export.pictures import Bars, Curve, Dots, Pairs
from dashboard.words import Words

_TEXT = 14  # [pt] of axes and keys
PAIR = (styles.BLUE, styles.OCHRE)  # of bars side by side
Box = tuple[int, int, int, int]  # left, top, width, height [EMU]


def dots(slide: Any, box: Box, d: Dots, w: Words) -> Any:
    """Years as dots, the short ones apart in place, colour and form, and the size as a line."""
    data = XyChartData(number_format="#,##0.0")
    for name, points in (
        (w("{count} enough", count=d.counted[0]), d.enough),
        (w("{count} short", count=d.counted[1]), d.short),
        (d.size_name, [(d.size, 0.0), (d.size, d.top)]),
    ):
        series = data.add_series(name)
        for x, y in points:
            series.add_data_point(x, y)
    frame, chart = _added(slide, box, XL_CHART_TYPE.XY_SCATTER, data, d.alt)
    px = 26 if len(d.enough) + len(d.short) <= 20 else 12
    looks = ((XL_MARKER_STYLE.CIRCLE, styles.BLUE), (XL_MARKER_STYLE.DIAMOND, styles.SHORT))
    for series, (marker, colour) in zip(chart.plots[0].series, looks, strict=False):
        _markers(series, marker, colour, px)
    _line(chart.plots[0].series[2], styles.INK, 2.25)
    _value_axis(chart.category_axis, w("need of the year ({unit})", unit=w.money_unit), 0.0, d.right)
    chart.category_axis.has_major_gridlines = False
    chart.value_axis.visible = False
    chart.value_axis.has_major_gridlines = False
    chart.value_axis.minimum_scale, chart.value_axis.maximum_scale = 0.0, d.top
    _key(chart)
    return frame


def curve(slide: Any, box: Box, c: Curve, w: Words) -> Any:
    """How often each size is too small; the options as marks on the curve."""
    data = XyChartData(number_format="#,##0.0")
    line = data.add_series(w("years that need more"))
    for x, y in c.points:
        line.add_data_point(x, y)
    for name, x, y in c.marks:
        data.add_series(name).add_data_point(x, y)
    frame, chart = _added(slide, box, XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS, data, c.alt)
    series = list(chart.plots[0].series)
    _line(series[0], styles.BLUE, 2.5)
    markers = (XL_MARKER_STYLE.SQUARE, XL_MARKER_STYLE.DIAMOND, XL_MARKER_STYLE.TRIANGLE, XL_MARKER_STYLE.CIRCLE)
    for s, marker, colour in zip(
        series[1:], markers, (styles.OCHRE, styles.INK, styles.VIOLET, styles.TEAL), strict=False
    ):
        _markers(s, marker, colour, 14)
    _value_axis(chart.category_axis, w("size of the fund ({unit})", unit=w.money_unit), 0.0, None)
    _value_axis(chart.value_axis, w("years that need more") + " (%)", 0.0, 100.0)
    chart.value_axis.major_unit = 20
    chart.value_axis.tick_labels.number_format = "0"
    chart.value_axis.tick_labels.number_format_is_linked = False
    _key(chart)
    return frame


def waterfall(slide: Any, box: Box, b: Bars, w: Words) -> Any:
    """Columns on a base that is not painted."""
    data = CategoryChartData(number_format="#,##0.0")
    data.categories = b.names
    data.add_series(w("begins at"), b.begins)
    data.add_series(w("amount ({unit})", unit=w.money_unit), [e - s for s, e in zip(b.begins, b.ends, strict=True)])
    frame, chart = _added(slide, box, XL_CHART_TYPE.COLUMN_STACKED, data, b.alt)
    plot = chart.plots[0]
    plot.gap_width, plot.overlap = 45, 100
    base, shown = plot.series
    base.format.fill.background()
    base.format.line.fill.background()
    for k, is_level in enumerate(b.levels):
        _paint(shown.points[k], styles.TEAL if is_level else styles.BLUE)
        is_tall = b.ends[k] - b.begins[k] > 0.12 * max(b.ends)
        _label(shown if is_tall else base, k, b.labels[k], is_inside=is_tall)
    _value_axis(chart.value_axis, w.money_unit, 0.0, None)
    chart.has_legend = False
    return frame


def pairs(slide: Any, box: Box, p: Pairs, w: Words) -> Any:
    """Bars side by side, the first case on top."""
    data = CategoryChartData(number_format="#,##0.0" if w.lang == "zh" else "#,##0.00")
    data.categories = p.names
    for name, values in p.series:
        data.add_series(name, values)
    frame, chart = _added(slide, box, XL_CHART_TYPE.BAR_CLUSTERED, data, p.alt)
    plot = chart.plots[0]
    plot.gap_width, plot.overlap = 45, 0
    for series, colour in zip(plot.series, PAIR, strict=False):
        series.format.fill.solid()
        series.format.fill.fore_color.rgb = RGBColor.from_string(colour)
    plot.has_data_labels = True
    labels = plot.data_labels
    labels.show_value, labels.font.size, labels.position = True, Pt(12), XL_LABEL_POSITION.OUTSIDE_END
    labels.number_format, labels.number_format_is_linked = "#,##0" if w.lang == "zh" else "0.00", False
    chart.category_axis.reverse_order = True
    chart.category_axis.tick_labels.font.size = Pt(13)
    chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    _value_axis(chart.value_axis, w.money_unit, 0.0, None)
    for crosses in chart.value_axis._element.iter(qn("c:crosses")):
        crosses.set("val", "max")  # below, though the cases run from the top down
    _every_name(chart.category_axis)
    _place(chart, 0.27, 0.1, 0.7, 0.74)
    chart.has_legend = False  # the slide says it in words
    return frame


# --- shared ------------------------------------------------------------------------------------------


def _added(slide: Any, box: Box, kind: Any, data: Any, alt: str) -> tuple[Any, Any]:
    frame = slide.shapes.add_chart(kind, *box, data)
    frame._element.nvGraphicFramePr.cNvPr.set("descr", alt)
    chart = frame.chart
    chart.has_title = False
    chart.font.size = Pt(_TEXT)
    chart.font.color.rgb = RGBColor.from_string(styles.INK)
    return frame, chart


def _markers(series: Any, marker: Any, colour: str, px: int) -> None:
    """Marks without a line between them."""
    series.format.line.fill.background()
    series.marker.style, series.marker.size = marker, px
    series.marker.format.fill.solid()
    series.marker.format.fill.fore_color.rgb = RGBColor.from_string(colour)
    series.marker.format.line.color.rgb = RGBColor.from_string("FFFFFF")


def _line(series: Any, colour: str, width: float) -> None:
    series.marker.style = XL_MARKER_STYLE.NONE
    series.format.line.color.rgb = RGBColor.from_string(colour)
    series.format.line.width = Pt(width)
    series.smooth = False


def _label(series: Any, k: int, text: str, *, is_inside: bool) -> None:
    """The figure of a column: in it, or just under a column that is too low for it."""
    label = series.points[k].data_label
    label.has_text_frame = True
    label.text_frame.text = text
    run = label.text_frame.paragraphs[0].runs[0]
    run.font.size, run.font.bold = Pt(_TEXT), True
    run.font.color.rgb = RGBColor.from_string("FFFFFF" if is_inside else styles.INK)
    label.position = XL_LABEL_POSITION.CENTER if is_inside else XL_LABEL_POSITION.INSIDE_END


def _paint(point: Any, colour: str) -> None:
    point.format.fill.solid()
    point.format.fill.fore_color.rgb = RGBColor.from_string(colour)


def _value_axis(axis: Any, title: str, low: float, high: float | None) -> None:
    axis.has_title = True
    axis.axis_title.text_frame.text = title
    run = axis.axis_title.text_frame.paragraphs[0].runs[0]
    run.font.size, run.font.bold = Pt(_TEXT), False
    axis.minimum_scale = low
    if high is not None:
        axis.maximum_scale = high
    axis.has_major_gridlines = True
    axis.major_gridlines.format.line.color.rgb = RGBColor.from_string(styles.GRID)
    axis.format.line.color.rgb = RGBColor.from_string("8A95A0")
    axis.tick_labels.font.size = Pt(_TEXT)
    axis.tick_labels.number_format, axis.tick_labels.number_format_is_linked = "#,##0.##", False
    for gap in axis._element.iter(qn("c:crosses")):
        gap.set("val", "autoZero")


def _every_name(axis: Any) -> None:
    """No name is left out where room is short."""
    skip = axis._element.makeelement(qn("c:tickLblSkip"), {"val": "1"})
    axis._element.find(qn("c:noMultiLvlLbl")).addprevious(skip)


def _place(chart: Any, x: float, y: float, width: float, height: float) -> None:
    """Where the plot stands, in parts of the frame: long names get the room they need."""
    area = chart._chartSpace.chart.plotArea
    for layout in area.findall(qn("c:layout")):
        area.remove(layout)
    layout = area.makeelement(qn("c:layout"), {})
    manual = layout.makeelement(qn("c:manualLayout"), {})
    values = {"layoutTarget": "inner", "xMode": "edge", "yMode": "edge", "x": x, "y": y, "w": width, "h": height}
    manual.extend(manual.makeelement(qn(f"c:{name}"), {"val": str(value)}) for name, value in values.items())
    layout.append(manual)
    area.insert(0, layout)


def _key(chart: Any) -> None:
    chart.has_legend = True
    chart.legend.position = XL_LEGEND_POSITION.TOP
    chart.legend.include_in_layout = False
    chart.legend.font.size = Pt(_TEXT)
