"""Compose file, Dockerfile, example environment and Keycloak realm, parsed."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose.yaml"
DOCKERFILE = ROOT / "Dockerfile"
ENV_EXAMPLE = ROOT / ".env.example"
REALM = ROOT / "deploy" / "keycloak" / "sensorflow-realm.json"

_REFERENCE = re.compile(r"\$\{(?P<name>\w+)(?P<operator>:?[?+-])?(?P<operand>[^}]*)\}")
_SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY$")


@dataclass(frozen=True)
class Reference:
    """`${name}`, `${name:-default}` or `${name:?message}` in a file."""

    name: str
    operator: str
    operand: str

    @property
    def is_required(self) -> bool:
        return self.operator == ":?" and bool(self.operand)


def services() -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(COMPOSE.read_text())["services"])


def environment(service: str) -> dict[str, str]:
    return {name: str(value) for name, value in services()[service].get("environment", {}).items()}


def references(text: str) -> list[Reference]:
    return [
        Reference(match["name"], match["operator"] or "", match["operand"])
        for match in _REFERENCE.finditer(text)
    ]


def is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


def realm() -> dict[str, Any]:
    return dict(json.loads(REALM.read_text()))


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def example_variables() -> dict[str, tuple[str, str]]:
    """Each variable of .env.example, with its value and the comment right above it."""
    variables, comment = {}, ""
    for line in ENV_EXAMPLE.read_text().splitlines():
        name, separator, value = line.partition("=")
        if line.startswith("#"):
            comment += line.lstrip("# ")
        elif separator:
            variables[name] = (value, comment)
            comment = ""
        else:
            comment = ""
    return variables
