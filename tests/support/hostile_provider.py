"""An identity provider that a test makes attack its client, at any of its endpoints.

Without an attack it is an honest one that signs everybody in: the authorization response is made
by `authorize`, since no browser comes here, and PKCE is verified at the token endpoint.
"""

import asyncio
import gzip
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support.stub_provider import Request, StubProvider, public_keys, send_json

DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/jwks"
TOKEN = "/token"
REVOCATION = "/revoke"
ELSEWHERE = "/elsewhere"

GIGABYTE = 2**30
CHUNK = b" " * 2**16

Attack = Callable[["HostileProvider", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Authorization:
    """What the provider knows of an authorization request until its code is exchanged."""

    nonce: str | None
    challenge: str | None


class HostileProvider(StubProvider):
    """Answers a path by its attack, if it has one."""

    def __init__(self) -> None:
        super().__init__()
        self.attacks: dict[str, Attack] = {}
        self.discovery_changes: dict[str, Any] = {}
        self.token_changes: dict[str, Any] = {}
        self.id_token_changes: dict[str, Any] = {}
        self.access_token_changes: dict[str, Any] = {}
        self.ignores_pkce = False
        self.sent_bytes = 0
        self.over = asyncio.Event()
        self.forms: list[dict[str, str]] = []
        self._authorizations: dict[str, Authorization] = {}
        self._refresh_tokens: set[str] = set()

    def authorize(self, url: str, **changes: str | None) -> dict[str, str]:
        """The authorization response to the request at `url`; a change to None omits a parameter.

        Changes are made to the request before it arrives, as an attacker in the browser can.
        """
        sent = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        request = {name: value for name, value in (sent | changes).items() if value is not None}
        code = token_hex()
        self._authorizations[code] = Authorization(
            request.get("nonce"), request.get("code_challenge")
        )
        return {"code": code, "state": request["state"]}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        """Listen on a free port of this machine; at the end no attack goes on."""
        async with super().serving():
            yield self
            self.make_peace()

    def make_peace(self) -> None:
        """Be honest again; attacks that go on end."""
        self.over.set()
        self.over = asyncio.Event()
        for changes in (
            self.attacks,
            self.discovery_changes,
            self.token_changes,
            self.id_token_changes,
            self.access_token_changes,
        ):
            changes.clear()
        self.ignores_pkce = False
        self.published = public_keys()
        self.requests.clear()
        self.forms.clear()
        self.sent_bytes = 0

    async def respond(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        if attack := self.attacks.get(request.path):
            await attack(self, writer)
        elif request.path == TOKEN:
            self.forms.append(request.form)
            await self._exchange(request.form, writer)
        else:
            await super().respond(request, writer)

    def document(self, path: str) -> dict[str, Any]:
        """As of any provider, with endpoints of the code flow."""
        document = super().document(path)
        if path != DISCOVERY:
            return document
        endpoints = {
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": self.issuer + TOKEN,
            "revocation_endpoint": self.issuer + REVOCATION,
        }
        return document | endpoints | self.discovery_changes

    async def _exchange(self, form: dict[str, str], writer: asyncio.StreamWriter) -> None:
        nonce = None
        if form["grant_type"] == "authorization_code":
            authorization = self._authorizations.pop(form["code"], None)
            if authorization is None or not self._is_proven(authorization, form):
                await send_json(writer, {"error": "invalid_grant"}, "400 Bad Request")
                return
            nonce = authorization.nonce
        elif form["grant_type"] == "refresh_token" and not self._spend(form["refresh_token"]):
            await send_json(writer, {"error": "invalid_grant"}, "400 Bad Request")
            return
        await send_json(writer, self._tokens(nonce) | self.token_changes)

    def _is_proven(self, authorization: Authorization, form: dict[str, str]) -> bool:
        """Whether the code comes from where it was requested, by PKCE."""
        challenge = challenge_of(form.get("code_verifier", ""))
        return self.ignores_pkce or authorization.challenge == challenge

    def _spend(self, refresh_token: str) -> bool:
        """Use a refresh token; when one is used again, none works any more (RFC 9700 4.14.2)."""
        if refresh_token not in self._refresh_tokens:
            self._refresh_tokens.clear()
            return False
        self._refresh_tokens.remove(refresh_token)
        return True

    def _tokens(self, nonce: str | None) -> dict[str, Any]:
        id_claims = {"aud": "sensorflow", "scope": None, "nonce": nonce, **self.id_token_changes}
        self._refresh_tokens.add(refresh_token := token_hex())
        return {
            "access_token": self.token(jti=token_hex(), **self.access_token_changes),
            "token_type": "Bearer",
            "refresh_token": refresh_token,
            "id_token": self.token({"typ": "JWT"}, **id_claims),
        }


def challenge_of(verifier: str) -> str:
    """The code challenge of a code verifier, by S256 of RFC 7636."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


async def drip(provider: HostileProvider, writer: asyncio.StreamWriter) -> None:
    """A response that arrives a byte a second, and never whole."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    await _drip(provider, writer)


async def drip_headers(provider: HostileProvider, writer: asyncio.StreamWriter) -> None:
    """The same with the head of the response."""
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    await _drip(provider, writer)


async def never_answer(provider: HostileProvider, _: asyncio.StreamWriter) -> None:
    """Nothing at all."""
    await provider.over.wait()


async def send_a_gigabyte(provider: HostileProvider, writer: asyncio.StreamWriter) -> None:
    """A gigabyte, if the client takes it."""
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    for _ in range(GIGABYTE // len(CHUNK)):
        writer.write(CHUNK)
        await writer.drain()
        provider.sent_bytes += len(CHUNK)


async def announce_a_gigabyte(provider: HostileProvider, writer: asyncio.StreamWriter) -> None:
    """The same, with its length."""
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {GIGABYTE}\r\n\r\n".encode())
    await send_a_gigabyte(provider, writer)


async def send_a_bomb(_: HostileProvider, writer: asyncio.StreamWriter) -> None:
    """Few bytes that inflate to 100 MB."""
    body = gzip.compress(bytes(10**8), compresslevel=1)
    head = f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n"
    await send(writer, head.encode(), body)


async def send_no_json(_: HostileProvider, writer: asyncio.StreamWriter) -> None:
    await send(writer, b"Connection: close\r\n", b'{"issuer": "http://')


async def send_deep_json(_: HostileProvider, writer: asyncio.StreamWriter) -> None:
    await send(writer, b"Connection: close\r\n", b'{"keys": [{"n": ' + b"[" * 100_000)


async def send_a_list(_: HostileProvider, writer: asyncio.StreamWriter) -> None:
    await send_json(writer, [1, None, {"keys": []}])


async def redirect(_: HostileProvider, writer: asyncio.StreamWriter) -> None:
    """To another path of this provider, which a client that follows asks for."""
    writer.write(f"HTTP/1.1 302 Found\r\nLocation: {ELSEWHERE}\r\n\r\n".encode())
    await writer.drain()


async def name_another_issuer(provider: HostileProvider, writer: asyncio.StreamWriter) -> None:
    await send_json(writer, provider.document(DISCOVERY) | {"issuer": "https://evil.example"})


async def send_many_keys(provider: HostileProvider, writer: asyncio.StreamWriter) -> None:
    """More keys than are accepted, in fewer bytes than are."""
    (key, *_) = provider.published
    await send_json(writer, {"keys": [{**key, "kid": str(number)} for number in range(1_000)]})


async def send_no_keys(_: HostileProvider, writer: asyncio.StreamWriter) -> None:
    await send_json(writer, {"keys": []})


async def send(writer: asyncio.StreamWriter, headers: bytes, body: bytes) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n" + body)
    await writer.drain()


async def _drip(provider: HostileProvider, writer: asyncio.StreamWriter) -> None:
    over = provider.over
    while not over.is_set():
        writer.write(b" ")
        await writer.drain()
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), 1)


def callback_path(response: Mapping[str, str] | Sequence[tuple[str, str]]) -> str:
    """Where the provider sends the browser with this authorization response."""
    return f"/auth/callback?{urlencode(response)}"


def as_attack(document: object) -> Attack:
    """Send this JSON instead of what is due."""

    async def attack(_: HostileProvider, writer: asyncio.StreamWriter) -> None:
        await send(writer, b"Connection: close\r\n", json.dumps(document).encode())

    return attack
