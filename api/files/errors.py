from core.errors import SensorFlowError

RETRY_AFTER_SECONDS = 5


class NotAcceptableError(SensorFlowError):
    """The request accepts none of the formats of an export."""

    code = "not_acceptable"


class TooManyExportsError(SensorFlowError):
    """As many exports run as may hold a database connection."""

    code = "too_many_exports"

    def __init__(self) -> None:
        super().__init__(
            "Too many exports run at the moment. Ask again a little later.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )
