"""From the parameters of a request to the readings it asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from api.equipment.choice import EVERY_EQUIPMENT, EquipmentChoice, chosen_equipment
from api.exports.formats import Format, accepted_format
from api.http.pagination import StorableText, cursor_of
from api.http.query_parameters import Parameters, choice, refusal, whole_number
from api.http.time_ranges import AFTER_ALL, open_range
from core.readings import EARLIEST
from core.time import TimeRange

PARAMETERS = ("from", "to", "equipmentId", "format", "limit", "cursor")
OF_PAGES = ("limit", "cursor")
MAX_LIMIT = 10_000
DEFAULT_LIMIT = 1_000
ALWAYS = TimeRange(EARLIEST, AFTER_ALL)


class Position(Struct, frozen=True, array_like=True):
    """The key of a reading in the order of an answer."""

    timestamp: datetime
    equipment_id: StorableText


BEGINNING = Position(EARLIEST, "")


@dataclass(frozen=True, slots=True)
class Asked:
    """The readings of equipment in a range that come after a position."""

    span: TimeRange
    chosen: EquipmentChoice
    format: Format
    limit: int
    after: Position


def parse_asked(pairs: Sequence[tuple[str, str]], accept: str) -> Asked:
    """What query string and header ask. Raises InvalidRequestError or NotAcceptableError."""
    given = Parameters(pairs, PARAMETERS, repeatable={"equipmentId"})
    named = given.read("format", choice(Format), Format.JSON)
    form = named if given.all("format") else accepted_format(accept)
    asked = Asked(
        span=given.noted(lambda: open_range(given), ALWAYS),
        chosen=given.noted(lambda: chosen_equipment(given), EVERY_EQUIPMENT),
        format=form,
        limit=given.read("limit", whole_number(1, MAX_LIMIT), DEFAULT_LIMIT),
        after=given.read("cursor", cursor_of(Position), BEGINNING),
    )
    if form is not Format.JSON:
        given.noted(lambda: _refuse_pages(given), None)
    given.check()
    return asked


def _refuse_pages(given: Parameters) -> None:
    for name in OF_PAGES:
        if given.all(name):
            raise refusal(name, "is of pages, and only json comes in pages")
