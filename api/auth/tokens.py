"""Access tokens (RFC 9068): their validation, and the Principal that they stand for."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError as TokenIsExpired

from api.auth.claims import expiry_of, subject_of, username_in
from api.auth.errors import ExpiredTokenError, InvalidTokenError
from api.auth.jwks import JwksCache
from api.auth.scopes import ScopeMapping
from api.auth.signatures import (
    INVALID_TOKEN_ERRORS,
    LEEWAY_SECONDS,
    SignedToken,
    rejection_reason,
    verify_signature,
)
from core.scopes import Scope
from core.settings import AuthSettings

# A verified token is accepted from the cache for this long at most, and never past its exp.
CACHE_SECONDS = 300
CACHE_MAX_TOKENS = 10_000

# Values of `typ` in the header that an access token may have; with the first two, claims decide.
MEDIA_TYPES = frozenset({"", "jwt", "at+jwt"})

IsRevoked = Callable[[str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller, its scopes, and when the authentication expires (Unix seconds)."""

    subject: str
    username: str
    scopes: frozenset[Scope]
    expires_at: float


class AccessTokenVerifier:
    """Verifies access tokens and caches those that are valid."""

    def __init__(self, settings: AuthSettings, jwks: JwksCache, is_revoked: IsRevoked) -> None:
        self._jwks = jwks
        self._is_revoked = is_revoked
        self._audiences = frozenset(settings.audience.split())
        self._scope_mapping = ScopeMapping(settings.scope_mapping)
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.issuer},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._cache: dict[str, tuple[float, Principal]] = {}

    async def verify(self, token: str) -> Principal:
        """The Principal of the token.

        Raises ExpiredTokenError, InvalidTokenError, IdentityProviderUnavailableError, or
        DatabaseUnavailableError when it is unknown whether the token was revoked.
        """
        principal = self.cached(token)
        if principal is None:
            self._cache.pop(token, None)
            principal = await self._verify_uncached(token)
            self._add_to_cache(token, principal)
        return principal

    def cached(self, token: str) -> Principal | None:
        """The Principal of a token that was verified before; None if it is to be verified."""
        until, principal = self._cache.get(token, (0.0, None))
        return principal if time.time() < until else None

    def clear_cache(self) -> None:
        """Verify every token again, since one of them may have been revoked."""
        self._cache.clear()

    async def _verify_uncached(self, token: str) -> Principal:
        try:
            signed = await verify_signature(token, self._jwks)
            self._claims.validate(signed.claims)
            principal = self._principal(signed.claims)
        except TokenIsExpired as error:
            raise ExpiredTokenError("The access token has expired. Get a new one.") from error
        except INVALID_TOKEN_ERRORS as error:
            raise _invalid_token(rejection_reason(error)) from error
        if not _is_access_token(signed):
            raise _invalid_token("it is no access token")
        if not _audiences(signed.claims) & self._audiences:
            raise _invalid_token("it is for another audience")
        if await self._is_revoked(token):
            raise _invalid_token("its session has ended")
        return principal

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        scopes = self._scope_mapping.scopes_of(claims)
        return Principal(subject_of(claims), username_in(claims), scopes, expiry_of(claims))

    def _add_to_cache(self, token: str, principal: Principal) -> None:
        if len(self._cache) >= CACHE_MAX_TOKENS:
            self._cache.pop(next(iter(self._cache)))
        until = min(principal.expires_at, time.time() + CACHE_SECONDS)
        self._cache[token] = (until, principal)


def _is_access_token(signed: SignedToken) -> bool:
    """By RFC 9068's header, or by the claims of Keycloak, Cognito, or Okta and Entra ID.

    A type of another kind is believed whatever else the token holds (RFC 8725 3.11).
    """
    media_type, claims = signed.header.media_type, signed.claims
    kind, use = claims.get("typ", "Bearer"), claims.get("token_use", "access")
    if media_type not in MEDIA_TYPES or kind != "Bearer" or use != "access":
        return False
    is_marked = "typ" in claims or "token_use" in claims or "scp" in claims
    return media_type == "at+jwt" or is_marked or claims.get("idtyp") == "app"


def _audiences(claims: Mapping[str, Any]) -> frozenset[str]:
    """The token's audiences; Cognito's access tokens name the client in place of an audience."""
    audience = claims.get("aud")
    if audience is None and claims.get("token_use") == "access":
        audience = claims.get("client_id")
    audiences = audience if isinstance(audience, list) else [audience]
    return frozenset(item for item in audiences if isinstance(item, str))


def _invalid_token(reason: str) -> InvalidTokenError:
    return InvalidTokenError(f"The access token is not accepted: {reason}.")
