"""OpenAPI request bodies of uploads: handlers that read a stream declare none in a signature."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from api.imports.multipart import FIELD
from core.imports import COLUMNS, DecimalMark, OnTooManyErrors, TimeFormat
from core.readings import OnConflict


def _text(description: str, default: str | None = None, enum: Iterable[str] = ()) -> Schema:
    return Schema(
        type=OpenAPIType.STRING, description=description, default=default, enum=list(enum) or None
    )


OPTIONS = {
    "delimiter": _text(
        "Between fields; without it, detected from the header.", enum=(",", ";", "tab")
    ),
    "decimal": _text("The mark before a value's fraction.", DecimalMark.POINT, DecimalMark),
    "timeFormat": _text("How timestamps are written.", TimeFormat.ISO8601, TimeFormat),
    "timeZone": _text("The IANA time zone of timestamps without offset.", "UTC"),
    "columns": _text(f"A JSON object: the file's names for any of {', '.join(COLUMNS)}."),
    "maxErrors": _text("The rows that may be rejected: a number, or a percentage such as 5%."),
    "onTooManyErrors": _text(
        "What happens to the other rows if more are rejected.",
        OnTooManyErrors.DISCARD,
        OnTooManyErrors,
    ),
    "onConflict": _text(
        "What happens to a row whose key is stored with another value.",
        OnConflict.REPLACE,
        OnConflict,
    ),
    "earliest": _text("The earliest plausible timestamp, or its date; without it, the server's."),
}


def _form_body(fields: Mapping[str, Schema]) -> RequestBody:
    file = Schema(type=OpenAPIType.STRING, content_media_type="text/csv")
    form = Schema(type=OpenAPIType.OBJECT, required=[FIELD], properties={FIELD: file, **fields})
    return RequestBody(
        content={"multipart/form-data": OpenAPIMediaType(schema=form)}, required=True
    )


@dataclass
class UploadOperation(Operation):
    """An operation whose body is a form of a file and import options."""

    def __post_init__(self) -> None:
        """Declare the form."""
        self.request_body = _form_body(OPTIONS)


@dataclass
class RejectsOperation(Operation):
    """An operation whose body is a form of a file alone."""

    def __post_init__(self) -> None:
        """Declare the form."""
        self.request_body = _form_body({})


@dataclass
class ContentOperation(Operation):
    """An operation whose body is the file itself."""

    def __post_init__(self) -> None:
        """Declare the body."""
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        self.request_body = RequestBody(
            content={"application/octet-stream": OpenAPIMediaType(schema=file)}, required=True
        )
