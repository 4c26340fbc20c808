"""How the reference describes the upload: its handler reads a stream, so its signature cannot."""

from collections.abc import Iterable
from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.imports.form import FIELD
from core.imports import COLUMNS, DecimalMark, TimeFormat


def _text(description: str, default: str | None = None, enum: Iterable[str] = ()) -> Schema:
    return Schema(
        type=OpenAPIType.STRING, description=description, default=default, enum=list(enum) or None
    )


OPTIONS = {
    "delimiter": _text("Between fields; if not said, the header tells.", enum=(",", ";", "tab")),
    "decimal": _text("The mark before a value's fraction.", DecimalMark.POINT, DecimalMark),
    "timeFormat": _text("How timestamps are written.", TimeFormat.ISO8601, TimeFormat),
    "timeZone": _text("The IANA time zone of timestamps without offset.", "UTC"),
    "columns": _text(f"A JSON object: the file's names for any of {', '.join(COLUMNS)}."),
}


@dataclass
class UploadOperation(Operation):
    """The operation with its form."""

    def __post_init__(self) -> None:
        """Declare the form."""
        file = Schema(type=OpenAPIType.STRING, content_media_type="text/csv")
        form = Schema(
            type=OpenAPIType.OBJECT, required=[FIELD], properties={FIELD: file, **OPTIONS}
        )
        self.request_body = RequestBody(
            content={"multipart/form-data": OpenAPIMediaType(schema=form)}, required=True
        )
