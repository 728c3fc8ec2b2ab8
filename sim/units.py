"""Money is integer fen; rates are integer parts per million a year; rounding is half up, as banks do."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FEN_PER_YUAN = 100
PPM = 1_000_000

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]


def percent_to_ppm(percent: float) -> int:
    """A rate in per cent a year to parts per million."""
    return round(percent * 10_000)


def share_of(fen: I64 | int, share_ppm: int) -> Any:
    """A share of amounts, rounded half up to the fen.

    Parameters
    ----------
    fen : (n,) int64 or int [fen]
        Amounts, not negative.
    share_ppm : int [1e-6]
        Share in parts per million.

    Returns
    -------
    (n,) int64 or int [fen]
    """
    return (fen * share_ppm + PPM // 2) // PPM


def interest(principal_fen: I64 | int, rate_ppm: I64 | int, days: I64 | int, day_count: int) -> Any:
    """Simple interest by actual days, rounded half up to the fen.

    Parameters
    ----------
    principal_fen : (n,) int64 or int [fen]
    rate_ppm : (n,) int64 or int [1e-6 per year]
    days : (n,) int64 or int [days]
    day_count : int [days]
        Days in the year of the convention, 360 or 365.

    Returns
    -------
    (n,) int64 or int [fen]

    Source: daily rate = yearly rate / 360, the banks' convention for RMB loans; 365 is the switch.
    """
    year = day_count * PPM
    return (principal_fen * rate_ppm * days + year // 2) // year
