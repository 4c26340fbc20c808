"""A file in a multipart/form-data body, read as a stream and never held in memory as a whole."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import TypeAlias

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from api.http.parsers import invalid_parameter, printable
from api.imports.errors import FileRequiredError, MalformedFormError
from core.readings import RejectCode

FIELD = "file"
MAX_PARTS = 20
MAX_NAME_CHARACTERS = 200
MAX_FIELD_BYTES = 10_000

# Headers, boundaries and other fields around the file.
FORM_OVERHEAD_BYTES = 64 * 1024

Event: TypeAlias = MultipartSegment | bytes | bytearray | None


@dataclass(frozen=True, slots=True)
class FormFile:
    """The file's name as sent, its bytes, which can be read once, and the form's other fields.

    Fields after the file are there only when the bytes have been read to their end.
    """

    name: str
    content: AsyncIterator[bytes]
    fields: dict[str, str]


async def read_form_file(content_type: str, body: AsyncIterator[bytes]) -> FormFile:
    """The file in the field `file`; the body is read up to the file's first byte.

    Raises FileRequiredError when there is none, MalformedFormError when the body is not a form, and
    InvalidRequestError when a field repeats or is too long; the latter two also while the content
    is read.
    """
    media_type, options = parse_options_header(content_type)
    if media_type != "multipart/form-data" or not options.get("boundary"):
        raise FileRequiredError("CSV File is required")
    fields: dict[str, str] = {}
    events = _parser_events(options["boundary"], body)
    async for event in events:
        if isinstance(event, MultipartSegment):
            if event.name == FIELD:
                return FormFile(_file_name(event), _file_content(events, fields), fields)
            await _read_field(fields, event.name, events)
    raise FileRequiredError("CSV File is required")


def _file_name(part: MultipartSegment) -> str:
    if not part.filename:
        raise FileRequiredError("CSV File is required")
    return str(part.filename)


async def _parser_events(boundary: str, body: AsyncIterator[bytes]) -> AsyncGenerator[Event]:
    try:
        with PushMultipartParser(boundary, max_segment_count=MAX_PARTS) as parser:
            async for chunk in body:
                for event in parser.parse(chunk):
                    yield event
    except MultipartError as error:
        raise _malformed() from error


async def _file_content(
    events: AsyncGenerator[Event], fields: dict[str, str]
) -> AsyncIterator[bytes]:
    async for event in events:
        if event is None:
            break
        yield bytes(event)
    async for event in events:  # to the end of the form: a truncated one raises
        if isinstance(event, MultipartSegment):
            await _read_field(fields, event.name, events)


async def _read_field(fields: dict[str, str], name: str, events: AsyncGenerator[Event]) -> None:
    """Read the rest of the part `name` and add it to the fields."""
    if name in fields or name == FIELD:
        raise invalid_parameter(printable(name), "is given twice", "repeated_field")
    text = bytearray()
    async for event in events:
        if event is None:
            break
        text += event
        if len(text) > MAX_FIELD_BYTES:
            raise invalid_parameter(
                printable(name), f"must have at most {MAX_FIELD_BYTES} bytes", RejectCode.TOO_LONG
            )
    try:
        fields[name] = text.decode()
    except UnicodeDecodeError as error:
        raise _malformed() from error


def _malformed() -> MalformedFormError:
    return MalformedFormError("The body is not multipart/form-data, or it ends before its end.")


def safe_file_name(name: str) -> str:
    """The name without folders and control characters; of a long one the last characters."""
    base = re.split(r"[/\\]", name)[-1]
    printable = "".join(character for character in base if character.isprintable())
    return printable.strip()[-MAX_NAME_CHARACTERS:]
