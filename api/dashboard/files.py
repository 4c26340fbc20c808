"""The built files of the dashboard, with the encodings that were made when it was built.

All of them are held in memory and looked up by name: a request cannot name any other file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from api.http.content_codings import accepted_codings

FOLDER = Path(__file__).parent / "files"
PAGE = "index.html"

# The codings by what their files end with, the smallest first.
CODINGS = {"br": ".br", "gzip": ".gz"}
MEDIA_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Representation:
    """The bytes of a file in one coding."""

    content: bytes
    coding: str | None
    etag: str


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """A file and its representations, the preferred first and the plain one last."""

    media_type: str
    representations: tuple[Representation, ...]

    def representation_for(self, accept_encoding: str) -> Representation:
        """The smallest one that the client accepts; the plain one to others."""
        accepted = accepted_codings(accept_encoding)
        for representation in self.representations:
            if representation.coding in accepted:
                return representation
        return self.representations[-1]


BuiltFiles = Mapping[str, BuiltFile]


def built_files(folder: Path = FOLDER) -> BuiltFiles:
    """The files by their names below the folder; none if the dashboard was not built."""
    return {
        path.relative_to(folder).as_posix(): _built_file(path)
        for path in folder.rglob("*")
        if path.suffix in MEDIA_TYPES
    }


def _built_file(path: Path) -> BuiltFile:
    coded = [
        _representation(encoded.read_bytes(), coding)
        for coding, suffix in CODINGS.items()
        if (encoded := path.with_name(path.name + suffix)).is_file()
    ]
    return BuiltFile(MEDIA_TYPES[path.suffix], (*coded, _representation(path.read_bytes(), None)))


def _representation(content: bytes, coding: str | None) -> Representation:
    return Representation(content, coding, f'"{blake2b(content, digest_size=16).hexdigest()}"')
