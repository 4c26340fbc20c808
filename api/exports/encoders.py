"""Readings as the bytes of a format, slice by slice. Blocking: for a thread."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from api.exports.formats import Format
from api.exports.repository import Rows
from api.exports.schemas import StoredReading

# A row group is compressed and read as one piece, and so many rows are held until it is written.
ROW_GROUP_ROWS = 100_000

MOMENT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        pa.field("equipmentId", pa.string(), nullable=False),
        pa.field("timestamp", MOMENT, nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("registerTime", MOMENT, nullable=False),
    ]
)


class Encoder(Protocol):
    """Takes slices in order; what it returns, put together, is the file."""

    def encode(self, rows: Rows) -> bytes:
        """What is to be sent after this slice; perhaps nothing yet."""
        ...

    def end(self) -> bytes:
        """What makes the file whole."""
        ...


def encoder_of(name: Format) -> Encoder:
    """A new encoder of a format that is streamed."""
    match name:
        case Format.NDJSON:
            return NdjsonEncoder()
        case Format.CSV:
            return CsvEncoder()
        case Format.PARQUET:
            return ParquetEncoder()
        case Format.ARROW:
            return ArrowEncoder()
        case Format.JSON:
            raise ValueError(name)


class NdjsonEncoder:
    """A JSON object a line."""

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder()

    def encode(self, rows: Rows) -> bytes:
        """The lines."""
        return self._encoder.encode_lines([StoredReading(*row) for row in rows])

    def end(self) -> bytes:
        """Nothing."""
        return b""


class CsvEncoder:
    """What the import of CSV files reads; it passes over the last column."""

    def __init__(self) -> None:
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(SCHEMA.names)

    def encode(self, rows: Rows) -> bytes:
        """The lines, after the header at first."""
        self._writer.writerows(
            (name, ts.isoformat(), value, registered.isoformat())
            for name, ts, value, registered in rows
        )
        return self._taken()

    def end(self) -> bytes:
        """The header, if nothing was encoded."""
        return self._taken()

    def _taken(self) -> bytes:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text.encode()


class ArrowEncoder:
    """The Arrow IPC stream format, a record batch a slice."""

    def __init__(self) -> None:
        self._sink = Sink()
        self._writer = pa.ipc.new_stream(self._sink, SCHEMA)

    def encode(self, rows: Rows) -> bytes:
        """A record batch, after the schema at first."""
        self._writer.write_batch(record_batch(rows))
        return self._sink.taken()

    def end(self) -> bytes:
        """The end of the stream."""
        self._writer.close()
        return self._sink.taken()


class ParquetEncoder:
    """A Parquet file, which its footer makes readable."""

    def __init__(self) -> None:
        self._sink = Sink()
        self._writer = pq.ParquetWriter(self._sink, SCHEMA)
        self._held: list[pa.RecordBatch] = []

    def encode(self, rows: Rows) -> bytes:
        """A row group, once there are enough rows for one."""
        self._held.append(record_batch(rows))
        if sum(batch.num_rows for batch in self._held) >= ROW_GROUP_ROWS:
            self._write_held()
        return self._sink.taken()

    def end(self) -> bytes:
        """The last row group and the footer."""
        if self._held:
            self._write_held()
        self._writer.close()
        return self._sink.taken()

    def _write_held(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._held), row_group_size=ROW_GROUP_ROWS)
        self._held.clear()


class Sink:
    """What pyarrow takes for a file: it hands on what was written and keeps the position only."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._position = 0

    def write(self, piece: bytes) -> int:
        """Keep the piece until it is taken."""
        self._pieces.append(bytes(piece))
        self._position += len(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing: what was written is there to be taken."""

    def tell(self) -> int:
        """How much was written in all."""
        return self._position

    def taken(self) -> bytes:
        """What was written since the last time."""
        pieces = b"".join(self._pieces)
        self._pieces.clear()
        return pieces


def record_batch(rows: Rows) -> pa.RecordBatch:
    """The rows, column by column."""
    columns: Iterator[Sequence[object]] = zip(*rows, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
