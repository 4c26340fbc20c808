"""OpenAPI request bodies of uploads: handlers that read a stream declare none in a signature."""

from collections.abc import Mapping
from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from api.imports.multipart import FIELD
from api.imports.options import DEFAULTS, IMPORT_OPTIONS, ImportOption
from api.imports.previews import DETECT, FLAGS, SIZE_BYTES


def _option_schema(option: ImportOption) -> Schema:
    default = DEFAULTS[option.name]
    return Schema(
        type=OpenAPIType.STRING,
        description=option.description,
        default=default if isinstance(default, str) else None,
        enum=list(option.choices) or None,
    )


OPTIONS = {option.name: _option_schema(option) for option in IMPORT_OPTIONS}

PREVIEW_FIELDS = {
    SIZE_BYTES: Schema(
        type=OpenAPIType.INTEGER,
        description="The size of the whole file, where `file` is only its beginning.",
    ),
    DETECT: Schema(
        type=OpenAPIType.STRING,
        description="Whether options are looked for beside those that are given.",
        default="true",
        enum=list(FLAGS),
    ),
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
class PreviewOperation(Operation):
    """An operation whose body is a form of a file, or its beginning, and import options."""

    def __post_init__(self) -> None:
        """Declare the form."""
        self.request_body = _form_body(OPTIONS | PREVIEW_FIELDS)


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
