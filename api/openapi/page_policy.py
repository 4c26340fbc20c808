"""The Content-Security-Policy of the reference's pages, which hold nothing that a user wrote."""

import re
from functools import lru_cache

from api.http.content_security_policy import NOWHERE, source_of

INLINE = {
    "script-src": re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL),
    "style-src": re.compile(rb"<style[^>]*>(.*?)</style>", re.DOTALL),
}
OTHERS = "default-src 'none'; img-src 'self' data:; connect-src 'self'"


@lru_cache(maxsize=8)  # a page is large and the same for everybody
def policy_of(page: bytes) -> str:
    """A policy under which the page loads from this server only, and runs only what it has now.

    Its inline scripts and styles are allowed by their hashes, others that are put into it are not.
    """
    sources = (
        " ".join([kind, "'self'", *map(source_of, inline.findall(page))])
        for kind, inline in INLINE.items()
    )
    return "; ".join([OTHERS, *sources, NOWHERE])
