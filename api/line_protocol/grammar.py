r"""InfluxDB's line protocol: `measurement,tag=value field=1,other=2i 1700000000000000000`.

A backslash before a comma, a space or (but in a measurement) an equals sign stands for that sign;
before anything else it stands for itself. A string in quotes may hold line breaks. A line ends with
LF or CRLF.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from api.line_protocol.diagnosis import explain
from api.readings.errors import MAX_READING_BYTES
from core.errors import ReadingRejectedError
from core.readings import NUMBER, RejectCode, rejection

# Python converts no integer of thousands of digits.
DIGITS = "[0-9]{1,1000}"
NAME = r"(?:[^,= \\]|\\.)+"
FIELD = rf'({NAME})=("(?:[^"\\]|\\.)*"|[^", ]+)'
MEASUREMENT_AND_TAGS = rf"(?:[^, \\]|\\.)+(?:,{NAME}={NAME})*"
HEAD = re.compile(MEASUREMENT_AND_TAGS, re.DOTALL)
POINT = re.compile(
    rf" *(?P<head>{MEASUREMENT_AND_TAGS})"
    rf" +(?P<fields>{FIELD}(?:,{FIELD})*)(?: +(?P<time>-?{DIGITS}))? *",
    re.DOTALL,
)
FIELDS = re.compile(FIELD, re.DOTALL)
PARTS = re.compile(r"((?:[^,\\]|\\.)+)", re.DOTALL)
PAIR = re.compile(rf"({NAME})=({NAME})", re.DOTALL)
STRING = re.compile(rb'="[^"]*"')
ESCAPE = re.compile(rb"\\.", re.DOTALL)
ESCAPED = re.compile(r"\\([,= ])")

FLOAT = re.compile(NUMBER)
INTEGER = re.compile(f"(-?{DIGITS})i|({DIGITS})u")
SIGNED = range(-(2**63), 2**63)
UNSIGNED = range(2**64)
BOOLEANS = dict.fromkeys(("t", "T", "true", "True", "TRUE"), 1.0) | dict.fromkeys(
    ("f", "F", "false", "False", "FALSE"), 0.0
)


@dataclass(frozen=True, slots=True)
class Point:
    """A line's parts: measurement and tags as written, fields by name, `time` in its unit."""

    head: str
    fields: list[tuple[str, str]]
    time: int | None


def join_continued_lines(pieces: Iterable[Sequence[bytes]]) -> Iterator[list[bytes]]:
    """The same lines, with those joined over which one quoted string extends.

    Each line joined to the one before leaves a blank one, so that the others keep their index.
    """
    begun: list[bytes] = []
    size, is_open = 0, False
    for piece in pieces:
        whole = []
        for line in piece:
            if not begun and b'"' not in line:
                whole.append(line)
                continue
            begun.append(line)
            size += len(line) + 1
            is_open = _ends_open(line, within=is_open)
            if not is_open or size > MAX_READING_BYTES:
                whole += _join(begun)
                begun, size, is_open = [], 0, False
        yield whole
    yield _join(begun)


def _ends_open(line: bytes, *, within: bool) -> bool:
    """Whether a string continues in the next line; `within`: one continues in this."""
    bare = ESCAPE.sub(b"", line)
    fields = b'="' + bare if within else bare.partition(b" ")[2]
    return b'="' in STRING.sub(b"", fields)


def _join(lines: Sequence[bytes]) -> list[bytes]:
    return [b"\n".join(lines), *[b""] * (len(lines) - 1)] if lines else []


def parse_point(line: str) -> Point | None:
    """The point; None for a comment. Raises ReadingRejectedError."""
    line = line.removesuffix("\r")
    if line.lstrip().startswith("#"):
        return None
    match = POINT.fullmatch(line)
    if match is None:
        raise explain(line)
    fields = [(unescape(name), value) for name, value in FIELDS.findall(match["fields"])]
    return Point(match["head"], fields, int(match["time"]) if match["time"] else None)


def parse_head(head: str) -> tuple[str, dict[str, str]]:
    """Measurement and tags. Raises ReadingRejectedError if a tag is given twice, or for no head."""
    if not HEAD.fullmatch(head):
        raise rejection(RejectCode.MALFORMED_LINE)
    measurement, *pairs = PARTS.findall(head)
    tags = {
        unescape(name): unescape(value)
        for name, value in (pair.groups() for pair in map(PAIR.fullmatch, pairs) if pair)
    }
    if len(tags) < len(pairs):
        raise ReadingRejectedError(RejectCode.MALFORMED_LINE, "must have each tag once")
    return re.sub(r"\\([, ])", r"\1", measurement), tags


def parse_number(value: str) -> float | None:
    """A field's value as a number, true being 1; None for a string. Raises ReadingRejectedError."""
    if value.startswith('"'):
        return None
    if FLOAT.fullmatch(value):
        return float(value)
    if value in BOOLEANS:
        return BOOLEANS[value]
    match = INTEGER.fullmatch(value)
    if match is None:
        raise ReadingRejectedError(RejectCode.BAD_NUMBER, "must be a number, a boolean or a string")
    signed, unsigned = match.groups()
    number, allowed = (int(signed), SIGNED) if signed else (int(unsigned), UNSIGNED)
    if number not in allowed:
        raise ReadingRejectedError(RejectCode.OUT_OF_RANGE, "must fit into 64 bits")
    return float(number)


def parse_numeric_string(value: str) -> float | None:
    """The number that a string in quotes holds, whatever blanks pad it; None if it holds none."""
    text = value[1:-1].strip(" ")
    return float(text) if FLOAT.fullmatch(text) else None


def unescape(name: str) -> str:
    """The name of a tag or field, or a tag's value, without escapes."""
    return ESCAPED.sub(r"\1", name) if "\\" in name else name
