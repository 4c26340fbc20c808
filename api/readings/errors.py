from datetime import datetime

from api.http.problem_details import InvalidRequestError
from api.readings.validation import field_problem
from core.errors import SensorFlowError
from core.readings import RejectCode, rejection

RETRY_AFTER_SECONDS = 2
MAX_READING_BYTES = 64 * 1024
MAX_ROWS = 100_000


class TooManyReadingsError(SensorFlowError):
    """As many readings or batches wait to be written as the server allows."""

    code = "too_many_requests"

    def __init__(self) -> None:
        super().__init__(
            "Too many readings wait to be written. Send it again a little later.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )


class TooManyRowsError(SensorFlowError):
    """The body has more rows than one transaction shall hold."""

    code = "too_many_readings"

    def __init__(self) -> None:
        super().__init__(f"A batch has at most {MAX_ROWS} rows. Send several, or a CSV file.")


class RowTooLongError(SensorFlowError):
    """A row that is longer than any reading."""

    code = "too_long"

    def __init__(self) -> None:
        super().__init__(f"row must have at most {MAX_READING_BYTES} bytes")


def below_retention(horizon: datetime) -> InvalidRequestError:
    """The error for a reading below the retention horizon."""
    error = rejection(RejectCode.BELOW_RETENTION, horizon=horizon.isoformat())
    return InvalidRequestError([field_problem("timestamp", error)])


def conflict() -> InvalidRequestError:
    """The error for a reading whose key is stored with another value, which stays."""
    return InvalidRequestError([field_problem("value", rejection(RejectCode.CONFLICT))])
