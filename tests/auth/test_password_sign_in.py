"""POST /auth/login: user name and password, judged by the provider."""

import asyncio
from base64 import b64encode
from pathlib import Path

import pytest

from api.auth.basic import basic_credentials
from api.auth.errors import MissingCredentialsError
from api.auth.login_throttling import network
from core.database import Pool
from tests.auth.person import RADIX, TEST_USER, Person, password_login
from tests.auth.session_stores import SessionsAtRest
from tests.auth.signing_in import Site, person_at_another


def basic(text: str, encoding: str = "utf-8") -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(text.encode(encoding)).decode()}"}


@pytest.mark.parametrize(
    "credentials",
    [("test-user", "wrong"), ("nobody", "test-1234"), ("test-user", "test-1234 "), ("a", "b:c")],
)
async def test_wrong_credentials_are_a_bad_request(
    person: Person, store: SessionsAtRest, credentials: tuple[str, str]
) -> None:
    answer = await password_login(person.http, *credentials)
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_credentials")
    assert "set-cookie" not in answer.headers
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
    person: Person, header: dict[str, str]
) -> None:
    answer = await person.http.post("/auth/login", headers=header)
    assert (answer.status_code, answer.json()["code"]) == (400, "missing_credentials")


async def test_credentials_in_the_body_or_query_are_not_looked_at(person: Person) -> None:
    form = {"username": "test-user", "password": "test-1234"}
    answer = await person.http.post("/auth/login", params=form, data=form)
    assert answer.json()["code"] == "missing_credentials"


@pytest.mark.parametrize("user", [TEST_USER, RADIX])
async def test_the_right_password_opens_a_session(person: Person, user: tuple[str, str]) -> None:
    answer = await password_login(person.http, *user)
    assert (answer.status_code, answer.json()) == (200, {"message": "Login successful"})
    me = (await person.http.get("/auth/me")).json()
    assert me["username"] == user[0]
    assert ("admin" in me["scopes"]) == (user == RADIX)


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
    assert basic_credentials(header["Authorization"]) == (username, password)


def test_no_header_is_no_credentials() -> None:
    with pytest.raises(MissingCredentialsError):
        basic_credentials("")


async def test_switched_off_it_says_so(site: Site, tmp_path: Path) -> None:
    off = {"password_login": False}
    async with person_at_another(site, tmp_path, auth=off) as person:
        answer = await password_login(person.http, *TEST_USER)
        assert (answer.status_code, answer.json()["code"]) == (403, "password_login_off")
        assert "SENSORFLOW_AUTH_PASSWORD_LOGIN" in answer.json()["message"]
        assert (await person.http.get("/auth/login")).status_code == 303


async def test_failures_of_one_user_are_limited_even_when_they_come_at_once(
    site: Site, tmp_path: Path, person: Person
) -> None:
    del person  # for its clean database
    auth = {"max_failures_per_user": 3}
    async with person_at_another(site, tmp_path, auth=auth) as guesser:
        guesses = [password_login(guesser.http, "test-user", f"guess {i}") for i in range(8)]
        answers = await asyncio.gather(*guesses)
        assert sorted(answer.status_code for answer in answers) == [400] * 3 + [429] * 5
        refused = await password_login(guesser.http, *TEST_USER)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_failures")
        assert 0 < int(refused.headers["retry-after"]) <= 900
        assert (await password_login(guesser.http, *RADIX)).status_code == 200


async def test_failures_are_limited_by_address_and_count_in_every_server(
    site: Site, tmp_path: Path, person: Person
) -> None:
    for number in range(3):
        await password_login(person.http, f"user-{number}", "guess")
    auth = {"max_failures_per_address": 3}
    async with person_at_another(site, tmp_path, auth=auth) as guesser:
        assert (await password_login(guesser.http, *TEST_USER)).status_code == 429


async def test_a_success_starts_the_count_again(site: Site, tmp_path: Path, person: Person) -> None:
    del person
    auth = {"max_failures_per_user": 2}
    async with person_at_another(site, tmp_path, auth=auth) as forgetful:
        for _ in range(3):
            assert (await password_login(forgetful.http, "test-user", "x")).status_code == 400
            assert (await password_login(forgetful.http, *TEST_USER)).status_code == 200


async def test_the_count_ends_with_its_window(
    site: Site, tmp_path: Path, person: Person, pool: Pool
) -> None:
    del person
    auth = {"max_failures_per_user": 1}
    async with person_at_another(site, tmp_path, auth=auth) as patient:
        await password_login(patient.http, "test-user", "x")
        assert (await password_login(patient.http, *TEST_USER)).status_code == 429
        await pool.execute("UPDATE sign_in_failures SET expires_at = now() - INTERVAL '1 s'")
        assert (await password_login(patient.http, *TEST_USER)).status_code == 200


@pytest.mark.parametrize(("trusted_proxies", "status"), [(0, 429), (1, 400), (2, 429)])
async def test_a_forwarded_address_counts_as_far_as_proxies_are_trusted(
    site: Site, tmp_path: Path, person: Person, trusted_proxies: int, status: int
) -> None:
    """The nearest proxy saw a new address each time; the one before it is always the same."""
    del person
    changes = {"max_failures_per_address": 1}
    api = {"trusted_proxies": trusted_proxies}
    async with person_at_another(site, tmp_path, auth=changes, api=api) as guesser:
        for number in range(2):
            answer = await guesser.http.post(
                "/auth/login",
                auth=(f"user-{number}", "x"),
                headers={"X-Forwarded-For": f"192.0.2.9, 198.51.100.1, 203.0.113.{number}"},
            )
        assert answer.status_code == status


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    assert network("2001:db8::1") == network("2001:db8::ffff:1")
    assert network("2001:db8::1") != network("2001:db8:0:1::1")
    assert network("::ffff:192.0.2.1") == network("192.0.2.1") != network("192.0.2.2")
    assert network("unknown") == "unknown"
