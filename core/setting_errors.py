"""Settings that are missing, wrong or of no use here: one line each that names the variable."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from core.errors import SettingError

WHERE_TO_READ = "See docs/configuration.md."

Given = Mapping[type[BaseSettings], Mapping[str, Any]]
"""Fields by group that are not read from the environment."""

NOTHING: Given = MappingProxyType({})


def require(*groups: type[BaseSettings], given: Given = NOTHING) -> None:
    """Read all of the groups; raises SettingError that tells every variable at fault."""
    lines = [line for group in groups for line in _problems(group, given.get(group, {}))]
    if lines:
        raise SettingError("\n".join(lines))


def wrong_setting(group: type[BaseSettings], field: str, problem: str) -> SettingError:
    """The error of a value that is well written and of no use here; `problem` has no full stop."""
    return SettingError(_line(group, field, problem))


def require_writable(folder: Path, group: type[BaseSettings], field: str) -> Path:
    """The folder, made if it is missing; raises SettingError where nothing can be stored in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        problem = f"nothing can be stored in this folder ({error.strerror})"
        raise wrong_setting(group, field, problem) from error


def told(group: type[BaseSettings], error: ValidationError) -> SettingError:
    """The same of what the class itself refuses."""
    return SettingError("\n".join(_lines(group, error)))


def variable_of(group: type[BaseSettings], field: str) -> str:
    """The variable that a field is read from."""
    return f"{group.model_config.get('env_prefix', '')}{field}".upper()


def example_of(field: FieldInfo) -> str:
    """A value that the field takes, as it is written in the environment."""
    example = field.examples[0] if field.examples else field.default
    return str(example).lower() if isinstance(example, bool) else str(example)


def _problems(group: type[BaseSettings], given: Mapping[str, Any]) -> Iterator[str]:
    try:
        group(**given)
    except ValidationError as error:
        yield from _lines(group, error)


def _lines(group: type[BaseSettings], error: ValidationError) -> Iterator[str]:
    """One line a variable, of the first that is wrong with it."""
    first: dict[str, str] = {}
    for problem in error.errors():
        first.setdefault(str(problem["loc"][0]), problem["msg"])
    for field, message in first.items():
        yield _line(group, field, message.removeprefix("Value error, "))


def _line(group: type[BaseSettings], field: str, problem: str) -> str:
    example = example_of(group.model_fields[field])
    return f"{variable_of(group, field)}: {problem}. Example: {example}. {WHERE_TO_READ}"
