"""A stub of an identity provider: discovery, keys, and tokens that are valid or invalid."""

import asyncio
import json
import re
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter

AUDIENCE = "urn:sensorflow:api"
ANY_HEADER = JWSRegistry({"x": HeaderParameter("", "int")}, strict_check_header=False)
ALL_SCOPES = "readings:write readings:read imports:write imports:read admin"


# Generating an RSA key takes up to a second: once a run.
KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "second", "use": "sig"})


def public_keys() -> list[dict[str, Any]]:
    """The keys as a provider publishes them."""
    return [dict(key.as_dict(private=False)) for key in (KEY, OTHER_KEY)]


@dataclass(frozen=True)
class Request:
    """What the provider is asked: a path, and the form of a POST."""

    path: str
    form: dict[str, str]


def signed(header: bytes, payload: bytes) -> str:
    """A JWS of any bytes whatever, signed with the first key by RS256."""
    signing_input = f"{_base64(header)}.{_base64(payload)}"
    assert KEY.private_key
    signature = KEY.private_key.sign(signing_input.encode(), PKCS1v15(), SHA256())
    return f"{signing_input}.{_base64(signature)}"


def _base64(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")


class StubProvider:
    """Serves on a port of its own and counts requests by path; while `down` it responds 503."""

    def __init__(self) -> None:
        self.issuer = ""
        self.down = False
        self.requests: Counter[str] = Counter()
        self.published = public_keys()

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a valid access token; a change to None omits the claim."""
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
        """A token signed with the first key, valid but for what is changed."""
        full = {"alg": "RS256", "kid": "first", "typ": "at+jwt", **(header or {})}
        full = {name: value for name, value in full.items() if value is not None}
        claims = self.claims(**changes)
        return jwt.encode(full, claims, KEY, registry=ANY_HEADER, default_type=None)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        """Listen on a free port of this machine."""
        server = await asyncio.start_server(self._respond, "127.0.0.1", 0)
        self.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # the client hung up
            request = await _read_request(reader)
            self.requests[request.path] += 1
            await self.respond(request, writer)
        writer.close()

    async def respond(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        if self.down:
            await send_json(writer, {}, "503 Down")
        else:
            await send_json(writer, self.document(request.path))

    def document(self, path: str) -> dict[str, Any]:
        """The keys, or the discovery document."""
        if path == "/jwks":
            return {"keys": self.published}
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_endpoint": f"{self.issuer}/authorize",
        }


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
    body = await reader.readexactly(int(length[1])) if length else b""
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    return Request(head.split(b" ")[1].decode(), form)


async def send_json(writer: asyncio.StreamWriter, document: object, status: str = "200 OK") -> None:
    """Send a whole response."""
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
