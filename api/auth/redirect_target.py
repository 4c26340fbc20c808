"""Where a browser is redirected after the sign-in: a path of this server only.

Anything else would make the sign-in an open redirector (RFC 9700 4.11).
"""

import re
from urllib.parse import unquote, urlsplit

from api.auth.errors import InvalidReturnPathError

DEFAULT_TARGET = "/docs"
MAX_LENGTH = 2048
MAX_DECODINGS = 8

# Browsers drop control characters from a URL, and read \ as /.
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")


def validated_redirect_target(path: str) -> str:
    """The path as given. Raises InvalidReturnPathError if it could lead to another server."""
    if len(path) > MAX_LENGTH or not all(map(_is_local_path, _decodings(path))):
        raise InvalidReturnPathError(
            "next must be a path of this server, such as /docs.", path=path
        )
    return path


def _decodings(path: str) -> list[str]:
    """The path and what a chain of proxies might decode it to.

    Nested deeper than MAX_DECODINGS it is replaced by an empty path, which is rejected.
    """
    decodings = [path]
    while (decoded := unquote(decodings[-1])) != decodings[-1]:
        if len(decodings) > MAX_DECODINGS:
            return [""]
        decodings.append(decoded)
    return decodings


def _is_local_path(path: str) -> bool:
    if not path.startswith("/") or path.startswith("//") or UNSAFE.search(path):
        return False
    try:
        parts = urlsplit(path)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc
