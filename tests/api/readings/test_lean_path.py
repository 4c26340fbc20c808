"""A reading takes one of two ways into the database, and nobody can tell which.

A short run each time; SENSORFLOW_FUZZ_LEAN_PATH=5000 makes it a long one.
"""

import json
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any, NoReturn

import httpx2
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.readings.service import ReadingService
from core.database import Pool
from core.settings import ApiSettings
from tests.api.http.test_hostile_input import bodies as hostile_bodies
from tests.api.readings.exchanges import Exchange, counted, exchanged
from tests.api.readings.ways import make_token_known
from tests.api.serving import server_settings, serving
from tests.support.stub_provider import StubProvider

EXAMPLES = int(os.environ.get("SENSORFLOW_FUZZ_LEAN_PATH", "150"))

READING = {"equipmentId": "pump-1", "timestamp": "2026-01-01T00:00:00Z", "value": 21.5}
BODY = json.dumps(READING).encode()
JSON = b"application/json"

TARGETS = """
/sensor-data? /sensor-data?x=1 /sensor-data/ //sensor-data /Sensor-Data /sensor%2Ddata
/sensor-data%00 http://elsewhere/sensor-data
"""
AUTHORIZATIONS = """
bearer {known}
Bearer  {known}
Bearer {known},x
Token {known}
{known}
Bearer {reader}
Bearer x
Bearer"""
CONTENT_TYPES = """
application/json; charset=utf-8
application/json;charset=UTF-8
application/json;charset=latin-1
application/json, application/json
Application/JSON
application/jsonp
text/plain"""
MORE_HEADERS = b"""
Cookie: a=b
Cookie: Authentication=a
Origin: https://elsewhere.example
Idempotency-Key: a
Idempotency-Key: "
Content-Encoding: gzip
Content-Encoding: identity
Accept: text/html
Accept-Encoding: gzip
Content-Type: text/plain
Content-Type: application/json
Authorization: Bearer x
X-Forwarded-For: a
X-Forwarded-Proto: https
X-HTTP-Method-Override: PUT
Expect: 100-continue
Sec-Fetch-Site: cross-site
Traceparent: \xff
X-Request-ID: a b
Content-Length: 1
Range: bytes=0-1
If-None-Match: *
"""
timestamps = st.datetimes().map(datetime.isoformat)
usual_bodies = st.fixed_dictionaries(
    {
        "equipmentId": st.text(max_size=12) | st.just("pump-1"),
        "timestamp": timestamps | timestamps.map("{}Z".format),
        "value": st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    }
).map(lambda reading: json.dumps(reading).encode())
marked_bodies = usual_bodies.map(lambda body: b"\xef\xbb\xbf" + body)

# In what a request may differ from the usual one.
ASPECTS = {
    "method": st.just(b"GET"),
    "target": st.sampled_from(TARGETS.split()).map(str.encode),
    "authorization": st.sampled_from(AUTHORIZATIONS.split("\n")),
    "content_type": st.sampled_from(CONTENT_TYPES.split("\n")).map(str.encode),
    "more": st.lists(st.sampled_from(MORE_HEADERS.strip().split(b"\n")), max_size=2),
    "body": usual_bodies | hostile_bodies | marked_bodies,
    "framing": st.sampled_from(["apart", "chunked", "zeros", "padded", "large"]),
}
changes = st.sets(st.sampled_from(sorted(ASPECTS)), max_size=3).flatmap(
    lambda names: st.fixed_dictionaries({name: ASPECTS[name] for name in names})
)


def framed(head: bytes, body: bytes, framing: str = "whole") -> list[bytes]:
    """The parts in which head and body are sent."""
    length = f"Content-Length: {len(body)}\r\n\r\n".encode()
    match framing:
        case "apart":
            return [head + length, body[:5], body[5:]]
        case "chunked":
            chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n" if body else b""
            return [head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n"]
        case "zeros":
            return [
                head + b"Content-Length: 0000" + length.removeprefix(b"Content-Length: ") + body
            ]
        case "padded":
            return framed(head, body + b" " * (9_990 - len(body)))
        case "large":
            return framed(head, body + b" " * 65_536)
        case _:
            return [head + length + body]


def request_of(  # all that a request consists of
    authorization: str,
    *,
    more: Sequence[bytes] = (),
    method: bytes = b"POST",
    target: bytes = b"/sensor-data",
    content_type: bytes = JSON,
    body: bytes = BODY,
    framing: str = "whole",
) -> list[bytes]:
    """The usual request, but for what is given; the parts in which it is sent."""
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: here", b"Connection: close"]
    lines += [b"X-Request-ID: known", b"Authorization: " + authorization.encode()]
    lines += [b"Content-Type: " + content_type, *more]
    return framed(b"".join(line + b"\r\n" for line in lines), body, framing)


@dataclass
class Both:
    """Two servers of one database, the second without a lean path, and tokens they know."""

    lean: str
    framework: str
    tokens: dict[str, str]
    pool: Pool

    async def assert_alike(self, request: list[bytes]) -> Exchange:
        """They do the same with the request; returns what."""
        lean = await exchanged(self.lean, request, self.pool)
        assert lean == await exchanged(self.framework, request, self.pool)
        return lean

    async def assert_counted_alike(self) -> None:
        """What they count is the same."""
        async with httpx2.AsyncClient(headers=self.authorization()) as client:
            lean, framework = [
                counted((await client.get(f"{url}/metrics")).text)
                for url in (self.lean, self.framework)
            ]
        assert lean == framework

    async def make_tokens_known(self) -> None:
        """Have both verify each token, which they do before a first lean request."""
        async with httpx2.AsyncClient() as client:
            for url, token in product((self.lean, self.framework), self.tokens.values()):
                headers = {"Authorization": f"Bearer {token}"}
                (await client.get(f"{url}/auth/me", headers=headers)).raise_for_status()

    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['known']}"}


@pytest_asyncio.fixture
async def both(
    migrated_url: str,
    stub_provider: StubProvider,
    tmp_path: Path,
    pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Both]:
    """What the two have counted is compared at the end."""
    tokens = {"known": stub_provider.token(), "reader": stub_provider.token(scope="readings:read")}
    origins = ("https://elsewhere.example",)
    api = ApiSettings(cors_origins=origins, trusted_proxies=1)
    server = server_settings(migrated_url, stub_provider.issuer, tmp_path, api)
    async with serving(server) as lean:
        monkeypatch.setattr("api.app.LeanPath", lambda app, _state: app)
        async with serving(server) as framework:
            both = Both(lean, framework, tokens, pool)
            await both.make_tokens_known()
            yield both
            await both.assert_counted_alike()


@pytest.mark.timeout(EXAMPLES + 120)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=changes)
@example(changes={"authorization": "Bearer {reader}"})
async def test_no_request_can_tell_which_way_it_takes(both: Both, changes: dict[str, Any]) -> None:
    authorization = changes.pop("authorization", "Bearer {known}").format(**both.tokens)
    await both.assert_alike(request_of(authorization, **changes))


FULL = """
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON readings FOR EACH ROW EXECUTE FUNCTION fail()
"""
FAULTS = {
    "below the horizon": (
        "INSERT INTO retention_horizon (horizon) VALUES ('2026-01-02T00:00:00Z')",
        "TRUNCATE retention_horizon",
        b"400 Bad Request",
    ),
    "a full disk": (FULL, "DROP FUNCTION fail CASCADE", b"503 Service Unavailable"),
    "a bug": (
        "ALTER TABLE readings ADD CONSTRAINT no_such CHECK (value <> 21.5)",
        "ALTER TABLE readings DROP CONSTRAINT no_such",
        b"500 Internal Server Error",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_reading_that_cannot_be_stored_is_refused_alike(both: Both, fault: str) -> None:
    broken, mended, status = FAULTS[fault]
    await both.pool.execute(broken)
    try:
        exchange = await both.assert_alike(request_of(f"Bearer {both.tokens['known']}"))
    finally:
        await both.pool.execute(mended)
    assert exchange.response.startswith(b"HTTP/1.1 " + status)
    assert exchange.readings == []


UNUSUAL: dict[str, dict[str, Any]] = {
    "a cookie": {"more": [b"Cookie: a=b"]},
    "a key": {"more": [b"Idempotency-Key: a"]},
    "an origin": {"more": [b"Origin: http://127.0.0.1:8000"]},
    "an encoding": {"more": [b"Content-Encoding: identity"]},
    "a header twice": {"more": [b"Accept: */*", b"Accept: */*"]},
    "a query": {"target": b"/sensor-data?x"},
    "another spelling": {"content_type": b"Application/JSON"},
    "a mark": {"body": b"\xef\xbb\xbf" + BODY},
    "an escaped quote": {"body": BODY.replace(b"pump", b'\\"pump')},
    "a bad value": {"body": BODY.replace(b"21.5", b"1e400")},
    "no end": {"body": BODY[:-1]},
    "a large body": {"body": BODY + b" " * 10_000},
    "chunks": {"framing": "chunked"},
    "two parts": {"framing": "apart"},
}


async def test_the_usual_request_and_no_other_is_answered_ahead_of_the_framework(
    client: httpx2.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> NoReturn:
        raise AssertionError("the framework's route was called")

    await make_token_known(client)
    monkeypatch.setattr(ReadingService, "save", fail)
    url, bearer = str(client.base_url), client.headers["authorization"]
    usual = await exchanged(url, request_of(bearer), pool)
    assert usual.response.startswith(b"HTTP/1.1 201 ")
    assert [(name, value) for name, _, value in usual.readings] == [("pump-1", 21.5)]
    for case, changed in UNUSUAL.items():
        answered = await exchanged(url, request_of(bearer, **changed), pool)
        assert answered.response.startswith(b"HTTP/1.1 500 "), case
        assert answered.readings == [], case
