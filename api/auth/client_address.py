"""The IP address of the client behind trusted proxies."""

from typing import Any

from litestar.connection import ASGIConnection

from api.http.forwarded import outermost

UNKNOWN = "unknown"


class ClientAddressResolver:
    """Resolves X-Forwarded-For behind a known number of trusted proxies."""

    def __init__(self, trusted_proxies: int) -> None:
        self._trusted_proxies = trusted_proxies

    def resolve(self, connection: ASGIConnection[Any, Any, Any, Any]) -> str:
        """The address of the client."""
        peer = connection.client.host if connection.client else UNKNOWN
        headers = connection.scope["headers"]
        return outermost(peer, headers, b"x-forwarded-for", self._trusted_proxies)
