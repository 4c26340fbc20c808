"""The Content-Security-Policy of the reference's pages, which hold nothing that a user wrote."""

import re
from base64 import b64encode
from functools import lru_cache
from hashlib import sha256

INLINE = {
    "script-src": re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL),
    "style-src": re.compile(rb"<style[^>]*>(.*?)</style>", re.DOTALL),
}
OTHERS = "default-src 'none'; img-src 'self' data:; connect-src 'self'; "
NOWHERE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@lru_cache(maxsize=8)  # a page is large and the same for everybody
def policy_of(page: bytes) -> str:
    """A policy under which the page loads from this server only, and runs only what it has now.

    Its inline scripts and styles are allowed by their hashes, others that are put into it are not.
    """
    sources = "".join(f"{kind} 'self'{_hashes(page, kind)}; " for kind in INLINE)
    return OTHERS + sources + NOWHERE


def _hashes(page: bytes, kind: str) -> str:
    inline = INLINE[kind].findall(page)
    return "".join(f" 'sha256-{b64encode(sha256(text).digest()).decode()}'" for text in inline)
