"""Attacks on the sign-in by browser: from the victim's browser, another one, or a provider."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import OctKey

from core.database import Pool
from tests.auth.test_id_tokens import at_hash
from tests.auth.user_agent import UserAgent, me, session_header, user_agent_at
from tests.support.hostile_provider import HostileProvider, callback_path, challenge_of
from tests.support.stub_provider import AUDIENCE

SOMEBODY_ELSES = "A" * 43

pytestmark = pytest.mark.usefixtures("always_stale")


@pytest_asyncio.fixture
async def victim(
    hostile_url: str, provider: HostileProvider, auth_pool: Pool
) -> AsyncIterator[UserAgent]:
    del provider, auth_pool  # honest and empty, at first
    async with user_agent_at(hostile_url) as user:
        yield user


@pytest_asyncio.fixture
async def attacker(hostile_url: str) -> AsyncIterator[UserAgent]:
    async with user_agent_at(hostile_url) as user:
        yield user


async def request_of(user: UserAgent) -> str:
    """The authorization request of a sign-in that the user begins."""
    response = await user.http.get("/auth/login")
    assert response.status_code == 303
    return response.headers["location"]


async def come_back(
    user: UserAgent, response: dict[str, str] | list[tuple[str, str]]
) -> httpx2.Response:
    return await user.http.get(callback_path(response))


async def sign_in(user: UserAgent, provider: HostileProvider) -> httpx2.Response:
    response = await come_back(user, provider.authorize(await request_of(user)))
    assert response.status_code == 303, response.text
    return response


async def assert_refused(response: httpx2.Response, user: UserAgent, auth_pool: Pool) -> None:
    assert (response.status_code, response.json()["code"]) == (400, "invalid_sign_in")
    assert user.session_cookie is None
    assert await auth_pool.fetchval("SELECT count(*) FROM sessions") == 0


def redeemed_codes(provider: HostileProvider) -> list[str]:
    return [form["code"] for form in provider.forms if "code" in form]


async def test_the_verifier_is_sent_with_the_code_and_its_hash_before(
    victim: UserAgent, provider: HostileProvider
) -> None:
    request = await request_of(victim)
    await come_back(victim, provider.authorize(request))
    sent = parse_qs(urlsplit(request).query)
    (form,) = provider.forms
    assert sent["code_challenge_method"] == ["S256"]
    assert sent["code_challenge"] == [challenge_of(form["code_verifier"])]
    assert form["code_verifier"] not in request


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": None},
        {"nonce": ""},
        {"nonce": SOMEBODY_ELSES},
        {"code_challenge": None},
        {"code_challenge": SOMEBODY_ELSES},
        {"code_challenge": challenge_of("known to the attacker")},
    ],
    ids=str,
)
async def test_a_nonce_or_challenge_left_out_or_altered_on_the_way_signs_nobody_in(
    victim: UserAgent,
    provider: HostileProvider,
    auth_pool: Pool,
    change: dict[str, str | None],
) -> None:
    response = await come_back(victim, provider.authorize(await request_of(victim), **change))
    await assert_refused(response, victim, auth_pool)


@pytest.mark.parametrize("ignores_pkce", [False, True])
async def test_a_code_of_the_attacker_is_no_use_in_the_victims_sign_in(
    victim: UserAgent,
    attacker: UserAgent,
    provider: HostileProvider,
    auth_pool: Pool,
    ignores_pkce: bool,
) -> None:
    """Not even where the provider has no PKCE: the ID token has the attacker's nonce."""
    provider.ignores_pkce = ignores_pkce
    injected = provider.authorize(await request_of(attacker))
    own = provider.authorize(await request_of(victim))
    await assert_refused(
        await come_back(victim, {**own, "code": injected["code"]}), victim, auth_pool
    )


async def test_a_code_of_the_victim_is_no_use_in_the_attackers_sign_in(
    victim: UserAgent, attacker: UserAgent, provider: HostileProvider, auth_pool: Pool
) -> None:
    stolen = provider.authorize(await request_of(victim))
    own = provider.authorize(await request_of(attacker))
    response = await come_back(attacker, {**own, "code": stolen["code"]})
    await assert_refused(response, attacker, auth_pool)


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": None},
        {"nonce": [SOMEBODY_ELSES]},
        {"sub": None},
        {"sub": ""},
        {"aud": AUDIENCE},
        {"aud": ["sensorflow", "another"]},
        {"azp": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"at_hash": at_hash("another.access.token")},
    ],
    ids=str,
)
async def test_an_id_token_that_is_not_the_answer_to_this_request_is_refused(
    victim: UserAgent, provider: HostileProvider, auth_pool: Pool, changes: dict[str, Any]
) -> None:
    provider.id_token_changes.update(changes)
    response = await come_back(victim, provider.authorize(await request_of(victim)))
    await assert_refused(response, victim, auth_pool)


def unsigned(provider: HostileProvider) -> str:
    header, claims, _ = provider.token(aud="sensorflow").split(".")
    del header
    return f"eyJhbGciOiJub25lIn0.{claims}."


def signed_with_the_secret_of_nobody(provider: HostileProvider) -> str:
    key = OctKey.import_key("no secret of the client at all, but long")
    return jwt.encode({"alg": "HS256"}, provider.claims(aud="sensorflow"), key)


@pytest.mark.parametrize(
    "make",
    [
        lambda _: None,
        lambda _: "",
        lambda _: "a.b.c",
        unsigned,
        signed_with_the_secret_of_nobody,
        lambda provider: provider.token(aud="sensorflow"),  # an access token
    ],
)
async def test_what_is_no_id_token_is_refused(
    victim: UserAgent, provider: HostileProvider, auth_pool: Pool, make: Any
) -> None:
    provider.token_changes["id_token"] = make(provider)
    response = await come_back(victim, provider.authorize(await request_of(victim)))
    await assert_refused(response, victim, auth_pool)


async def test_an_id_token_of_an_earlier_sign_in_is_refused(
    victim: UserAgent, attacker: UserAgent, provider: HostileProvider, auth_pool: Pool
) -> None:
    provider.ignores_pkce = True
    former = parse_qs(urlsplit(await request_of(attacker)).query)["nonce"][0]
    provider.id_token_changes["nonce"] = former
    response = await come_back(victim, provider.authorize(await request_of(victim)))
    await assert_refused(response, victim, auth_pool)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state[:-1] + ("A" if state[-1] != "A" else "B"),
        lambda state: state[:16],
        lambda state: state[:16] + "A" * 27,
        lambda state: state.swapcase(),
        lambda state: state + "A",
        lambda state: f" {state}",
        lambda _: "",
        lambda _: SOMEBODY_ELSES,
        lambda _: "\x00",
        lambda _: "A" * 60_000,
    ],
)
async def test_an_altered_state_is_refused_and_its_code_not_redeemed(
    victim: UserAgent, provider: HostileProvider, auth_pool: Pool, change: Any
) -> None:
    answer = provider.authorize(await request_of(victim))
    response = await come_back(victim, {**answer, "state": change(answer["state"])})
    await assert_refused(response, victim, auth_pool)
    assert redeemed_codes(provider) == []


async def test_a_state_is_good_for_one_answer_even_a_failed_one(
    victim: UserAgent, provider: HostileProvider, auth_pool: Pool
) -> None:
    answer = provider.authorize(await request_of(victim))
    await assert_refused(await come_back(victim, {**answer, "code": "guessed"}), victim, auth_pool)
    await assert_refused(await come_back(victim, answer), victim, auth_pool)
    assert redeemed_codes(provider) == ["guessed"]


async def test_a_state_expires(
    victim: UserAgent, provider: HostileProvider, auth_pool: Pool
) -> None:
    answer = provider.authorize(await request_of(victim))
    await auth_pool.execute("UPDATE sign_ins SET expires_at = now()")
    await assert_refused(await come_back(victim, answer), victim, auth_pool)
    assert redeemed_codes(provider) == []


async def test_the_answer_to_another_browser_is_refused_also_with_a_cookie_of_ones_own(
    victim: UserAgent, attacker: UserAgent, provider: HostileProvider, auth_pool: Pool
) -> None:
    """Otherwise the attacker's link signs the victim in as the attacker."""
    answer = provider.authorize(await request_of(attacker))
    await assert_refused(await come_back(victim, answer), victim, auth_pool)
    await request_of(victim)
    (own,) = [cookie for cookie in victim.http.cookies.jar if cookie.name.startswith("SignIn-")]
    name = f"SignIn-{answer['state'][:16]}"
    victim.http.cookies.set(name, str(own.value), domain="127.0.0.1")
    await assert_refused(await come_back(victim, answer), victim, auth_pool)
    assert redeemed_codes(provider) == []


@pytest.mark.parametrize(
    ("announced", "issuers"),
    [
        (True, []),
        (True, [""]),
        (True, ["https://evil.example"]),
        (True, ["{issuer}/"]),
        (True, ["{issuer}", "https://evil.example"]),
        (True, ["https://evil.example", "{issuer}"]),
        (True, ["{issuer}", "{issuer}"]),
        (False, ["https://evil.example"]),
        (False, [""]),
    ],
)
async def test_an_answer_that_is_not_of_our_issuer_is_refused_and_its_code_not_redeemed(
    victim: UserAgent,
    provider: HostileProvider,
    auth_pool: Pool,
    announced: bool,
    issuers: list[str],
) -> None:
    """Mix-up (RFC 9207): the answer of another provider, whose code must not come to ours."""
    provider.discovery_changes["authorization_response_iss_parameter_supported"] = announced
    issuer_parameters = [("iss", issuer.format(issuer=provider.issuer)) for issuer in issuers]
    for failure in ({}, {"error": "access_denied"}):
        answer = provider.authorize(await request_of(victim)) | failure
        response = await come_back(victim, [*answer.items(), *issuer_parameters])
        await assert_refused(response, victim, auth_pool)
    assert redeemed_codes(provider) == []


@pytest.mark.parametrize("repeated", ["code", "state", "error"])
async def test_a_repeated_parameter_is_refused(
    victim: UserAgent, provider: HostileProvider, auth_pool: Pool, repeated: str
) -> None:
    answer = provider.authorize(await request_of(victim))
    parameters = [*answer.items(), (repeated, answer.get(repeated, "x")), (repeated, "x")]
    await assert_refused(await come_back(victim, parameters), victim, auth_pool)
    assert redeemed_codes(provider) == []


async def test_before_the_sign_in_there_is_no_session_that_could_be_known(
    victim: UserAgent, provider: HostileProvider
) -> None:
    for path in ("/", "/docs", "/auth/login", "/auth/me"):
        await victim.http.get(path)
    await come_back(victim, {"state": "x"})
    assert victim.session_cookie is None
    assert "Authentication" in (await sign_in(victim, provider)).headers["set-cookie"]


@pytest.mark.parametrize("by_password", [False, True])
async def test_a_session_of_the_attacker_in_the_victims_browser_is_ended_not_adopted(
    victim: UserAgent,
    attacker: UserAgent,
    provider: HostileProvider,
    hostile_url: str,
    by_password: bool,
) -> None:
    provider.access_token_changes["sub"] = provider.id_token_changes["sub"] = "attacker"
    await sign_in(attacker, provider)
    planted = str(attacker.session_cookie)
    victim.http.cookies.set("Authentication", planted, domain="127.0.0.1")
    provider.make_peace()
    if by_password:
        assert (await victim.http.post("/auth/login", auth=("tester", "x"))).status_code == 200
    else:
        await sign_in(victim, provider)
    cookies = [c.value for c in victim.http.cookies.jar if c.name == "Authentication"]
    assert cookies != [planted]
    assert (await victim.http.get("/auth/me")).json()["sub"] == "tester"
    ended = await me(hostile_url, session_header(planted))
    assert (ended.status_code, ended.json()["code"]) == (401, "session_ended")


async def test_a_failed_sign_in_leaves_the_session_that_there_is(
    victim: UserAgent, provider: HostileProvider
) -> None:
    await sign_in(victim, provider)
    assert (await come_back(victim, {"state": "x", "code": "y"})).status_code == 400
    assert (await victim.http.get("/auth/me")).status_code == 200
