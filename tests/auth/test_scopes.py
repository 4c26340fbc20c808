from typing import Any

import pytest
from pydantic import ValidationError

from api.auth.scopes import ScopeMapping
from core.scopes import Scope
from core.settings import AuthSettings

ISSUER = "https://id.example.org"

MAPPING = {
    "role:operator": {Scope.READINGS_READ, Scope.READINGS_WRITE},
    "group:admins": {Scope.ADMIN},
    "sensors/read": {Scope.READINGS_READ},
    "imports:write": set[Scope](),
}


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({}, set()),
        ({"scope": "readings:read unknown"}, {Scope.READINGS_READ}),
        ({"scp": ["readings:read", "admin"]}, {Scope.READINGS_READ, Scope.ADMIN}),
        ({"scp": "imports:read"}, {Scope.IMPORTS_READ}),
        ({"scope": "openid sensors/read"}, {Scope.READINGS_READ}),
        ({"realm_access": {"roles": ["operator"]}}, {Scope.READINGS_READ, Scope.READINGS_WRITE}),
        ({"roles": ["operator"]}, {Scope.READINGS_READ, Scope.READINGS_WRITE}),
        ({"cognito:groups": ["admins"]}, {Scope.ADMIN}),
        ({"groups": ["admins", "others"]}, {Scope.ADMIN}),
    ],
)
def test_scopes_roles_and_groups_are_mapped(claims: dict[str, Any], scopes: set[Scope]) -> None:
    assert ScopeMapping(MAPPING).scopes_of(claims) == scopes


@pytest.mark.parametrize(
    "claims",
    [
        {"groups": ["admin"]},
        {"realm_access": {"roles": ["admin"]}},
        {"scope": "group:admins role:operator"},
        {"groups": ["role:operator"]},
        {"scope": "imports:write"},
        {"scope": 5, "scp": {"admin": True}, "roles": [None, 1], "groups": "…"},
        {"realm_access": ["operator"]},
    ],
    ids=str,
)
def test_a_name_is_mapped_only_in_the_claims_of_its_prefix(claims: dict[str, Any]) -> None:
    assert ScopeMapping(MAPPING).scopes_of(claims) == set()


def test_without_a_mapping_our_own_scopes_map_to_themselves() -> None:
    assert ScopeMapping({}).scopes_of({"scope": " ".join(Scope)}) == set(Scope)


def test_the_setting_is_json_and_names_scopes_of_ours_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SENSORFLOW_AUTH_SCOPE_MAPPING", '{"group:ops": ["readings:read"]}')
    settings = AuthSettings(issuer=ISSUER, audience="a")
    assert settings.scope_mapping == {"group:ops": {Scope.READINGS_READ}}
    with pytest.raises(ValidationError):
        AuthSettings.model_validate(
            {"issuer": ISSUER, "audience": "a", "scope_mapping": {"x": ["everything"]}}
        )
