from collections.abc import Iterable, Sequence
from functools import partial

from api.readings.batch_writer import BatchOptions, BatchWriter
from api.readings.body_rows import validate_rows
from api.readings.fast_decoding import decode_readings
from api.readings.idempotency import KeyedRequest
from api.readings.reading_decoder import decode_reading
from api.readings.schemas import Account
from api.readings.validated_rows import ValidatedRows
from api.readings.validation import NaiveTimestamps
from core.readings import TimeBounds
from core.settings import ApiSettings, ReadingSettings
from core.time import utc_now


class BatchService:
    """Stores many readings a request."""

    def __init__(self, writer: BatchWriter, api: ApiSettings, settings: ReadingSettings) -> None:
        self._writer = writer
        self._naive_timestamps: NaiveTimestamps = api.naive_timestamps
        self._limits = settings

    async def save(
        self, rows: Iterable[Sequence[bytes]], options: BatchOptions, request: KeyedRequest | None
    ) -> Account:
        """Store the readings in the rows; committed when this returns.

        Raises what `rows` and BatchWriter.write raise, and then nothing is stored.
        """
        bounds = TimeBounds.at(
            utc_now(), self._limits.max_future, self._limits.earliest, horizon=None
        )
        validated = await validate_rows(
            rows, partial(self._validate_all, bounds), partial(self._validate_row, bounds)
        )
        return await self._writer.write(validated, options, request)

    def _validate_all(
        self, bounds: TimeBounds, validated: ValidatedRows, first: int, rows: Sequence[bytes]
    ) -> bool:
        readings = decode_readings(rows, bounds)
        if readings is None:
            return False
        validated.accept_all(range(first, first + len(readings)), readings)
        return True

    def _validate_row(
        self, bounds: TimeBounds, validated: ValidatedRows, index: int, row: bytes
    ) -> None:
        equipment_id, ts, value = decode_reading(row, bounds, self._naive_timestamps)
        validated.accept(index, (equipment_id, ts, value))
