"""One reading as JSON: what is written plainly is read in one step, the rest with every care."""

import re
from functools import lru_cache
from typing import Annotated

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder

from api.http.json_object import parse_json_object
from api.readings.validation import (
    NaiveTimestamps,
    equipment_id_of,
    judge_reading,
    moment_of,
    number_of,
)
from core.errors import ReadingRefusedError
from core.readings import MAX_EQUIPMENT_ID_CHARACTERS, Reading, TimeBounds

# Three names and two texts. One more means a repeated name or an escape.
PLAIN_QUOTES = 10
# A number that underflows is read as zero; these are zeros as they are written.
PLAIN_ZERO = re.compile(rb'"value"\s*:\s*-?0(?:\.0*)?[\s,}]')

KNOWN_IDS = 10_000


class PlainReading(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """The members of the object."""

    equipment_id: Annotated[str, Meta(min_length=1, max_length=MAX_EQUIPMENT_ID_CHARACTERS)]
    timestamp: str
    value: float


def read_reading(text: bytes, bounds: TimeBounds, naive_timestamps: NaiveTimestamps) -> Reading:
    """The reading that one JSON object says.

    Raises MalformedJsonError, or InvalidRequestError that names every unknown, missing, repeated or
    wrong member.
    """
    try:
        plain = decode_plain(text)
        if _is_plain(plain, text):
            return Reading(
                known_equipment_id(plain.equipment_id),
                moment_of(plain.timestamp, bounds, naive_timestamps),
                number_of(plain.value),
            )
    except (DecodeError, UnicodeDecodeError, ReadingRefusedError):
        pass  # the thorough way says why, and all that is wrong
    return judge_reading(parse_json_object(text), bounds, naive_timestamps)


def _is_plain(reading: PlainReading, text: bytes) -> bool:
    if text.count(b'"') != PLAIN_QUOTES:
        return False
    return reading.value != 0 or PLAIN_ZERO.search(text) is not None


decode_plain = Decoder(PlainReading).decode
known_equipment_id = lru_cache(KNOWN_IDS)(equipment_id_of)
