import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from embedded.node import HERE
from tests.containers.files import environment, realm, references, services

ACCOUNTS = json.loads((HERE / "identity" / "accounts.json").read_text())
API_SCOPES = set(ACCOUNTS["scopes"])


def client(name: str) -> dict[str, Any]:
    (found,) = (client for client in realm()["clients"] if client["clientId"] == name)
    return dict(found)


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


def test_the_gateway_gets_the_scopes_that_the_development_provider_gives_it() -> None:
    (gateway,) = ACCOUNTS["machineClients"]
    assert granted(gateway["id"]) == set(gateway["scopes"])
    assert client(gateway["id"])["optionalClientScopes"] == []


def test_the_gateway_proves_itself_by_a_secret_that_is_not_in_the_file() -> None:
    gateway = client("sensor-gateway")
    assert gateway["publicClient"] is False
    assert gateway["serviceAccountsEnabled"] is True
    assert gateway["standardFlowEnabled"] is False
    (reference,) = references(gateway["secret"])
    assert gateway["secret"] == f"${{{reference.name}}}"


def test_the_browser_client_must_use_pkce_and_leads_back_to_the_api_only() -> None:
    browser = client("sensorflow")
    assert browser["attributes"]["pkce.code.challenge.method"] == "S256"
    assert browser["implicitFlowEnabled"] is browser["serviceAccountsEnabled"] is False
    assert browser["redirectUris"] == [
        "http://127.0.0.1:${CLIENT_PORT}/auth/callback",
        "http://localhost:${CLIENT_PORT}/auth/callback",
    ]


def test_the_browser_client_takes_passwords_since_the_api_does() -> None:
    assert client("sensorflow")["directAccessGrantsEnabled"] is True
    assert client("sensor-gateway")["directAccessGrantsEnabled"] is False


def test_the_realm_tells_the_api_of_sign_outs_where_it_listens() -> None:
    attributes = client("sensorflow")["attributes"]
    address = urlsplit(attributes["backchannel.logout.url"])
    assert attributes["backchannel.logout.session.required"] == "true"
    assert address.hostname in services()
    assert services()["api"]["ports"][0].endswith(f":{address.port}")
    assert address.path == ACCOUNTS["browserClients"][0]["backchannelLogoutPath"]


def test_the_browser_client_leads_back_to_the_servers_public_url() -> None:
    public_url = environment("api")["SENSORFLOW_API_PUBLIC_URL"]
    port = "${SENSORFLOW_API_PORT:-8000}"
    assert public_url == f"http://127.0.0.1:{port}"
    assert environment("keycloak")["CLIENT_PORT"] == port
    assert environment("api").get("SENSORFLOW_AUTH_CLIENT_ID", "sensorflow") == "sensorflow"


def test_the_browser_client_may_ask_for_every_scope_but_gets_none_unasked() -> None:
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


def test_the_realm_has_no_user_and_lets_nobody_register() -> None:
    assert "users" not in realm()
    assert realm()["registrationAllowed"] is False


def test_the_issuer_is_the_realm_at_keycloaks_own_address() -> None:
    issuer = environment("api")["SENSORFLOW_AUTH_ISSUER"]
    assert issuer == f"{environment('keycloak')['KC_HOSTNAME']}/realms/{realm()['realm']}"
