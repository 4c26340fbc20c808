from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum

from msgspec.structs import replace

from api.http.parsers import printable
from api.http.problem_details import InvalidRequestError
from api.line_protocol.fast_parsing import parse_readings, split_by_pairs
from api.line_protocol.grammar import (
    join_continued_lines,
    parse_number,
    parse_numeric_string,
    parse_point,
)
from api.line_protocol.series import EquipmentIds
from api.readings.batch_writer import BatchOptions, BatchWriter, Mode
from api.readings.body_rows import split_lines, validate_rows
from api.readings.metrics import IngestMetrics
from api.readings.reading_decoder import validate_cached_id
from api.readings.schemas import Account
from api.readings.validated_rows import ValidatedRows
from api.readings.validation import (
    field_problem,
    require_within_bounds,
    validate_value,
)
from core.errors import ReadingRejectedError
from core.readings import RejectCode, TimeBounds
from core.settings import LineProtocolSettings, ReadingSettings
from core.time import EpochUnit, from_epoch, plausible_unit, utc_now


class Precision(StrEnum):
    """The unit of timestamps, by all the names it has in InfluxDB 1, 2 and 3."""

    NANOSECONDS = "ns"
    NANOSECONDS_1 = "n"
    NANOSECONDS_3 = "nanosecond"
    MICROSECONDS = "us"
    MICROSECONDS_1 = "u"
    MICROSECONDS_3 = "microsecond"
    MILLISECONDS = "ms"
    MILLISECONDS_3 = "millisecond"
    SECONDS = "s"
    SECONDS_3 = "second"
    MINUTES = "m"
    HOURS = "h"


UNITS = {
    Precision.NANOSECONDS: EpochUnit.NANOSECONDS,
    Precision.NANOSECONDS_1: EpochUnit.NANOSECONDS,
    Precision.NANOSECONDS_3: EpochUnit.NANOSECONDS,
    Precision.MICROSECONDS: EpochUnit.MICROSECONDS,
    Precision.MICROSECONDS_1: EpochUnit.MICROSECONDS,
    Precision.MICROSECONDS_3: EpochUnit.MICROSECONDS,
    Precision.MILLISECONDS: EpochUnit.MILLISECONDS,
    Precision.MILLISECONDS_3: EpochUnit.MILLISECONDS,
    Precision.SECONDS: EpochUnit.SECONDS,
    Precision.SECONDS_3: EpochUnit.SECONDS,
    Precision.MINUTES: EpochUnit.MINUTES,
    Precision.HOURS: EpochUnit.HOURS,
}


class LineProtocolService:
    """Stores the points of InfluxDB's clients: every numeric field is a reading."""

    def __init__(
        self,
        writer: BatchWriter,
        metrics: IngestMetrics,
        settings: LineProtocolSettings,
        readings: ReadingSettings,
    ) -> None:
        self._writer = writer
        self._metrics = metrics
        self._equipment_ids = EquipmentIds(settings.equipment_id)
        self._numeric_strings = settings.numeric_strings
        self._limits = readings

    async def save(self, body: bytes, precision: Precision, mode: Mode = Mode.PARTIAL) -> Account:
        """Store the valid fields; committed when this returns. Strings count as skipped.

        Raises TooManyRowsError, or RejectedBatchError in atomic mode when any field is bad.
        """
        now = utc_now()
        limits = self._limits
        bounds = TimeBounds.at(now, limits.max_future, limits.earliest, horizon=None)
        validator = PointValidator(
            self._equipment_ids, precision, now, bounds, numeric_strings=self._numeric_strings
        )
        lines = split_by_pairs(join_continued_lines(split_lines(body)))
        validated = await validate_rows(lines, validator.validate_all, validator.validate)
        account = await self._writer.write(validated, BatchOptions(mode))
        skipped = validator.skipped_fields
        self._metrics.skipped_fields.inc(skipped)
        return replace(account, read=account.read + skipped, skipped=skipped)


class PointValidator:
    """The rules of core/readings.py for the points of one request; counts strings as skipped."""

    def __init__(
        self,
        equipment_ids: EquipmentIds,
        precision: Precision,
        now: datetime,
        bounds: TimeBounds,
        *,
        numeric_strings: bool,
    ) -> None:
        self.skipped_fields = 0
        self._numeric_strings = numeric_strings
        self._equipment_ids = equipment_ids
        self._unit = UNITS[precision]
        self._now = now
        self._bounds = bounds

    def validate_all(self, validated: ValidatedRows, first: int, lines: Sequence[bytes]) -> bool:
        """Add the readings of lines that are all usual and valid; False if some are not."""
        parsed = parse_readings(lines, self._equipment_id, self._unit, self._bounds)
        if parsed is None:
            return False
        positions, readings = parsed
        validated.accept_all((first + position for position in positions), readings)
        return True

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
                number = self._number(value)
                if number is None:
                    self.skipped_fields += 1
                    continue
                equipment_id = self._equipment_id(point.head, name)
                validated.accept(index, (equipment_id, ts, validate_value(number)))
            except ReadingRejectedError as error:
                validated.reject(
                    index, InvalidRequestError([field_problem(printable(name), error)])
                )

    def _equipment_id(self, head: str, name: str) -> str:
        return validate_cached_id(self._equipment_ids.get(head, name))

    def _number(self, value: str) -> float | None:
        number = parse_number(value)
        if number is None and self._numeric_strings:
            return parse_numeric_string(value)
        return number

    def _timestamp(self, time: int | None) -> datetime:
        if time is None:
            return self._now
        try:
            return require_within_bounds(from_epoch(time, self._unit), self._bounds)
        except ReadingRejectedError as error:
            raise ReadingRejectedError(error.code, error.message + self._hint(time)) from error

    def _hint(self, time: int) -> str:
        """The precision that the sender has probably left out, to be read after a message."""
        unit = plausible_unit(time, self._now)
        if unit is None or unit is self._unit:
            return ""
        precision = next(name for name in Precision if UNITS[name] is unit)
        return f": looks like {unit}; send precision={precision}"


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
