"""From what a provider calls scopes, roles and groups to the scopes of this platform."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from core.scopes import Scope

Claims = Mapping[str, Any]

# How the setting writes a name, by where the token has it: a role or group that happens to be
# called like one of our scopes gives nothing by itself.
SOURCES: dict[str, tuple[tuple[str, ...], ...]] = {
    "": (("scope",), ("scp",)),
    "role:": (("roles",), ("realm_access", "roles")),
    "group:": (("groups",), ("cognito:groups",)),
}
PREFIXES = tuple(filter(None, SOURCES))


class ScopeMapping:
    """Each of our own names, as a scope, stands for itself unless the setting says otherwise."""

    def __init__(self, configured: Mapping[str, AbstractSet[Scope]]) -> None:
        own: dict[str, AbstractSet[Scope]] = {scope.value: {scope} for scope in Scope}
        self._mapping = own | dict(configured)

    def scopes_of(self, claims: Claims) -> frozenset[Scope]:
        """What a token with these claims allows."""
        granted = (self._mapping.get(name, frozenset()) for name in names_in(claims))
        return frozenset(scope for scopes in granted for scope in scopes)


def names_in(claims: Claims) -> Iterator[str]:
    """Every scope, role and group of a token, as the setting writes them."""
    for prefix, paths in SOURCES.items():
        for path in paths:
            for name in _texts(_at(claims, path)):
                if prefix or not name.startswith(PREFIXES):
                    yield prefix + name


def _at(claims: Any, path: tuple[str, ...]) -> object:
    for name in path:
        claims = claims.get(name) if isinstance(claims, Mapping) else None
    return claims


def _texts(value: object) -> list[str]:
    """A claim's names, which some providers put into a list and others between spaces."""
    if isinstance(value, str):
        return value.split()
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
