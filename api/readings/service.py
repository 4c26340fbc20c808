from api.readings.errors import below_retention
from api.readings.group_commit import GroupCommit
from api.readings.metrics import IngestMetrics
from api.readings.reading_json import read_reading
from core.errors import SensorFlowError
from core.readings import TimeBounds, utc_now
from core.settings import ApiSettings, ReadingSettings


class ReadingService:
    """Takes readings in, one at a time."""

    def __init__(
        self,
        group_commit: GroupCommit,
        metrics: IngestMetrics,
        api: ApiSettings,
        rules: ReadingSettings,
    ) -> None:
        self._group_commit = group_commit
        self._metrics = metrics
        self._naive_timestamps = api.naive_timestamps
        self._max_future = rules.max_future

    async def save(self, body: bytes) -> None:
        """Store the reading that the body says; committed when this returns.

        Raises MalformedJsonError, InvalidRequestError or TooManyReadingsError, and then nothing is
        stored.
        """
        try:
            await self._save(body)
        except SensorFlowError as error:
            self._metrics.count_rejected(error.code)
            raise

    async def _save(self, body: bytes) -> None:
        # The horizon is judged by the statement that writes: only there can it not move.
        bounds = TimeBounds.at(utc_now(), self._max_future, horizon=None)
        reading = read_reading(body, bounds, self._naive_timestamps)
        horizon = await self._group_commit.save(reading)
        if horizon is not None:
            raise below_retention(horizon)
