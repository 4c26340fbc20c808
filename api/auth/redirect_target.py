"""Where a browser goes after the sign-in: a path of this server, and nowhere else."""

import re
from urllib.parse import unquote, urlsplit

from api.auth.errors import InvalidReturnPathError

DEFAULT = "/docs"
MAX_LENGTH = 2048
MAX_DECODINGS = 8

# Browsers drop control characters from an address, and take \ for /.
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")


def safe_return_path(path: str) -> str:
    """The path as given. Raises InvalidReturnPathError for what could lead elsewhere."""
    if len(path) > MAX_LENGTH or not all(map(_stays_here, _decodings(path))):
        raise InvalidReturnPathError(
            "next must be a path of this server, such as /docs.", path=path
        )
    return path


def _decodings(path: str) -> list[str]:
    """The path and what a chain of proxies might decode it to; too deep a nesting stays unsafe."""
    found = [path]
    while (decoded := unquote(found[-1])) != found[-1]:
        if len(found) > MAX_DECODINGS:
            return [""]
        found.append(decoded)
    return found


def _stays_here(path: str) -> bool:
    if not path.startswith("/") or path.startswith("//") or UNSAFE.search(path):
        return False
    try:
        parts = urlsplit(path)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc
