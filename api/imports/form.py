"""A file in a multipart/form-data body, read as it arrives and never held as a whole."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import TypeAlias

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from api.imports.errors import FileRequiredError, MalformedFormError

FIELD = "file"
MAX_PARTS = 20
MAX_NAME_CHARACTERS = 200

Event: TypeAlias = MultipartSegment | bytes | bytearray | None


@dataclass(frozen=True, slots=True)
class FormFile:
    """The file's name as sent, and its bytes, to be read once."""

    name: str
    content: AsyncIterator[bytes]


async def file_in_form(content_type: str, body: AsyncIterator[bytes]) -> FormFile:
    """The file in the field `file`.

    Raises FileRequiredError when there is none, MalformedFormError when the body is no form; the
    latter also while the content is read.
    """
    media_type, options = parse_options_header(content_type)
    if media_type != "multipart/form-data" or not options.get("boundary"):
        raise FileRequiredError("CSV File is required")
    events = _events(options["boundary"], body)
    async for event in events:
        if isinstance(event, MultipartSegment) and event.name == FIELD and event.filename:
            return FormFile(event.filename, _content(events))
    raise FileRequiredError("CSV File is required")


async def _events(boundary: str, body: AsyncIterator[bytes]) -> AsyncGenerator[Event]:
    try:
        with PushMultipartParser(boundary, max_segment_count=MAX_PARTS) as parser:
            async for chunk in body:
                for event in parser.parse(chunk):
                    yield event
    except MultipartError as error:
        raise MalformedFormError(
            "The body is not multipart/form-data, or it ends before its end."
        ) from error


async def _content(events: AsyncGenerator[Event]) -> AsyncIterator[bytes]:
    in_file = True
    async for event in events:  # to the end of the form: only then is it known to be complete
        if event is None:
            in_file = False
        elif in_file and not isinstance(event, MultipartSegment):
            yield bytes(event)


def safe_file_name(name: str) -> str:
    """The name without folders and control characters, of bounded length, its end kept."""
    base = re.split(r"[/\\]", name)[-1]
    printable = "".join(character for character in base if character.isprintable())
    return printable.strip()[-MAX_NAME_CHARACTERS:]
