"""Whatever a notification says, it is read or it is unreadable.

SENSORFLOW_FUZZ_NOTIFICATIONS sets how many are tried, 100 by default.
"""

import json
import os
from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.live.notifications import (
    Notification,
    UnreadableNotificationError,
    events_of,
    parse_notification,
)
from core.database import Pool

EXAMPLES = int(os.environ.get("SENSORFLOW_FUZZ_NOTIFICATIONS", "100"))
FUZZ = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

HUGE = st.sampled_from([10**400, -(10**25), 1e308, 2**63, float("inf"), float("nan")])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | HUGE | st.text()
DAYS = st.dates().map(date.isoformat)
MOMENTS = st.datetimes(timezones=st.none() | st.timezones()).map(datetime.isoformat)
ANYTHING = st.recursive(
    SCALARS | DAYS | MOMENTS,
    lambda some: st.lists(some, max_size=4) | st.dictionaries(st.text(), some, max_size=4),
    max_leaves=8,
)
LOOKALIKES = st.fixed_dictionaries(
    {},
    optional={
        "at": MOMENTS | ANYTHING,
        "equipmentIds": st.lists(st.text() | ANYTHING, max_size=4) | ANYTHING,
        "days": st.lists(DAYS | ANYTHING, max_size=4) | ANYTHING,
    },
)
WELL_FORMED = st.integers(0, 4).flatmap(
    lambda size: st.fixed_dictionaries(
        {
            "at": MOMENTS,
            "equipmentIds": st.lists(st.text(), min_size=size, max_size=size),
            "days": st.lists(DAYS, min_size=size, max_size=size),
        }
    )
)
PAYLOADS = st.text() | (ANYTHING | LOOKALIKES | WELL_FORMED).map(json.dumps)


def parsed(payload: str) -> Notification | None:
    try:
        return parse_notification(payload)
    except UnreadableNotificationError:
        return None


@FUZZ
@given(payload=PAYLOADS)
async def test_any_payload_becomes_events_or_is_unreadable(pool: Pool, payload: str) -> None:
    notification = parsed(payload)
    if notification is not None:
        async with pool.acquire() as connection:
            assert isinstance(await events_of(connection, notification), list)


@pytest.mark.parametrize(
    "payload",
    [
        *("", "not json", "{}", "[]", "null", '{"at": 5}', "[" * 5000),
        '{"at": "2026-03-10T12:00:00"}',
        '{"at": "0001-01-01T00:00:00+14:00"}',
        '{"at": "2026-03-10T12:00:00Z", "equipmentIds": ["a"]}',
        '{"at": "2026-03-10T12:00:00Z", "equipmentIds": ["a"], "days": ["2026-02-30"]}',
        '{"at": "2026-03-10T12:00:00Z", "equipmentIds": ["\\u0000"], "days": ["2026-03-10"]}',
        '{"at": "2026-03-10T12:00:00Z", "equipmentIds": ["\\ud800"], "days": ["2026-03-10"]}',
        '{"at": "2026-03-10T12:00:00Z", "equipmentIds": [1e400], "days": ["2026-03-10"]}',
    ],
)
def test_what_the_database_cannot_have_sent_is_unreadable(payload: str) -> None:
    assert parsed(payload) is None


@pytest.mark.parametrize("day", [date.min, date(2026, 3, 10), date.max])
async def test_what_the_database_can_have_sent_is_read(pool: Pool, day: date) -> None:
    body = {
        "at": "2026-03-10T13:00:00.123456+01:00",
        "equipmentIds": ["a\nb", "é" * 255],
        "days": [day.isoformat()] * 2,
    }
    notification = parsed(json.dumps(body))
    assert notification is not None
    assert notification.days == [day, day]
    async with pool.acquire() as connection:
        assert await events_of(connection, notification) == []
