from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType


class Version(Struct, frozen=True):
    """What `/ping?verbose=true` tells."""

    version: str


class Check(Struct, frozen=True):
    """One of the things that a server which passes depends on."""

    name: str
    status: Literal["pass", "fail"]
    message: str


class Health(Struct, frozen=True):
    """Whether writes are taken, as InfluxDB says it."""

    name: Literal["influxdb"]
    message: str
    status: Literal["pass", "fail"]
    checks: list[Check]
    version: str
    commit: str


class Ready(Struct, frozen=True):
    """Since when this process runs; `up` is a duration such as `93.5s`."""

    status: Literal["ready", "unready"]
    started: datetime
    up: str


class Series(Struct, frozen=True):
    """Rows of one name."""

    name: str
    columns: list[str]
    values: list[list[str]]


class Result(Struct, frozen=True):
    """What one statement comes to; one that returns nothing has no series."""

    statement_id: int
    series: list[Series] | UnsetType = UNSET


class Results(Struct, frozen=True):
    """What the statements of a query come to, in their order."""

    results: list[Result]
