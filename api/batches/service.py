from collections.abc import Iterable, Sequence
from functools import partial

from api.readings.batch_writer import BatchRules, BatchWriter
from api.readings.idempotency import KeyedRequest
from api.readings.plain_rows import plain_readings
from api.readings.reading_json import read_reading
from api.readings.received import Received
from api.readings.rows import one_by_one, received_in
from api.readings.schemas import Account
from api.readings.validation import NaiveTimestamps
from core.readings import TimeBounds
from core.settings import ApiSettings, ReadingSettings
from core.time import utc_now


class BatchService:
    """Takes many readings in at once."""

    def __init__(self, writer: BatchWriter, api: ApiSettings, rules: ReadingSettings) -> None:
        self._writer = writer
        self._naive_timestamps: NaiveTimestamps = api.naive_timestamps
        self._max_future = rules.max_future

    async def save(
        self, rows: Iterable[Sequence[bytes]], rules: BatchRules, request: KeyedRequest | None
    ) -> Account:
        """Store the readings that the rows say; committed when this returns.

        Raises what `rows` and BatchWriter.write raise, and then nothing is stored.
        """
        bounds = TimeBounds.at(utc_now(), self._max_future, horizon=None)
        received = await received_in(rows, partial(self._take, bounds))
        return await self._writer.write(received, rules, request)

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
