"""The IP address of the client behind trusted proxies."""

from typing import Any

from litestar.connection import ASGIConnection

UNKNOWN = "unknown"


class ClientAddressResolver:
    """Resolves X-Forwarded-For behind a known number of trusted proxies.

    Each proxy appends the address of its own peer; entries further to the left were written by the
    client and are not trusted.
    """

    def __init__(self, trusted_proxies: int) -> None:
        self._trusted_proxies = trusted_proxies

    def resolve(self, connection: ASGIConnection[Any, Any, Any, Any]) -> str:
        """The address of the client."""
        peer = connection.client.host if connection.client else UNKNOWN
        forwarded: list[str] = []
        for header in connection.headers.getall("x-forwarded-for", []):
            forwarded += [part.strip() for part in header.split(",")]
        # The peer of the socket is nearest; then, right to left, the peer of each proxy.
        nearest_first = [peer, *reversed(forwarded)]
        return nearest_first[min(self._trusted_proxies, len(nearest_first) - 1)]
