from api.problems import FieldProblem, InvalidRequestError
from api.readings.judging import judge_reading
from api.readings.parsing import json_object
from api.readings.repository import ReadingRepository
from core.readings import RejectCode, TimeBounds, utc_now
from core.settings import ApiSettings, ReadingSettings


class ReadingService:
    """Takes readings in, one at a time."""

    def __init__(
        self, repository: ReadingRepository, api: ApiSettings, rules: ReadingSettings
    ) -> None:
        self._repository = repository
        self._naive_timestamps = api.naive_timestamps
        self._max_future = rules.max_future

    async def save(self, body: bytes) -> None:
        """Store the reading that the body says; committed when this returns.

        Raises MalformedJsonError or InvalidRequestError, and then nothing is stored.
        """
        # The horizon is judged by the statement that writes: only there can it not move.
        bounds = TimeBounds.at(utc_now(), self._max_future, horizon=None)
        reading = judge_reading(json_object(body), bounds, self._naive_timestamps)
        horizon = await self._repository.save(reading)
        if horizon is not None:
            message = f"timestamp must not be earlier than {horizon.isoformat()}"
            problem = FieldProblem("timestamp", RejectCode.BELOW_RETENTION, message)
            raise InvalidRequestError([problem])
