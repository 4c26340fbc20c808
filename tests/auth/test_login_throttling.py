"""Limits on failed password sign-ins, by user and by address."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from api.auth.login_throttling import LoginAttempt, client_network
from core.database import Pool
from tests.auth.servers import ApiServer, user_agent_at_second_server
from tests.auth.user_agent import RADIX, TEST_USER, UserAgent, password_login

USERNAME, PASSWORD = TEST_USER
ATTACKER, OWNER = "192.0.2.1", "192.0.2.2"


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


@pytest_asyncio.fixture
async def behind_a_proxy(
    api_server: ApiServer, tmp_path: Path, user: UserAgent
) -> AsyncIterator[httpx2.AsyncClient]:
    """A server that allows 3 failures of a user at an address and 5 of a user in all."""
    del user  # for its clean database
    auth = {"max_failures_per_user_and_address": 3, "max_failures_per_user": 5}
    api = {"trusted_proxies": 1}
    async with user_agent_at_second_server(api_server, tmp_path, auth=auth, api=api) as client:
        yield client.http


async def sign_in_from(
    http: httpx2.AsyncClient, address: str, password: str, username: str = USERNAME
) -> int:
    headers = {"X-Forwarded-For": address}
    response = await http.post("/auth/login", auth=(username, password), headers=headers)
    return response.status_code


async def test_knowing_a_name_does_not_lock_its_owner_out(
    behind_a_proxy: httpx2.AsyncClient,
) -> None:
    guesses = [await sign_in_from(behind_a_proxy, ATTACKER, f"guess {i}") for i in range(12)]
    assert guesses == [400] * 3 + [429] * 9
    assert await sign_in_from(behind_a_proxy, OWNER, PASSWORD) == 200
    assert await sign_in_from(behind_a_proxy, ATTACKER, PASSWORD) == 429, "the owner resets it not"


async def test_a_guesser_with_many_addresses_meets_the_ceiling_of_the_user(
    behind_a_proxy: httpx2.AsyncClient,
) -> None:
    addresses = [f"192.0.2.{number // 2}" for number in range(20, 30)]
    guesses = [await sign_in_from(behind_a_proxy, address, "guess") for address in addresses]
    assert guesses == [400] * 5 + [429] * 5
    assert await sign_in_from(behind_a_proxy, "192.0.2.99", "x", "another-user") == 400


async def test_another_spelling_of_a_name_or_address_is_no_further_guess(
    behind_a_proxy: httpx2.AsyncClient,
) -> None:
    full_width = "\uff54\uff45\uff53\uff54-user"
    spellings = ["TEST-USER", " test-user ", full_width, "Test-User\u00a0", USERNAME]
    ports = range(5000, 5005)
    guesses = [
        await sign_in_from(behind_a_proxy, f"{ATTACKER}:{port}", "guess", spelling)
        for port, spelling in zip(ports, spellings, strict=True)
    ]
    assert guesses == [400] * 3 + [429] * 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("strasse", "STRAßE"),
        ("ﬁnn", "FINN"),
        ("josé", "jose\u0301"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("a\u2126", "A\u03c9"),
        ("\u3000a", "a\t"),
    ],
)
def test_names_that_a_provider_may_take_for_one_are_counted_as_one(one: str, other: str) -> None:
    assert LoginAttempt(one, OWNER).keys == LoginAttempt(other, OWNER).keys


def test_other_names_are_counted_apart() -> None:
    names = ["anna", "ana", "anna1", "an na", "änna", ""]
    assert len({LoginAttempt(name, OWNER).keys for name in names}) == len(names)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1:443", "192.0.2.1"),
        ("[2001:db8::1]:443", "2001:db8::2"),
        ("[2001:db8::1]", "2001:db8::2"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:9", "192.0.2.1"),
    ],
)
def test_the_port_is_no_part_of_an_address(address: str, network: str) -> None:
    assert client_network(address) == client_network(network)


@pytest.mark.parametrize("text", ["unknown", "_hidden", "", "[", "a:b:c", "999.0.0.1", "é"])
def test_what_is_no_address_is_counted_as_it_is(text: str) -> None:
    assert client_network(text) == text
