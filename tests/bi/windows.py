"""A window of the API, added up by equipment as the views of the schema bi are."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.time import HOUR, ceiling

VIEW = """
    SELECT
        equipment_id, average, total_value, sample_count, minimum, maximum, first, last,
        start_time, end_time
    FROM bi.window_{interval}
"""


def added_up(answer: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """The values of each equipment, from the hours of an answer."""
    hours: dict[str, list[Mapping[str, Any]]] = {}
    for item in answer["items"]:
        hours.setdefault(item["equipmentId"], []).append(item)
    return {equipment_id: _sum(items) for equipment_id, items in hours.items()}


def hours_of(answer: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """The start of the first hour that starts in an answer's range, and the end of the last one."""
    start, end = (ceiling(datetime.fromisoformat(answer[name]), HOUR) for name in ("from", "to"))
    return start, end


def is_next_hour(end_time: datetime, answer: Mapping[str, Any]) -> bool:
    """Whether an hour began between an answer and a query of the view."""
    return end_time - hours_of(answer)[1] == HOUR


def _sum(items: list[Mapping[str, Any]]) -> tuple[Any, ...]:
    total = sum(item["totalValue"] for item in items)
    count = sum(item["sampleCount"] for item in items)
    extremes = min(item["minimum"] for item in items), max(item["maximum"] for item in items)
    return total / count, total, count, *extremes, items[0]["first"], items[-1]["last"]
