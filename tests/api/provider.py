"""A small identity provider for tests: discovery, keys, and tokens invalid in every way."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter

AUDIENCE = "urn:sensorflow:api"
ANY_HEADER = JWSRegistry({"x": HeaderParameter("", "int")}, strict_check_header=False)
ALL_SCOPES = "readings:write readings:read imports:write imports:read admin"


# Making an RSA key takes a second now and then: once a run.
KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "second", "use": "sig"})


class Provider:
    """Listens on a port of its own and counts its requests; `down` makes it fail."""

    def __init__(self) -> None:
        self.issuer = ""
        self.down = False
        self.requests: Counter[str] = Counter()
        self.published: list[dict[str, Any]] = [
            dict(key.as_dict(private=False)) for key in (KEY, OTHER_KEY)
        ]

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Those of a good access token; a change to None leaves the claim out."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "tester",
            "scope": ALL_SCOPES,
            "iat": now,
            "exp": now + 600,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A token signed with the first key, good but for what is changed."""
        full = {"alg": "RS256", "kid": "first", "typ": "at+jwt", **(header or {})}
        full = {name: value for name, value in full.items() if value is not None}
        claims = self.claims(**changes)
        return jwt.encode(full, claims, KEY, registry=ANY_HEADER, default_type=None)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Provider"]:
        """Listen on a free port of this machine."""
        server = await asyncio.start_server(self._respond, "127.0.0.1", 0)
        self.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1].decode()
        self.requests[path] += 1
        status = "503 Down" if self.down else "200 OK"
        body = json.dumps(self._document(path)).encode()
        response_head = (
            f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(response_head.encode() + body)
        await writer.drain()
        writer.close()

    def _document(self, path: str) -> dict[str, Any]:
        if path == "/jwks":
            return {"keys": self.published}
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_endpoint": f"{self.issuer}/authorize",
        }
