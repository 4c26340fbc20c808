from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from api.http.parsers import printable
from api.http.problem_details import InvalidRequestError
from api.line_protocol.grammar import join_continued_lines, parse_number, parse_point
from api.line_protocol.series import EquipmentIds
from api.readings.batch_writer import BatchOptions, BatchWriter, Mode
from api.readings.body_rows import split_lines, validate_each, validate_rows
from api.readings.schemas import Account
from api.readings.validated_rows import ValidatedRows
from api.readings.validation import (
    field_problem,
    nonexistent_timestamp,
    require_within_bounds,
    validate_equipment_id,
    validate_value,
)
from core.errors import ReadingRejectedError
from core.readings import Reading, RejectCode, TimeBounds
from core.settings import LineProtocolSettings, ReadingSettings
from core.time import EPOCH, utc_now

PARTIAL = BatchOptions(Mode.PARTIAL)


class Precision(StrEnum):
    """The unit of timestamps, by all the names it has in InfluxDB 1 and 2."""

    NANOSECONDS = "ns"
    NANOSECONDS_1 = "n"
    MICROSECONDS = "us"
    MICROSECONDS_1 = "u"
    MILLISECONDS = "ms"
    SECONDS = "s"
    MINUTES = "m"
    HOURS = "h"


# How many microseconds a unit is, as a fraction.
MICROSECONDS = {
    Precision.NANOSECONDS: (1, 1000),
    Precision.NANOSECONDS_1: (1, 1000),
    Precision.MICROSECONDS: (1, 1),
    Precision.MICROSECONDS_1: (1, 1),
    Precision.MILLISECONDS: (1000, 1),
    Precision.SECONDS: (1_000_000, 1),
    Precision.MINUTES: (60_000_000, 1),
    Precision.HOURS: (3_600_000_000, 1),
}


class LineProtocolService:
    """Stores the points of InfluxDB's clients: every numeric field is a reading."""

    def __init__(
        self, writer: BatchWriter, settings: LineProtocolSettings, readings: ReadingSettings
    ) -> None:
        self._writer = writer
        self._equipment_ids = EquipmentIds(settings.equipment_id)
        self._max_future = readings.max_future

    async def save(self, body: bytes, precision: Precision) -> Account:
        """Store the valid fields; committed when this returns. Raises TooManyRowsError."""
        now = utc_now()
        bounds = TimeBounds.at(now, self._max_future, horizon=None)
        validator = PointValidator(self._equipment_ids, precision, now, bounds)
        lines = join_continued_lines(split_lines(body))
        validated = await validate_rows(lines, partial(validate_each, validate=validator.validate))
        return await self._writer.write(validated, PARTIAL)


class PointValidator:
    """The rules of core/readings.py for the points of one request."""

    def __init__(
        self, equipment_ids: EquipmentIds, precision: Precision, now: datetime, bounds: TimeBounds
    ) -> None:
        self._equipment_ids = equipment_ids
        self._multiplier, self._divisor = MICROSECONDS[precision]
        self._now = now
        self._bounds = bounds

    def validate(self, validated: ValidatedRows, index: int, line: bytes) -> None:
        """Add the readings of a line; a bad field rejects none of the others."""
        with naming_part("line"):
            point = parse_point(_decode(line))
        if point is None:
            return
        with naming_part("timestamp"):
            ts = self._timestamp(point.time)
        for name, value in point.fields:
            try:
                if (number := parse_number(value)) is not None:
                    equipment_id = validate_equipment_id(self._equipment_ids.get(point.head, name))
                    validated.accept(index, Reading(equipment_id, ts, validate_value(number)))
            except ReadingRejectedError as error:
                validated.reject(
                    index, InvalidRequestError([field_problem(printable(name), error)])
                )

    def _timestamp(self, time: int | None) -> datetime:
        if time is None:
            return self._now
        try:
            ts = EPOCH + timedelta(microseconds=time * self._multiplier // self._divisor)
        except OverflowError as error:
            raise nonexistent_timestamp() from error
        return require_within_bounds(ts, self._bounds)


@contextmanager
def naming_part(part: str) -> Iterator[None]:
    """Turn ReadingRejectedError into InvalidRequestError that names the part of the line."""
    try:
        yield
    except ReadingRejectedError as error:
        raise InvalidRequestError([field_problem(part, error)]) from error


def _decode(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ReadingRejectedError(RejectCode.BAD_TEXT, "must be UTF-8") from error
