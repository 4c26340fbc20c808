"""Buckets as rows of a file: the fields of an item as columns, under their names in JSON."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from msgspec.structs import fields

from api.aggregates.encoding import requested_columns
from api.aggregates.query import AggregateQuery
from api.aggregates.schemas import Item
from api.files.tables import Column, Kind, Table

NAMES = {field.name: field.encode_name for field in fields(Item)}
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "equipment_id": Kind.TEXT,
        "interval_start": Kind.TIMESTAMP,
        "total_value": Kind.NUMBER,
        "sample_count": Kind.INTEGER,
        "average": Kind.NUMBER,
        "minimum": Kind.NUMBER,
        "maximum": Kind.NUMBER,
        "first": Kind.NUMBER,
        "last": Kind.NUMBER,
        "range": Kind.NUMBER,
        "seconds": Kind.INTEGER,
    }
)
# What a counterpart has in common with its bucket, or has not.
NOT_COMPARED = {NAMES["equipment_id"], NAMES["seconds"]}


def table_of(query: AggregateQuery) -> Table[Item]:
    """The columns of the query's items; those of their counterparts are called `compared.…`."""
    present = requested_columns(query) | ({"seconds"} if query.zone else set())
    columns = [_column(field, query) for field in KINDS if field in present]
    if query.comparison is not None:
        columns += [_compared(one) for one in columns if one.name not in NOT_COMPARED]
    return Table(columns, to_object=lambda item: item)


def _column(field: str, query: AggregateQuery) -> Column[Item]:
    kind = KINDS[field]
    return Column(
        name=NAMES[field],
        kind=kind,
        get=_start_in(query.zone or UTC) if kind is Kind.TIMESTAMP else attrgetter(field),
        nullable=kind is Kind.NUMBER,
        zone=query.zone.key if query.zone else "UTC",
    )


def _start_in(zone: tzinfo) -> Callable[[Item], datetime]:
    return lambda item: datetime.fromtimestamp(item.interval_start, zone)


def _compared(column: Column[Item]) -> Column[Item]:
    def get(item: Item) -> Any:
        return column.get(item.compared) if isinstance(item.compared, Item) else None

    return replace(column, name=f"compared.{column.name}", get=get, nullable=True)
