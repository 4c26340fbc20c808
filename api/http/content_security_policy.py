"""Parts of a Content-Security-Policy."""

from base64 import b64encode
from hashlib import sha256
from typing import Final

# What default-src does not cover: a page sends no form, is not framed, and keeps its base URL.
NOWHERE: Final = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def source_of(inline: bytes) -> str:
    """The source that allows this one script or style inside of a page."""
    return f"'sha256-{b64encode(sha256(inline).digest()).decode()}'"
