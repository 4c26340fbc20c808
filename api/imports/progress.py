"""Progress, rate and estimated end of an import, computed from its row."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from api.imports.schemas import Progress
from core.imports import ImportState

MAX_ESTIMATE = timedelta(days=365)


def progress_of(row: Row[Any]) -> Progress:
    """The progress that a row of the table imports records."""
    rate = _rows_per_second(row)
    return Progress(
        row.lines_done, row.bytes_done, row.bytes_total, rate, _estimated_loaded_at(row, rate)
    )


def _rows_per_second(row: Row[Any]) -> float | None:
    """Over the batches that the last attempt has stored; None before the first batch."""
    rows = row.rows_read - row.rows_before
    if row.loading_since is None or row.progress_at is None or rows <= 0:
        return None
    seconds = (row.progress_at - row.loading_since).total_seconds()
    return round(rows / seconds, 1) if seconds > 0 else None


def _estimated_loaded_at(row: Row[Any], rate: float | None) -> datetime | None:
    """Assumes that the remaining rows are as long as those read so far, and load as fast."""
    if row.state != ImportState.LOADING or not (rate and row.bytes_done and row.bytes_total):
        return None
    rows_left = (row.bytes_total - row.bytes_done) * row.rows_read / row.bytes_done
    time_left = timedelta(seconds=min(rows_left / rate, MAX_ESTIMATE.total_seconds()))
    estimate: datetime = (row.progress_at + time_left).replace(microsecond=0)
    return estimate
