from collections.abc import Iterable, Sequence
from functools import partial
from operator import attrgetter

from api.batches.schemas import Stored
from api.readings.batch_writer import BatchOutcome, BatchRules, BatchWriter, OnConflict
from api.readings.judging import NaiveTimestamps
from api.readings.plain_rows import plain_readings
from api.readings.reading_json import read_reading
from api.readings.received import Received
from api.readings.rows import one_by_one, received_in
from core.readings import TimeBounds, utc_now
from core.settings import ApiSettings, ReadingSettings


class BatchService:
    """Takes many readings in at once."""

    def __init__(self, writer: BatchWriter, api: ApiSettings, rules: ReadingSettings) -> None:
        self._writer = writer
        self._naive_timestamps: NaiveTimestamps = api.naive_timestamps
        self._max_future = rules.max_future

    async def save(self, rows: Iterable[Sequence[bytes]], rules: BatchRules) -> Stored:
        """Store the readings that the rows say; committed when this returns.

        Raises what `rows` raises, or RefusedBatchError in atomic mode, and then nothing is stored.
        """
        bounds = TimeBounds.at(utc_now(), self._max_future, horizon=None)
        received = await received_in(rows, partial(self._take, bounds))
        return _told(await self._writer.write(received, rules), rules)

    def _take(
        self, bounds: TimeBounds, received: Received, first: int, rows: Sequence[bytes]
    ) -> None:
        plain = plain_readings(rows, bounds)
        if plain is not None:
            received.accept_all(first, plain)
        else:
            one_by_one(received, first, rows, partial(self._take_one, bounds))

    def _take_one(self, bounds: TimeBounds, received: Received, index: int, row: bytes) -> None:
        received.accept(index, read_reading(row, bounds, self._naive_timestamps))


def _told(outcome: BatchOutcome, rules: BatchRules) -> Stored:
    received, written = outcome.received, outcome.written
    skipped = len(written.kept_back) if rules.on_conflict is OnConflict.SKIP else 0
    return Stored(
        read=received.read,
        inserted=written.inserted,
        replaced=written.replaced,
        unchanged=written.unchanged,
        skipped=skipped,
        rejected=received.rejected,
        errors=sorted(received.problems, key=attrgetter("index")),
    )
