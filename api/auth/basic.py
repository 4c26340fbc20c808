"""User name and password as RFC 7617 sends them."""

import binascii
from base64 import b64decode
from typing import NamedTuple

from api.auth.errors import MissingCredentialsError


class Credentials(NamedTuple):
    """Who somebody claims to be."""

    username: str
    password: str


def basic_credentials(authorization: str) -> Credentials:
    """Those of an Authorization header. Raises MissingCredentialsError without a whole pair."""
    scheme, _, encoded = authorization.partition(" ")
    username, _, password = _decoded(encoded).partition(":")
    if scheme.lower() != "basic" or not username or not password:
        raise MissingCredentialsError(
            "Send user name and password: Authorization: Basic base64(username:password)."
        )
    return Credentials(username, password)


def _decoded(encoded: str) -> str:
    try:
        octets = b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return ""
    try:
        return octets.decode()
    except UnicodeDecodeError:  # the charset of older clients
        return octets.decode("latin-1")
