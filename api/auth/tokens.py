"""Access tokens: what makes one good, and who then calls."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError as TokenIsExpired

from api.auth.errors import ExpiredTokenError, InvalidTokenError
from api.auth.jwks import ProviderKeys
from api.auth.scopes import ScopeMapping
from api.auth.signatures import LEEWAY_SECONDS, NOT_GOOD, SignedToken, reason, verified_signature
from core.scopes import Scope
from core.settings import AuthSettings

# A verified token is believed without its signature for this long at most, and never past exp.
BELIEVED_SECONDS = 300
BELIEVED_TOKENS = 10_000

# Where providers put the name by which people know a user; many access tokens hold none.
NAME_CLAIMS = ("preferred_username", "username", "cognito:username", "email")

IsSpent = Callable[[str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, what is allowed, and until when (Unix seconds)."""

    subject: str
    username: str
    scopes: frozenset[Scope]
    expires_at: float


class TokenVerifier:
    """Turns an access token into a Principal, or says why not."""

    def __init__(self, settings: AuthSettings, keys: ProviderKeys, is_spent: IsSpent) -> None:
        self._keys = keys
        self._is_spent = is_spent
        self._audiences = frozenset(settings.audience.split())
        self._mapping = ScopeMapping(settings.scope_mapping)
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.issuer},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._believed: dict[str, tuple[float, Principal]] = {}

    async def verify(self, token: str) -> Principal:
        """Who the token stands for.

        Raises ExpiredTokenError, InvalidTokenError, IdentityProviderUnavailableError, or
        DatabaseUnavailableError when it cannot be told whether the token's session has ended.
        """
        until, principal = self._believed.get(token, (0.0, None))
        if principal is None or time.time() >= until:
            self._believed.pop(token, None)
            principal = await self._verified(token)
            self._believe(token, principal)
        return principal

    def forget(self) -> None:
        """Believe no token unseen any more, since one of them may have been spent."""
        self._believed.clear()

    async def _verified(self, token: str) -> Principal:
        try:
            signed = await verified_signature(token, self._keys)
            self._claims.validate(signed.claims)
        except TokenIsExpired as error:
            raise ExpiredTokenError("The access token has expired. Get a new one.") from error
        except NOT_GOOD as error:
            raise _refusal(reason(error)) from error
        if not _is_access_token(signed):
            raise _refusal("it is no access token")
        if not _audiences(signed.claims) & self._audiences:
            raise _refusal("it is for another audience")
        if await self._is_spent(token):
            raise _refusal("its session has ended")
        return self._principal(signed.claims)

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        subject = claims["sub"]
        scopes = self._mapping.scopes_of(claims)
        return Principal(subject, username_in(claims), scopes, float(claims["exp"]))

    def _believe(self, token: str, principal: Principal) -> None:
        if len(self._believed) >= BELIEVED_TOKENS:
            self._believed.pop(next(iter(self._believed)))
        until = min(principal.expires_at, time.time() + BELIEVED_SECONDS)
        self._believed[token] = (until, principal)


def username_in(claims: Mapping[str, Any]) -> str:
    """The name by which people know the token's subject."""
    names = (claims.get(claim) for claim in NAME_CLAIMS)
    return next((name for name in names if isinstance(name, str) and name), claims["sub"])


def _is_access_token(signed: SignedToken) -> bool:
    """By RFC 9068's header, or the claims of Keycloak, Cognito, or Okta and Entra ID."""
    return (
        signed.header.media_type == "at+jwt"
        or signed.claims.get("typ") == "Bearer"
        or signed.claims.get("token_use") == "access"
        or "scp" in signed.claims
        or signed.claims.get("idtyp") == "app"
    )


def _audiences(claims: Mapping[str, Any]) -> frozenset[str]:
    """Whom the token is for; Cognito's access tokens name the client in place of an audience."""
    audience = claims.get("aud")
    if audience is None and claims.get("token_use") == "access":
        audience = claims.get("client_id")
    found = audience if isinstance(audience, list) else [audience]
    return frozenset(item for item in found if isinstance(item, str))


def _refusal(why: str) -> InvalidTokenError:
    return InvalidTokenError(f"The access token is not accepted: {why}.")
