"""The Basic authentication scheme of RFC 7617: user name and password."""

import binascii
from base64 import b64decode
from typing import NamedTuple

from api.auth.errors import MissingCredentialsError


class Credentials(NamedTuple):
    """A user name and password, not verified."""

    username: str
    password: str


def parse_basic_credentials(authorization: str) -> Credentials:
    """The credentials of an Authorization header.

    Raises MissingCredentialsError unless both user name and password are given.
    """
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
