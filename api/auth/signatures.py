"""The signature of any token that the provider signs: header first, then key, then claims."""

from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from api.auth.jwks import ProviderKeys

# Asymmetric only: with an HMAC algorithm in the list the public key would be a signing secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
LEEWAY_SECONDS = 30

# What decoding and validating a token raise when it is not good.
NOT_GOOD = (JoseError, ValueError, TypeError, RecursionError)

_REGISTRY = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)


class Header(msgspec.Struct):
    """The part of a token's header that is needed before its signature can be checked."""

    alg: str
    kid: str
    typ: str = ""

    @property
    def media_type(self) -> str:
        """The type without the prefix that may be left out, in lower case."""
        return self.typ.lower().removeprefix("application/")


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token whose signature holds; nothing is said about its claims."""

    header: Header
    claims: dict[str, Any]


async def verified_signature(token: str, keys: ProviderKeys) -> SignedToken:
    """The token as signed by one of the provider's keys.

    Raises one of NOT_GOOD, or IdentityProviderUnavailableError.
    """
    header = _header(token)
    key = await keys.find(header.kid)
    if key is None:
        message = "the provider has no such key"
        raise ValueError(message)
    return SignedToken(header, jwt.decode(token, key, registry=_REGISTRY).claims)


def reason(error: BaseException) -> str:
    """Why a token is not good, in a few words fit for its sender."""
    if isinstance(error, JoseError) and error.description:
        return error.description
    return "malformed"


def _header(token: str) -> Header:
    encoded, _, _ = token.partition(".")
    padded = encoded + "=" * (-len(encoded) % 4)
    header = msgspec.json.decode(urlsafe_b64decode(padded), type=Header)
    if header.alg not in ALGORITHMS or not header.kid:
        message = "its header names no accepted algorithm and key"
        raise ValueError(message)
    return header
