"""Encoders of readings as files, batch by batch. Blocking: for a thread."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from api.exports.formats import Format
from api.exports.repository import Records
from api.http.csv_dialects import CsvDialect, escape_formulas
from api.readings.stored_reading import StoredReading

# A row group is compressed and read as a whole; so many rows are buffered until it is written.
ROW_GROUP_ROWS = 100_000

TIMESTAMP = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        pa.field("equipmentId", pa.string(), nullable=False),
        pa.field("timestamp", TIMESTAMP, nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("registerTime", TIMESTAMP, nullable=False),
    ]
)


class Encoder(Protocol):
    """Encodes batches in order; the returned chunks, joined, are the file."""

    def encode(self, records: Records) -> bytes:
        """The next bytes to send; perhaps none yet."""
        ...

    def finish(self) -> bytes:
        """The last bytes of the file."""
        ...


def new_encoder(export_format: Format, csv_dialect: CsvDialect) -> Encoder:
    """An encoder of a format that is streamed."""
    match export_format:
        case Format.NDJSON:
            return NdjsonEncoder()
        case Format.CSV:
            return CsvEncoder(csv_dialect)
        case Format.PARQUET:
            return ParquetEncoder()
        case Format.ARROW:
            return ArrowEncoder()
        case Format.JSON:
            raise ValueError(export_format)


class NdjsonEncoder:
    """One JSON object per line."""

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder()

    def encode(self, records: Records) -> bytes:
        """The lines."""
        return self._encoder.encode_lines([StoredReading(*record) for record in records])

    def finish(self) -> bytes:
        """Nothing."""
        return b""


class CsvEncoder:
    """CSV. The plain one can be imported again; the import ignores the last column."""

    def __init__(self, dialect: CsvDialect) -> None:
        escapes = dialect is CsvDialect.SPREADSHEET
        self._cell = escape_formulas if escapes else str
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(
            self._text,
            lineterminator="\n",
            quoting=csv.QUOTE_NONNUMERIC if escapes else csv.QUOTE_MINIMAL,
        )
        self._writer.writerow(SCHEMA.names)

    def encode(self, records: Records) -> bytes:
        """The lines; the first time after the header."""
        self._writer.writerows(
            (self._cell(equipment_id), ts.isoformat(), value, registered.isoformat())
            for equipment_id, ts, value, registered in records
        )
        return self._take()

    def finish(self) -> bytes:
        """The header, if there were no readings."""
        return self._take()

    def _take(self) -> bytes:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text.encode()


class ArrowEncoder:
    """The Arrow IPC stream format, one record batch per call."""

    def __init__(self) -> None:
        self._sink = Sink()
        self._writer = pa.ipc.new_stream(self._sink, SCHEMA)

    def encode(self, records: Records) -> bytes:
        """A record batch; the first time after the schema."""
        self._writer.write_batch(record_batch(records))
        return self._sink.take()

    def finish(self) -> bytes:
        """The end of the stream."""
        self._writer.close()
        return self._sink.take()


class ParquetEncoder:
    """A Parquet file, readable once its footer is written."""

    def __init__(self) -> None:
        self._sink = Sink()
        self._writer = pq.ParquetWriter(self._sink, SCHEMA)
        self._buffered: list[pa.RecordBatch] = []

    def encode(self, records: Records) -> bytes:
        """A row group, once there are enough rows for one."""
        self._buffered.append(record_batch(records))
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


def record_batch(records: Records) -> pa.RecordBatch:
    """The readings as columns."""
    columns: Iterator[Sequence[object]] = zip(*records, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
