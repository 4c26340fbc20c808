"""Where a request comes from, as far as that can be trusted."""

from typing import Any

from litestar.connection import ASGIConnection

UNKNOWN = "unknown"


class Addresses:
    """Knows how many proxies of ours stand between the caller and the server.

    Each appends the address it was called from to X-Forwarded-For; what stands further to the left
    was written by the caller.
    """

    def __init__(self, trusted_proxies: int) -> None:
        self._trusted_proxies = trusted_proxies

    def of(self, connection: ASGIConnection[Any, Any, Any, Any]) -> str:
        """The address of the caller."""
        chain = [connection.client.host if connection.client else UNKNOWN]
        for header in connection.headers.getall("x-forwarded-for", []):
            chain += [part.strip() for part in header.split(",")]
        # The peer itself is nearest; before it, right to left, what each proxy saw.
        nearest_first = [chain[0], *reversed(chain[1:])]
        return nearest_first[min(self._trusted_proxies, len(nearest_first) - 1)]
