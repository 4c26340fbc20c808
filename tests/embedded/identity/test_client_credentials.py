import httpx
import pytest

from embedded.identity import IdentityProvider, read_accounts
from tests.embedded.identity.tokens import (
    GATEWAY_SCOPES,
    claims,
    gateway_token,
    request_token,
    verify,
)


@pytest.mark.parametrize(
    ("client", "secret"),
    [("sensor-gateway", "wrong"), ("nobody", "sensor-gateway-secret"), ("sensorflow", "guess")],
    ids=["wrong secret", "unknown client", "client without secret"],
)
def test_a_client_with_wrong_credentials_gets_no_token(
    http: httpx.Client, client: str, secret: str
) -> None:
    response = request_token(http, (client, secret))
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"


def test_a_request_without_any_client_gets_no_token(http: httpx.Client) -> None:
    assert request_token(http, None).status_code == 400


def test_the_browser_client_may_not_use_client_credentials(http: httpx.Client) -> None:
    response = request_token(http, None, client_id="sensorflow")
    assert response.status_code == 400
    assert "grant type is not allowed" in response.json()["error_description"]


def test_a_scope_that_is_not_the_clients_is_rejected(http: httpx.Client) -> None:
    response = request_token(http, scope="readings:write admin")
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_scope"
    assert response.json()["scope"] == "admin"


def test_an_unknown_scope_is_not_granted(http: httpx.Client) -> None:
    response = request_token(http, scope="readings:write readings:delete")
    assert response.json()["scope"] == "readings:write"
    assert claims(http, response.json()["access_token"])["scope"] == "readings:write"


def test_the_access_token_is_a_signed_jwt_of_the_access_token_type(http: httpx.Client) -> None:
    header = verify(http, gateway_token(http)).header
    assert header.pop("kid") in {key["kid"] for key in http.get("/jwks").json()["keys"]}
    assert header == {"alg": "RS256", "typ": "at+jwt"}


def test_the_access_token_has_issuer_audience_subject_scope_and_expiry(
    http: httpx.Client, provider: IdentityProvider
) -> None:
    token = claims(http, gateway_token(http, scope="readings:write imports:read"))
    assert token.pop("jti")
    assert token.pop("exp") - token.pop("iat") == 3600
    assert token == {
        "iss": provider.issuer,
        "aud": "sensorflow-api",
        "sub": "sensor-gateway",
        "client_id": "sensor-gateway",
        "scope": "readings:write imports:read",
    }


def test_a_client_that_requests_no_scope_gets_all_of_its_own(http: httpx.Client) -> None:
    assert claims(http, gateway_token(http))["scope"] == GATEWAY_SCOPES


def test_the_secret_is_accepted_in_the_form_too(http: httpx.Client) -> None:
    response = request_token(
        http, None, client_id="sensor-gateway", client_secret="sensor-gateway-secret"
    )
    assert response.status_code == 200
    assert claims(http, response.json()["access_token"])["sub"] == "sensor-gateway"


def test_read_accounts_returns_those_of_the_provider(http: httpx.Client) -> None:
    accounts = read_accounts()
    assert accounts.passwords == {"test-user": "test-1234", "radix": "Radix2024@"}
    assert accounts.client_secrets == {"sensor-gateway": "sensor-gateway-secret"}
    assert accounts.audience == claims(http, gateway_token(http))["aud"]
