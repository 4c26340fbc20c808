"""Attacks on sessions: stolen refresh tokens, forged and replayed logout tokens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from api.auth.token_encryption import decrypt_tokens
from core.database import Pool
from tests.api.proxy import proxied
from tests.auth.postgres_sessions import PostgresSessions
from tests.auth.servers import running_server
from tests.auth.test_access_tokens import signed_with_the_public_key
from tests.auth.test_id_tokens import EVENT, id_token, logout_token
from tests.auth.user_agent import UserAgent, password_login, user_agent_at
from tests.support.hostile_provider import TOKEN, HostileProvider
from tests.support.ports import free_port
from tests.support.stub_provider import AUDIENCE
from tests.support.valkey_server import ValkeyServer, needs_valkey

PROVIDER_SESSION = "a session at the provider"


@pytest_asyncio.fixture
async def victim(
    hostile_url: str, provider: HostileProvider, auth_pool: Pool
) -> AsyncIterator[UserAgent]:
    """Signed in, with a session at the provider."""
    del auth_pool  # for a clean database
    async with user_agent_at(hostile_url) as user:
        await sign_in(user, provider)
        yield user


async def sign_in(user: UserAgent, provider: HostileProvider) -> None:
    provider.id_token_changes["sid"] = PROVIDER_SESSION
    assert (await password_login(user.http, "tester", "x")).status_code == 200


async def is_signed_in(user: UserAgent) -> bool:
    response = await user.http.get("/auth/me")
    assert response.json().get("code") in {None, "session_ended"}
    return response.status_code == 200


async def log_out_by(user: UserAgent, token: str) -> httpx2.Response:
    return await user.http.post("/auth/backchannel-logout", data={"logout_token": token})


def sent_refresh_tokens(provider: HostileProvider) -> list[str]:
    return [form["refresh_token"] for form in provider.forms if "refresh_token" in form]


async def test_no_refresh_token_is_sent_twice(
    victim: UserAgent, provider: HostileProvider, auth_pool: Pool
) -> None:
    for _ in range(3):
        await PostgresSessions(auth_pool).expire_access_tokens()
        assert all(await asyncio.gather(*(is_signed_in(victim) for _ in range(10))))
    sent = sent_refresh_tokens(provider)
    assert len(sent) == len(set(sent)) == 3


async def test_a_refresh_token_that_a_thief_used_ends_the_session(
    victim: UserAgent, provider: HostileProvider, auth_pool: Pool
) -> None:
    """The provider ends the grant when it sees the token again, and so the thief's part too."""
    sessions, cookie = PostgresSessions(auth_pool), str(victim.session_cookie)
    tokens = decrypt_tokens(await sessions.encrypted_tokens(cookie), cookie)
    form = {"grant_type": "refresh_token", "refresh_token": str(tokens.refresh_token)}
    async with httpx2.AsyncClient(base_url=provider.issuer) as thief:
        stolen = (await thief.post(TOKEN, data=form)).json()["refresh_token"]
        await sessions.expire_access_tokens()
        assert not await is_signed_in(victim)
        refused = await thief.post(TOKEN, data={**form, "refresh_token": stolen})
    assert refused.json() == {"error": "invalid_grant"}
    assert await sessions.count() == 0


@pytest.mark.parametrize(
    ("id_token_changes", "access_token_changes"),
    [
        ({"sub": "somebody else"}, {}),
        ({"iss": "https://evil.example"}, {}),
        ({"aud": AUDIENCE}, {}),
        ({"exp": 1}, {}),
        ({}, {"aud": "another"}),
        ({}, {"iss": "https://evil.example"}),
        ({}, {"exp": 1}),
        ({}, {"typ": "ID"}),
    ],
    ids=str,
)
async def test_renewed_tokens_of_somebody_else_or_for_something_else_end_the_session(
    victim: UserAgent,
    provider: HostileProvider,
    auth_pool: Pool,
    id_token_changes: dict[str, Any],
    access_token_changes: dict[str, Any],
) -> None:
    provider.id_token_changes.update(id_token_changes)
    provider.access_token_changes.update(access_token_changes)
    await PostgresSessions(auth_pool).expire_access_tokens()
    assert not await is_signed_in(victim)
    assert await PostgresSessions(auth_pool).count() == 0


async def test_a_renewed_token_with_fewer_scopes_takes_them_from_the_session(
    victim: UserAgent, provider: HostileProvider, auth_pool: Pool
) -> None:
    assert (await victim.http.get("/imports")).status_code == 200
    provider.access_token_changes["scope"] = "readings:read"
    await PostgresSessions(auth_pool).expire_access_tokens()
    assert (await victim.http.get("/imports")).json()["code"] == "missing_scope"


def unsigned(provider: HostileProvider) -> str:
    return f"eyJhbGciOiJub25lIiwidHlwIjoibG9nb3V0K2p3dCJ9.{logout_token(provider).split('.')[1]}."


def altered(provider: HostileProvider) -> str:
    """The claims of one token under the signature of another."""
    header, _, signature = logout_token(provider, sid="another").split(".")
    return ".".join((header, logout_token(provider, sid=PROVIDER_SESSION).split(".")[1], signature))


FORGED: list[Callable[[HostileProvider], str]] = [
    unsigned,
    lambda provider: signed_with_the_public_key(
        provider, "logout+jwt", aud="sensorflow", events=EVENT, jti="j", sid=PROVIDER_SESSION
    ),
    altered,
    lambda provider: provider.token(),
    lambda provider: id_token(provider, sid=PROVIDER_SESSION),
    lambda provider: id_token(provider, sid=PROVIDER_SESSION, events=EVENT, jti="j", nonce=None),
    lambda provider: logout_token(provider, {"typ": "at+jwt"}),
    lambda provider: logout_token(provider, {"kid": "second"}),
    lambda provider: logout_token(provider, {"crit": ["x"], "x": 1}),
    lambda provider: logout_token(provider, iss="https://evil.example"),
    lambda provider: logout_token(provider, aud="another"),
    lambda provider: logout_token(provider, aud=AUDIENCE),
    lambda provider: logout_token(provider, exp=1),
    lambda provider: logout_token(provider, exp=None),
    lambda provider: logout_token(provider, exp=1e30),
    lambda provider: logout_token(provider, nonce="n"),
    lambda provider: logout_token(provider, events={"http://evil.example": {}}),
    lambda provider: logout_token(provider, jti=None),
    lambda provider: logout_token(provider, jti="j" * 256),
    lambda provider: logout_token(provider, sub=None, sid=None),
    lambda provider: logout_token(provider, sub=[None]),
    lambda provider: logout_token(provider, sub="tester\x00"),
]


@pytest.mark.parametrize("forge", FORGED)
async def test_a_forged_logout_token_ends_nothing(
    victim: UserAgent, provider: HostileProvider, forge: Callable[[HostileProvider], str]
) -> None:
    response = await log_out_by(victim, forge(provider))
    assert (response.status_code, response.json()["code"]) == (400, "invalid_logout_token")
    assert await is_signed_in(victim)


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "somebody else", "sid": PROVIDER_SESSION},
        {"sub": "tester", "sid": "another session"},
        {"sub": None, "sid": "another session"},
        {"sub": "somebody else", "sid": None},
        {"sub": "tester%", "sid": None},
    ],
    ids=str,
)
async def test_a_logout_token_for_another_session_ends_not_this_one(
    victim: UserAgent, provider: HostileProvider, claims: dict[str, Any]
) -> None:
    assert (await log_out_by(victim, logout_token(provider, **claims))).status_code == 200
    assert await is_signed_in(victim)


@pytest.mark.parametrize(
    "form",
    [
        {"params": {"logout_token": "{token}"}},
        {"json": {"logout_token": "{token}"}},
        {"headers": {"Authorization": "Bearer {token}"}},
    ],
)
async def test_a_logout_token_counts_in_the_form_only(
    victim: UserAgent, provider: HostileProvider, form: dict[str, dict[str, str]]
) -> None:
    token = logout_token(provider, sid=None)
    sent: dict[str, Any] = {
        part: {name: value.format(token=token) for name, value in fields.items()}
        for part, fields in form.items()
    }
    assert (await victim.http.post("/auth/backchannel-logout", **sent)).is_client_error
    assert await is_signed_in(victim)


async def test_a_replayed_logout_token_ends_no_later_session_on_any_server(
    victim: UserAgent, provider: HostileProvider, migrated_url: str, tmp_path: Path
) -> None:
    token = logout_token(provider, sid=None)
    assert (await log_out_by(victim, token)).status_code == 200
    assert not await is_signed_in(victim)
    await sign_in(victim, provider)
    auth = {"audience": AUDIENCE}
    async with (
        running_server(migrated_url, provider.issuer, free_port(), tmp_path, auth=auth) as twin,
        user_agent_at(twin.url) as other_server,
    ):
        same_id = logout_token(provider, sid=None, iat=provider.claims()["iat"] - 1)
        for user, replayed in ((victim, token), (other_server, token), (victim, same_id)):
            response = await log_out_by(user, replayed)
            assert (response.status_code, response.json()["code"]) == (400, "invalid_logout_token")
    assert await is_signed_in(victim)


@needs_valkey
async def test_a_logout_that_failed_may_be_sent_again(
    provider: HostileProvider, migrated_url: str, auth_pool: Pool, tmp_path: Path
) -> None:
    """While the sessions' store does not answer none can end, so the token is not used up."""
    del auth_pool  # for a clean database
    server = ValkeyServer(tmp_path)
    async with AsyncExitStack() as stack:
        stack.enter_context(server.running())
        proxy = await stack.enter_async_context(proxied(server.url))
        changes = {"auth": {"audience": AUDIENCE}, "session": {"valkey_url": proxy.url}}
        api = await stack.enter_async_context(
            running_server(migrated_url, provider.issuer, free_port(), tmp_path, **changes)
        )
        user = await stack.enter_async_context(user_agent_at(api.url))
        await sign_in(user, provider)
        token = logout_token(provider, sid=PROVIDER_SESSION)
        await proxy.cut()
        failed = await log_out_by(user, token)
        await proxy.restore()
        assert (failed.status_code, failed.json()["code"]) == (503, "session_store_unavailable")
        assert await is_signed_in(user)
        assert (await log_out_by(user, token)).status_code == 200
        assert not await is_signed_in(user)
        assert (await log_out_by(user, token)).status_code == 400
