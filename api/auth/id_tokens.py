"""What the provider says of a user and of sign-outs: ID tokens and logout tokens."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import new as new_hash
from typing import Any

from joserfc import jwt

from api.auth.errors import InvalidLogoutTokenError, InvalidSignInError
from api.auth.jwks import ProviderKeys
from api.auth.signatures import (
    LEEWAY_SECONDS,
    NOT_GOOD,
    Header,
    SignedToken,
    reason,
    verified_signature,
)
from api.auth.tokens import username_in
from core.settings import AuthSettings

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in, and the provider's session that this belongs to, if it names one."""

    subject: str
    username: str
    provider_session: str | None


@dataclass(frozen=True, slots=True)
class LogoutNotice:
    """What a logout token ends: one session of the provider's, or all of a subject."""

    token_id: str
    expires_at: float
    subject: str | None
    provider_session: str | None


class IdTokenVerifier:
    """Checks tokens that are meant for this client, not for the API."""

    def __init__(self, settings: AuthSettings, keys: ProviderKeys) -> None:
        self._client_id = settings.client_id
        self._keys = keys
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.client_id},
            exp={"essential": True},
            iat={"essential": True},
        )

    async def identity(self, id_token: str, access_token: str, nonce: str | None) -> Identity:
        """Who the ID token names, by every rule of OpenID Connect Core 3.1.3.7.

        `nonce` is None where the flow sends none. Raises InvalidSignInError.
        """
        try:
            signed = await self._verified(id_token)
            _require(isinstance(signed.claims.get("sub"), str), "it names no subject")
            _require(signed.header.media_type in {"", "jwt"}, "it is no ID token")
            _require(nonce is None or signed.claims.get("nonce") == nonce, "wrong nonce")
            _require(_fits(signed, access_token), "it is of another access token")
        except NOT_GOOD as error:
            message = f"The provider's ID token is not accepted: {reason(error)}."
            raise InvalidSignInError(message) from error
        claims = signed.claims
        return Identity(claims["sub"], username_in(claims), _text(claims, "sid"))

    async def logout_notice(self, logout_token: str) -> LogoutNotice:
        """What the logout token ends, by the rules of OpenID Connect Back-Channel Logout 2.6.

        Whether it was used before is for the caller to find out. Raises InvalidLogoutTokenError.
        """
        try:
            signed = await self._verified(logout_token)
            notice = _notice(signed)
        except NOT_GOOD as error:
            message = f"The logout token is not accepted: {reason(error)}."
            raise InvalidLogoutTokenError(message) from error
        return notice

    async def _verified(self, token: str) -> SignedToken:
        signed = await verified_signature(token, self._keys)
        self._claims.validate(signed.claims)
        audience, party = signed.claims["aud"], signed.claims.get("azp")
        several = isinstance(audience, list) and len(audience) > 1
        _require(party == self._client_id or (party is None and not several), "for another client")
        return signed


def _notice(signed: SignedToken) -> LogoutNotice:
    claims = signed.claims
    subject, session = _text(claims, "sub"), _text(claims, "sid")
    token_id, events = _text(claims, "jti"), claims.get("events")
    _require(signed.header.media_type == "logout+jwt", "it is no logout token")
    _require(isinstance(events, dict) and isinstance(events.get(LOGOUT_EVENT), dict), "no event")
    _require("nonce" not in claims, "it has a nonce")
    _require(bool(subject or session), "it names nobody")
    if token_id is None:
        message = "it has no id"
        raise ValueError(message)
    return LogoutNotice(token_id, float(claims["exp"]), subject, session)


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and value else None


def _require(holds: bool, otherwise: str) -> None:  # noqa: FBT001  # the condition is the point
    if not holds:
        raise ValueError(otherwise)


def _fits(signed: SignedToken, access_token: str) -> bool:
    """Whether at_hash, where there is one, is that of the access token."""
    claimed = signed.claims.get("at_hash")
    if claimed is None:
        return True
    return isinstance(claimed, str) and hmac.compare_digest(
        claimed.encode(), _half_hash(signed.header, access_token)
    )


def _half_hash(header: Header, access_token: str) -> bytes:
    whole = new_hash(f"sha{header.alg[2:]}", access_token.encode()).digest()
    return urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=")
