"""What Keycloak imports, as far as our files use it; it refuses a field that it does not know.

Fields and types are those of the classes of `org.keycloak.representations.idm`.
"""

from collections.abc import Iterable

import msgspec

from tests.containers.files import DEMO_USERS, REALM


class Representation(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """An object of a realm's file."""


class ProtocolMapper(Representation):
    name: str
    protocol: str
    protocol_mapper: str
    config: dict[str, str]


class ClientScope(Representation):
    name: str
    description: str
    protocol: str
    attributes: dict[str, str]
    protocol_mappers: list[ProtocolMapper] = []


class Client(Representation):
    client_id: str
    name: str
    description: str
    enabled: bool
    protocol: str
    public_client: bool
    service_accounts_enabled: bool
    standard_flow_enabled: bool
    implicit_flow_enabled: bool
    direct_access_grants_enabled: bool
    full_scope_allowed: bool
    attributes: dict[str, str]
    protocol_mappers: list[ProtocolMapper]
    default_client_scopes: list[str]
    optional_client_scopes: list[str]
    client_authenticator_type: str | None = None
    secret: str | None = None
    redirect_uris: list[str] = []
    web_origins: list[str] = []


class Role(Representation):
    """Never a composite: Keycloak would permit to each of its parts alone what the whole may do."""

    name: str
    description: str


class Roles(Representation):
    realm: list[Role]


class ScopeMapping(Representation):
    client_scope: str
    roles: list[str]


class Credential(Representation):
    type: str
    value: str
    temporary: bool


class User(Representation):
    username: str
    enabled: bool
    realm_roles: list[str]
    service_account_client_id: str | None = None
    email: str | None = None
    email_verified: bool = False
    first_name: str | None = None
    last_name: str | None = None
    credentials: list[Credential] = []


class Realm(Representation):
    realm: str
    display_name: str
    enabled: bool
    ssl_required: str
    registration_allowed: bool
    reset_password_allowed: bool
    brute_force_protected: bool
    default_signature_algorithm: str
    access_token_lifespan: int
    roles: Roles
    client_scopes: list[ClientScope]
    scope_mappings: list[ScopeMapping]
    users: list[User]
    clients: list[Client]

    def client(self, client_id: str) -> Client:
        (match,) = (client for client in self.clients if client.client_id == client_id)
        return match

    def scope(self, name: str) -> ClientScope:
        (match,) = (scope for scope in self.client_scopes if scope.name == name)
        return match

    def granted(self, client: Client, user: User, requested: Iterable[str]) -> set[str]:
        """The scopes that a token of this user for this client has, by Keycloak's rule.

        A scope that has role mappings is given to users who have one of these roles.
        """
        scopes = {*client.default_client_scopes, *requested} & {
            *client.default_client_scopes,
            *client.optional_client_scopes,
        }
        roles = {mapping.client_scope: set(mapping.roles) for mapping in self.scope_mappings}
        return {name for name in scopes if name not in roles or roles[name] & set(user.realm_roles)}


class UsersOfRealm(Representation):
    """A file NAME-users-N.json beside NAME-realm.json."""

    realm: str
    users: list[User]


def realm() -> Realm:
    return msgspec.json.decode(REALM.read_bytes(), type=Realm)


def demo_users() -> UsersOfRealm:
    return msgspec.json.decode(DEMO_USERS.read_bytes(), type=UsersOfRealm)
