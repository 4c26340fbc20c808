"""The sample data: real hourly weather of New York's three airports in 2013, and its replay.

The replay is the sample's last 35 days moved so that they end at the current hour, under names of
its own (LIVE-JFK-TEMP for JFK-TEMP), so that the real measurements stay as they are.
"""

import csv
import gzip
import io
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

SAMPLE = Path(__file__).parents[2] / "samples" / "nyc-weather-2013.csv.gz"
REPLAYED = timedelta(days=35)
LIVE_PREFIX = "LIVE-"
HEADER = ("equipmentId", "timestamp", "value")


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One measurement of the sample; `ts` is aware."""

    equipment_id: str
    ts: datetime
    value: float


def read_sample(path: Path = SAMPLE) -> list[SampleRow]:
    """Every row of the sample, in the file's order."""
    with gzip.open(path, "rt", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return [
            SampleRow(equipment_id, datetime.fromisoformat(ts), float(value))
            for equipment_id, ts, value in rows
        ]


def replay_until(now: datetime, sample: Iterable[SampleRow]) -> list[SampleRow]:
    """The sample's last 35 days, moved by whole hours so that the newest row is in `now`'s hour."""
    rows = list(sample)
    newest = max(row.ts for row in rows)
    shift = now.replace(minute=0, second=0, microsecond=0) - newest
    return [
        SampleRow(LIVE_PREFIX + row.equipment_id, (row.ts + shift).astimezone(UTC), row.value)
        for row in rows
        if row.ts > newest - REPLAYED
    ]


def as_csv(rows: Iterable[SampleRow]) -> bytes:
    """The rows as a file for the upload route."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    writer.writerows((row.equipment_id, row.ts.isoformat(), row.value) for row in rows)
    return text.getvalue().encode()


class LiveSource:
    """Endless sensors: at any time each repeats its value of 35 days before."""

    def __init__(self, replay: Iterable[SampleRow]) -> None:
        self._series: dict[str, list[tuple[datetime, float]]] = {}
        for row in sorted(replay, key=lambda row: row.ts):
            self._series.setdefault(row.equipment_id, []).append((row.ts, row.value))

    def at(self, ts: datetime) -> Iterator[SampleRow]:
        """One row per series, with the timestamp `ts`."""
        for equipment_id, points in self._series.items():
            position = bisect_right(points, ts - REPLAYED, key=lambda point: point[0])
            yield SampleRow(equipment_id, ts, points[max(position - 1, 0)][1])
