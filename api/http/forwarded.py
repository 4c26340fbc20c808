"""What proxies tell of a request in X-Forwarded-*, as far as they are trusted."""

from collections.abc import Iterable

Headers = Iterable[tuple[bytes, bytes]]


def outermost(nearest: str, headers: Headers, name: bytes, trusted_proxies: int) -> str:
    """What the outermost trusted proxy saw of its peer; `nearest` is what this server sees.

    Each proxy appends what it saw to the header; what stands further to the left was written by the
    client and is not trusted. Where trusted proxies replace the header, it has fewer entries.
    """
    if not trusted_proxies:
        return nearest
    entries = [
        entry.strip()
        for header, value in headers
        if header == name
        for entry in value.decode("latin-1").split(",")
    ]
    nearest_first = [nearest, *reversed(entries)]
    return nearest_first[min(trusted_proxies, len(entries))]
