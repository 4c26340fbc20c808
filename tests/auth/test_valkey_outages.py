"""The Valkey that stores the sessions is unavailable, returns, and returns empty."""

import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

from api.auth.token_encryption import decrypt_tokens
from api.auth.valkey_sessions import TIMEOUT_SECONDS
from core.valkey import valkey_client
from tests.auth.servers import ApiServer, user_agent_at_second_server
from tests.auth.stored_sessions import ValkeySessions
from tests.auth.user_agent import TEST_USER, UserAgent, bearer_header, password_login
from tests.support.valkey_server import ValkeyServer, needs_valkey

pytestmark = [
    needs_valkey,
    pytest.mark.parametrize("session_store", ["postgresql"], indirect=True),
]


@pytest.fixture
def server(tmp_path: Path) -> ValkeyServer:
    return ValkeyServer(tmp_path)


@pytest_asyncio.fixture
async def valkey_user(
    api_server: ApiServer, user: UserAgent, server: ValkeyServer, tmp_path: Path
) -> AsyncIterator[UserAgent]:
    """A user at a server of the API whose Valkey need not be running."""
    del user  # for its clean database
    session = {"valkey_url": server.url}
    async with user_agent_at_second_server(api_server, tmp_path, session=session) as valkey_user:
        yield valkey_user


async def access_token(server: ValkeyServer, user: UserAgent) -> str:
    cookie = str(user.session_cookie)
    async with valkey_client(SecretStr(server.url), TIMEOUT_SECONDS) as client:
        encrypted = await ValkeySessions(client, server.url).encrypted_tokens(cookie)
    return decrypt_tokens(encrypted, cookie).access_token


async def status_and_code(user: UserAgent) -> tuple[int, str]:
    began = time.monotonic()
    response = await user.http.get("/auth/me")
    assert time.monotonic() - began < 5
    return response.status_code, response.json().get("code", "")


async def test_a_store_that_returns_empty_requires_a_new_sign_in(
    valkey_user: UserAgent, server: ValkeyServer
) -> None:
    with server.running():
        await password_login(valkey_user.http, *TEST_USER)
        assert await status_and_code(valkey_user) == (200, "")
    with server.running():
        assert await status_and_code(valkey_user) == (401, "session_ended")
        assert (await password_login(valkey_user.http, *TEST_USER)).status_code == 200
        assert await status_and_code(valkey_user) == (200, "")


async def test_while_the_store_is_unavailable_only_bearer_tokens_work(
    valkey_user: UserAgent, server: ValkeyServer
) -> None:
    with server.running():
        await password_login(valkey_user.http, *TEST_USER)
        token = await access_token(server, valkey_user)
    response = await valkey_user.http.get("/auth/me")
    assert (response.status_code, response.json()["code"]) == (503, "session_store_unavailable")
    assert response.headers["retry-after"]
    assert (await password_login(valkey_user.http, *TEST_USER)).status_code == 503
    assert (await valkey_user.http.post("/auth/logout")).status_code == 503
    assert (await valkey_user.http.get("/auth/me", headers=bearer_header(token))).status_code == 200


async def test_a_store_that_does_not_respond_times_out(
    valkey_user: UserAgent, server: ValkeyServer
) -> None:
    with server.running() as process:
        await password_login(valkey_user.http, *TEST_USER)
        process.send_signal(signal.SIGSTOP)
        for _ in range(2):  # over a connection that was there, and over a new one
            assert await status_and_code(valkey_user) == (503, "session_store_unavailable")
        process.send_signal(signal.SIGCONT)
        assert await status_and_code(valkey_user) == (200, "")
