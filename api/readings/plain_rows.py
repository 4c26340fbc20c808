"""Many readings as JSON at once, where all of them are written plainly and good."""

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import DecodeError

from api.readings.reading_json import (
    PLAIN_QUOTES,
    PLAIN_ZERO,
    PlainReading,
    decode_plain,
    known_equipment_id,
)
from core.errors import ReadingRefusedError
from core.readings import EARLIEST, LATEST, MAX_MAGNITUDE, MIN_MAGNITUDE, Reading, TimeBounds

# Timestamps as most senders write them, every digit a 0: what fromisoformat reads as the rules say.
SHAPES = frozenset(
    f"0000-00-00{separator}00:00:00{fraction}{offset}"
    for separator in "T "
    for fraction in ("", *("." + "0" * digits for digits in range(1, 10)))
    for offset in ("Z", "+00:00", "-00:00")
)
DIGITS = str.maketrans("123456789", "0" * 9)
HOUR_24 = (
    "T24",
    " 24",
)  # the next day to fromisoformat from Python 3.14 on, a mistake to the rules


def plain_readings(rows: Sequence[bytes], bounds: TimeBounds) -> list[Reading] | None:
    """The readings of the rows; None where any of them needs to be looked at by itself.

    Several times as fast as one by one: almost all is done by loops in C.
    """
    try:
        decoded = [decode_plain(row) for row in rows]
        moments = _moments([row.timestamp for row in decoded], bounds)
        for equipment_id in {row.equipment_id for row in decoded}:
            known_equipment_id(equipment_id)
    except (DecodeError, ReadingRefusedError, ValueError, OverflowError):
        return None
    if moments is None or not _are_plain(decoded, b"\n".join(rows)):
        return None
    return [
        Reading(row.equipment_id, moment, row.value)
        for row, moment in zip(decoded, moments, strict=True)
    ]


def _moments(texts: Sequence[str], bounds: TimeBounds) -> list[datetime] | None:
    joined = "\n".join(texts)
    if not SHAPES.issuperset(joined.translate(DIGITS).split("\n")):
        return None
    if any(mark in joined for mark in HOUR_24):
        return None
    moments = [datetime.fromisoformat(text).astimezone(UTC) for text in texts]
    if min(moments) < EARLIEST or max(moments) > min(bounds.latest, LATEST):
        return None
    return moments


def _are_plain(rows: Sequence[PlainReading], text: bytes) -> bool:
    """Whether no row repeats a name, escapes anything or has a value out of range."""
    values = [row.value for row in rows]
    if text.count(b'"') != PLAIN_QUOTES * len(rows):
        return False
    if min(values) < -MAX_MAGNITUDE or max(values) > MAX_MAGNITUDE:
        return False
    small = sum(-MIN_MAGNITUDE < value < MIN_MAGNITUDE for value in values)
    return not small or len(PLAIN_ZERO.findall(text)) == small
