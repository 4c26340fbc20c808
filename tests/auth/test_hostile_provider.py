"""An identity provider that answers slowly, without end, or with nonsense.

What is known of it stays in use meanwhile, and nobody else waits for it.
"""

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from api.auth import provider_cache, provider_client
from api.auth.errors import IdentityProviderUnavailableError, InvalidTokenError
from api.auth.jwks import JwksCache
from api.auth.provider_client import ProviderClient
from api.auth.tokens import AccessTokenVerifier
from core.settings import AuthSettings
from tests.auth.servers import running_server
from tests.auth.test_access_tokens import none_is_revoked, signed_with_the_public_key
from tests.auth.user_agent import bearer_header
from tests.support import hostile_provider as attacks
from tests.support.hostile_provider import (
    DISCOVERY,
    ELSEWHERE,
    KEYS,
    REVOCATION,
    TOKEN,
    Attack,
    HostileProvider,
    callback_path,
)
from tests.support.ports import free_port
from tests.support.stub_provider import AUDIENCE, KEY, OTHER_KEY, signed

pytestmark = pytest.mark.usefixtures("always_stale")

SLOW = [attacks.drip, attacks.drip_headers, attacks.never_answer]
LARGE = [attacks.send_a_gigabyte, attacks.announce_a_gigabyte, attacks.send_a_bomb]
NONSENSE = [
    attacks.send_no_json,
    attacks.send_deep_json,
    attacks.send_a_list,
    attacks.redirect,
    attacks.name_another_issuer,
]
KEY_SETS = [attacks.send_many_keys, attacks.send_no_keys]

# One of each kind, where the same code handles what the keys' endpoint is tested with.
ONE_OF_EACH = [
    attacks.drip,
    attacks.send_a_gigabyte,
    attacks.redirect,
    attacks.name_another_issuer,
]
ATTACKS = [
    *((KEYS, attack) for attack in (*SLOW, *LARGE, *NONSENSE, *KEY_SETS)),
    *((DISCOVERY, attack) for attack in ONE_OF_EACH),
]

# Of the bytes that the provider could send before it was cut off, most are in the sockets' buffers.
TAKEN_BYTES = 16 * 2**20


@pytest_asyncio.fixture
async def http(hostile_url: str, provider: HostileProvider) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server that knows keys and discovery document of its provider."""
    async with httpx2.AsyncClient(base_url=hostile_url, timeout=20) as http:
        assert statuses(await with_new_tokens(http, provider, 1)) == {200}
        assert (await http.get("/auth/login")).status_code == 303
        provider.requests.clear()
        yield http


async def with_new_tokens(
    http: httpx2.AsyncClient, provider: HostileProvider, number: int = 20
) -> list[httpx2.Response]:
    """The responses to requests at one time, each with a token that is not cached."""
    headers = [bearer_header(provider.token(jti=str(time.monotonic_ns()))) for _ in range(number)]
    return await asyncio.gather(*(http.get("/auth/me", headers=header) for header in headers))


def statuses(responses: list[httpx2.Response]) -> set[int]:
    return {response.status_code for response in responses}


@pytest.mark.parametrize(("path", "attack"), ATTACKS)
async def test_known_keys_stay_in_use_and_nobody_waits_for_new_ones(
    http: httpx2.AsyncClient,
    provider: HostileProvider,
    path: str,
    attack: Attack,
) -> None:
    provider.attacks[path] = attack
    began = time.monotonic()
    assert statuses(await with_new_tokens(http, provider)) == {200}
    assert time.monotonic() - began < provider_client.TIMEOUT_SECONDS / 2
    assert provider.requests[path] > 0
    assert provider.requests[ELSEWHERE] == 0
    assert provider.sent_bytes < TAKEN_BYTES


@pytest.mark.parametrize(
    ("path", "attack"),
    [(path, attack) for path in (DISCOVERY, KEYS) for attack in (*SLOW, *LARGE)],
)
async def test_without_keys_all_get_their_refusal_in_time(
    provider: HostileProvider, monkeypatch: pytest.MonkeyPatch, path: str, attack: Attack
) -> None:
    monkeypatch.setattr(provider_client, "TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(provider_cache, "COOLDOWN_WITHOUT_VALUE_SECONDS", 0.2)
    provider.attacks[path] = attack
    async with ProviderClient() as http:
        keys = JwksCache(provider.issuer, http)
        began = time.monotonic()
        refusals = await asyncio.gather(
            *(keys.get("first") for _ in range(20)), return_exceptions=True
        )
        assert {type(refusal) for refusal in refusals} == {IdentityProviderUnavailableError}
        assert time.monotonic() - began < 3
        assert provider.requests[path] == 1, "all wait for the same answer"
        provider.make_peace()
        monkeypatch.setattr(provider_client, "TIMEOUT_SECONDS", 5)
        await asyncio.sleep(provider_cache.COOLDOWN_WITHOUT_VALUE_SECONDS)
        assert await keys.get("first")


async def test_others_are_served_while_everybody_waits_for_the_first_keys(
    migrated_url: str, provider: HostileProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_client, "TIMEOUT_SECONDS", 0.7)
    provider.attacks[KEYS] = attacks.drip
    auth, port = {"audience": AUDIENCE}, free_port()
    async with (
        running_server(migrated_url, provider.issuer, port, tmp_path, auth=auth) as server,
        httpx2.AsyncClient(base_url=server.url) as http,
    ):
        waiting = asyncio.create_task(with_new_tokens(http, provider))
        served = 0
        while not waiting.done():
            assert (await http.get("/health/live")).status_code == 200
            served += 1
        responses = await waiting
        assert served > 2
        assert statuses(responses) == {503}
        assert responses[0].json()["code"] == "identity_provider_unavailable"
        provider.make_peace()
        monkeypatch.setattr(provider_client, "TIMEOUT_SECONDS", 5)
        await asyncio.sleep(provider_cache.COOLDOWN_WITHOUT_VALUE_SECONDS)
        assert statuses(await with_new_tokens(http, provider)) == {200}


@pytest.mark.parametrize("attack", ONE_OF_EACH)
async def test_a_sign_in_needs_no_new_discovery_document(
    http: httpx2.AsyncClient,
    provider: HostileProvider,
    attack: Attack,
) -> None:
    provider.attacks[DISCOVERY] = attack
    began = time.monotonic()
    responses = await asyncio.gather(*(http.get("/auth/login") for _ in range(10)))
    assert time.monotonic() - began < provider_client.TIMEOUT_SECONDS / 2
    assert statuses(responses) == {303}
    assert all(r.headers["location"].startswith(provider.issuer) for r in responses)


TOKEN_RESPONSES: list[Any] = [
    None,
    {},
    {"access_token": None},
    {"access_token": ""},
    {"access_token": 5},
    {"access_token": ["x"]},
    {"access_token": "\ud800"},
    {"access_token": "x" * 500_000},
    {"access_token": "x", "refresh_token": {"a": 1}},
    {"access_token": "x", "expires_in": float("inf")},
    {"access_token": "x", "expires_in": []},
    {"access_token": "x", "expires_at": "never"},
    {"error": 5},
    {"error": "\x00", "error_description": "\x1b[31m"},
]


@pytest.mark.parametrize(
    "attack", [*SLOW, *LARGE, *NONSENSE, *map(attacks.as_attack, TOKEN_RESPONSES)]
)
async def test_no_token_response_opens_a_session_or_is_an_internal_error(
    http: httpx2.AsyncClient,
    provider: HostileProvider,
    monkeypatch: pytest.MonkeyPatch,
    attack: Attack,
) -> None:
    request = await http.get("/auth/login")
    provider.attacks[TOKEN] = attack
    monkeypatch.setattr(provider_client, "TIMEOUT_SECONDS", 0.5)
    began = time.monotonic()
    response = await http.get(callback_path(provider.authorize(request.headers["location"])))
    assert time.monotonic() - began < 4
    assert response.status_code in {400, 502, 503}, response.text
    assert "Authentication" not in response.cookies
    assert provider.requests[ELSEWHERE] == 0
    assert provider.sent_bytes < TAKEN_BYTES


@pytest.mark.parametrize("attack", ONE_OF_EACH)
async def test_signing_out_does_not_wait_for_the_provider(
    http: httpx2.AsyncClient,
    provider: HostileProvider,
    monkeypatch: pytest.MonkeyPatch,
    attack: Attack,
) -> None:
    request = await http.get("/auth/login")
    response = await http.get(callback_path(provider.authorize(request.headers["location"])))
    assert response.status_code == 303
    monkeypatch.setattr(provider_client, "TIMEOUT_SECONDS", 0.5)
    provider.attacks[REVOCATION] = attack
    began = time.monotonic()
    assert (await http.post("/auth/logout")).status_code == 200
    assert time.monotonic() - began < 4
    assert provider.requests[REVOCATION] == 1


def confused_key_sets() -> list[list[dict[str, Any]]]:
    """Key sets in which the id of the signing key names something else."""
    rsa, ec = (dict(key.as_dict(private=False)) for key in (KEY, OTHER_KEY))
    public_key = urlsafe_b64encode(KEY.as_pem(private=False)).decode()
    secret = {"kty": "oct", "k": public_key}
    return [
        [{**secret, "kid": "first"}, ec],
        [{**secret, "kid": "first", "alg": "RS256", "use": "sig"}, ec],
        [{**ec, "kid": "first"}, ec],
        [{**rsa, "kid": "first", "alg": "ES256"}, ec],
        [{**rsa, "kid": "first", "use": "enc"}, ec],
        [{**rsa, "kid": "first", "key_ops": ["encrypt"]}, ec],
        [{**rsa, "kid": "first", "n": ec["x"]}, ec],
        [{**rsa, "kid": "first", "e": "AA"}, ec],
        [{**rsa, "kid": "first", "n": "_" * 20_000}, ec],
        [{**rsa, "kid": "first", "n": 5, "e": None}, ec],
        [{**ec, "kid": "first", "crv": "P-521"}, ec],
        [{**ec, "kid": "first", "x": ec["y"]}, ec],
        [{"kty": ["RSA"], "kid": "first"}, ec],
        [{"kty": "RSA", "kid": {"first": 1}}, ec],
    ]


def as_es256(provider: HostileProvider) -> str:
    header = b'{"alg":"ES256","kid":"first","typ":"at+jwt"}'
    return signed(header, json.dumps(provider.claims()).encode())


@pytest.mark.parametrize("keys", confused_key_sets())
async def test_a_key_of_another_kind_under_the_same_id_verifies_nothing(
    provider: HostileProvider, keys: list[dict[str, Any]]
) -> None:
    provider.published = keys
    settings = AuthSettings(issuer=provider.issuer, audience=AUDIENCE)
    async with ProviderClient() as http:
        keys_of_provider = JwksCache(provider.issuer, http)
        verifier = AccessTokenVerifier(settings, keys_of_provider, none_is_revoked)
        for token in (provider.token(), signed_with_the_public_key(provider), as_es256(provider)):
            with pytest.raises(InvalidTokenError):
                await verifier.verify(token)


async def test_keys_that_change_at_every_fetch_are_fetched_once_a_cooldown(
    http: httpx2.AsyncClient, provider: HostileProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_cache, "COOLDOWN_SECONDS", 60)
    monkeypatch.setattr(provider_cache, "MAX_AGE_SECONDS", 60)
    assert statuses(await with_new_tokens(http, provider, 1)) == {200}
    key = provider.published[0]
    for number in range(5):
        provider.published = [{**key, "kid": f"changed-{number}"}]
        token = provider.token({"kid": f"changed-{number}"})
        assert (await http.get("/auth/me", headers=bearer_header(token))).status_code == 401
    assert provider.requests[KEYS] == 1
    assert statuses(await with_new_tokens(http, provider)) == {200}, "by the first key"
