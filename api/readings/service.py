from msgspec import UNSET
from msgspec.structs import replace

from api.http.problem_details import InvalidRequestError, RejectedBatchError
from api.readings.batch_writer import BatchOptions, BatchWriter
from api.readings.errors import below_retention
from api.readings.group_commit import GroupCommit
from api.readings.idempotency import KeyedRequest
from api.readings.metrics import IngestMetrics
from api.readings.reading_decoder import decode_reading
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
        try:
            # The statement that writes checks the horizon: only there can it not move.
            bounds = TimeBounds.at(
                utc_now(), self._limits.max_future, self._limits.earliest, horizon=None
            )
            reading = decode_reading(body, bounds, self._naive_timestamps)
            await (self._save_once(reading, request) if request else self._save(reading))
        except RejectedBatchError as error:  # already counted
            (problem,) = error.problems
            raise InvalidRequestError([replace(problem, index=UNSET)]) from error
        except SensorFlowError as error:
            self._metrics.count_rejected(error.code)
            raise

    async def _save(self, reading: Reading) -> None:
        horizon = await self._group_commit.save(reading)
        if horizon is not None:
            raise below_retention(horizon)

    async def _save_once(self, reading: Reading, request: KeyedRequest) -> None:
        with self._batch_writer.admitted():
            await self._batch_writer.write(ValidatedRows([reading], [0]), BatchOptions(), request)
