"""What a caller is shown, where answers are kept for others who ask the same."""

from dataclasses import dataclass

from api.auth.tokens import Principal
from core.scopes import Scope


@dataclass(frozen=True, slots=True)
class Visibility:
    """All that decides which readings a caller sees.

    Entity tags and kept answers are named by the whole of it: a field that is added, such as the
    equipment of a tenant, keeps callers apart at once.
    """

    scope: Scope


def visible_to(_caller: Principal) -> Visibility:
    """Whoever may read readings may read all of them."""
    return Visibility(Scope.READINGS_READ)
