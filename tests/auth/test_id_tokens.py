"""Tokens for this client: which ID tokens and logout tokens are believed."""

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
from api.auth.jwks import ProviderKeys
from core.settings import AuthSettings
from tests.api.provider import AUDIENCE, Provider

ACCESS_TOKEN = "an.access.token"
EVENT: dict[str, Any] = {LOGOUT_EVENT: {}}


def at_hash(access_token: str) -> str:
    return urlsafe_b64encode(sha256(access_token.encode()).digest()[:16]).decode().rstrip("=")


@pytest_asyncio.fixture
async def own_provider() -> AsyncIterator[Provider]:
    async with Provider().serving() as provider:
        yield provider


@pytest_asyncio.fixture
async def verifier(own_provider: Provider) -> AsyncIterator[IdTokenVerifier]:
    async with httpx2.AsyncClient() as http:
        settings = AuthSettings(issuer=own_provider.issuer, audience=AUDIENCE)
        yield IdTokenVerifier(settings, ProviderKeys(own_provider.issuer, http))


def id_token(provider: Provider, header: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {"aud": "sensorflow", "nonce": "n", "sid": "s", "scope": None, **changes}
    return provider.token({"typ": "JWT", **(header or {})}, **claims)


def logout_token(provider: Provider, header: dict[str, Any] | None = None, **changes: Any) -> str:
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
async def test_such_an_id_token_signs_nobody_in(
    verifier: IdTokenVerifier,
    own_provider: Provider,
    header: dict[str, Any],
    changes: dict[str, Any],
) -> None:
    with pytest.raises(InvalidSignInError, match="not accepted"):
        await verifier.identity(id_token(own_provider, header, **changes), ACCESS_TOKEN, "n")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"azp": "sensorflow"},
        {"aud": ["sensorflow", "another"], "azp": "sensorflow"},
        {"at_hash": at_hash(ACCESS_TOKEN)},
    ],
)
async def test_a_good_id_token_says_who_signed_in(
    verifier: IdTokenVerifier, own_provider: Provider, changes: dict[str, Any]
) -> None:
    token = id_token(own_provider, preferred_username="tess", **changes)
    identity = await verifier.identity(token, ACCESS_TOKEN, "n")
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
async def test_such_a_logout_token_ends_nothing(
    verifier: IdTokenVerifier,
    own_provider: Provider,
    header: dict[str, Any],
    changes: dict[str, Any],
) -> None:
    with pytest.raises(InvalidLogoutTokenError, match="not accepted"):
        await verifier.logout_notice(logout_token(own_provider, header, **changes))


async def test_a_good_logout_token_says_what_ends(
    verifier: IdTokenVerifier, own_provider: Provider
) -> None:
    notice = await verifier.logout_notice(logout_token(own_provider))
    assert (notice.token_id, notice.subject, notice.provider_session) == ("j", "tester", "s")
    alone = await verifier.logout_notice(logout_token(own_provider, sid=None))
    assert (alone.subject, alone.provider_session) == ("tester", None)
