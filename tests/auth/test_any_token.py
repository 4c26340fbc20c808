"""Whatever a signed token says in header and claims, the answer is 200 or 401 and never a fault.

A short run each time; SENSORFLOW_FUZZ_TOKENS=5000 makes it a long one.
"""

import json
import os
import time
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.database import Pool
from tests.auth.test_id_tokens import EVENT
from tests.auth.user_agent import bearer_header
from tests.support.stub_provider import AUDIENCE, StubProvider, signed

EXAMPLES = int(os.environ.get("SENSORFLOW_FUZZ_TOKENS", "150"))

CLAIMS = """
    iss aud sub exp nbf iat jti azp client_id scope scp roles groups realm_access typ token_use
    idtyp username preferred_username cognito:username email sid events nonce
"""
PARAMETERS = "alg kid typ crit b64 cty zip enc jwk jku x5c x5u x5t"
PARAMETER_VALUES = "RS256 PS256 ES256 HS256 none first second JWT at+jwt logout+jwt"
UNSENDABLE = bytes(range(32)) + b"\x7f"  # in the value of a header
READING = {"equipmentId": "a", "timestamp": "2026-01-01T00:00:00Z", "value": 1}

any_text = st.text(st.characters(exclude_categories=()), max_size=300)  # surrogates too
any_number = st.integers(-(10**20), 10**20) | st.floats() | st.sampled_from([10**400, 1e30, -1e30])
any_json = st.recursive(
    st.none() | st.booleans() | any_number | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
times = st.integers(-90, 90).map(lambda seconds: int(time.time()) + seconds)
claim_names = st.sampled_from(CLAIMS.split())
known_values = st.sampled_from(
    [AUDIENCE, "Bearer", "access", "app", "tester", "readings:write", ["readings:write"], "ID", ""]
)
claim_changes = st.dictionaries(
    claim_names | any_text, times | known_values | any_json, min_size=1, max_size=4
)
header_changes = st.dictionaries(
    st.sampled_from(PARAMETERS.split()) | any_text,
    st.sampled_from(PARAMETER_VALUES.split()) | any_json,
    max_size=2,
)
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def encoded(value: dict[str, Any]) -> bytes:
    """As JSON in ASCII, so that it may hold what UTF-8 cannot; NaN and Infinity by their names."""
    return json.dumps(value).encode()


def access_token(provider: StubProvider, header: dict[str, Any], claims: dict[str, Any]) -> str:
    full = {"alg": "RS256", "kid": "first", "typ": "at+jwt"} | header
    return signed(encoded(full), encoded(provider.claims() | claims))


def logout_token(provider: StubProvider, header: dict[str, Any], claims: dict[str, Any]) -> str:
    full = {"alg": "RS256", "kid": "first", "typ": "logout+jwt"} | header
    valid = provider.claims(aud="sensorflow", events=EVENT, jti=time.monotonic_ns(), scope=None)
    return signed(encoded(full), encoded(valid | {"jti": str(valid["jti"])} | claims))


@pytest.mark.timeout(EXAMPLES + 120)
@fuzzed
@given(header=header_changes, claims=claim_changes)
@example(header={}, claims={"exp": 1e30})
@example(header={}, claims={"username": "\ud800"})
@example(header={}, claims={"sub": "a\x00"})
async def test_any_access_token_is_accepted_or_unauthorized(
    anonymous: httpx2.AsyncClient,
    stub_provider: StubProvider,
    pool: Pool,
    header: dict[str, Any],
    claims: dict[str, Any],
) -> None:
    del pool  # for its clean database
    headers = bearer_header(access_token(stub_provider, header, claims))
    response = await anonymous.get("/auth/me", headers=headers)
    assert response.status_code in {200, 401}, response.text
    headers["Idempotency-Key"] = str(time.monotonic_ns())  # so that the subject is stored
    written = await anonymous.post("/sensor-data", json=READING, headers=headers)
    if response.status_code == 200:
        assert written.status_code in {201, 403}, written.text
    else:
        assert written.status_code == 401


@pytest.mark.timeout(EXAMPLES + 120)
@fuzzed
@given(header=header_changes, claims=claim_changes)
@example(header={}, claims={"exp": 1e30})
@example(header={}, claims={"sid": "\x00"})
async def test_any_logout_token_is_accepted_or_rejected(
    anonymous: httpx2.AsyncClient,
    stub_provider: StubProvider,
    pool: Pool,
    header: dict[str, Any],
    claims: dict[str, Any],
) -> None:
    del pool  # for its clean database
    form = {"logout_token": logout_token(stub_provider, header, claims)}
    response = await anonymous.post("/auth/backchannel-logout", data=form)
    assert response.status_code in {200, 400}, response.text


@fuzzed
@given(token=st.binary(max_size=200) | st.text("eyJhbGciOi.-_=", max_size=80).map(str.encode))
async def test_any_bytes_in_place_of_a_token_are_unauthorized(
    anonymous: httpx2.AsyncClient, token: bytes
) -> None:
    authorization = b"Bearer " + token.translate(None, UNSENDABLE)
    response = await anonymous.get("/auth/me", headers={b"Authorization": authorization.strip()})
    assert response.status_code == 401
