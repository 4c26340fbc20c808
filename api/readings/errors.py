from core.errors import SensorFlowError

RETRY_AFTER_SECONDS = 2


class TooManyReadingsError(SensorFlowError):
    """More readings wait to be written than the server keeps."""

    code = "too_many_requests"

    def __init__(self) -> None:
        super().__init__(
            "Too many readings wait to be written. Send it again a little later.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )
