import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from embedded.node import EMBEDDED_FOLDER
from tests.containers.files import environment, realm, references, services

ACCOUNTS = json.loads((EMBEDDED_FOLDER / "identity" / "accounts.json").read_text())
API_SCOPES = set(ACCOUNTS["scopes"])


def client(name: str) -> dict[str, Any]:
    (match,) = (client for client in realm()["clients"] if client["clientId"] == name)
    return dict(match)


def scopes() -> dict[str, dict[str, Any]]:
    return {scope["name"]: scope for scope in realm()["clientScopes"]}


def mappers(scope: str) -> dict[str, dict[str, str]]:
    return {
        mapper["protocolMapper"]: mapper["config"] for mapper in scopes()[scope]["protocolMappers"]
    }


def granted(name: str) -> set[str]:
    return API_SCOPES & set(client(name)["defaultClientScopes"])


def test_the_realm_has_the_scopes_of_the_development_provider() -> None:
    assert set(scopes()) >= API_SCOPES
    for name in API_SCOPES:
        assert scopes()[name]["description"] == ACCOUNTS["scopes"][name]
        assert scopes()[name]["attributes"]["include.in.token.scope"] == "true"


def test_the_gateway_has_the_scopes_of_the_development_provider() -> None:
    (gateway,) = ACCOUNTS["machineClients"]
    assert granted(gateway["id"]) == set(gateway["scopes"])
    assert client(gateway["id"])["optionalClientScopes"] == []


def test_the_gateway_has_a_client_secret_that_is_not_in_the_file() -> None:
    gateway = client("sensor-gateway")
    assert gateway["publicClient"] is False
    assert gateway["serviceAccountsEnabled"] is True
    assert gateway["standardFlowEnabled"] is False
    (reference,) = references(gateway["secret"])
    assert gateway["secret"] == f"${{{reference.name}}}"


def test_the_browser_client_must_use_pkce_and_redirects_to_the_api_only() -> None:
    browser = client("sensorflow")
    assert browser["attributes"]["pkce.code.challenge.method"] == "S256"
    assert browser["implicitFlowEnabled"] is browser["serviceAccountsEnabled"] is False
    assert browser["redirectUris"] == [
        "http://127.0.0.1:${CLIENT_PORT}/auth/callback",
        "http://localhost:${CLIENT_PORT}/auth/callback",
    ]


def test_the_browser_client_may_use_the_password_grant_as_the_api_does() -> None:
    assert client("sensorflow")["directAccessGrantsEnabled"] is True
    assert client("sensor-gateway")["directAccessGrantsEnabled"] is False


def test_the_realm_sends_backchannel_logouts_to_the_api() -> None:
    attributes = client("sensorflow")["attributes"]
    address = urlsplit(attributes["backchannel.logout.url"])
    assert attributes["backchannel.logout.session.required"] == "true"
    assert address.hostname in services()
    assert services()["api"]["ports"][0].endswith(f":{address.port}")
    assert address.path == ACCOUNTS["browserClients"][0]["backchannelLogoutPath"]


def test_the_browser_client_redirects_to_the_public_url_of_the_api() -> None:
    public_url = environment("api")["SENSORFLOW_API_PUBLIC_URL"]
    port = "${SENSORFLOW_API_PORT:-8000}"
    assert public_url == f"http://127.0.0.1:{port}"
    assert environment("keycloak")["CLIENT_PORT"] == port
    assert environment("api").get("SENSORFLOW_AUTH_CLIENT_ID", "sensorflow") == "sensorflow"


def test_the_browser_client_has_every_scope_as_optional_and_none_as_default() -> None:
    assert set(client("sensorflow")["optionalClientScopes"]) == API_SCOPES
    assert granted("sensorflow") == set()


def test_only_administrators_are_granted_the_scope_admin() -> None:
    assert realm()["scopeMappings"] == [{"clientScope": "admin", "roles": ["admin"]}]
    assert [role["name"] for role in realm()["roles"]["realm"]] == ["admin"]


@pytest.mark.parametrize("name", ["sensor-gateway", "sensorflow"])
def test_access_tokens_are_typed_and_name_client_subject_and_audience(name: str) -> None:
    definition = client(name)
    assert definition["attributes"]["access.token.header.type.rfc9068"] == "true"
    (mapper,) = definition["protocolMappers"]
    assert (mapper["config"]["claim.name"], mapper["config"]["claim.value"]) == ("client_id", name)
    assert {"basic", "sensorflow-api"} <= set(definition["defaultClientScopes"])
    assert mappers("basic")["oidc-sub-mapper"]["access.token.claim"] == "true"
    audience = mappers("sensorflow-api")["oidc-audience-mapper"]["included.custom.audience"]
    assert audience == ACCOUNTS["audience"] == environment("api")["SENSORFLOW_AUTH_AUDIENCE"]


@pytest.mark.parametrize("name", ["sensor-gateway", "sensorflow"])
def test_every_scope_of_a_client_is_defined(name: str) -> None:
    definition = client(name)
    named = {*definition["defaultClientScopes"], *definition["optionalClientScopes"]}
    assert named <= set(scopes())


def test_the_realm_has_no_users_and_no_registration() -> None:
    assert "users" not in realm()
    assert realm()["registrationAllowed"] is False


def test_the_issuer_is_the_realm_at_keycloaks_own_address() -> None:
    issuer = environment("api")["SENSORFLOW_AUTH_ISSUER"]
    assert issuer == f"{environment('keycloak')['KC_HOSTNAME']}/realms/{realm()['realm']}"
