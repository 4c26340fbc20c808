"""What Grafana makes of a panel's SQL before the database sees it.

After github.com/grafana/grafana: `pkg/tsdb/grafana-postgresql-datasource/macros.go` for the macros,
`sqleng/sql_engine.go` beside it for `$__interval`, the epochs and the filling of gaps, and the
format `sqlstring` of the browser's template service, which runs first. Nothing else is expanded:
what Grafana refuses raises MacroError.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")
# An argument ends at the first closing bracket: Grafana does not parse nested calls.
MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")
INTERVAL = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
UNIT_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MacroError(ValueError):
    """What Grafana would refuse to expand."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a browser asks of the data source: a range, an interval, the variables' values."""

    start: datetime
    end: datetime
    interval: timedelta = timedelta(minutes=5)
    timescaledb: bool = True
    variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fill:
    """The buckets that Grafana adds to a result, with nothing, the value before, or a number."""

    seconds: float
    mode: str


@dataclass(frozen=True, slots=True)
class Expanded:
    """The statement that is sent, and what is filled in afterwards."""

    sql: str
    fill: Fill | None


Macro = Callable[[Request, list[str]], str]


def expand(sql: str, request: Request) -> Expanded:
    """The statement for a request. Raises MacroError."""
    sql = VARIABLE.sub(lambda found: _variable(found, request.variables), sql)
    for name, value in _globals(request).items():
        sql = sql.replace(name, value)
    fills: list[Fill] = []

    def macro(found: re.Match[str]) -> str:
        name, arguments = found[1], [argument.strip(" ") for argument in found[2].split(",")]
        if name in GROUPS and len(arguments) == 3:
            fills.append(_fill(arguments))
        # The oldest form named its column itself where a comma follows its first occurrence.
        if name == "__timeGroup" and sql[sql.index(found[0]) + len(found[0]) :].startswith(","):
            name = "__timeGroupAlias"
        if name not in MACROS:
            raise MacroError(f"unknown macro {name}")
        return MACROS[name](request, arguments)

    return Expanded(MACRO.sub(macro, sql), fills[-1] if fills else None)


def _variable(found: re.Match[str], variables: Mapping[str, tuple[str, ...]]) -> str:
    name = found[1] or found[3]
    if name not in variables:
        return found[0]
    if found[2] != "sqlstring":
        raise MacroError(f"{name} is put into SQL without :sqlstring")
    return ",".join("'" + value.replace("'", "''") + "'" for value in variables[name])


def _globals(request: Request) -> dict[str, str]:
    """In this order: the one name begins with the other."""
    return {
        "$__interval_ms": str(request.interval // timedelta(milliseconds=1)),
        "$__interval": _interval_text(request.interval),
        "$__unixEpochFrom()": str(_epoch(request.start)),
        "$__unixEpochTo()": str(_epoch(request.end)),
    }


def _interval_text(interval: timedelta) -> str:
    """The largest unit that fits, rounded down, as gtime.FormatInterval has it."""
    for unit in ("d", "h", "m", "s", "ms"):
        count = int(interval.total_seconds() / UNIT_SECONDS[unit])
        if count:
            return f"{count}{unit}"
    return "1ms"


def _interval_seconds(arguments: list[str]) -> float:
    if len(arguments) < 2:
        raise MacroError("a group needs a time column and an interval")
    found = INTERVAL.fullmatch(arguments[1].strip("'"))
    if found is None:
        raise MacroError(f"error parsing interval {arguments[1]}")
    return float(found[1]) * UNIT_SECONDS[found[2]]


def _fill(arguments: list[str]) -> Fill:
    mode = arguments[2]
    if mode not in ("NULL", "previous"):
        try:
            float(mode)
        except ValueError as error:
            raise MacroError(f"error parsing fill value {mode}") from error
    return Fill(_interval_seconds(arguments), mode)


def _time_group(request: Request, arguments: list[str]) -> str:
    seconds = _interval_seconds(arguments)
    if request.timescaledb:
        return f"time_bucket('{seconds:.3f}s',{arguments[0]})"
    return f"floor(extract(epoch from {arguments[0]})/{seconds:g})*{seconds:g}"


def _epoch_group(_: Request, arguments: list[str]) -> str:
    seconds = _interval_seconds(arguments)
    return f"floor(({arguments[0]})/{seconds:g})*{seconds:g}"


def _time_filter(request: Request, arguments: list[str]) -> str:
    return f"{arguments[0]} BETWEEN {_literal(request.start)} AND {_literal(request.end)}"


def _epoch_filter(request: Request, arguments: list[str]) -> str:
    column = arguments[0]
    return f"{column} >= {_epoch(request.start)} AND {column} <= {_epoch(request.end)}"


def _nanosecond_filter(request: Request, arguments: list[str]) -> str:
    column = arguments[0]
    start, end = _nanoseconds(request.start), _nanoseconds(request.end)
    return f"{column} >= {start} AND {column} <= {end}"


def _literal(moment: datetime) -> str:
    """In UTC, without zeros at the end of the fraction."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"'{text}Z'"


def _epoch(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(seconds=1)


def _nanoseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def _as_time(macro: Macro) -> Macro:
    return lambda request, arguments: f'{macro(request, arguments)} AS "time"'


GROUPS = ("__timeGroup", "__timeGroupAlias", "__unixEpochGroup", "__unixEpochGroupAlias")
MACROS: Mapping[str, Macro] = {
    "__time": lambda _, arguments: f'{arguments[0]} AS "time"',
    "__timeEpoch": lambda _, arguments: f'extract(epoch from {arguments[0]}) as "time"',
    "__timeFilter": _time_filter,
    "__timeFrom": lambda request, _: _literal(request.start),
    "__timeTo": lambda request, _: _literal(request.end),
    "__timeGroup": _time_group,
    "__timeGroupAlias": _as_time(_time_group),
    "__unixEpochFilter": _epoch_filter,
    "__unixEpochNanoFilter": _nanosecond_filter,
    "__unixEpochNanoFrom": lambda request, _: str(_nanoseconds(request.start)),
    "__unixEpochNanoTo": lambda request, _: str(_nanoseconds(request.end)),
    "__unixEpochGroup": _epoch_group,
    "__unixEpochGroupAlias": _as_time(_epoch_group),
}
