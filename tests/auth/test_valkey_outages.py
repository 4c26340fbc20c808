"""The Valkey that keeps the sessions goes away, comes back, and comes back empty."""

import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

from api.auth.token_encryption import unseal
from api.auth.valkey_sessions import TIMEOUT_SECONDS
from core.valkey import valkey_client
from tests.auth.person import TEST_USER, Person, bearing, password_login
from tests.auth.session_stores import ValkeySessions
from tests.auth.signing_in import Site, person_at_another
from tests.support.valkey_server import ValkeyServer, needs_valkey

pytestmark = [
    needs_valkey,
    pytest.mark.parametrize("session_store", ["postgresql"], indirect=True),
]


@pytest.fixture
def server(tmp_path: Path) -> ValkeyServer:
    return ValkeyServer(tmp_path)


@pytest_asyncio.fixture
async def somebody(
    site: Site, person: Person, server: ValkeyServer, tmp_path: Path
) -> AsyncIterator[Person]:
    """At a server of the API whose Valkey need not be there."""
    del person  # for its clean database
    session = {"valkey_url": server.url}
    async with person_at_another(site, tmp_path, session=session) as somebody:
        yield somebody


async def access_token(server: ValkeyServer, person: Person) -> str:
    cookie = str(person.session_cookie)
    async with valkey_client(SecretStr(server.url), TIMEOUT_SECONDS) as client:
        sealed = await ValkeySessions(client, server.url).sealed(cookie)
    return unseal(sealed, cookie).access_token


async def status_and_code(person: Person) -> tuple[int, str]:
    began = time.monotonic()
    answer = await person.http.get("/auth/me")
    assert time.monotonic() - began < 5
    return answer.status_code, answer.json().get("code", "")


async def test_a_store_that_comes_back_empty_asks_for_a_new_sign_in(
    somebody: Person, server: ValkeyServer
) -> None:
    with server.running():
        await password_login(somebody.http, *TEST_USER)
        assert await status_and_code(somebody) == (200, "")
    with server.running():
        assert await status_and_code(somebody) == (401, "session_ended")
        assert (await password_login(somebody.http, *TEST_USER)).status_code == 200
        assert await status_and_code(somebody) == (200, "")


async def test_while_the_store_is_away_only_bearer_tokens_work(
    somebody: Person, server: ValkeyServer
) -> None:
    with server.running():
        await password_login(somebody.http, *TEST_USER)
        token = await access_token(server, somebody)
    answer = await somebody.http.get("/auth/me")
    assert (answer.status_code, answer.json()["code"]) == (503, "session_store_unavailable")
    assert answer.headers["retry-after"]
    assert (await password_login(somebody.http, *TEST_USER)).status_code == 503
    assert (await somebody.http.post("/auth/logout")).status_code == 503
    assert (await somebody.http.get("/auth/me", headers=bearing(token))).status_code == 200


async def test_a_store_that_does_not_answer_is_not_waited_for(
    somebody: Person, server: ValkeyServer
) -> None:
    with server.running() as process:
        await password_login(somebody.http, *TEST_USER)
        process.send_signal(signal.SIGSTOP)
        for _ in range(2):  # over a connection that was there, and over a new one
            assert await status_and_code(somebody) == (503, "session_store_unavailable")
        process.send_signal(signal.SIGCONT)
        assert await status_and_code(somebody) == (200, "")
