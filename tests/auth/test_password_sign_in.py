"""POST /auth/login: user name and password, verified by the provider."""

from base64 import b64encode
from pathlib import Path

import pytest

from api.auth.basic import parse_basic_credentials
from api.auth.errors import MissingCredentialsError
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
