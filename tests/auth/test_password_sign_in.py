"""POST /auth/login: user name and password, verified by the provider."""

import asyncio
from base64 import b64encode
from pathlib import Path

import pytest

from api.auth.basic import parse_basic_credentials
from api.auth.errors import MissingCredentialsError
from api.auth.login_throttling import client_network
from core.database import Pool
from tests.auth.servers import ApiServer, user_agent_at_second_server
from tests.auth.stored_sessions import StoredSessions
from tests.auth.user_agent import RADIX, TEST_USER, UserAgent, password_login


def basic(text: str, encoding: str = "utf-8") -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(text.encode(encoding)).decode()}"}


@pytest.mark.parametrize(
    "credentials",
    [("test-user", "wrong"), ("nobody", "test-1234"), ("test-user", "test-1234 "), ("a", "b:c")],
)
async def test_wrong_credentials_are_a_bad_request(
    user: UserAgent, store: StoredSessions, credentials: tuple[str, str]
) -> None:
    response = await password_login(user.http, *credentials)
    assert (response.status_code, response.json()["code"]) == (400, "wrong_credentials")
    assert "set-cookie" not in response.headers
    assert await store.count() == 0


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Bearer x"},
        basic("no colon"),
        basic(":password"),
        basic("user:"),
    ],
)
async def test_missing_credentials_are_a_bad_request(
    user: UserAgent, header: dict[str, str]
) -> None:
    response = await user.http.post("/auth/login", headers=header)
    assert (response.status_code, response.json()["code"]) == (400, "missing_credentials")


async def test_credentials_in_the_body_or_query_are_ignored(user: UserAgent) -> None:
    form = {"username": "test-user", "password": "test-1234"}
    response = await user.http.post("/auth/login", params=form, data=form)
    assert response.json()["code"] == "missing_credentials"


@pytest.mark.parametrize("credentials", [TEST_USER, RADIX])
async def test_the_right_password_opens_a_session(
    user: UserAgent, credentials: tuple[str, str]
) -> None:
    response = await password_login(user.http, *credentials)
    assert (response.status_code, response.json()) == (200, {"message": "Login successful"})
    me = (await user.http.get("/auth/me")).json()
    assert me["username"] == credentials[0]
    assert ("admin" in me["scopes"]) == (credentials == RADIX)


@pytest.mark.parametrize(
    ("header", "username", "password"),
    [
        (basic("a:b:c"), "a", "b:c"),
        (basic("a::"), "a", ":"),
        (basic("jürgen:pässwörd"), "jürgen", "pässwörd"),
        (basic("jürgen:pässwörd", "latin-1"), "jürgen", "pässwörd"),
        (basic("u:密码:🔑"), "u", "密码:🔑"),
        ({"Authorization": "bAsIc dTpw"}, "u", "p"),
    ],
)
def test_colons_and_any_characters_belong_to_the_password(
    header: dict[str, str], username: str, password: str
) -> None:
    assert parse_basic_credentials(header["Authorization"]) == (username, password)


def test_no_header_is_no_credentials() -> None:
    with pytest.raises(MissingCredentialsError):
        parse_basic_credentials("")


async def test_disabled_it_responds_with_its_own_error(
    api_server: ApiServer, tmp_path: Path
) -> None:
    auth = {"password_login": False}
    async with user_agent_at_second_server(api_server, tmp_path, auth=auth) as user:
        response = await password_login(user.http, *TEST_USER)
        assert (response.status_code, response.json()["code"]) == (403, "password_login_off")
        assert "SENSORFLOW_AUTH_PASSWORD_LOGIN" in response.json()["message"]
        assert (await user.http.get("/auth/login")).status_code == 303


async def test_failures_of_one_user_are_limited_even_when_concurrent(
    api_server: ApiServer, tmp_path: Path, user: UserAgent
) -> None:
    del user  # for its clean database
    auth = {"max_failures_per_user": 3}
    async with user_agent_at_second_server(api_server, tmp_path, auth=auth) as guesser:
        guesses = [password_login(guesser.http, "test-user", f"guess {i}") for i in range(8)]
        responses = await asyncio.gather(*guesses)
        assert sorted(response.status_code for response in responses) == [400] * 3 + [429] * 5
        refused = await password_login(guesser.http, *TEST_USER)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_failures")
        assert 0 < int(refused.headers["retry-after"]) <= 900
        assert (await password_login(guesser.http, *RADIX)).status_code == 200


async def test_failures_are_limited_by_address_and_count_in_every_server(
    api_server: ApiServer, tmp_path: Path, user: UserAgent
) -> None:
    for number in range(3):
        await password_login(user.http, f"user-{number}", "guess")
    auth = {"max_failures_per_address": 3}
    async with user_agent_at_second_server(api_server, tmp_path, auth=auth) as guesser:
        assert (await password_login(guesser.http, *TEST_USER)).status_code == 429


async def test_a_success_resets_the_count(
    api_server: ApiServer, tmp_path: Path, user: UserAgent
) -> None:
    del user
    auth = {"max_failures_per_user": 2}
    async with user_agent_at_second_server(api_server, tmp_path, auth=auth) as client:
        for _ in range(3):
            assert (await password_login(client.http, "test-user", "x")).status_code == 400
            assert (await password_login(client.http, *TEST_USER)).status_code == 200


async def test_the_count_ends_with_its_window(
    api_server: ApiServer, tmp_path: Path, user: UserAgent, pool: Pool
) -> None:
    del user
    auth = {"max_failures_per_user": 1}
    async with user_agent_at_second_server(api_server, tmp_path, auth=auth) as client:
        await password_login(client.http, "test-user", "x")
        assert (await password_login(client.http, *TEST_USER)).status_code == 429
        await pool.execute("UPDATE sign_in_failures SET expires_at = now() - INTERVAL '1 s'")
        assert (await password_login(client.http, *TEST_USER)).status_code == 200


@pytest.mark.parametrize(("trusted_proxies", "status"), [(0, 429), (1, 400), (2, 429)])
async def test_a_forwarded_address_is_resolved_as_far_as_proxies_are_trusted(
    api_server: ApiServer, tmp_path: Path, user: UserAgent, trusted_proxies: int, status: int
) -> None:
    """The nearest proxy reports a new address each time; the next one always the same."""
    del user
    auth = {"max_failures_per_address": 1}
    api = {"trusted_proxies": trusted_proxies}
    async with user_agent_at_second_server(api_server, tmp_path, auth=auth, api=api) as guesser:
        for number in range(2):
            response = await guesser.http.post(
                "/auth/login",
                auth=(f"user-{number}", "x"),
                headers={"X-Forwarded-For": f"192.0.2.9, 198.51.100.1, 203.0.113.{number}"},
            )
        assert response.status_code == status


def test_addresses_of_one_ipv6_network_are_counted_as_one() -> None:
    assert client_network("2001:db8::1") == client_network("2001:db8::ffff:1")
    assert client_network("2001:db8::1") != client_network("2001:db8:0:1::1")
    assert (
        client_network("::ffff:192.0.2.1")
        == client_network("192.0.2.1")
        != client_network("192.0.2.2")
    )
    assert client_network("unknown") == "unknown"
