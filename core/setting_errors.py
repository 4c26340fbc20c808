"""Errors of settings: a line for each variable, with the problem and an example, not the value."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from core.errors import SettingError

DOCUMENTATION = "See docs/configuration.md."

Overrides = Mapping[type[BaseSettings], Mapping[str, Any]]
"""Fields by class that the command sets itself, whatever the environment says."""

NONE: Overrides = MappingProxyType({})


def require_valid(*groups: type[BaseSettings], overrides: Overrides = NONE) -> None:
    """Read the classes from the environment; raises SettingError with a line a bad variable."""
    lines = [line for group in groups for line in _problems(group, overrides.get(group, {}))]
    if lines:
        raise SettingError("\n".join(lines))


def setting_error(group: type[BaseSettings], field: str, problem: str) -> SettingError:
    """The error of a valid value that cannot be used here; `problem` is without a full stop."""
    return SettingError(_line(group, field, problem))


def validation_error(group: type[BaseSettings], error: ValidationError) -> SettingError:
    """The error of values that the class refuses."""
    return SettingError("\n".join(_lines(group, error)))


def require_writable(folder: Path, group: type[BaseSettings], field: str) -> Path:
    """The folder, created if missing; raises SettingError when nothing can be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        problem = f"the folder cannot be written to ({error.strerror})"
        raise setting_error(group, field, problem) from error


def variable_of(group: type[BaseSettings], field: str) -> str:
    """The environment variable of a field."""
    return f"{group.model_config.get('env_prefix', '')}{field}".upper()


def example_of(field: FieldInfo) -> str:
    """A valid value, as it is written in the environment."""
    example = field.examples[0] if field.examples else field.default
    return str(example).lower() if isinstance(example, bool) else str(example)


def _problems(group: type[BaseSettings], overrides: Mapping[str, Any]) -> Iterator[str]:
    try:
        group(**overrides)
    except ValidationError as error:
        yield from _lines(group, error)


def _lines(group: type[BaseSettings], error: ValidationError) -> Iterator[str]:
    """The first problem of each variable."""
    first: dict[str, str] = {}
    for problem in error.errors():
        first.setdefault(str(problem["loc"][0]), problem["msg"])
    for field, message in first.items():
        yield _line(group, field, message.removeprefix("Value error, "))


def _line(group: type[BaseSettings], field: str, problem: str) -> str:
    example = example_of(group.model_fields[field])
    return f"{variable_of(group, field)}: {problem}. Example: {example}. {DOCUMENTATION}"
