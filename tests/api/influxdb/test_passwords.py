"""User names and passwords of InfluxDB's clients: who judges them, and how often."""

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
import pytest_asyncio
from influxdb import InfluxDBClient

from api.auth.basic import Credentials
from api.auth.errors import AuthorizationFailedError, WrongCredentialsError
from api.auth.influxdb_passwords import PasswordVerifier
from api.auth.password_grant import PasswordGrant
from api.auth.token_encryption import Tokens
from api.auth.tokens import CACHE_SECONDS, AccessTokenVerifier, Principal
from core.database import Pool
from core.scopes import Scope
from core.settings import AuthSettings
from embedded.identity import IdentityProvider, read_accounts
from tests.api.readings.test_readings import stored
from tests.api.serving import server_settings, serving
from tests.api.test_server_process import gateway_token
from tests.auth.user_agent import TEST_USER

USERNAME, PASSWORD = TEST_USER
Clients = dict[str, httpx2.AsyncClient]
WRITES = ("/write", "/api/v2/write", "/api/v3/write_lp")


@asynccontextmanager
async def client_of(
    database_url: str, issuer: str, folder: Path, policy: str, **limits: Any
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server with that policy."""
    auth = AuthSettings(
        issuer=issuer,
        audience=read_accounts().audience,
        **({"influxdb_passwords": policy} | limits),
    )
    settings = replace(server_settings(database_url, issuer, folder), auth=auth)
    async with (
        serving(settings) as url,
        httpx2.AsyncClient(base_url=url, timeout=20) as client,
    ):
        yield client


@pytest_asyncio.fixture(scope="module")
async def clients(
    migrated_url: str, identity_provider: IdentityProvider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Clients]:
    """One for each policy."""
    async with AsyncExitStack() as stack:
        yield {
            policy: await stack.enter_async_context(
                client_of(
                    migrated_url, identity_provider.issuer, tmp_path_factory.mktemp(policy), policy
                )
            )
            for policy in ("refuse", "token", "provider")
        }


def ways(username: str, password: str) -> dict[str, dict[str, Any]]:
    """How a request may carry both."""
    basic = b64encode(f"{username}:{password}".encode()).decode()
    return {
        "Basic": {"headers": {"Authorization": f"Basic {basic}"}},
        "Token": {"headers": {"Authorization": f"Token {username}:{password}"}},
        "query": {"params": {"u": username, "p": password}},
    }


@pytest.mark.parametrize("way", ways("", ""))
async def test_they_are_refused_unless_a_setting_takes_them(clients: Clients, way: str) -> None:
    assert AuthSettings.model_fields["influxdb_passwords"].default == "refuse"
    for path in (*WRITES, "/query"):
        response = await clients["refuse"].post(path, **ways(*TEST_USER)[way])
        assert (response.status_code, response.json()["code"]) == (401, "missing_token")
        assert "SENSORFLOW_AUTH_INFLUXDB_PASSWORDS" in response.json()["message"]


@pytest.mark.parametrize("way", ways("", ""))
async def test_the_provider_verifies_them(clients: Clients, way: str) -> None:
    client = clients["provider"]
    for path in WRITES:
        response = await client.post(path, content="m f=1", **ways(*TEST_USER)[way])
        assert response.status_code == 204
    query = ways(*TEST_USER)[way]
    query["params"] = query.get("params", {}) | {"q": "SHOW DATABASES"}
    assert (await client.get("/query", **query)).status_code == 200
    for path in WRITES:
        response = await client.post(path, content="m f=1", **ways(USERNAME, "wrong")[way])
        assert (response.status_code, response.json()["code"]) == (401, "authorization_failed")
    elsewhere = await client.post("/sensor-data/batch", **ways(*TEST_USER)[way])
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (401, "missing_token")


async def test_the_client_of_influxdb_1_writes_with_user_and_password(
    clients: Clients, pool: Pool
) -> None:
    def send() -> None:
        url = clients["provider"].base_url
        with InfluxDBClient(url.host, url.port, *TEST_USER, database="any") as influx:
            influx.create_database("any")
            influx.write_points(["m f=1"], protocol="line")

    await asyncio.to_thread(send)
    assert [row[0] for row in await stored(pool)] == ["m f"]


@pytest.mark.parametrize("way", ways("", ""))
async def test_a_password_may_be_an_access_token(
    clients: Clients, identity_provider: IdentityProvider, way: str
) -> None:
    token = gateway_token(identity_provider, "readings:write")
    for path in WRITES:
        response = await clients["token"].post(path, content="m f=1", **ways("any", token)[way])
        assert response.status_code == 204
        for wrong in (f"{token}x", PASSWORD):
            response = await clients["token"].post(path, **ways(USERNAME, wrong)[way])
            assert (response.status_code, response.json()["code"]) == (401, "invalid_token")


async def test_failures_are_limited_as_those_of_sign_ins_are(
    clean_url: str, identity_provider: IdentityProvider, tmp_path: Path
) -> None:
    limits = {"max_failures_per_user": 2}
    async with client_of(
        clean_url, identity_provider.issuer, tmp_path, "provider", **limits
    ) as client:
        guesses = [
            client.post("/write", params={"u": USERNAME, "p": f"guess {number}"})
            for number in range(5)
        ]
        answers = await asyncio.gather(*guesses)
        assert sorted(answer.status_code for answer in answers) == [401] * 2 + [503] * 3
        right = await client.post("/api/v2/write", auth=TEST_USER)
        assert (right.status_code, right.json()["code"]) == (429, "too_many_failures")
        assert 0 < int(right.headers["retry-after"]) <= 900


async def test_while_the_provider_is_away_nothing_is_verified(
    clean_url: str, tmp_path: Path, pool: Pool
) -> None:
    async with client_of(clean_url, "http://127.0.0.1:1", tmp_path, "provider") as client:
        response = await client.post("/write", auth=TEST_USER)
    assert (response.status_code, response.json()["code"]) == (503, "identity_provider_unavailable")
    assert await pool.fetchval("SELECT sum(failures) FROM sign_in_failures") in {None, 0}


async def test_a_token_counts_before_a_password(
    clients: Clients, identity_provider: IdentityProvider
) -> None:
    response = await clients["provider"].post(
        "/write",
        content="m f=1",
        headers={"Authorization": f"Token {gateway_token(identity_provider, 'readings:write')}"},
        params={"u": USERNAME, "p": "wrong"},
    )
    assert response.status_code == 204


@pytest.mark.parametrize("policy", ["refuse", "token", "provider"])
async def test_neither_password_nor_token_is_ever_logged(
    clients: Clients,
    identity_provider: IdentityProvider,
    capfd: pytest.CaptureFixture[str],
    policy: str,
) -> None:
    secrets = (PASSWORD, gateway_token(identity_provider, "readings:write"), "wrong-secret")
    for secret in secrets:
        for way in ways(USERNAME, secret).values():
            await clients[policy].post("/write", content="m f=1", **way)
            await clients[policy].post("/query", content="x", **way)
    out, err = capfd.readouterr()
    assert "path=/write" in out
    assert not any(secret in out + err for secret in (*secrets, "?u="))


@pytest.mark.parametrize("policy", ["token", "provider"])
async def test_odd_names_and_passwords_are_no_faults_of_the_server(
    clients: Clients, policy: str
) -> None:
    odd = ("u=a", "p=b", "u=&p=", "u=a%00b&p=c%00d", "u=%ff%fe&p=%ed%a0%80", f"u=a&p={'b' * 9999}")
    for query in odd:
        assert (await clients[policy].post(f"/write?{query}")).status_code == 401
    for header in (
        "Basic",
        "Basic !",
        "Basic Og==",
        "Basic YQ==",
        "Token :",
        "Token a:",
        "token:b",
    ):
        response = await clients[policy].post("/write", headers={"Authorization": header})
        assert response.status_code == 401


class CountingGrant:
    """Knows one password, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def exchange(self, credentials: Credentials, _address: str) -> Tokens:
        self.asked += 1
        await asyncio.sleep(0)
        if credentials.password != PASSWORD:
            raise WrongCredentialsError("Wrong user name or password.")
        return Tokens(access_token=credentials.username)


class AnyToken:
    """Takes every token for one that lives so long."""

    def __init__(self, lifetime_seconds: float) -> None:
        self._lifetime_seconds = lifetime_seconds

    async def verify(self, token: str) -> Principal:
        expires_at = time.time() + self._lifetime_seconds
        return Principal(token, token, frozenset({Scope.READINGS_WRITE}), expires_at)


def password_verifier(lifetime_seconds: float) -> tuple[CountingGrant, PasswordVerifier]:
    grant = CountingGrant()
    verifier = cast("AccessTokenVerifier", AnyToken(lifetime_seconds))
    return grant, PasswordVerifier(cast("PasswordGrant", grant), verifier)


async def test_many_writes_cost_one_grant_for_each_user_and_password() -> None:
    grant, passwords = password_verifier(lifetime_seconds=600)
    for username in ("one", "two"):
        credentials = Credentials(username, PASSWORD)
        asked = [passwords.verify(credentials, "192.0.2.1") for _ in range(20)]
        assert {principal.subject for principal in await asyncio.gather(*asked)} == {username}
    assert grant.asked == 2
    for _ in range(3):
        with pytest.raises(AuthorizationFailedError):
            await passwords.verify(Credentials("one", "wrong"), "192.0.2.1")
    assert grant.asked == 5


@pytest.mark.parametrize(("lifetime", "believed"), [(600, CACHE_SECONDS), (60, 60)])
async def test_a_password_is_believed_no_longer_than_a_token(
    monkeypatch: pytest.MonkeyPatch, lifetime: float, believed: float
) -> None:
    clock = [time.time()]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    grant, passwords = password_verifier(lifetime)
    credentials = Credentials("one", PASSWORD)
    for seconds, asked in ((0, 1), (believed - 1, 1), (2, 2)):
        clock[0] += seconds
        await passwords.verify(credentials, "192.0.2.1")
        assert grant.asked == asked
