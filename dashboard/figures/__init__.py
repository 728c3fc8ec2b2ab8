"""Pictures of results: pure functions from answers and tables to figures that the pages, notebooks and exports share.

Each takes what `sim` gives and the reader's `Words`, and returns a `Figure`: the picture, a title that says what it
shows, the same in words, its data as a table, and its source. Where there is no value the picture says why.

On a page: ``st.plotly_chart(f.figure, theme=None, config=CONFIG, alt=f.alt)``.
"""

from dashboard.figures.causes import differences, drivers_waterfall
from dashboard.figures.chance import dots, exceedance, veiled
from dashboard.figures.figure import Figure
from dashboard.figures.forecast import forecast_and_fact
from dashboard.figures.lab import heat_table
from dashboard.figures.months import balance_fan, subsidy_ageing
from dashboard.figures.places import township_map
from dashboard.figures.reports import truth_and_report
from dashboard.figures.shares import calibration_dots, default_by_debts
from dashboard.figures.sizes import frontier, lending_curve
from dashboard.figures.theme import CATEGORICAL, CONFIG, TEMPLATE

__all__ = [
    "CATEGORICAL",
    "CONFIG",
    "TEMPLATE",
    "Figure",
    "balance_fan",
    "calibration_dots",
    "default_by_debts",
    "differences",
    "dots",
    "drivers_waterfall",
    "exceedance",
    "forecast_and_fact",
    "frontier",
    "heat_table",
    "lending_curve",
    "subsidy_ageing",
    "township_map",
    "truth_and_report",
    "veiled",
]
