from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from api.http.parsers import printable
from api.http.problem_details import InvalidRequestError
from api.line_protocol.grammar import number_in, parse_point, whole_points
from api.line_protocol.series import EquipmentIds
from api.readings.batch_writer import BatchRules, BatchWriter, Mode
from api.readings.received import Received
from api.readings.rows import lines, one_by_one, received_in
from api.readings.schemas import Account
from api.readings.validation import bounded, equipment_id_of, number_of, problem_of
from core.errors import ReadingRefusedError
from core.readings import Reading, RejectCode, TimeBounds
from core.settings import LineProtocolSettings, ReadingSettings
from core.time import EPOCH, utc_now

PARTIAL = BatchRules(Mode.PARTIAL)


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
    """Takes the points of InfluxDB's clients in: every numeric field is a reading."""

    def __init__(
        self, writer: BatchWriter, settings: LineProtocolSettings, rules: ReadingSettings
    ) -> None:
        self._writer = writer
        self._equipment_ids = EquipmentIds(settings.equipment_id)
        self._max_future = rules.max_future

    async def save(self, body: bytes, precision: Precision) -> Account:
        """Store what is good; committed when this returns. Raises TooManyRowsError."""
        now = utc_now()
        bounds = TimeBounds.at(now, self._max_future, horizon=None)
        judge = Judge(self._equipment_ids, precision, now, bounds)
        take = partial(one_by_one, take=judge.take)
        received = await received_in(whole_points(lines(body)), take)
        return await self._writer.write(received, PARTIAL)


class Judge:
    """The rules of core/readings.py for the points of one request."""

    def __init__(
        self, equipment_ids: EquipmentIds, precision: Precision, now: datetime, bounds: TimeBounds
    ) -> None:
        self._equipment_ids = equipment_ids
        self._multiplier, self._divisor = MICROSECONDS[precision]
        self._now = now
        self._bounds = bounds

    def take(self, received: Received, index: int, line: bytes) -> None:
        """Take in what the line says; a bad field keeps none of the others out."""
        with named("line"):
            point = parse_point(_decoded(line))
        if point is None:
            return
        with named("timestamp"):
            moment = self._moment(point.time)
        for name, value in point.fields:
            try:
                if (number := number_in(value)) is not None:
                    equipment_id = equipment_id_of(self._equipment_ids.of(point.head, name))
                    received.accept(index, Reading(equipment_id, moment, number_of(number)))
            except ReadingRefusedError as refusal:
                received.reject(index, InvalidRequestError([problem_of(printable(name), refusal)]))

    def _moment(self, time: int | None) -> datetime:
        if time is None:
            return self._now
        try:
            moment = EPOCH + timedelta(microseconds=time * self._multiplier // self._divisor)
        except OverflowError as error:
            message = "must be a date and time that exist"
            raise ReadingRefusedError(RejectCode.BAD_TIMESTAMP, message) from error
        return bounded(moment, self._bounds)


@contextmanager
def named(part: str) -> Iterator[None]:
    """Have a refusal name the part of the line that it is about."""
    try:
        yield
    except ReadingRefusedError as refusal:
        raise InvalidRequestError([problem_of(part, refusal)]) from refusal


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ReadingRefusedError(RejectCode.BAD_TEXT, "must be UTF-8") from error
