"""Entity tags and conditional requests (RFC 9110)."""

import re
from hashlib import blake2b

import msgspec

DIGEST_BYTES = 16
ENTITY_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def weak_etag(*parts: object) -> str:
    """A weak entity tag of the parts.

    Weak, since equal responses may differ in the time they were made at and in Content-Encoding.
    """
    digest = blake2b(msgspec.msgpack.encode(parts), digest_size=DIGEST_BYTES)
    return f'W/"{digest.hexdigest()}"'


def matches_if_none_match(etag: str, if_none_match: str | None) -> bool:
    """Whether the header If-None-Match lists the tag, by weak comparison, or is an asterisk."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or opaque_tag(etag) in ENTITY_TAG.findall(if_none_match)


def opaque_tag(etag: str) -> str:
    """The part of the tag between its quotes."""
    return etag.removeprefix("W/").strip('"')
