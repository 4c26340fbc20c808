"""What a setting may be, and what is said of one that is not: never its value, a secret perhaps."""

import json
import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from core.scopes import Scope

PLACEHOLDER = re.compile(r"\{(series|measurement|field|tags\.[^{}]+)\}")
SCOPE_TOKENS = re.compile(r"[!#-\[\]-~]+( [!#-\[\]-~]+)*")  # RFC 6749, section 3.3
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s\[\]:/?#@]+)(?::(?P<port>[0-9]{1,5}))?")

SECRET_CHARACTERS = 32
LONGEST = timedelta(days=36_500)
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
HIGHEST_PORT = 65_535
DAY_SECONDS = 86_400

Value = TypeVar("Value", str, SecretStr)


def is_loopback(host: str) -> bool:
    """Whether the name or address is that of the machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def split_address(address: str) -> tuple[str, int]:
    """Host and port of an Address."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _from_json(value: object) -> object:
    """The variable's text as JSON; a value that code gives passes."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("is not JSON") from None


def _revealed(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _text(value: Value) -> Value:
    text = _revealed(value)
    if not text.strip() or not text.isprintable():
        raise ValueError("is blank or has control characters in it")
    return value


def _folder(path: Path) -> Path:
    _text(str(path))
    return path


def _long_secret(secret: SecretStr) -> SecretStr:
    if len(_text(secret).get_secret_value()) < SECRET_CHARACTERS:
        raise ValueError(f"is shorter than {SECRET_CHARACTERS} characters")
    return secret


def _scopes(scopes: str) -> str:
    if not SCOPE_TOKENS.fullmatch(scopes):
        raise ValueError("is not a list of scopes with one blank between each two")
    return scopes


def _ip_address(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        raise ValueError("is not an IP address; 0.0.0.0 stands for all of this machine") from None


def _address(address: str) -> str:
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > HIGHEST_PORT:
        raise ValueError("is not an IP address and a port with a colon between them")
    _ip_address(host.strip("[]"))
    return address


def _positive(span: timedelta) -> timedelta:
    if not timedelta() < span <= LONGEST:
        raise ValueError("is not a duration above zero and below a hundred years")
    return span


def _not_negative(span: timedelta) -> timedelta:
    if not timedelta() <= span <= LONGEST:
        raise ValueError("is not a duration from zero to a hundred years")
    return span


def _split(url: str) -> SplitResult:
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError("is not a URL: there are blanks or control characters in it")
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError("is not a URL") from None


def _are_hosts(hosts: str) -> bool:
    """Whether it is a host, or several with commas between them, each perhaps with a port."""
    matches = [HOST_AND_PORT.fullmatch(host) for host in hosts.split(",")]
    return all(match and 1 <= int(match["port"] or 1) <= HIGHEST_PORT for match in matches)


def _http_url(url: str) -> SplitResult:
    parts = _split(url)
    if parts.scheme not in {"http", "https"} or not _are_hosts(parts.netloc) or "," in parts.netloc:
        raise ValueError("is not a URL of the kind https://host:port")
    if parts.query or parts.fragment:
        raise ValueError("has a query or a fragment, which no such URL has")
    return parts


def _origin(url: str) -> str:
    if _http_url(url).path not in {"", "/"}:
        raise ValueError("has a path: give scheme, host and port only")
    return url.rstrip("/").lower()


def _issuer(url: str) -> str:
    _http_url(url)
    return url


def _database_url(url: SecretStr) -> SecretStr:
    parts = _split(url.get_secret_value())
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("does not begin with postgresql://")
    if not _are_hosts(parts.netloc.partition("@")[2] if "@" in parts.netloc else parts.netloc):
        raise ValueError(
            "names no host, or an impossible port; in user and password :/?#[]@ are written %XX"
        )
    if _query(parts).get("sslmode", "prefer") not in SSL_MODES:
        raise ValueError(f"has an sslmode that is none of {', '.join(SSL_MODES)}")
    return url


def _query(parts: SplitResult) -> dict[str, str]:
    try:
        return dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ValueError("has a query that is not name=value&name=value") from None


def _valkey_url(url: SecretStr) -> SecretStr:
    parts = _split(url.get_secret_value())
    if parts.scheme not in {"valkey", "valkeys", "redis", "rediss"}:
        raise ValueError("does not begin with valkey://, or valkeys:// for TLS")
    if not _are_hosts(parts.netloc.rpartition("@")[2]):
        raise ValueError("names no host, or an impossible port")
    if not re.fullmatch("/?[0-9]*", parts.path):
        raise ValueError("has a path that is not the number of a database")
    return url


def _storage_url(url: str) -> str:
    _text(url)
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    if scheme == "file" and rest.startswith("/"):
        return url
    if scheme == "s3" and BUCKET.fullmatch(rest.partition("/")[0]):
        return url
    raise ValueError("is neither a folder, nor file:///path, nor s3://bucket/prefix")


def _template(text: str) -> str:
    if not PLACEHOLDER.search(text) or "{" in PLACEHOLDER.sub("", _text(text)):
        raise ValueError(
            "has no placeholder, or another than {series}, {measurement}, {field} and {tags.NAME}"
        )
    return text


Port = Annotated[int, Field(ge=0, le=HIGHEST_PORT)]
Number = Annotated[int, Field(ge=1, le=1_000_000)]
Connections = Annotated[int, Field(ge=1, le=1000)]
Bytes = Annotated[int, Field(ge=0, le=2**60)]
Seconds = Annotated[float, Field(gt=0, le=DAY_SECONDS, allow_inf_nan=False)]
Lifetime = Annotated[timedelta, AfterValidator(_positive)]
Distance = Annotated[timedelta, AfterValidator(_not_negative)]

Folder = Annotated[Path, AfterValidator(_folder)]
Text = Annotated[str, AfterValidator(_text)]
Secret = Annotated[SecretStr, AfterValidator(_text)]
LongSecret = Annotated[SecretStr, AfterValidator(_long_secret)]
Scopes = Annotated[str, AfterValidator(_scopes)]
IdTemplate = Annotated[str, AfterValidator(_template)]

IpAddress = Annotated[str, AfterValidator(_ip_address)]
Address = Annotated[str, AfterValidator(_address)]
Origin = Annotated[str, AfterValidator(_origin)]
Issuer = Annotated[str, AfterValidator(_issuer)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
ValkeyUrl = Annotated[SecretStr, AfterValidator(_valkey_url)]
StorageUrl = Annotated[str, AfterValidator(_storage_url)]

Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_from_json)]
Parameters = Annotated[dict[str, str], NoDecode, BeforeValidator(_from_json)]
ScopesByName = Annotated[dict[str, frozenset[Scope]], NoDecode, BeforeValidator(_from_json)]
