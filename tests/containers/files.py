"""Compose file, Dockerfile, environment files and Keycloak realm, parsed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose.yaml"
DOCKERFILE = ROOT / "Dockerfile"
ENV_EXAMPLE = ROOT / ".env.example"
ENV_DEMO = ROOT / "deploy" / "demo" / "demo.env"
REALM = ROOT / "deploy" / "keycloak" / "sensorflow-realm.json"
DEMO_USERS = ROOT / "deploy" / "demo" / "sensorflow-users-0.json"

# With one more reference in the operand at most; $$ is a dollar sign.
_REFERENCE = re.compile(
    r"(?<!\$)\$\{(?P<name>\w+)(?P<operator>:?[?+-])?(?P<operand>(?:[^${}]|\$\{[^{}]*\})*)\}"
)
_SECRET = re.compile(r"(PASSWORD|SECRET|TOKEN)$")


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
    """Those in operands as well."""
    found = []
    for match in _REFERENCE.finditer(text):
        found.append(Reference(match["name"], match["operator"] or "", match["operand"]))
        found += references(match["operand"])
    return found


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """The text as compose reads it. Raises KeyError for a required variable that is missing."""

    def value(match: re.Match[str]) -> str:
        if match["operator"] == ":-":
            return variables.get(match["name"]) or interpolate(match["operand"], variables)
        return variables[match["name"]]

    return _REFERENCE.sub(value, text).replace("$$", "$")


def is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def variables_of(file: Path) -> dict[str, str]:
    """The variables of an environment file."""
    return {name: value for name, (value, _) in described_variables(file).items()}


def described_variables(file: Path) -> dict[str, tuple[str, str]]:
    """Each variable of an environment file, with its value and the comment right above it."""
    variables, comment = {}, ""
    for line in file.read_text().splitlines():
        name, separator, value = line.partition("=")
        if line.startswith("#"):
            comment += line.lstrip("# ")
        elif separator:
            variables[name] = (value.strip("'"), comment)
            comment = ""
        else:
            comment = ""
    return variables
