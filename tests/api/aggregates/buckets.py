"""The expected buckets, computed from the readings, and those of a response."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any


def expected_average(fill: str, items: list[dict[str, Any]], index: int) -> float | None:
    """The expected average of a bucket without samples."""
    before = next((item for item in items[:index][::-1] if item["sampleCount"]), None)
    after = next((item for item in items[index:] if item["sampleCount"]), None)
    if fill == "previous" and before:
        return float(before["average"])
    if fill == "linear" and before and after:
        x0, x1 = before["intervalStart"], after["intervalStart"]
        share = (items[index]["intervalStart"] - x0) / (x1 - x0)
        return float(before["average"] + share * (after["average"] - before["average"]))
    return None


def is_chosen(equipment_id: str, chosen: Sequence[str]) -> bool:
    """Whether the names, some of them prefixes, select the equipment; no names select all."""
    return not chosen or any(
        equipment_id.startswith(name[:-1]) if name.endswith("*") else equipment_id == name
        for name in chosen
    )


def buckets(readings: Iterable[Any], *, together: bool) -> dict[Any, tuple[float | None, ...]]:
    """The values of each bucket, from the readings in order of time."""
    values: dict[Any, list[float]] = {}
    for equipment_id, start, value in readings:
        values.setdefault((None if together else equipment_id, start), []).append(value)
    return {
        key: (sum(of), len(of), sum(of) / len(of), min(of), max(of))
        + ((None, None) if together else (of[0], of[-1]))
        for key, of in values.items()
    }


def ranges_of(answer: Mapping[str, Any]) -> list[tuple[datetime, datetime]]:
    return [
        (datetime.fromisoformat(part["from"]), datetime.fromisoformat(part["to"]))
        for part in answer["staleRanges"]
    ]


def keyed(rows: Iterable[Any]) -> dict[Any, tuple[float, ...]]:
    return {(row[0], row[1]): tuple(row[2:]) for row in map(tuple, rows)}


def fresh(rows: Mapping[Any, Any], stale: Iterable[Any], width: timedelta) -> dict[Any, Any]:
    """The rows whose bucket overlaps no stale range."""
    ranges = list(stale)
    return {
        key: row
        for key, row in rows.items()
        if not any(start < key[1] + width and key[1] < end for start, end in ranges)
    }


def item_key(item: Mapping[str, Any]) -> tuple[str | None, datetime]:
    return item.get("equipmentId"), datetime.fromtimestamp(item["intervalStart"], UTC)


def item_values(item: Mapping[str, Any]) -> tuple[float | None, ...]:
    names = ("totalValue", "sampleCount", "average", "minimum", "maximum", "first", "last")
    return tuple(item.get(name) for name in names)
