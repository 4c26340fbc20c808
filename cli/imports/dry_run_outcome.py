"""The forecast of a file's import, for people and as JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from cli.imports.outcomes import (
    NO_READING,
    ExitCode,
    format_range,
    format_skipped,
    warning_lines,
)
from core.imports import ImportFault
from core.readings import RejectCode
from jobs.csv_import.forecast import Forecast

SHOWN_SENSORS = 10


@dataclass(frozen=True, slots=True)
class DryRunOutcome:
    """What the import of a file would do; `fault`: why it would fail, if it would."""

    path: Path
    forecast: Forecast
    fault: ImportFault | None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that the import would have."""
        if self.fault:
            return ExitCode.FAILED
        return ExitCode.REJECTS if self.forecast.counts.rejected else ExitCode.DONE

    def as_json(self) -> str:
        """The forecast on one line."""
        document: dict[str, Any] = {
            "file": str(self.path),
            "exitCode": self.exit_code.value,
            "failure": self.fault,
            "forecast": self.forecast,
        }
        return msgspec.json.encode(document).decode()

    def lines(self) -> Iterator[str]:
        """What the import would do, one fact a line."""
        forecast = self.forecast
        if self.fault:
            yield f"the import would fail: {self.fault}"
        columns = (f"{ours} is {name!r}" for ours, name in forecast.columns.items())
        yield f"columns: {', '.join(columns)}"
        if forecast.sensors:
            yield f"sensors: {_listed(forecast.sensors)}"
        yield from self._count_lines()
        yield from warning_lines(forecast.warnings)
        yield (
            f"repeated in the file: {forecast.repeated.equal:,} rows with the same value, "
            f"{forecast.repeated.different:,} with another"
        )
        yield (
            f"against stored readings: {forecast.stored.new:,} new, "
            f"{forecast.stored.equal:,} equal, {forecast.stored.different:,} different"
        )
        yield self._retention_line()
        yield f"to refresh: {forecast.hours:,} hourly and {forecast.days:,} daily buckets"

    def _count_lines(self) -> Iterator[str]:
        forecast, counts = self.forecast, self.forecast.counts
        yield (
            f"{counts.read:,} rows: {counts.inserted:,} to insert, {counts.replaced:,} to replace, "
            f"{counts.unchanged:,} unchanged, {format_skipped(counts.skipped, 'to skip')}"
            f"{counts.rejected:,} to reject"
        )
        if counts.skipped and counts.skipped == counts.read:
            yield NO_READING
        if forecast.first_ts and forecast.last_ts:
            yield format_range(forecast.first_ts, forecast.last_ts)
        if counts.rejected:
            yield "to reject: " + ", ".join(f"{n:,} {code}" for code, n in forecast.rejects.items())
            yield "the first: " + "; ".join(forecast.first_rejects)
        yield from forecast.column_hints

    def _retention_line(self) -> str:
        if self.forecast.horizon is None:
            return "retention: no row is too old"
        below = self.forecast.rejects.get(RejectCode.BELOW_RETENTION, 0)
        return f"retention: {below:,} rows before {self.forecast.horizon.isoformat(sep=' ')}"


def _listed(sensors: Mapping[str, str]) -> str:
    """The first sensors with the names of their columns, and how many more there are."""
    first = [f"{ours} is {name!r}" for ours, name in islice(sensors.items(), SHOWN_SENSORS)]
    more = len(sensors) - len(first)
    return ", ".join([*first, f"and {more:,} more"] if more else first)
