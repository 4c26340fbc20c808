"""Validation of ID tokens and logout tokens."""

import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from api.auth.errors import InvalidLogoutTokenError, InvalidSignInError
from api.auth.id_tokens import LOGOUT_EVENT, IdTokenVerifier
from api.auth.jwks import JwksCache
from core.settings import AuthSettings
from tests.support.stub_provider import AUDIENCE, StubProvider

ACCESS_TOKEN = "an.access.token"
EVENT: dict[str, Any] = {LOGOUT_EVENT: {}}


def at_hash(access_token: str) -> str:
    return urlsafe_b64encode(sha256(access_token.encode()).digest()[:16]).decode().rstrip("=")


@pytest_asyncio.fixture
async def verifier(stub_provider: StubProvider) -> AsyncIterator[IdTokenVerifier]:
    async with httpx2.AsyncClient() as http:
        settings = AuthSettings(issuer=stub_provider.issuer, audience=AUDIENCE)
        yield IdTokenVerifier(settings, JwksCache(stub_provider.issuer, http))


def id_token(provider: StubProvider, header: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {"aud": "sensorflow", "nonce": "n", "sid": "s", "scope": None, **changes}
    return provider.token({"typ": "JWT", **(header or {})}, **claims)


def logout_token(
    provider: StubProvider, header: dict[str, Any] | None = None, **changes: Any
) -> str:
    claims = {
        "aud": "sensorflow",
        "events": EVENT,
        "jti": "j",
        "sid": "s",
        "scope": None,
        **changes,
    }
    return provider.token({"typ": "logout+jwt", **(header or {})}, **claims)


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({}, {"nonce": "another"}),
        ({}, {"nonce": None}),
        ({}, {"iss": "http://127.0.0.1:1"}),
        ({}, {"aud": AUDIENCE}),
        ({}, {"aud": ["sensorflow", "another"]}),
        ({}, {"azp": "another"}),
        ({}, {"exp": int(time.time()) - 86_400}),
        ({}, {"exp": None}),
        ({}, {"iat": None}),
        ({}, {"iat": int(time.time()) + 86_400}),
        ({}, {"sub": None}),
        ({}, {"sub": 5}),
        ({}, {"at_hash": at_hash("another.access.token")}),
        ({}, {"at_hash": 5}),
        ({"typ": "at+jwt"}, {}),
        ({"typ": "logout+jwt"}, {}),
        ({"kid": "unknown"}, {}),
        ({"kid": None}, {}),
        ({"kid": "second"}, {}),
    ],
)
async def test_an_invalid_id_token_is_rejected(
    verifier: IdTokenVerifier,
    stub_provider: StubProvider,
    header: dict[str, Any],
    changes: dict[str, Any],
) -> None:
    with pytest.raises(InvalidSignInError, match="not accepted"):
        await verifier.verify_id_token(
            id_token(stub_provider, header, **changes), ACCESS_TOKEN, "n"
        )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"azp": "sensorflow"},
        {"aud": ["sensorflow", "another"], "azp": "sensorflow"},
        {"at_hash": at_hash(ACCESS_TOKEN)},
    ],
)
async def test_a_valid_id_token_yields_the_user(
    verifier: IdTokenVerifier, stub_provider: StubProvider, changes: dict[str, Any]
) -> None:
    token = id_token(stub_provider, preferred_username="tess", **changes)
    identity = await verifier.verify_id_token(token, ACCESS_TOKEN, "n")
    assert (identity.subject, identity.username) == ("tester", "tess")
    assert identity.provider_session == "s"


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({"typ": "JWT"}, {}),
        ({"typ": "at+jwt"}, {}),
        ({"typ": None}, {}),
        ({}, {"events": None}),
        ({}, {"events": {}}),
        ({}, {"events": [LOGOUT_EVENT]}),
        ({}, {"events": {LOGOUT_EVENT: True}}),
        ({}, {"nonce": "n"}),
        ({}, {"jti": None}),
        ({}, {"sub": None, "sid": None}),
        ({}, {"iss": "http://127.0.0.1:1"}),
        ({}, {"aud": "another"}),
        ({}, {"iat": None}),
        ({}, {"iat": int(time.time()) + 86_400}),
        ({}, {"exp": int(time.time()) - 86_400}),
        ({"kid": "unknown"}, {}),
    ],
)
async def test_an_invalid_logout_token_is_rejected(
    verifier: IdTokenVerifier,
    stub_provider: StubProvider,
    header: dict[str, Any],
    changes: dict[str, Any],
) -> None:
    with pytest.raises(InvalidLogoutTokenError, match="not accepted"):
        await verifier.verify_logout_token(logout_token(stub_provider, header, **changes))


async def test_a_valid_logout_token_yields_the_sessions_to_end(
    verifier: IdTokenVerifier, stub_provider: StubProvider
) -> None:
    claims = await verifier.verify_logout_token(logout_token(stub_provider))
    assert (claims.token_id, claims.subject, claims.provider_session) == ("j", "tester", "s")
    without_sid = await verifier.verify_logout_token(logout_token(stub_provider, sid=None))
    assert (without_sid.subject, without_sid.provider_session) == ("tester", None)
