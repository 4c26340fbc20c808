"""Claims of a verified token, as values that can be stored, shown and compared.

Raises the claim errors of joserfc, whose description tells the sender which claim is refused.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from joserfc.errors import InvalidClaimError, MissingClaimError

# OpenID Connect Core 2 bounds `sub` so; the other identifiers of a token need no more.
MAX_IDENTIFIER_CHARACTERS: Final = 255
CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# Well within what datetime and PostgreSQL represent, whatever is added to it.
LATEST_EXPIRY: Final = datetime(9000, 1, 1, tzinfo=UTC).timestamp()

# Claims in which providers put the user's readable name; many access tokens hold none of them.
NAME_CLAIMS: Final = ("preferred_username", "username", "cognito:username", "email")


def subject_of(claims: Mapping[str, Any]) -> str:
    """Whom the token is about."""
    subject = identifier_in(claims, "sub")
    if subject is None:
        raise MissingClaimError("sub")
    return subject


def identifier_in(claims: Mapping[str, Any], name: str) -> str | None:
    """The identifier that the claim holds; None if the token has no such claim."""
    value = claims.get(name)
    if value is None or value == "":
        return None
    if _is_identifier(value):
        return value
    raise InvalidClaimError(
        name, f"Claim '{name}' must be 1 to {MAX_IDENTIFIER_CHARACTERS} printable characters"
    )


def username_in(claims: Mapping[str, Any]) -> str:
    """The readable name of the token's subject; its `sub` if no claim holds one."""
    names = (claims.get(claim) for claim in NAME_CLAIMS)
    return next(filter(_is_identifier, names), None) or subject_of(claims)


def expiry_of(claims: Mapping[str, Any]) -> float:
    """When the token expires, in Unix seconds."""
    expires_at: float = claims["exp"]
    if expires_at > LATEST_EXPIRY:
        raise InvalidClaimError("exp", "Claim 'exp' is too far in the future")
    return float(expires_at)


def _is_identifier(value: object) -> TypeGuard[str]:
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_IDENTIFIER_CHARACTERS
        and not CONTROL_CHARACTERS.search(value)
    )
