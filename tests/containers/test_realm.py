import json
from urllib.parse import urlsplit

import msgspec
import pytest

from core.scopes import Scope
from core.settings import AuthSettings
from embedded.node import EMBEDDED_FOLDER
from tests.containers.files import (
    DEMO_USERS,
    ENV_DEMO,
    REALM,
    environment,
    interpolate,
    references,
    services,
    variables_of,
)
from tests.containers.keycloak import Realm, User, demo_users, realm

ACCOUNTS = json.loads((EMBEDDED_FOLDER / "identity" / "accounts.json").read_text())
API_SCOPES = set(Scope)

# What a role may do. docs/deployment.md has the same table.
SCOPES_BY_ROLE = {
    "reader": {Scope.READINGS_READ, Scope.IMPORTS_READ},
    "operator": {Scope.READINGS_READ, Scope.IMPORTS_READ, Scope.READINGS_WRITE},
    "loader": {Scope.READINGS_READ, Scope.IMPORTS_READ, Scope.IMPORTS_WRITE},
    "admin": set(Scope),
}
LOGIN_SCOPES = AuthSettings.model_fields["login_scopes"].default.split()


def mappers(scope: str) -> dict[str, dict[str, str]]:
    return {
        mapper.protocol_mapper: mapper.config for mapper in realm().scope(scope).protocol_mappers
    }


def user(*roles: str) -> User:
    return User(username="somebody", enabled=True, realm_roles=list(roles))


def signed_in(*roles: str) -> set[str]:
    """Our scopes in the token of a user with these roles who signs in."""
    client = realm().client("sensorflow")
    return realm().granted(client, user(*roles), LOGIN_SCOPES) & API_SCOPES


def test_a_field_that_keycloak_does_not_know_is_refused() -> None:
    text = REALM.read_text().replace('"realmRoles"', '"roles"')
    with pytest.raises(msgspec.ValidationError, match="unknown field `roles`"):
        msgspec.json.decode(text, type=Realm)


def test_the_file_is_named_as_keycloak_expects_of_a_realm_with_users_in_another_file() -> None:
    name = realm().realm
    assert (REALM.name, DEMO_USERS.name) == (f"{name}-realm.json", f"{name}-users-0.json")
    assert demo_users().realm == name
    for service in ("keycloak", "keycloak-demo"):
        for mount in services()[service]["volumes"]:
            source, target, _ = mount.split(":")
            assert target == f"/opt/keycloak/data/import/{source.rpartition('/')[2]}"


@pytest.mark.parametrize("role", SCOPES_BY_ROLE)
def test_a_user_gets_the_scopes_of_his_role_and_no_other(role: str) -> None:
    assert signed_in(role) == SCOPES_BY_ROLE[role]


def test_a_user_of_two_roles_gets_the_scopes_of_both_and_one_of_none_gets_none() -> None:
    assert signed_in("operator", "loader") == API_SCOPES - {Scope.ADMIN}
    assert signed_in() == set()
    assert signed_in("default-roles-sensorflow", "offline_access") == set()


def test_the_roles_are_those_of_the_table() -> None:
    roles = {role.name for role in realm().roles.realm}
    assert roles == set(SCOPES_BY_ROLE)
    assert {name for mapping in realm().scope_mappings for name in mapping.roles} == roles
    assert {mapping.client_scope for mapping in realm().scope_mappings} == API_SCOPES


def test_the_realm_has_the_scopes_of_the_development_provider() -> None:
    assert set(ACCOUNTS["scopes"]) == API_SCOPES
    for name in API_SCOPES:
        assert realm().scope(name).description == ACCOUNTS["scopes"][name]
        assert realm().scope(name).attributes["include.in.token.scope"] == "true"


def test_the_gateway_has_the_scopes_of_the_development_provider_by_its_roles() -> None:
    (gateway,) = ACCOUNTS["machineClients"]
    (account,) = realm().users
    client = realm().client(gateway["id"])
    assert account.service_account_client_id == client.client_id
    assert account.username == f"service-account-{client.client_id}"
    assert realm().granted(client, account, ()) & API_SCOPES == set(gateway["scopes"])
    assert client.optional_client_scopes == []


def test_the_gateway_has_a_client_secret_that_is_not_in_the_file() -> None:
    gateway = realm().client("sensor-gateway")
    assert gateway.public_client is gateway.standard_flow_enabled is False
    assert gateway.service_accounts_enabled is True
    assert gateway.secret
    (reference,) = references(gateway.secret)
    assert gateway.secret == f"${{{reference.name}}}"


def test_the_browser_client_must_use_pkce_and_redirects_to_the_api_only() -> None:
    browser = realm().client("sensorflow")
    assert browser.attributes["pkce.code.challenge.method"] == "S256"
    assert browser.implicit_flow_enabled is browser.service_accounts_enabled is False
    assert browser.redirect_uris == ["${PUBLIC_URL}/auth/callback"]
    assert browser.attributes["post.logout.redirect.uris"] == "${PUBLIC_URL}/"


def test_the_browser_client_may_use_the_password_grant_as_the_api_does() -> None:
    assert realm().client("sensorflow").direct_access_grants_enabled is True
    assert realm().client("sensor-gateway").direct_access_grants_enabled is False


def test_the_realm_sends_backchannel_logouts_to_the_api_by_way_of_the_proxy() -> None:
    attributes = realm().client("sensorflow").attributes
    address = urlsplit(attributes["backchannel.logout.url"])
    assert attributes["backchannel.logout.session.required"] == "true"
    assert address.hostname == "proxy"
    assert services()["proxy"]["ports"][0].endswith(f":{address.port}")
    assert address.path == ACCOUNTS["browserClients"][0]["backchannelLogoutPath"]


def test_the_browser_client_redirects_to_the_public_url_of_the_api() -> None:
    public_url = environment("api")["SENSORFLOW_API_PUBLIC_URL"]
    assert environment("keycloak")["PUBLIC_URL"] == public_url
    assert interpolate(public_url, {}) == "http://127.0.0.1:8000"
    assert interpolate(public_url, {"SENSORFLOW_API_PORT": "8765"}) == "http://127.0.0.1:8765"
    assert environment("api").get("SENSORFLOW_AUTH_CLIENT_ID", "sensorflow") == "sensorflow"


def test_the_browser_client_has_every_scope_as_optional_and_none_as_default() -> None:
    browser = realm().client("sensorflow")
    assert set(browser.optional_client_scopes) == API_SCOPES
    assert not API_SCOPES & set(browser.default_client_scopes)


@pytest.mark.parametrize("name", ["sensor-gateway", "sensorflow"])
def test_access_tokens_are_typed_and_name_client_subject_and_audience(name: str) -> None:
    client = realm().client(name)
    assert client.attributes["access.token.header.type.rfc9068"] == "true"
    (mapper,) = client.protocol_mappers
    assert (mapper.config["claim.name"], mapper.config["claim.value"]) == ("client_id", name)
    assert {"basic", "sensorflow-api"} <= set(client.default_client_scopes)
    assert mappers("basic")["oidc-sub-mapper"]["access.token.claim"] == "true"
    audience = mappers("sensorflow-api")["oidc-audience-mapper"]["included.custom.audience"]
    assert audience == ACCOUNTS["audience"] == environment("api")["SENSORFLOW_AUTH_AUDIENCE"]


@pytest.mark.parametrize("name", ["sensor-gateway", "sensorflow"])
def test_every_scope_of_a_client_is_defined(name: str) -> None:
    client = realm().client(name)
    named = {*client.default_client_scopes, *client.optional_client_scopes}
    assert named <= {scope.name for scope in realm().client_scopes}


def test_outside_of_the_demo_nobody_has_an_account_and_nobody_can_make_one() -> None:
    assert not [each for each in realm().users if each.credentials]
    assert realm().registration_allowed is realm().reset_password_allowed is False
    mounts = {name: " ".join(each.get("volumes", [])) for name, each in services().items()}
    assert [name for name, files in mounts.items() if DEMO_USERS.name in files] == ["keycloak-demo"]


def test_the_demo_has_an_account_of_each_role_which_its_sign_in_page_shows() -> None:
    users = demo_users().users
    assert [each.realm_roles for each in users] == [[role] for role in SCOPES_BY_ROLE]
    shown = json.loads(variables_of(ENV_DEMO)["SENSORFLOW_AUTH_SHOWN_ACCOUNTS"])
    assert {each.username: each.credentials[0].value for each in users} == shown
    # Otherwise Keycloak asks for what is missing, which the password grant cannot.
    complete = [
        each.email and each.email_verified and each.first_name and each.last_name for each in users
    ]
    assert all(complete)
    assert not any(each.credentials[0].temporary for each in users)


def test_the_issuer_is_the_realm_at_keycloaks_own_address_for_browsers_and_containers() -> None:
    for service in ("keycloak", "keycloak-demo"):
        url = environment(service)["KC_HOSTNAME"]
        assert environment("api")["SENSORFLOW_AUTH_ISSUER"] == f"{url}/realms/{realm().realm}"
        address = urlsplit(interpolate(url, {}))
        assert services()[service]["networks"]["default"]["aliases"] == [address.hostname]
        assert interpolate(environment(service)["KC_HTTP_PORT"], {}) == str(address.port)


def test_the_object_store_is_one_address_for_browsers_and_containers() -> None:
    address = urlsplit(interpolate(environment("api")["AWS_ENDPOINT"], {}))
    store = services()["object-store"]
    assert store["networks"]["default"]["aliases"] == [address.hostname]
    assert interpolate(store["environment"]["VGW_PORT"], {}) == f":{address.port}"
    assert interpolate(store["ports"][0], {}) == f"127.0.0.1:{address.port}:{address.port}"
