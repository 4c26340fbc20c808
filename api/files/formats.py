"""The formats in which rows are returned, and content negotiation among them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from litestar.datastructures.headers import Accept

from api.files.errors import NotAcceptableError
from api.http.csv_dialects import CsvDialect


class Format(StrEnum):
    """JSON is a page; the others are files of all rows."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


MEDIA_TYPES: Mapping[Format, str] = MappingProxyType(
    {
        Format.JSON: "application/json",
        Format.NDJSON: "application/x-ndjson",
        Format.CSV: "text/csv",
        Format.PARQUET: "application/vnd.apache.parquet",
        Format.ARROW: "application/vnd.apache.arrow.stream",
    }
)
FILE_MEDIA_TYPES = tuple(MEDIA_TYPES[name] for name in Format if name is not Format.JSON)
BY_MEDIA_TYPE = {media_type: name for name, media_type in MEDIA_TYPES.items()}

VARY: Mapping[str, str] = MappingProxyType({"Vary": "Accept"})


@dataclass(frozen=True, slots=True)
class Representation:
    """What a request selects of the formats; the dialect is of CSV only."""

    format: Format = Format.JSON
    csv_dialect: CsvDialect = CsvDialect.PLAIN

    @property
    def media_type(self) -> str:
        """The media type of the response."""
        return MEDIA_TYPES[self.format]

    def headers(self, name: str) -> dict[str, str]:
        """The headers of a file of this name, to which its format is appended."""
        return {**VARY, "Content-Disposition": f'attachment; filename="{name}.{self.format}"'}


PAGE = Representation()


def accepted_format(accept: str) -> Format:
    """The format that the header Accept prefers. Raises NotAcceptableError if it accepts none."""
    media_type = Accept(accept or "*/*").best_match(list(BY_MEDIA_TYPE))
    if media_type is None:
        raise NotAcceptableError(f"Accept one of {', '.join(BY_MEDIA_TYPE)}, or say format.")
    return BY_MEDIA_TYPE[media_type]
