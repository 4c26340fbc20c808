"""Which tokens are accepted: asked of the verifier, with a provider on a real port."""

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
from api.auth.jwks import COOLDOWN_SECONDS, MAX_AGE_SECONDS, ProviderKeys
from api.auth.tokens import TokenVerifier
from core.errors import SensorFlowError
from core.settings import AuthSettings
from tests.api.provider import AUDIENCE, KEY, OTHER_KEY, Provider

FOREIGN_KEY = RSAKey.generate_key(2048)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def none_is_spent(_token: str) -> bool:
    return False


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def own_provider() -> AsyncIterator[Provider]:
    async with Provider().serving() as provider:
        yield provider


@pytest_asyncio.fixture
async def verifier(own_provider: Provider, clock: Clock) -> AsyncIterator[TokenVerifier]:
    async with httpx2.AsyncClient() as http:
        keys = ProviderKeys(own_provider.issuer, http, clock)
        settings = AuthSettings(issuer=own_provider.issuer, audience=AUDIENCE)
        yield TokenVerifier(settings, keys, none_is_spent)


def unsigned(provider: Provider) -> str:
    payload = provider.token().split(".")[1]
    return encoded('{"alg":"none","kid":"first","typ":"at+jwt"}') + f".{payload}."


def with_header(header: str) -> str:
    return f"{encoded(header)}.{encoded('{}')}.x"


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def signed_with_the_public_key(provider: Provider) -> str:
    """The classic confusion: the public key, known to all, taken as the secret of an HMAC."""
    head = encoded('{"alg":"HS256","kid":"first","typ":"at+jwt"}')
    signed = f"{head}.{encoded(json.dumps(provider.claims()))}"
    mac = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{urlsafe_b64encode(mac).decode().rstrip('=')}"


def signed_with_a_foreign_key(provider: Provider) -> str:
    header = {"alg": "RS256", "kid": "first", "typ": "at+jwt"}
    return jwt.encode(header, provider.claims(), FOREIGN_KEY, default_type=None)


def altered(provider: Provider) -> str:
    head, payload, signature = provider.token().split(".")
    return f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def with_another_payload(provider: Provider) -> str:
    head, _, signature = provider.token(scope="").split(".")
    return f"{head}.{provider.token().split('.')[1]}.{signature}"


INVALID: dict[str, Callable[[Provider], str]] = {
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
    "expiry as text": lambda p: p.token(exp=str(int(time.time()) + 60)),
    "no subject": lambda p: p.token(sub=None),
    "not yet valid": lambda p: p.token(nbf=int(time.time()) + 120),
    "issued in the future": lambda p: p.token(iat=int(time.time()) + 120),
    "no kid": lambda p: p.token({"kid": None}),
    "empty kid": lambda p: p.token({"kid": ""}),
    "unknown kid": lambda p: p.token({"kid": "unknown"}),
    "the id of a key of another type": lambda p: p.token({"kid": "second"}),
    "an ID token": lambda p: p.token({"typ": "JWT"}, nonce="n", typ="ID"),
    "no type": lambda p: p.token({"typ": None}),
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
    "five parts": lambda p: p.token() + ".x.y",
    "two parts": lambda p: ".".join(p.token().split(".")[:2]),
}


@pytest.mark.parametrize("kind", INVALID)
async def test_such_a_token_is_invalid(
    verifier: TokenVerifier, own_provider: Provider, kind: str
) -> None:
    with pytest.raises(InvalidTokenError, match="not accepted"):
        await verifier.verify(INVALID[kind](own_provider))


async def test_an_expired_token_is_told_apart(
    verifier: TokenVerifier, own_provider: Provider
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
async def test_an_access_token_says_who_calls_and_what_is_allowed(
    verifier: TokenVerifier, own_provider: Provider, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    expires_at = int(time.time()) + 60
    token = own_provider.token(
        header, sub="gateway", scope="readings:read other", exp=expires_at, **claims
    )
    principal = await verifier.verify(token)
    assert principal.subject == "gateway"
    assert principal.scopes == {"readings:read"}
    assert principal.expires_at == expires_at


async def test_a_spent_token_is_refused_once_it_is_forgotten(own_provider: Provider) -> None:
    spent: set[str] = set()

    async def is_spent(token: str) -> bool:
        return token in spent

    async with httpx2.AsyncClient() as http:
        settings = AuthSettings(issuer=own_provider.issuer, audience=f"urn:other {AUDIENCE}")
        verifier = TokenVerifier(settings, ProviderKeys(own_provider.issuer, http), is_spent)
        token = own_provider.token()
        await verifier.verify(token)
        spent.add(token)
        verifier.forget()
        with pytest.raises(InvalidTokenError, match="session has ended"):
            await verifier.verify(token)


async def test_keys_of_elliptic_curves_are_accepted(
    verifier: TokenVerifier, own_provider: Provider
) -> None:
    header = {"alg": "ES256", "kid": "second", "typ": "at+jwt"}
    token = jwt.encode(header, own_provider.claims(), OTHER_KEY, default_type=None)
    assert (await verifier.verify(token)).subject == "tester"


async def test_a_hundred_unknown_key_ids_ask_the_provider_once_a_cooldown(
    verifier: TokenVerifier, own_provider: Provider, clock: Clock
) -> None:
    await verifier.verify(own_provider.token())
    tokens = [own_provider.token({"kid": f"unknown-{number}"}) for number in range(100)]
    for cooldown in range(2, 4):
        clock.seconds += COOLDOWN_SECONDS
        results = await asyncio.gather(*map(verifier.verify, tokens), return_exceptions=True)
        assert {type(result) for result in results} == {InvalidTokenError}
        assert own_provider.requests["/jwks"] == cooldown


async def test_many_first_callers_cause_one_fetch(
    verifier: TokenVerifier, own_provider: Provider
) -> None:
    tokens = [own_provider.token(sub=f"caller-{number}") for number in range(20)]
    await asyncio.gather(*map(verifier.verify, tokens))
    assert own_provider.requests["/jwks"] == 1


async def test_a_rotated_key_is_found_after_the_cooldown(
    verifier: TokenVerifier, own_provider: Provider, clock: Clock
) -> None:
    await verifier.verify(own_provider.token())
    own_provider.published = [{**FOREIGN_KEY.as_dict(private=False), "kid": "rotated"}]
    header = {"alg": "RS256", "kid": "rotated", "typ": "at+jwt"}
    token = jwt.encode(header, own_provider.claims(), FOREIGN_KEY, default_type=None)
    with pytest.raises(InvalidTokenError):
        await verifier.verify(token)
    clock.seconds += COOLDOWN_SECONDS
    assert (await verifier.verify(token)).subject == "tester"


async def test_a_withdrawn_key_stops_working_when_the_keys_are_old(
    verifier: TokenVerifier, own_provider: Provider, clock: Clock
) -> None:
    await verifier.verify(own_provider.token())
    own_provider.published = own_provider.published[1:]
    clock.seconds += MAX_AGE_SECONDS
    with pytest.raises(InvalidTokenError):
        await verifier.verify(own_provider.token(sub="somebody else"))


async def test_old_keys_stay_while_the_provider_is_down(
    verifier: TokenVerifier, own_provider: Provider, clock: Clock
) -> None:
    await verifier.verify(own_provider.token())
    own_provider.down = True
    clock.seconds += 2 * MAX_AGE_SECONDS
    assert (await verifier.verify(own_provider.token(sub="later"))).subject == "later"


async def test_a_provider_that_was_never_reached_is_unavailable_until_it_answers(
    verifier: TokenVerifier, own_provider: Provider, clock: Clock
) -> None:
    own_provider.down = True
    for _ in range(10):
        with pytest.raises(IdentityProviderUnavailableError):
            await verifier.verify(own_provider.token())
    assert own_provider.requests.total() == 1
    own_provider.down = False
    clock.seconds += COOLDOWN_SECONDS
    assert (await verifier.verify(own_provider.token())).subject == "tester"


async def test_a_discovery_document_of_another_issuer_is_not_believed(
    own_provider: Provider,
) -> None:
    async with httpx2.AsyncClient() as http:
        issuer = f"{own_provider.issuer}/"
        verifier = TokenVerifier(
            AuthSettings(issuer=issuer, audience=AUDIENCE),
            ProviderKeys(issuer, http),
            none_is_spent,
        )
        with pytest.raises(IdentityProviderUnavailableError):
            await verifier.verify(own_provider.token(iss=issuer))


async def test_entries_that_are_no_signing_keys_are_passed_over(
    verifier: TokenVerifier, own_provider: Provider
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


async def test_a_verified_token_is_believed_without_its_key_but_never_past_its_expiry(
    verifier: TokenVerifier, own_provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = own_provider.token()
    first = await verifier.verify(token)
    assert await verifier.verify(token) is first
    monkeypatch.setattr(time, "time", lambda: first.expires_at + 60)
    with pytest.raises(ExpiredTokenError):
        await verifier.verify(token)


async def test_a_refused_token_is_judged_anew_each_time(
    verifier: TokenVerifier, own_provider: Provider
) -> None:
    token = altered(own_provider)
    for _ in range(2):
        with pytest.raises(SensorFlowError):
            await verifier.verify(token)
