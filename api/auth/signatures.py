"""Signature verification of JWTs: the header selects the key, the key verifies the claims."""

from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import (
    InvalidKeyIdError,
    JoseError,
    UnsupportedAlgorithmError,
    UnsupportedHeaderError,
)
from joserfc.jws import JWSRegistry

from api.auth.jwks import JwksCache

# Asymmetric only: were an HMAC algorithm accepted, the public key would be a signing secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
LEEWAY_SECONDS = 30

# What decoding and validating raise for an invalid token.
INVALID_TOKEN_ERRORS = (JoseError, ValueError, TypeError, RecursionError)

_REGISTRY = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)


class JoseHeader(msgspec.Struct):
    """The header parameters that are needed to verify the signature."""

    alg: str
    kid: str
    typ: str = ""
    crit: object = msgspec.UNSET

    @property
    def media_type(self) -> str:
        """`typ` in lower case, without the prefix that may be omitted (RFC 7515 4.1.9)."""
        return self.typ.lower().removeprefix("application/")


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token with a valid signature, its claims not validated."""

    header: JoseHeader
    claims: dict[str, Any]


async def verify_signature(token: str, jwks: JwksCache) -> SignedToken:
    """Verify the signature by the key that the token's header names.

    Raises one of INVALID_TOKEN_ERRORS, or IdentityProviderUnavailableError.
    """
    header = _parse_header(token)
    key = await jwks.get(header.kid)
    if key is None:
        raise InvalidKeyIdError("The identity provider has no key with this id")
    signed = jws.deserialize_compact(token, key, registry=_REGISTRY)
    # By msgspec, which is strict where Python's json is not: no NaN, no lone surrogates.
    return SignedToken(header, msgspec.json.decode(signed.payload, type=dict[str, Any]))


def rejection_reason(error: BaseException) -> str:
    """Why a token is rejected, in a few words that may be returned to its sender."""
    if isinstance(error, JoseError) and error.description:
        return error.description
    return "malformed"


def _parse_header(token: str) -> JoseHeader:
    encoded, _, _ = token.partition(".")
    padded = encoded + "=" * (-len(encoded) % 4)
    header = msgspec.json.decode(urlsafe_b64decode(padded), type=JoseHeader)
    if header.crit is not msgspec.UNSET:  # whatever it names would have to be understood
        raise UnsupportedHeaderError("Critical header parameters are not supported")
    if header.alg not in ALGORITHMS:
        raise UnsupportedAlgorithmError("The algorithm is not accepted")
    if not header.kid:
        raise InvalidKeyIdError("The header names no key")
    return header
