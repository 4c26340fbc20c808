"""Maps a provider's scopes, roles and groups to the scopes of this platform."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from core.scopes import Scope

Claims = Mapping[str, Any]

# Claims by the prefix under which the setting names their values: a role or group that happens to
# be called like one of our scopes grants nothing by itself.
CLAIMS_BY_PREFIX: dict[str, tuple[tuple[str, ...], ...]] = {
    "": (("scope",), ("scp",)),
    "role:": (("roles",), ("realm_access", "roles")),
    "group:": (("groups",), ("cognito:groups",)),
}
PREFIXES = tuple(filter(None, CLAIMS_BY_PREFIX))


class ScopeMapping:
    """A scope of this platform maps to itself unless the setting says otherwise."""

    def __init__(self, configured: Mapping[str, AbstractSet[Scope]]) -> None:
        own: dict[str, AbstractSet[Scope]] = {scope.value: {scope} for scope in Scope}
        self._mapping = own | dict(configured)

    def scopes_of(self, claims: Claims) -> frozenset[Scope]:
        """The scopes that a token with these claims grants."""
        granted = (self._mapping.get(name, frozenset()) for name in names_in(claims))
        return frozenset(scope for scopes in granted for scope in scopes)


def names_in(claims: Claims) -> Iterator[str]:
    """Every scope, role and group of a token, with the setting's prefix."""
    for prefix, paths in CLAIMS_BY_PREFIX.items():
        for path in paths:
            for name in _strings(_claim(claims, path)):
                if prefix or not name.startswith(PREFIXES):
                    yield prefix + name


def _claim(claims: Any, path: tuple[str, ...]) -> object:
    for name in path:
        claims = claims.get(name) if isinstance(claims, Mapping) else None
    return claims


def _strings(value: object) -> list[str]:
    """The names in a claim: a list with some providers, separated by spaces with others."""
    if isinstance(value, str):
        return value.split()
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
