"""Entity tags: what a client names to learn whether its answer still holds (RFC 9110)."""

import re
from hashlib import blake2b

import msgspec

DIGEST_BYTES = 16
TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def entity_tag(*parts: object) -> str:
    """A weak tag of the parts: equal answers may differ in when they were given, and in coding."""
    digest = blake2b(msgspec.msgpack.encode(parts), digest_size=DIGEST_BYTES)
    return f'W/"{digest.hexdigest()}"'


def is_known(tag: str, if_none_match: str | None) -> bool:
    """Whether the header If-None-Match names the tag, compared weakly, or any with an asterisk."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or opaque(tag) in TAG.findall(if_none_match)


def opaque(tag: str) -> str:
    """What stands in the tag's quotes."""
    return tag.removeprefix("W/").strip('"')
