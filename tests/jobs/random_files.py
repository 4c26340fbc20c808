"""Random files: readings in any format that options allow, as CSV or Parquet, and damaged ones."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from core.imports import (
    COLUMNS,
    DecimalMark,
    Delimiter,
    ImportOptions,
    OnTooManyErrors,
    TimeFormat,
)
from core.readings import OnConflict
from core.time import EPOCH
from tests.jobs.load_model import Row
from tests.jobs.mutations import MUTATIONS, PACKED_MUTATIONS, PACKINGS, base

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
NAMES = {"equipmentId": "Pumpe", "timestamp": "Zeit, Ort", "value": "Wert"}
UNITS: Mapping[str, timedelta] = {
    TimeFormat.EPOCH_S: timedelta(seconds=1),
    TimeFormat.EPOCH_MS: timedelta(milliseconds=1),
    TimeFormat.EPOCH_US: timedelta(microseconds=1),
}


@dataclass(frozen=True)
class RandomFile:
    """A file and the options for it; `rows` are those in it, None if it is damaged."""

    content: bytes
    extension: str
    options: ImportOptions
    rows: list[Row] | None


def random_file(random: Random) -> RandomFile:
    """Some rows of the sample, in a file that is damaged more often than not."""
    rows = [_row(line) for line in base(random).decode().splitlines()[1:]]
    options = _options(random)
    if random.random() < 0.4:
        content, extension, damage = _parquet(random, rows, options), ".parquet", _damaged_parquet
    else:
        content, extension, damage = _text(random, rows, options), ".csv", _damaged_text
    if random.random() < 0.4:
        return RandomFile(content, extension, options, rows)
    content, extension = damage(random, content)
    return RandomFile(content, extension, _with_limits(random, options), None)


def _row(line: str) -> Row:
    equipment_id, timestamp, value = line.split(",")
    ts = datetime.fromisoformat(timestamp).astimezone(UTC)
    return Row((equipment_id, ts.isoformat()), float(value))


def _options(random: Random) -> ImportOptions:
    names = random.sample(COLUMNS, random.randint(0, 3))
    return ImportOptions(
        delimiter=random.choice([None, *Delimiter]),
        decimal=random.choice(list(DecimalMark)),
        time_format=random.choice([TimeFormat.ISO8601, TimeFormat.ISO8601, *TimeFormat]),
        time_zone=random.choice(ZONES),
        columns={name: NAMES[name] for name in names},
        on_conflict=random.choice(list(OnConflict)),
    )


def _with_limits(random: Random, options: ImportOptions) -> ImportOptions:
    return ImportOptions(
        delimiter=options.delimiter,
        decimal=options.decimal,
        time_format=random.choice([options.time_format] * 5 + list(TimeFormat)),
        time_zone=options.time_zone,
        columns=options.columns,
        max_errors=random.choice([None, None, 0, 3, "5%", "50%"]),
        on_too_many_errors=random.choice(list(OnTooManyErrors)),
        on_conflict=options.on_conflict,
    )


def _text(random: Random, rows: list[Row], options: ImportOptions) -> bytes:
    mark = options.delimiter or random.choice(list(Delimiter))
    order = random.sample(range(3), 3)

    def line(fields: list[str]) -> str:
        quoted = [f'"{field}"' if mark in field else field for field in fields]
        return mark.join(quoted[place] for place in order) + "\n"

    header = line([options.column_names.get(name, name) for name in COLUMNS])
    return (header + "".join(line(_fields(row, options)) for row in rows)).encode()


def _fields(row: Row, options: ImportOptions) -> list[str]:
    assert row.key is not None
    value = str(row.value)
    comma = options.decimal is DecimalMark.COMMA
    ts = _format_timestamp(datetime.fromisoformat(row.key[1]), options)
    return [row.key[0], ts, value.replace(".", ",") if comma else value]


def _format_timestamp(ts: datetime, options: ImportOptions) -> str:
    """In the options' format; with an offset where the local time would be ambiguous."""
    if options.time_format is TimeFormat.EPOCH_NS:
        return str((ts - EPOCH) // timedelta(microseconds=1) * 1000)
    if options.time_format is not TimeFormat.ISO8601:
        return str((ts - EPOCH) // UNITS[options.time_format])
    local = ts.astimezone(ZoneInfo(options.time_zone))
    twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    return local.isoformat() if twice else local.replace(tzinfo=None).isoformat()


def _parquet(random: Random, rows: list[Row], options: ImportOptions) -> bytes:
    fields = [_fields(row, options) for row in rows]
    ids, timestamps, values = (list(column) for column in zip(*fields, strict=True))
    columns = [_ids(random, ids), _timestamps(random, timestamps, options), _values(random, values)]
    return _as_parquet(random, dict(zip(_names(options), columns, strict=True)))


def _names(options: ImportOptions) -> list[str]:
    return [options.column_names.get(name, name) for name in COLUMNS]


def _ids(random: Random, texts: list[str]) -> Any:
    kind = random.choice([pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
    return pa.array(texts, pa.string()).cast(kind)


def _timestamps(random: Random, texts: list[str], options: ImportOptions) -> Any:
    if options.time_format is TimeFormat.ISO8601 or random.random() < 0.5:
        return pa.array(texts)
    return pa.array([int(text) for text in texts], pa.int64())


def _values(random: Random, texts: list[str]) -> Any:
    if random.random() < 0.3:
        return pa.array(texts)
    numbers = [Decimal(text.replace(",", ".")) for text in texts]
    if random.random() < 0.5:
        return pa.array(numbers)
    return pa.array([float(number) for number in numbers])


def _as_parquet(random: Random, columns: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    compression = random.choice(["snappy", "zstd", "none"])
    pq.write_table(pa.table(columns), buffer, row_group_size=7, compression=compression)
    return buffer.getvalue()


def _damaged_text(random: Random, content: bytes) -> tuple[bytes, str]:
    for mutation in random.choices(MUTATIONS, k=random.randint(1, 4)):
        content = mutation(random, content) or content
    extension = random.choice(list(PACKINGS))
    return PACKINGS[extension](content), extension


def _damaged_parquet(random: Random, content: bytes) -> tuple[bytes, str]:
    if random.random() < 0.5:
        damaged = random.choice(PACKED_MUTATIONS)(random, content)
    else:
        table = pq.read_table(io.BytesIO(content))
        place = random.randrange(3)
        height = table.num_rows
        column = random.choice(ODD_COLUMNS)(random, height)
        odd = table.set_column(place, table.column_names[place], column)
        damaged = _as_parquet(random, dict(zip(odd.column_names, odd.columns, strict=True)))
    if random.random() < 0.1:
        damaged = random.choice([b"PAR1", b"PARE", damaged[4:], b"PAR1" + damaged, b"x\n" * 9])
    return damaged, random.choice([".parquet", ".parquet", ".parquet", ".csv", ".csv.gz"])


OddColumn = Callable[[Random, int], Any]

ODD_COLUMNS: list[OddColumn] = [
    lambda _, height: pa.nulls(height),
    lambda _, height: pa.array([None] * height, pa.string()),
    lambda random, height: pa.array([random.choice([None, 1.5]) for _ in range(height)]),
    lambda random, height: pa.array([random.choice([None, "a", "1"]) for _ in range(height)]),
    lambda random, height: pa.array([float(random.choice(["nan", "-inf", "1e308"]))] * height),
    lambda _, height: pa.array([[1.5]] * height),
    lambda _, height: pa.array([{"value": 1.5}] * height),
    lambda _, height: pa.array([[("a", 1)]] * height, pa.map_(pa.string(), pa.int8())),
    lambda _, height: pa.array([b"\xff\x00"] * height),
    lambda _, height: pa.array([True] * height),
    lambda random, height: pa.array(["é" * random.choice([301, 1_000_000])] * height),
    lambda random, height: pa.array([random.randrange(-(2**63), 2**63)] * height, pa.int64()),
    lambda random, height: pa.array([random.randrange(2**64)] * height, pa.uint64()),
    lambda _, height: pa.array([Decimal(10) ** 60] * height, pa.decimal256(70, 5)),
    lambda random, height: pa.array([random.randrange(-(2**63), 2**63)] * height, pa.int64()).view(
        pa.timestamp(random.choice(["ms", "us", "ns"]))
    ),
    lambda _, height: pa.array([1] * height, pa.date32()),
    lambda _, height: pa.array([1] * height, pa.time64("us")),
    lambda _, height: pa.array([timedelta(1)] * height),
]
