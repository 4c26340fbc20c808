"""Validation of access tokens, with a stub provider on a real port."""

import asyncio
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import RSAKey

from api.auth.errors import (
    ExpiredTokenError,
    IdentityProviderUnavailableError,
    InvalidTokenError,
)
from api.auth.jwks import JwksCache
from api.auth.provider_cache import COOLDOWN_SECONDS, MAX_AGE_SECONDS
from api.auth.tokens import AccessTokenVerifier
from core.errors import SensorFlowError
from core.settings import AuthSettings
from tests.support.stub_provider import AUDIENCE, KEY, OTHER_KEY, StubProvider, signed

FOREIGN_KEY = RSAKey.generate_key(2048)
HEADER = b'{"alg":"RS256","kid":"first","typ":"at+jwt"}'


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def none_is_revoked(_token: str) -> bool:
    return False


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def own_provider() -> AsyncIterator[StubProvider]:
    """A stub for each test, which may change its keys or make it fail."""
    async with StubProvider().serving() as provider:
        yield provider


@pytest_asyncio.fixture
async def verifier(own_provider: StubProvider, clock: Clock) -> AsyncIterator[AccessTokenVerifier]:
    async with httpx2.AsyncClient() as http:
        jwks = JwksCache(own_provider.issuer, http, clock)
        settings = AuthSettings(issuer=own_provider.issuer, audience=AUDIENCE)
        yield AccessTokenVerifier(settings, jwks, none_is_revoked)


def unsigned(provider: StubProvider) -> str:
    payload = provider.token().split(".")[1]
    return encoded('{"alg":"none","kid":"first","typ":"at+jwt"}') + f".{payload}."


def with_header(header: str) -> str:
    return f"{encoded(header)}.{encoded('{}')}.x"


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def escaped(provider: StubProvider, **changes: Any) -> str:
    """A token whose claims are in ASCII, so that they may hold what UTF-8 cannot."""
    return signed(HEADER, json.dumps(provider.claims(**changes)).encode())


def with_critical(provider: StubProvider, critical: object) -> str:
    header = {"alg": "RS256", "kid": "first", "typ": "at+jwt", "crit": critical}
    return signed(json.dumps(header).encode(), json.dumps(provider.claims()).encode())


def signed_with_the_public_key(
    provider: StubProvider, media_type: str = "at+jwt", **changes: Any
) -> str:
    """Algorithm confusion: the public key, known to all, used as the secret of an HMAC."""
    head = encoded(json.dumps({"alg": "HS256", "kid": "first", "typ": media_type}))
    signed = f"{head}.{encoded(json.dumps(provider.claims(**changes)))}"
    mac = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{urlsafe_b64encode(mac).decode().rstrip('=')}"


def signed_with_a_foreign_key(provider: StubProvider) -> str:
    header = {"alg": "RS256", "kid": "first", "typ": "at+jwt"}
    return jwt.encode(header, provider.claims(), FOREIGN_KEY, default_type=None)


def altered(provider: StubProvider) -> str:
    head, payload, signature = provider.token().split(".")
    return f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def with_another_payload(provider: StubProvider) -> str:
    head, _, signature = provider.token(scope="").split(".")
    return f"{head}.{provider.token().split('.')[1]}.{signature}"


INVALID: dict[str, Callable[[StubProvider], str]] = {
    "alg none": unsigned,
    "HS256 with the public key": signed_with_the_public_key,
    "a foreign key under a known id": signed_with_a_foreign_key,
    "altered signature": altered,
    "altered payload": with_another_payload,
    "wrong issuer": lambda p: p.token(iss="http://127.0.0.1:1"),
    "no issuer": lambda p: p.token(iss=None),
    "wrong audience": lambda p: p.token(aud="urn:other"),
    "no audience": lambda p: p.token(aud=None),
    "no expiry": lambda p: p.token(exp=None),
    "no expiry within reach": lambda p: p.token(exp=1e30),
    "an infinite expiry": lambda p: p.token(exp=float("inf")),
    "an expiry that is no number": lambda p: p.token(exp=float("nan")),
    "an expiry too large for a float": lambda p: p.token(exp=10**400),
    "an expiry no calendar has": lambda p: p.token(exp=253_402_300_800),
    "expiry as text": lambda p: p.token(exp=str(int(time.time()) + 60)),
    "no subject": lambda p: p.token(sub=None),
    "an empty subject": lambda p: p.token(sub=""),
    "a subject of 256 characters": lambda p: p.token(sub="x" * 256),
    "a subject with a control character": lambda p: p.token(sub="tester\x00"),
    "a subject with an invisible control character": lambda p: p.token(sub="tester\x85"),
    "a subject with a lone surrogate": lambda p: escaped(p, sub="\ud800"),
    "a user name with a lone surrogate": lambda p: escaped(p, username="\udfff"),
    "a lone surrogate in any claim": lambda p: escaped(p, other=["\ud800"]),
    "not yet valid": lambda p: p.token(nbf=int(time.time()) + 120),
    "issued in the future": lambda p: p.token(iat=int(time.time()) + 120),
    "no kid": lambda p: p.token({"kid": None}),
    "empty kid": lambda p: p.token({"kid": ""}),
    "unknown kid": lambda p: p.token({"kid": "unknown"}),
    "the id of a key of another type": lambda p: p.token({"kid": "second"}),
    "an ID token": lambda p: p.token({"typ": "JWT"}, nonce="n", typ="ID"),
    "no type": lambda p: p.token({"typ": None}),
    "a type of another kind beside scp": lambda p: p.token({"typ": "secevent+jwt"}, scp="x"),
    "an unknown type beside scp": lambda p: p.token({"typ": "application/x"}, scp="x"),
    "Keycloak's ID token beside scp": lambda p: p.token({"typ": "JWT"}, typ="ID", scp="x"),
    "Keycloak's refresh token as access token": lambda p: p.token(typ="Refresh"),
    "Cognito's ID token beside scp": lambda p: p.token({"typ": None}, token_use="id", scp="x"),
    "a logout token beside scp": lambda p: p.token({"typ": "logout+jwt"}, scp="x"),
    "Cognito's ID token": lambda p: p.token({"typ": None}, token_use="id", aud=AUDIENCE),
    "Cognito's access token of another client": lambda p: p.token(
        {"typ": None}, aud=None, token_use="access", client_id="another"
    ),
    "no audience but a client": lambda p: p.token(aud=None, client_id=AUDIENCE),
    "a logout token": lambda p: p.token({"typ": "logout+jwt"}),
    "nothing": lambda _: "",
    "garbage": lambda _: "not.a.token",
    "binary": lambda _: "\xff\xfe.\x00.",
    "JSON as header": lambda _: with_header("[]"),
    "a header of numbers": lambda _: with_header('{"alg":1,"kid":2}'),
    "a deep header": lambda _: with_header('{"x":' + "[" * 100_000),
    "an extension that must be understood": lambda p: p.token({"crit": ["x"], "x": 1}),
    "an extension that the library understands": lambda p: p.token({"crit": ["b64"], "b64": True}),
    "no critical extension": lambda p: with_critical(p, []),
    "null as critical extensions": lambda p: with_critical(p, None),
    "critical extensions as text": lambda p: with_critical(p, "exp"),
    "five parts": lambda p: p.token() + ".x.y",
    "two parts": lambda p: ".".join(p.token().split(".")[:2]),
}


@pytest.mark.parametrize("kind", INVALID)
async def test_an_invalid_token_is_rejected(
    verifier: AccessTokenVerifier, own_provider: StubProvider, kind: str
) -> None:
    with pytest.raises(InvalidTokenError, match="not accepted"):
        await verifier.verify(INVALID[kind](own_provider))


async def test_an_expired_token_has_an_error_of_its_own(
    verifier: AccessTokenVerifier, own_provider: StubProvider
) -> None:
    with pytest.raises(ExpiredTokenError):
        await verifier.verify(own_provider.token(exp=int(time.time()) - 60))


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({}, {}),
        ({"typ": "application/at+jwt"}, {}),
        ({"typ": "AT+JWT"}, {}),
        ({"typ": "JWT"}, {"typ": "Bearer"}),
        ({"typ": None}, {"token_use": "access"}),
        ({"typ": None}, {"token_use": "access", "aud": None, "client_id": AUDIENCE}),
        ({"typ": "JWT"}, {"scp": "other"}),
        ({"typ": "JWT"}, {"idtyp": "app"}),
        ({}, {"aud": ["urn:other", AUDIENCE]}),
        ({}, {"nbf": int(time.time())}),
        ({"unknown": "header"}, {}),
    ],
)
async def test_a_valid_token_yields_subject_scopes_and_expiry(
    verifier: AccessTokenVerifier,
    own_provider: StubProvider,
    header: dict[str, Any],
    claims: dict[str, Any],
) -> None:
    expires_at = int(time.time()) + 60
    token = own_provider.token(
        header, sub="gateway", scope="readings:read other", exp=expires_at, **claims
    )
    principal = await verifier.verify(token)
    assert principal.subject == "gateway"
    assert principal.scopes == {"readings:read"}
    assert principal.expires_at == expires_at


@pytest.mark.parametrize(
    ("claims", "username"),
    [
        ({"preferred_username": "tess", "email": "t@example.org"}, "tess"),
        ({"preferred_username": "", "email": "t@example.org"}, "t@example.org"),
        ({"preferred_username": "t\x00", "email": "t@example.org"}, "t@example.org"),
        ({"username": "x" * 256}, "tester"),
        ({"username": ["tess"], "email": {"a": 1}}, "tester"),
        ({"username": "Tëß 🔑"}, "Tëß 🔑"),
    ],
)
async def test_the_user_name_is_the_first_that_can_be_shown(
    verifier: AccessTokenVerifier,
    own_provider: StubProvider,
    claims: dict[str, Any],
    username: str,
) -> None:
    assert (await verifier.verify(own_provider.token(**claims))).username == username


async def test_a_subject_may_have_255_characters_of_any_script(
    verifier: AccessTokenVerifier, own_provider: StubProvider
) -> None:
    subject = "é" * 255
    assert (await verifier.verify(own_provider.token(sub=subject))).subject == subject


async def test_a_revoked_token_is_rejected_once_the_cache_is_cleared(
    own_provider: StubProvider,
) -> None:
    revoked: set[str] = set()

    async def is_revoked(token: str) -> bool:
        return token in revoked

    async with httpx2.AsyncClient() as http:
        settings = AuthSettings(issuer=own_provider.issuer, audience=f"urn:other {AUDIENCE}")
        verifier = AccessTokenVerifier(settings, JwksCache(own_provider.issuer, http), is_revoked)
        token = own_provider.token()
        await verifier.verify(token)
        revoked.add(token)
        verifier.clear_cache()
        with pytest.raises(InvalidTokenError, match="session has ended"):
            await verifier.verify(token)


async def test_keys_of_elliptic_curves_are_accepted(
    verifier: AccessTokenVerifier, own_provider: StubProvider
) -> None:
    header = {"alg": "ES256", "kid": "second", "typ": "at+jwt"}
    token = jwt.encode(header, own_provider.claims(), OTHER_KEY, default_type=None)
    assert (await verifier.verify(token)).subject == "tester"


async def test_a_hundred_unknown_key_ids_cause_one_fetch_a_cooldown(
    verifier: AccessTokenVerifier, own_provider: StubProvider, clock: Clock
) -> None:
    await verifier.verify(own_provider.token())
    tokens = [own_provider.token({"kid": f"unknown-{number}"}) for number in range(100)]
    for cooldown in range(2, 4):
        clock.seconds += COOLDOWN_SECONDS
        results = await asyncio.gather(*map(verifier.verify, tokens), return_exceptions=True)
        assert {type(result) for result in results} == {InvalidTokenError}
        assert own_provider.requests["/jwks"] == cooldown


async def test_many_first_callers_cause_one_fetch(
    verifier: AccessTokenVerifier, own_provider: StubProvider
) -> None:
    tokens = [own_provider.token(sub=f"caller-{number}") for number in range(20)]
    await asyncio.gather(*map(verifier.verify, tokens))
    assert own_provider.requests["/jwks"] == 1


async def test_a_rotated_key_is_fetched_after_the_cooldown(
    verifier: AccessTokenVerifier, own_provider: StubProvider, clock: Clock
) -> None:
    await verifier.verify(own_provider.token())
    own_provider.published = [{**FOREIGN_KEY.as_dict(private=False), "kid": "rotated"}]
    header = {"alg": "RS256", "kid": "rotated", "typ": "at+jwt"}
    token = jwt.encode(header, own_provider.claims(), FOREIGN_KEY, default_type=None)
    with pytest.raises(InvalidTokenError):
        await verifier.verify(token)
    clock.seconds += COOLDOWN_SECONDS
    assert (await verifier.verify(token)).subject == "tester"


async def test_a_withdrawn_key_is_rejected_when_the_cached_keys_are_stale(
    verifier: AccessTokenVerifier, own_provider: StubProvider, clock: Clock
) -> None:
    await verifier.verify(own_provider.token())
    own_provider.published = own_provider.published[1:]
    clock.seconds += MAX_AGE_SECONDS
    with pytest.raises(InvalidTokenError):
        await verifier.verify(own_provider.token(sub="somebody else"))


async def test_stale_keys_are_used_while_the_provider_is_down(
    verifier: AccessTokenVerifier, own_provider: StubProvider, clock: Clock
) -> None:
    await verifier.verify(own_provider.token())
    own_provider.down = True
    clock.seconds += 2 * MAX_AGE_SECONDS
    assert (await verifier.verify(own_provider.token(sub="later"))).subject == "later"


async def test_a_provider_that_was_never_reached_is_unavailable_until_it_answers(
    verifier: AccessTokenVerifier, own_provider: StubProvider, clock: Clock
) -> None:
    own_provider.down = True
    for _ in range(10):
        with pytest.raises(IdentityProviderUnavailableError):
            await verifier.verify(own_provider.token())
    assert own_provider.requests.total() == 1
    own_provider.down = False
    clock.seconds += COOLDOWN_SECONDS
    assert (await verifier.verify(own_provider.token())).subject == "tester"


async def test_a_discovery_document_of_another_issuer_is_rejected(
    own_provider: StubProvider,
) -> None:
    async with httpx2.AsyncClient() as http:
        issuer = f"{own_provider.issuer}/"
        verifier = AccessTokenVerifier(
            AuthSettings(issuer=issuer, audience=AUDIENCE),
            JwksCache(issuer, http),
            none_is_revoked,
        )
        with pytest.raises(IdentityProviderUnavailableError):
            await verifier.verify(own_provider.token(iss=issuer))


async def test_entries_that_are_no_signing_keys_are_skipped(
    verifier: AccessTokenVerifier, own_provider: StubProvider
) -> None:
    own_provider.published += [
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        {"kty": "RSA", "kid": "incomplete"},
        {"kty": "post-quantum", "kid": "new"},
        {**own_provider.published[0], "kid": "encryption", "use": "enc"},
        {"kid": 1},
    ]
    await verifier.verify(own_provider.token())
    for kid in ("secret", "broken", "incomplete", "new", "encryption"):
        with pytest.raises(InvalidTokenError):
            await verifier.verify(own_provider.token({"kid": kid}))


async def test_a_verified_token_is_cached_but_never_past_its_expiry(
    verifier: AccessTokenVerifier, own_provider: StubProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = own_provider.token()
    first = await verifier.verify(token)
    assert await verifier.verify(token) is first
    monkeypatch.setattr(time, "time", lambda: first.expires_at + 60)
    with pytest.raises(ExpiredTokenError):
        await verifier.verify(token)


async def test_a_rejected_token_is_not_cached(
    verifier: AccessTokenVerifier, own_provider: StubProvider
) -> None:
    token = altered(own_provider)
    for _ in range(2):
        with pytest.raises(SensorFlowError):
            await verifier.verify(token)
