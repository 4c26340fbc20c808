"""Which statements read the rows of a query: a table of queries and their routes."""

from datetime import UTC, datetime

import pytest

from api.aggregates.cursor import BucketPosition, Cursor
from api.aggregates.parsing import parse_query
from api.aggregates.query import AggregateQuery
from api.aggregates.resolutions import Resolution
from api.aggregates.route import (
    Route,
    choose_page_route,
    choose_route,
    choose_snapshot_route,
)
from api.http.pagination import encode_cursor
from core.time import DAY, HOUR

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)

IN_DAY = "from=2026-03-09T00:00:00Z to=2026-03-10T00:00:00Z"
IN_WEEK = "from=2026-03-03T00:00:00Z to=2026-03-10T00:00:00Z"
HOURS = f"{IN_DAY} resolution=1h"
A = "equipmentId=a"
TWO_IDS = "equipmentId=a equipmentId=b"
PREFIX = "equipmentId=a*"
PREFIX_AND_ID = "equipmentId=a* equipmentId=b"
POSITION = BucketPosition(round((MIDNIGHT - 12 * HOUR).timestamp()), "a")
SECOND_PAGE = f"cursor={encode_cursor(Cursor(MIDNIGHT - DAY, MIDNIGHT, Resolution.HOUR, POSITION))}"

TABLE = [
    # A few hours of a few ids, on one page.
    (f"interval=24h {A}", Route.ONE_STATEMENT),
    (f"interval=48h {TWO_IDS}", Route.ONE_STATEMENT),
    (f"interval=24h {A} statistics=range", Route.ONE_STATEMENT),
    (f"interval=24h {A} tz=Asia/Tokyo", Route.ONE_STATEMENT),
    (f"{HOURS} {A} limit=24", Route.ONE_STATEMENT),
    (f"{IN_WEEK} {A}", Route.ONE_STATEMENT),  # auto is 1h
    # All hours of much equipment.
    ("interval=24h", Route.STREAMED_HOURS),
    (f"interval=1m {PREFIX}", Route.STREAMED_HOURS),
    (f"interval=24h {PREFIX} statistics=average", Route.STREAMED_HOURS),
    ("interval=24h tz=Asia/Tokyo", Route.STREAMED_HOURS),
    # A page of them, or rows that are filled or compared.
    ("interval=24h limit=5000", Route.HOURS_IN_ORDER),
    ("interval=24h fill=null", Route.HOURS_IN_ORDER),
    (f"interval=24h {PREFIX} compare=1w", Route.HOURS_IN_ORDER),
    (IN_WEEK, Route.HOURS_IN_ORDER),
    (f"{HOURS} {PREFIX}", Route.HOURS_IN_ORDER),
    (f"{HOURS} {SECOND_PAGE}", Route.HOURS_IN_ORDER),
    # The same of ids.
    (f"interval=1m {TWO_IDS}", Route.HOURS_OF_IDS),
    (f"{HOURS} {A} limit=23", Route.HOURS_OF_IDS),
    (f"{HOURS} {A} fill=linear", Route.HOURS_OF_IDS),
    (f"{HOURS} {A} compare=previous", Route.HOURS_OF_IDS),
    (f"{HOURS} {A} {SECOND_PAGE}", Route.HOURS_OF_IDS),
    # Days, and hours of prefixes and ids at once.
    (f"interval=24h {PREFIX_AND_ID}", Route.ROLLUP_ROWS),
    (f"{HOURS} {PREFIX_AND_ID} fill=null", Route.ROLLUP_ROWS),
    ("interval=1m resolution=1d", Route.ROLLUP_ROWS),
    (f"interval=1m resolution=1d {A}", Route.ROLLUP_ROWS),
    # Either of all equipment together.
    ("interval=24h groupBy=all", Route.HOURS_TOGETHER),
    (f"interval=24h groupBy=all {A}", Route.HOURS_TOGETHER),
    ("interval=1m groupBy=all resolution=1d fill=null", Route.DAYS_TOGETHER),
    # Buckets that are no rows of a rollup.
    (IN_DAY, Route.BUCKETED_ROWS),  # auto is 5m
    (f"interval=24h resolution=5m {A}", Route.BUCKETED_ROWS),
    ("interval=24h resolution=15m groupBy=all", Route.BUCKETED_ROWS),
    (f"interval=1m resolution=1d tz=Asia/Tokyo {A}", Route.BUCKETED_ROWS),
    ("interval=24h tz=Asia/Kathmandu", Route.BUCKETED_ROWS),
]
IN_SNAPSHOT = {Route.ONE_STATEMENT: Route.HOURS_OF_IDS}
OF_PAGE = {**IN_SNAPSHOT, Route.STREAMED_HOURS: Route.HOURS_IN_ORDER}


def parse(parameters: str) -> AggregateQuery:
    """The query of the parameters, which are separated by spaces."""
    pairs = (parameter.partition("=") for parameter in parameters.split())
    return parse_query([(name, value) for name, _, value in pairs], NOON)


def test_every_route_is_in_the_table() -> None:
    assert {route for _, route in TABLE} == set(Route)


@pytest.mark.parametrize(("parameters", "route"), TABLE)
def test_a_query_has_its_route(parameters: str, route: Route) -> None:
    query = parse(parameters)
    assert choose_route(query) is route
    assert choose_snapshot_route(query) is IN_SNAPSHOT.get(route, route)
    assert choose_page_route(query) is OF_PAGE.get(route, route)
