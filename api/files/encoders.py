"""Encoders of rows as files, batch by batch. Blocking: for a thread."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from api.files.formats import Format, Representation
from api.files.tables import Column, Kind, Row, Table
from api.http.csv_dialects import CsvDialect, escape_formulas

# A row group is compressed and read as a whole; so many rows are buffered until it is written.
ROW_GROUP_ROWS = 100_000

Row_contra = TypeVar("Row_contra", contravariant=True)


class Encoder(Protocol[Row_contra]):
    """Encodes batches in order; the returned chunks, joined, are the file."""

    def encode(self, rows: Sequence[Row_contra]) -> bytes:
        """The next bytes to send; perhaps none yet."""
        ...

    def finish(self) -> bytes:
        """The last bytes of the file."""
        ...


def new_encoder(representation: Representation, table: Table[Row]) -> Encoder[Row]:
    """An encoder of a format that is a file."""
    match representation.format:
        case Format.NDJSON:
            return NdjsonEncoder(table)
        case Format.CSV:
            return CsvEncoder(table, representation.csv_dialect)
        case Format.PARQUET:
            return ParquetEncoder(table)
        case Format.ARROW:
            return ArrowEncoder(table)
        case Format.JSON:
            raise ValueError(representation)


class NdjsonEncoder(Generic[Row]):
    """One JSON object per line."""

    def __init__(self, table: Table[Row]) -> None:
        self._to_object = table.to_object
        self._encoder = msgspec.json.Encoder()

    def encode(self, rows: Sequence[Row]) -> bytes:
        """The lines."""
        return self._encoder.encode_lines([*map(self._to_object, rows)])

    def finish(self) -> bytes:
        """Nothing."""
        return b""


class CsvEncoder(Generic[Row]):
    """CSV; what is null is an empty cell."""

    def __init__(self, table: Table[Row], dialect: CsvDialect) -> None:
        escapes = dialect is CsvDialect.SPREADSHEET
        self._columns = table.columns
        self._to_cell: dict[Kind, Callable[[Any], object]] = {Kind.TIMESTAMP: _iso_format}
        if escapes:
            self._to_cell[Kind.TEXT] = escape_formulas
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(
            self._text,
            lineterminator="\n",
            quoting=csv.QUOTE_NONNUMERIC if escapes else csv.QUOTE_MINIMAL,
        )
        self._writer.writerow(column.name for column in self._columns)

    def encode(self, rows: Sequence[Row]) -> bytes:
        """The lines; the first time after the header."""
        columns = (self._cells(column, rows) for column in self._columns)
        self._writer.writerows(zip(*columns, strict=True))
        return self._take()

    def finish(self) -> bytes:
        """The header, if there were no rows."""
        return self._take()

    def _cells(self, column: Column[Row], rows: Sequence[Row]) -> Iterator[object]:
        values = map(column.get, rows)
        to_cell = self._to_cell.get(column.kind)
        return map(to_cell, values) if to_cell else values

    def _take(self) -> bytes:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text.encode()


def _iso_format(ts: datetime | None) -> str | None:
    return None if ts is None else ts.isoformat()


class ArrowEncoder(Generic[Row]):
    """The Arrow IPC stream format, one record batch per call."""

    def __init__(self, table: Table[Row]) -> None:
        self._batches = RecordBatches(table)
        self._sink = Sink()
        self._writer = pa.ipc.new_stream(self._sink, self._batches.schema)

    def encode(self, rows: Sequence[Row]) -> bytes:
        """A record batch; the first time after the schema."""
        self._writer.write_batch(self._batches.of(rows))
        return self._sink.take()

    def finish(self) -> bytes:
        """The end of the stream."""
        self._writer.close()
        return self._sink.take()


class ParquetEncoder(Generic[Row]):
    """A Parquet file, readable once its footer is written."""

    def __init__(self, table: Table[Row]) -> None:
        self._batches = RecordBatches(table)
        self._sink = Sink()
        self._writer = pq.ParquetWriter(self._sink, self._batches.schema)
        self._buffered: list[pa.RecordBatch] = []

    def encode(self, rows: Sequence[Row]) -> bytes:
        """A row group, once there are enough rows for one."""
        self._buffered.append(self._batches.of(rows))
        if sum(batch.num_rows for batch in self._buffered) >= ROW_GROUP_ROWS:
            self._write_buffered()
        return self._sink.take()

    def finish(self) -> bytes:
        """The last row group and the footer."""
        if self._buffered:
            self._write_buffered()
        self._writer.close()
        return self._sink.take()

    def _write_buffered(self) -> None:
        self._writer.write_table(
            pa.Table.from_batches(self._buffered), row_group_size=ROW_GROUP_ROWS
        )
        self._buffered.clear()


class Sink:
    """A file object for pyarrow that hands over what was written; only the position stays."""

    closed = False

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._position = 0

    def write(self, chunk: bytes) -> int:
        """Buffer the chunk until it is taken."""
        self._chunks.append(bytes(chunk))
        self._position += len(chunk)
        return len(chunk)

    def flush(self) -> None:
        """Nothing: what was written is available at once."""

    def tell(self) -> int:
        """The bytes written in total."""
        return self._position

    def take(self) -> bytes:
        """The bytes written since the last call."""
        content = b"".join(self._chunks)
        self._chunks.clear()
        return content


class RecordBatches(Generic[Row]):
    """Rows as Arrow's columns."""

    def __init__(self, table: Table[Row]) -> None:
        self._columns = table.columns
        self.schema = pa.schema(map(_field, table.columns))

    def of(self, rows: Sequence[Row]) -> pa.RecordBatch:
        """A record batch of the rows."""
        arrays = [
            pa.array(list(map(column.get, rows)), field.type)
            for column, field in zip(self._columns, self.schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def _field(column: Column[Any]) -> pa.Field:
    match column.kind:
        case Kind.TEXT:
            kind = pa.string()
        case Kind.TIMESTAMP:
            kind = pa.timestamp("us", column.zone)
        case Kind.INTEGER:
            kind = pa.int64()
        case Kind.NUMBER:
            kind = pa.float64()
    return pa.field(column.name, kind, nullable=column.nullable)
