"""Text that several SQL files share.

A fragment stands in sql/fragments/*.sql, from its header to the next one. Comments right below the
header describe it and are left out. `{parameter}` in its text stands for an argument:

    -- fragment: bucket_columns(start)
    -- A bucket's equipment, start and values.
    equipment_id,
    {start},
    -- include: bucket_values()

A line `-- include: bucket_columns(bucket AS ts)` is replaced by the fragment's lines, each indented
as the line itself is. An argument is any text without a comma. It may itself be a call, which the
fragment includes by `-- include: {columns}`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile, pairwise
from pathlib import Path
from typing import TypeAlias

HEADER = re.compile(r"-- fragment: (?P<name>[a-z0-9_]+)\((?P<parameters>[a-z0-9_, ]*)\)")
INCLUDE = re.compile(r"(?P<indent> *)-- include: (?P<name>[a-z0-9_]+)\((?P<arguments>.*)\)")
DIRECTIVE = re.compile(r"\s*--\s*(fragment|include)\b")  # well-formed or not
PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")


class FragmentError(Exception):
    """A fragment or an include is wrong; the message begins with the file and the line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file."""

    text: str
    path: Path
    number: int

    def error(self, message: str) -> FragmentError:
        """To be raised where this line is wrong."""
        return FragmentError(f"{self.path}:{self.number}: {message}")

    @property
    def directive(self) -> str | None:
        """`fragment` for a header, `include` for an include, well-formed or not; else None."""
        match = DIRECTIVE.match(self.text)
        return match and match[1]

    @property
    def is_remark(self) -> bool:
        """Whether it is blank or a plain comment."""
        return not self.directive and (not self.text or self.text.startswith("--"))


@dataclass(frozen=True, slots=True)
class Include:
    """A line that stands for a fragment."""

    line: Line
    indent: str
    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fragment:
    """Named lines with placeholders."""

    header: Line
    name: str
    parameters: tuple[str, ...]
    body: tuple[Line, ...]

    def filled(self, include: Include) -> Iterator[Line]:
        """The lines with the include's arguments in place of the placeholders."""
        expected, given = len(self.parameters), len(include.arguments)
        if given != expected:
            raise include.line.error(f"{self.name} takes {expected} argument(s), not {given}")
        values = dict(zip(self.parameters, include.arguments, strict=True))
        for line in self.body:
            yield replace(line, text=PLACEHOLDER.sub(lambda match: values[match[1]], line.text))


Fragments: TypeAlias = Mapping[str, Fragment]


def read_fragments(folder: Path) -> Fragments:
    """The fragments of the folder's .sql files by name; raises FragmentError."""
    fragments: dict[str, Fragment] = {}
    for path in sorted(folder.glob("*.sql")):
        for fragment in _fragments_of(_lines(path.read_text(), path)):
            if fragment.name in fragments:
                raise fragment.header.error(f"there are two fragments {fragment.name}")
            fragments[fragment.name] = fragment
    return fragments


def expand(text: str, path: Path, fragments: Fragments) -> str:
    """The text of the file with its includes replaced; raises FragmentError."""
    lines = _lines(text, path)
    return "\n".join(result for line in lines for result in _expanded(line, fragments, ()))


def _lines(text: str, path: Path) -> list[Line]:
    return [Line(line, path, number) for number, line in enumerate(text.split("\n"), 1)]


def _expanded(line: Line, fragments: Fragments, within: tuple[str, ...]) -> Iterator[str]:
    include = _include(line)
    if include is None:
        yield line.text
        return
    chain = (*within, include.name)
    if include.name in within:
        raise line.error(f"fragments include each other: {' > '.join(chain)}")
    for inner in _named(include, fragments).filled(include):
        for text in _expanded(inner, fragments, chain):
            yield text and include.indent + text


def _named(include: Include, fragments: Fragments) -> Fragment:
    try:
        return fragments[include.name]
    except KeyError:
        raise include.line.error(f"there is no fragment {include.name}") from None


def _include(line: Line) -> Include | None:
    if not line.directive:
        return None
    match = INCLUDE.fullmatch(line.text)
    if match is None:
        raise line.error("expected '-- include: name(argument, ...)'")
    return Include(line, match["indent"], match["name"], _listed(match["arguments"], line))


def _fragments_of(lines: Sequence[Line]) -> Iterator[Fragment]:
    starts = [index for index, line in enumerate(lines) if line.directive == "fragment"]
    for line in lines[: min(starts, default=len(lines))]:
        if not line.is_remark:
            raise line.error("expected '-- fragment: name(parameter, ...)' above this line")
    for start, end in pairwise([*starts, len(lines)]):
        yield _fragment(lines[start], lines[start + 1 : end])


def _fragment(header: Line, lines: Sequence[Line]) -> Fragment:
    match = HEADER.fullmatch(header.text)
    if match is None:
        raise header.error("expected '-- fragment: name(parameter, ...)'")
    parameters = _listed(match["parameters"], header)
    body = _body(lines)
    _check_placeholders(header, parameters, body)
    return Fragment(header, match["name"], parameters, body)


def _body(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines without the description above and the blank ones below."""
    body = [*dropwhile(lambda line: line.is_remark, lines)]
    while body and not body[-1].text:
        del body[-1]
    return tuple(body)


def _check_placeholders(header: Line, parameters: Sequence[str], body: Iterable[Line]) -> None:
    used = {name: line for line in body for name in PLACEHOLDER.findall(line.text)}
    for name in used.keys() - {*parameters}:
        raise used[name].error(f"{{{name}}} is no parameter of the fragment")
    for name in {*parameters} - used.keys():
        raise header.error(f"the parameter {name} is not used")


def _listed(text: str, line: Line) -> tuple[str, ...]:
    values = tuple(value.strip() for value in text.split(",")) if text.strip() else ()
    if not all(values):
        raise line.error("a value between the parentheses is empty")
    return values
