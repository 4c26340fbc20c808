"""One reading as JSON: a fast path for the usual notation, the full path for everything else."""

import re
from functools import lru_cache
from typing import Annotated

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder

from api.http.json_object import parse_json_object
from api.readings.validation import (
    NaiveTimestamps,
    parse_timestamp,
    validate_equipment_id,
    validate_reading,
    validate_value,
)
from core.errors import ReadingRejectedError
from core.readings import MAX_EQUIPMENT_ID_CHARACTERS, Reading, TimeBounds

# The quotes around three names and two texts. More of them mean a repeated name or an escape.
QUOTES_PER_READING = 10
# msgspec reads a number that underflows as zero; these are the numbers that are written as zero.
ZERO_VALUE = re.compile(rb'"value"\s*:\s*-?0(?:\.0*)?[\s,}]')

CACHED_IDS = 10_000


class ReadingObject(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """The members of the object."""

    equipment_id: Annotated[str, Meta(min_length=1, max_length=MAX_EQUIPMENT_ID_CHARACTERS)]
    timestamp: str
    value: float


def decode_reading(text: bytes, bounds: TimeBounds, naive_timestamps: NaiveTimestamps) -> Reading:
    """The reading that one JSON object stands for.

    Raises MalformedJsonError, or InvalidRequestError that names every unknown, missing, repeated or
    wrong member.
    """
    usual = decode_usual_reading(text, bounds, naive_timestamps)
    return usual or validate_reading(parse_json_object(text), bounds, naive_timestamps)


def decode_usual_reading(
    text: bytes, bounds: TimeBounds, naive_timestamps: NaiveTimestamps
) -> Reading | None:
    """The same for a valid reading in the usual notation; None for anything else."""
    try:
        decoded = decode_object(text)
        if not _is_unambiguous(decoded, text):
            return None
        return Reading(
            validate_cached_id(decoded.equipment_id),
            parse_timestamp(decoded.timestamp, bounds, naive_timestamps),
            validate_value(decoded.value),
        )
    except (DecodeError, UnicodeDecodeError, ReadingRejectedError):
        return None  # the full path names everything that is wrong


def _is_unambiguous(decoded: ReadingObject, text: bytes) -> bool:
    """Whether no name is repeated and no number has underflowed, which msgspec does not report."""
    if text.count(b'"') != QUOTES_PER_READING:
        return False
    return decoded.value != 0 or ZERO_VALUE.search(text) is not None


decode_object = Decoder(ReadingObject).decode
validate_cached_id = lru_cache(CACHED_IDS)(validate_equipment_id)
