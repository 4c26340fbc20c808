"""Access tokens: what makes one good, and who then calls."""

import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import ExpiredTokenError as TokenIsExpired
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from api.auth.errors import ExpiredTokenError, InvalidTokenError
from api.auth.keys import ProviderKeys
from core.settings import AuthSettings

# Asymmetric only: with an HMAC algorithm in the list the public key would be a signing secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
LEEWAY_SECONDS = 30

# A verified token is believed without its signature for this long at most, and never past exp.
BELIEVED_SECONDS = 300
BELIEVED_TOKENS = 10_000


class Header(msgspec.Struct):
    """The part of a token's header that is needed before its signature can be checked."""

    alg: str
    kid: str
    typ: str = ""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, what the token allows, and until when (Unix seconds)."""

    subject: str
    scopes: frozenset[str]
    expires_at: float


class TokenVerifier:
    """Turns an access token into a Principal, or says why not."""

    def __init__(self, settings: AuthSettings, keys: ProviderKeys) -> None:
        self._keys = keys
        self._registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._believed: dict[str, tuple[float, Principal]] = {}

    async def verify(self, token: str) -> Principal:
        """Who the token stands for.

        Raises ExpiredTokenError, InvalidTokenError, or IdentityProviderUnavailableError.
        """
        until, principal = self._believed.get(token, (0.0, None))
        if principal is None or time.time() >= until:
            self._believed.pop(token, None)
            principal = await self._verified(token)
            self._believe(token, principal)
        return principal

    async def _verified(self, token: str) -> Principal:
        try:
            header = _header(token)
            key = await self._keys.find(header.kid)
            if key is None:
                message = "the provider has no such key"
                raise InvalidTokenError(_refusal(message))
            claims = jwt.decode(token, key, registry=self._registry).claims
            self._claims.validate(claims)
        except TokenIsExpired as error:
            raise ExpiredTokenError("The access token has expired. Get a new one.") from error
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise InvalidTokenError(_refusal(_reason(error))) from error
        return _principal(header, claims)

    def _believe(self, token: str, principal: Principal) -> None:
        if len(self._believed) >= BELIEVED_TOKENS:
            self._believed.pop(next(iter(self._believed)))
        until = min(principal.expires_at, time.time() + BELIEVED_SECONDS)
        self._believed[token] = (until, principal)


def _header(token: str) -> Header:
    encoded, _, _ = token.partition(".")
    padded = encoded + "=" * (-len(encoded) % 4)
    header = msgspec.json.decode(urlsafe_b64decode(padded), type=Header)
    if header.alg not in ALGORITHMS or not header.kid:
        message = "its header names no accepted algorithm and key"
        raise ValueError(message)
    return header


def _principal(header: Header, claims: dict[str, Any]) -> Principal:
    if not _is_access_token(header, claims):
        message = "it is no access token"
        raise InvalidTokenError(_refusal(message))
    scope = claims.get("scope")
    scopes = frozenset(scope.split()) if isinstance(scope, str) else frozenset[str]()
    return Principal(claims["sub"], scopes, float(claims["exp"]))


def _is_access_token(header: Header, claims: dict[str, Any]) -> bool:
    """By RFC 9068's header, or the claims of Keycloak ("typ") and Cognito ("token_use")."""
    return (
        header.typ.lower().removeprefix("application/") == "at+jwt"
        or claims.get("typ") == "Bearer"
        or claims.get("token_use") == "access"
    )


def _reason(error: Exception) -> str:
    return error.description if isinstance(error, JoseError) and error.description else "malformed"


def _refusal(reason: str) -> str:
    return f"The access token is not accepted: {reason}."
