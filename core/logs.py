import logging

import msgspec
import structlog


def configure_logging() -> None:
    """One JSON object a line on standard output, with the request's id where there is one."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_encoded),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(),
        cache_logger_on_first_use=True,
    )


def silence_logs() -> None:
    """Log nothing: for commands that print their own output."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _encoded(event: object, **_options: object) -> bytes:
    return msgspec.json.encode(event, enc_hook=repr)
