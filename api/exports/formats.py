"""The formats of an export, and content negotiation among them."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from litestar.datastructures.headers import Accept

from api.exports.errors import NotAcceptableError


class Format(StrEnum):
    """JSON is a page; the others are the whole range."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


MEDIA_TYPES: Mapping[Format, str] = MappingProxyType(
    {
        Format.JSON: "application/json",
        Format.NDJSON: "application/x-ndjson",
        Format.CSV: "text/csv",
        Format.PARQUET: "application/vnd.apache.parquet",
        Format.ARROW: "application/vnd.apache.arrow.stream",
    }
)
BY_MEDIA_TYPE = {media_type: name for name, media_type in MEDIA_TYPES.items()}


def accepted_format(accept: str) -> Format:
    """The format that the header Accept prefers. Raises NotAcceptableError if it accepts none."""
    media_type = Accept(accept or "*/*").best_match(list(BY_MEDIA_TYPE))
    if media_type is None:
        raise NotAcceptableError(f"Accept one of {', '.join(BY_MEDIA_TYPE)}, or say format.")
    return BY_MEDIA_TYPE[media_type]
