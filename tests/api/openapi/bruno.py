"""A collection of requests for Bruno (https://www.usebruno.com), made of the OpenAPI document."""

import json
import re
from collections.abc import Iterator, Mapping
from textwrap import indent
from typing import Any

Described = Mapping[str, Any]

# Values of what the document gives no example of; in double braces, variables of the environments.
VALUES = {
    "equipment_id": "{{equipmentId}}",
    "equipmentId": "{{equipmentId}}",
    "import_id": "{{importId}}",
    "timestamp": "{{$isoTimestamp}}",
    "from": "2013-06-01T00:00:00Z",
    "to": "2013-07-01T00:00:00Z",
    "interval": "24h",
    "expires": "{{uploadExpires}}",
    "signature": "{{uploadSignature}}",
    "q": "SHOW DATABASES",
    "name": "Boiler room",
    "value": 21.5,
    "file": "@file({{file}})",
    "fileName": "readings.csv",
    "sizeBytes": 1024,
    "limit": 100,
}
LINES = "temperature,equipmentId={{equipmentId}} value=21.5"

# Optional parameters without which a request is refused or says little.
SENT: Mapping[str, frozenset[str]] = {
    "getAggregates": frozenset({"interval"}),
    "getAggregatesByOldPath": frozenset({"interval"}),
    "auditRollups": frozenset({"from", "to"}),
    "getReadings": frozenset({"from", "to"}),
    "queryInfluxDB": frozenset({"q"}),
    "putContent": frozenset({"expires", "signature"}),
}

BODIES = {
    "application/json": "json",
    "application/merge-patch+json": "json",
    "text/plain": "text",
    "multipart/form-data": "multipart-form",
    "application/x-www-form-urlencoded": "form-urlencoded",
    "application/octet-stream": "file",
}

SETTINGS = json.dumps({"version": "1", "name": "Sensor Flow", "type": "collection"}, indent=2)

# Each request whose operation takes a bearer token inherits this.
COLLECTION = """\
auth {
  mode: oauth2
}

auth:oauth2 {
  grant_type: client_credentials
  access_token_url: {{tokenUrl}}
  client_id: {{clientId}}
  client_secret: {{clientSecret}}
  scope: {{scope}}
  credentials_placement: basic_auth_header
  credentials_id: credentials
  token_placement: header
  token_header_prefix: Bearer
  auto_fetch_token: true
  auto_refresh_token: false
}
"""

ENVIRONMENTS = {
    "make demo": (
        "http://127.0.0.1:8081/token",
        "readings:write readings:read imports:write imports:read",
    ),
    "compose": (
        "http://keycloak.localhost:8081/realms/sensorflow/protocol/openid-connect/token",
        "",
    ),
}


def collection(document: Described) -> dict[str, str]:
    """The text of each file of the collection by its path in it."""
    requests = {
        f"{operation['tags'][0]}/{operation['operationId']}.bru": _request(
            document, method, path, operation
        )
        for path, operations in sorted(document["paths"].items())
        for method, operation in sorted(operations.items())
    }
    environments = {
        f"environments/{name}.bru": _environment(token_url, scope)
        for name, (token_url, scope) in ENVIRONMENTS.items()
    }
    return {
        "bruno.json": f"{SETTINGS}\n",
        "collection.bru": COLLECTION,
        **environments,
        **requests,
    }


def _environment(token_url: str, scope: str) -> str:
    variables = {
        "baseUrl": "http://127.0.0.1:8000",
        "tokenUrl": token_url,
        "clientId": "sensor-gateway",
        "scope": scope,
        "equipmentId": "JFK-TEMP",
        "importId": "",
        "file": "../../samples/nyc-weather-2013.csv.gz",
        "uploadExpires": "",
        "uploadSignature": "",
    }
    return _block("vars", variables) + "\nvars:secret [\n  clientSecret\n]\n"


def _request(document: Described, method: str, path: str, operation: Described) -> str:
    media_type, schema = _body(document, operation)
    blocks = [
        _block("meta", {"name": operation["operationId"], "type": "http", "seq": 1}),
        _block(
            method,
            {
                "url": _url(path, operation),
                "body": BODIES.get(media_type, "none"),
                "auth": "inherit" if {"bearer": []} in operation.get("security", ()) else "none",
            },
        ),
        *_parameters(operation),
        *_body_blocks(document, media_type, schema),
        f"docs {{\n{indent(_documentation(operation), '  ')}\n}}\n",
    ]
    return "\n".join(blocks)


def _documentation(operation: Described) -> str:
    return "\n\n".join(operation[part] for part in ("summary", "description") if part in operation)


def _url(path: str, operation: Described) -> str:
    """With the parameters that are sent: Bruno sends what stands in the address."""
    query = "&".join(
        f"{each['name']}={_parameter(each)}"
        for each in _of(operation, "query")
        if _is_sent(operation, each)
    )
    return "{{baseUrl}}" + re.sub(r"{(\w+)}", r":\1", path) + (f"?{query}" if query else "")


def _of(operation: Described, place: str) -> list[Described]:
    return [each for each in operation.get("parameters", ()) if each["in"] == place]


def _is_sent(operation: Described, parameter: Described) -> bool:
    return parameter["required"] or parameter["name"] in SENT.get(
        operation["operationId"], frozenset()
    )


def _parameters(operation: Described) -> Iterator[str]:
    for place, block in (("query", "params:query"), ("path", "params:path"), ("header", "headers")):
        values = {
            f"{'' if _is_sent(operation, each) else '~'}{each['name']}": _parameter(each)
            for each in _of(operation, place)
        }
        if values:
            yield _block(block, values)


def _parameter(parameter: Described) -> object:
    value = _example({}, parameter["name"], parameter["schema"])
    return value[0] if isinstance(value, list) else value


def _body(document: Described, operation: Described) -> tuple[str, Described]:
    content = operation.get("requestBody", {}).get("content", {})
    for media_type in BODIES:
        if media_type in content:
            return media_type, _resolved(document, content[media_type]["schema"])
    return "", {}


def _body_blocks(document: Described, media_type: str, schema: Described) -> Iterator[str]:
    if media_type == "application/merge-patch+json":
        yield _block("headers", {"content-type": media_type})
    match BODIES.get(media_type):
        case "json":
            text = json.dumps(_example(document, "", schema), indent=2)
            yield f"body:json {{\n{indent(text, '  ')}\n}}\n"
        case "text":
            yield f"body:text {{\n{indent(LINES, '  ')}\n}}\n"
        case "file":
            yield _block("body:file", {"file": f"{VALUES['file']} @contentType({media_type})"})
        case "multipart-form" | "form-urlencoded" as form:
            yield _block(f"body:{form}", _fields(document, schema))
        case _:
            return


def _fields(document: Described, schema: Described) -> dict[str, object]:
    """The fields of a form; those that may be left out are there and switched off."""
    required = schema.get("required", schema["properties"])
    return {
        f"{'' if name in required else '~'}{name}": _example(document, name, field)
        for name, field in schema["properties"].items()
    }


def _resolved(document: Described, schema: Described) -> Described:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _example(document: Described, name: str, schema: Described) -> Any:
    schema = _resolved(document, schema)
    if name in VALUES:
        return VALUES[name]
    for given in ("default", "enum", "examples"):
        if given in schema:
            return schema[given] if given == "default" else schema[given][0]
    if "properties" in schema:
        named = schema.get("required") or [key for key in schema["properties"] if key in VALUES]
        return {key: _example(document, key, schema["properties"][key]) for key in named}
    if "items" in schema:
        return [_example(document, name, schema["items"])]
    return {"integer": schema.get("minimum", 1), "boolean": True}.get(schema.get("type", ""), "")


def _block(name: str, values: Mapping[str, object]) -> str:
    lines = "".join(f"  {key}: {_text(value)}".rstrip() + "\n" for key, value in values.items())
    return f"{name} {{\n{lines}}}\n"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
