from pathlib import Path

import httpx2
import pytest
from pydantic import ValidationError

from api.auth.cookies import AuthCookies
from core.settings import ApiSettings, SessionSettings
from tests.auth.servers import ApiServer, second_server
from tests.auth.user_agent import TEST_USER, UserAgent


@pytest.mark.parametrize(
    ("public_url", "secure"),
    [
        ("https://sensors.example.org", True),
        ("http://sensors.example.org", True),
        ("http://192.0.2.1:8000", True),
        ("https://127.0.0.1:8000", True),
        ("http://127.0.0.1:8000", False),
        ("http://localhost:8000", False),
        ("http://[::1]:8000", False),
        ("http://localhost.example.org", True),
    ],
)
def test_cookies_are_secure_except_over_plain_http_on_this_machine(
    public_url: str, secure: bool
) -> None:
    cookies = AuthCookies(ApiSettings(public_url=public_url), SessionSettings())
    assert cookies.session("x").secure is secure
    assert cookies.sign_in("state", "x").secure is secure


async def test_with_the_host_prefix_only_the_prefixed_cookie_counts(
    api_server: ApiServer, user: UserAgent, tmp_path: Path
) -> None:
    del user  # for its clean database
    async with (
        second_server(api_server, tmp_path, session={"cookie_host_prefix": True}) as strict,
        httpx2.AsyncClient(base_url=strict.url) as http,
    ):
        header = (await http.post("/auth/login", auth=TEST_USER)).headers["set-cookie"]
        assert header.startswith("__Host-Authentication=")
        assert "Secure" in header
        pair = header.partition(";")[0]
        prefixed = await http.get("/auth/me", headers={"Cookie": pair})
        assert prefixed.status_code == 200
        bare = await http.get("/auth/me", headers={"Cookie": pair.removeprefix("__Host-")})
        assert bare.json()["code"] == "missing_token"


def test_with_the_host_prefix_a_sibling_domain_plants_neither_session_nor_sign_in() -> None:
    """A browser takes cookies with the prefix from this host only."""
    cookies = AuthCookies(ApiSettings(), SessionSettings(cookie_host_prefix=True))
    sign_in, state = cookies.sign_in("s" * 43, "secret"), "s" * 43
    assert cookies.read_sign_in({sign_in.key: "secret"}, state) == "secret"
    planted = {sign_in.key.removeprefix("__Host-"): "secret", "Authentication": "x"}
    assert cookies.read_sign_in(planted, state) == ""
    assert cookies.read_session(planted) is None


@pytest.mark.parametrize(
    "url", ["", "sensors.example.org", "ftp://x", "https://x/path", "https://x?q", "https://"]
)
def test_a_public_url_is_an_origin_and_nothing_more(url: str) -> None:
    with pytest.raises(ValidationError):
        ApiSettings(public_url=url)
