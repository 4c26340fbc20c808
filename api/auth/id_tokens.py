"""ID tokens and logout tokens: tokens that the provider issues for this client, not for the API."""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import new as new_hash
from typing import Any

from joserfc import jwt
from joserfc.errors import MissingClaimError

from api.auth.claims import expiry_of, identifier_in, subject_of, username_in
from api.auth.errors import InvalidLogoutTokenError, InvalidSignInError
from api.auth.jwks import JwksCache
from api.auth.signatures import (
    INVALID_TOKEN_ERRORS,
    LEEWAY_SECONDS,
    JoseHeader,
    SignedToken,
    rejection_reason,
    verify_signature,
)
from core.settings import AuthSettings

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True)
class Identity:
    """The user who signed in, and the session at the provider (`sid`), if the token names one."""

    subject: str
    username: str
    provider_session: str | None


@dataclass(frozen=True, slots=True)
class LogoutTokenClaims:
    """Which sessions a logout token ends: one session at the provider, or all of a subject."""

    token_id: str
    expires_at: float
    subject: str | None
    provider_session: str | None


class IdTokenVerifier:
    """Verifies ID tokens and logout tokens."""

    def __init__(self, settings: AuthSettings, jwks: JwksCache) -> None:
        self._client_id = settings.client_id
        self._jwks = jwks
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.client_id},
            exp={"essential": True},
            iat={"essential": True},
        )

    async def verify_id_token(
        self, id_token: str, access_token: str, nonce: str | None
    ) -> Identity:
        """The user of the ID token, validated by OpenID Connect Core 3.1.3.7.

        `nonce` is None where the flow sends none. Raises InvalidSignInError.
        """
        try:
            signed = await self._verify(id_token)
            _require(signed.header.media_type in {"", "jwt"}, "it is no ID token")
            _require(nonce is None or signed.claims.get("nonce") == nonce, "wrong nonce")
            _require(_matches_at_hash(signed, access_token), "it is of another access token")
            identity = _identity(signed.claims)
        except INVALID_TOKEN_ERRORS as error:
            message = f"The provider's ID token is not accepted: {rejection_reason(error)}."
            raise InvalidSignInError(message) from error
        return identity

    async def verify_logout_token(self, logout_token: str) -> LogoutTokenClaims:
        """The sessions to end, validated by OpenID Connect Back-Channel Logout 2.6.

        The caller checks that the token was not used before. Raises InvalidLogoutTokenError.
        """
        try:
            signed = await self._verify(logout_token)
            claims = _logout_token_claims(signed)
        except INVALID_TOKEN_ERRORS as error:
            message = f"The logout token is not accepted: {rejection_reason(error)}."
            raise InvalidLogoutTokenError(message) from error
        return claims

    async def _verify(self, token: str) -> SignedToken:
        signed = await verify_signature(token, self._jwks)
        self._claims.validate(signed.claims)
        audience, party = signed.claims["aud"], signed.claims.get("azp")
        several = isinstance(audience, list) and len(audience) > 1
        _require(party == self._client_id or (party is None and not several), "for another client")
        return signed


def _identity(claims: dict[str, Any]) -> Identity:
    return Identity(subject_of(claims), username_in(claims), identifier_in(claims, "sid"))


def _logout_token_claims(signed: SignedToken) -> LogoutTokenClaims:
    claims = signed.claims
    subject, session = identifier_in(claims, "sub"), identifier_in(claims, "sid")
    token_id, events = identifier_in(claims, "jti"), claims.get("events")
    _require(signed.header.media_type == "logout+jwt", "it is no logout token")
    _require(isinstance(events, dict) and isinstance(events.get(LOGOUT_EVENT), dict), "no event")
    _require("nonce" not in claims, "it has a nonce")
    _require(bool(subject or session), "it names nobody")
    if token_id is None:
        raise MissingClaimError("jti")
    return LogoutTokenClaims(token_id, expiry_of(claims), subject, session)


def _require(condition: bool, message: str) -> None:  # noqa: FBT001  # the condition is the point
    if not condition:
        raise ValueError(message)


def _matches_at_hash(signed: SignedToken, access_token: str) -> bool:
    """Whether at_hash, if present, is that of the access token (OpenID Connect Core 3.1.3.6)."""
    at_hash = signed.claims.get("at_hash")
    if at_hash is None:
        return True
    return isinstance(at_hash, str) and hmac.compare_digest(
        at_hash.encode(), _at_hash(signed.header, access_token)
    )


def _at_hash(header: JoseHeader, access_token: str) -> bytes:
    """The left half of the hash, by the hash function of the ID token's signature algorithm."""
    whole = new_hash(f"sha{header.alg[2:]}", access_token.encode()).digest()
    return urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=")
