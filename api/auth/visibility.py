"""Which readings a caller may see: part of the key of cached responses and of entity tags."""

from dataclasses import dataclass

from api.auth.tokens import Principal
from core.scopes import Scope


@dataclass(frozen=True, slots=True)
class Visibility:
    """Everything that decides which readings a caller may see.

    All of it is part of entity tags and cache keys: once a field is added, such as the equipment of
    a tenant, callers that differ in it share no cached response.
    """

    scope: Scope


def visible_to(_caller: Principal) -> Visibility:
    """Callers with the scope readings:read may see all readings."""
    return Visibility(Scope.READINGS_READ)
