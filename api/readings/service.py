from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import UNSET
from msgspec.structs import replace

from api.http.problem_details import InvalidRequestError, RejectedBatchError
from api.readings.batch_writer import BatchOptions, BatchWriter
from api.readings.errors import below_retention
from api.readings.group_commit import GroupCommit
from api.readings.idempotency import KeyedRequest
from api.readings.metrics import IngestMetrics
from api.readings.reading_decoder import decode_reading, decode_usual_reading
from api.readings.validated_rows import ValidatedRows
from core.errors import SensorFlowError
from core.readings import Reading, TimeBounds
from core.settings import ApiSettings, ReadingSettings
from core.time import utc_now


class ReadingService:
    """Stores readings, one a request."""

    def __init__(
        self,
        group_commit: GroupCommit,
        batch_writer: BatchWriter,
        metrics: IngestMetrics,
        api: ApiSettings,
        settings: ReadingSettings,
    ) -> None:
        self._group_commit = group_commit
        self._batch_writer = batch_writer
        self._metrics = metrics
        self._naive_timestamps = api.naive_timestamps
        self._limits = settings

    async def save(self, body: bytes, request: KeyedRequest | None = None) -> None:
        """Store the reading in the body; committed when this returns.

        Raises MalformedJsonError, InvalidRequestError, TooManyReadingsError, KeyInUseError or
        KeyReusedError, and then nothing is stored.
        """
        with self._counting_rejected():
            reading = decode_reading(body, self._bounds(), self._naive_timestamps)
            await (self._save_once(reading, request) if request else self._save(reading))

    def decode_usual(self, body: bytes) -> Reading | None:
        """The reading in the body; None if it is no usual and valid one, as `save` explains."""
        return decode_usual_reading(body, self._bounds(), self._naive_timestamps)

    async def save_decoded(self, reading: Reading) -> None:
        """Store what decode_usual returned; as `save` otherwise."""
        with self._counting_rejected():
            await self._save(reading)

    @contextmanager
    def _counting_rejected(self) -> Iterator[None]:
        try:
            yield
        except RejectedBatchError as error:  # already counted
            (problem,) = error.problems
            raise InvalidRequestError([replace(problem, index=UNSET)]) from error
        except SensorFlowError as error:
            self._metrics.count_rejected(error.code)
            raise

    def _bounds(self) -> TimeBounds:
        """Without the horizon: the statement that writes checks it, only there can it not move."""
        limits = self._limits
        return TimeBounds.at(utc_now(), limits.max_future, limits.earliest, horizon=None)

    async def _save(self, reading: Reading) -> None:
        horizon = await self._group_commit.save(reading)
        if horizon is not None:
            raise below_retention(horizon)

    async def _save_once(self, reading: Reading, request: KeyedRequest) -> None:
        with self._batch_writer.admitted():
            rows = ValidatedRows()
            rows.accept(0, reading)
            await self._batch_writer.write(rows, BatchOptions(), request)
