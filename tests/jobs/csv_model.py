"""A reference parser of CSV files in plain Python: line by line, field by field."""

import codecs
import gzip
import math
import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import zstandard

from core.readings import EARLIEST, LATEST, MAX_MAGNITUDE, MIN_MAGNITUDE
from tests.jobs.load_model import Row

NAMES = (
    {"equipmentid", "equipment_id", "sensor", "device"},
    {"timestamp", "time", "ts"},
    {"value", "reading"},
)
WHITE = "".join(c for n in range(0x3001) if (c := chr(n)).isspace() and not 0x1C <= n <= 0x1F)
DATE = r"\d{4}-\d\d-\d\d[Tt ]"
TIME = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?"
OFFSET = r"([Zz]|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?"
TIMESTAMP = re.compile(DATE + TIME + OFFSET, re.ASCII)
EARLIEST_PLAUSIBLE = datetime(2000, 1, 1, tzinfo=UTC)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class UnreadableError(Exception):
    """No line of the file can be read."""


def rows_in(content: bytes, extension: str, latest: datetime) -> list[Row] | None:
    """The rows of the file in order; None: its header is not one that this model parses.

    Raises UnreadableError when it cannot be decompressed.
    """
    text = decompressed(content, extension)
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = text.decode("utf-16", errors="replace").encode()
    if b"\n" not in text:
        text = text.replace(b"\r", b"\n")
    lines = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    header, *rest = [line.decode(errors="replace").removesuffix("\r") for line in lines]
    names = [name.strip().lower() for name in header.split(",")]
    matches = [[n for n, name in enumerate(names) if name in known] for known in NAMES]
    if '"' in header or len(names) > 100 or any(len(match) != 1 for match in matches):
        return None
    positions = [match[0] for match in matches]
    return [row_of(line, len(names), positions, latest) for line in rest]


def decompressed(content: bytes, extension: str) -> bytes:
    try:
        match extension:
            case ".csv.gz":
                return gzip.decompress(content)
            case ".csv.zst":
                return b"".join(frames(content))
            case _:
                return content
    except (gzip.BadGzipFile, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise UnreadableError from error


def frames(content: bytes) -> Iterator[bytes]:
    while content:
        frame = zstandard.ZstdDecompressor().decompressobj()
        yield frame.decompress(content)
        if not frame.eof:
            raise EOFError
        content = frame.unused_data


def row_of(line: str, width: int, positions: Sequence[int], latest: datetime) -> Row:
    """The line's row; blank lines have no key."""
    if not line.strip(WHITE):
        return Row(None)
    fields = fields_of(line)
    if fields and len(fields) == width + 1 and line.endswith(","):  # it begins no field
        fields.pop()
    if fields is None or len(fields) != width:
        return BAD
    equipment_id, timestamp, value = (fields[position] for position in positions)
    equipment_id = unicodedata.normalize("NFC", equipment_id.strip(WHITE))
    ts, number = timestamp_of(timestamp.strip(WHITE)), number_of(value.strip(WHITE))
    if not is_id(equipment_id) or ts is None or number is None:
        return BAD
    if not EARLIEST_PLAUSIBLE <= ts <= latest:
        return BAD
    return Row((equipment_id, ts.isoformat()), number)


BAD = Row(("", ""), bad=True)


def fields_of(line: str, mark: str = ",") -> list[str] | None:
    """The fields between delimiters; None: a quote is misplaced."""
    fields: list[str] = []
    position = 0
    while True:
        parse = quoted_field if line.startswith('"', position) else bare_field
        field = parse(line, position, mark)
        if field is None:
            return None
        text, position = field
        fields.append(text)
        if position == len(line):
            return fields
        if line[position] != mark:
            return None
        position += 1


def bare_field(line: str, start: int, mark: str) -> tuple[str, int] | None:
    """The field without quotes that starts there, and where it ends."""
    end = line.find(mark, start)
    text = line[start:] if end < 0 else line[start:end]
    return None if '"' in text else (text, start + len(text))


def quoted_field(line: str, start: int, _mark: str) -> tuple[str, int] | None:
    """The field in quotes that starts there, and where it ends."""
    text, position = "", start + 1
    while position < len(line):
        if line[position] != '"':
            text += line[position]
        elif line.startswith('""', position):
            text += '"'
            position += 1
        else:
            return text, position + 1
        position += 1
    return None


def is_id(text: str) -> bool:
    return 0 < len(text) <= 255 and all(map(is_visible, text))


def is_visible(character: str) -> bool:
    """As far as the pieces of random files go: Unicode hides other letters besides."""
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}
    return character == " " or not (hidden or character == "\ufffd")


def timestamp_of(text: str) -> datetime | None:
    if not TIMESTAMP.fullmatch(text):
        return None
    try:
        ts = datetime.fromisoformat(text.upper())
        utc = (ts if ts.tzinfo else ts.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return utc if EARLIEST <= utc <= LATEST else None


def number_of(text: str) -> float | None:
    if not NUMBER.fullmatch(text):
        return None
    number, zero = float(text), not re.search("[1-9]", re.split("[eE]", text)[0])
    in_bounds = math.isfinite(number) and MIN_MAGNITUDE <= abs(number) <= MAX_MAGNITUDE
    return number if zero or in_bounds else None
