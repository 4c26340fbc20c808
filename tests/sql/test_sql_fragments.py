from pathlib import Path

import pytest

from core.queries import fragments
from core.sql_fragments import FragmentError, expand, read_fragments
from tests.sql.lint import expanded_files

QUERY = Path("query.sql")


def written(folder: Path, text: str) -> Path:
    (folder / "shared.sql").write_text(text)
    return folder


def expanded(folder: Path, shared: str, text: str) -> str:
    return expand(text, QUERY, read_fragments(written(folder, shared)))


def test_text_without_includes_stays_as_it_is(tmp_path: Path) -> None:
    text = "-- A comment.\nSELECT '{%}', '{}', '{name}'\n\n;\n\n"
    assert expanded(tmp_path, "", text) == text


def test_every_line_is_indented_like_the_include_but_blank_ones(tmp_path: Path) -> None:
    shared = "-- fragment: two()\na,\n\n    b\n"
    text = "SELECT\n    -- include: two()\nFROM t\n"
    assert expanded(tmp_path, shared, text) == "SELECT\n    a,\n\n        b\nFROM t\n"


def test_arguments_take_the_place_of_the_parameters(tmp_path: Path) -> None:
    shared = "-- fragment: column(source, name)\n{source}.id AS {name}, {source}.ts\n"
    text = "-- include: column(max(readings), first_id)"
    assert expanded(tmp_path, shared, text) == "max(readings).id AS first_id, max(readings).ts"


def test_description_and_blank_lines_between_fragments_are_left_out(tmp_path: Path) -> None:
    shared = (
        "-- Of two.\n\n-- fragment: a()\n-- The first.\n--\n1 -- one\n\n\n-- fragment: b()\n2\n"
    )
    text = "-- include: a()\n-- include: b()\n"
    assert expanded(tmp_path, shared, text) == "1 -- one\n2\n"


def test_fragments_include_fragments(tmp_path: Path) -> None:
    shared = (
        "-- fragment: values()\na,\nb\n"
        "-- fragment: columns(start)\n{start},\n-- include: values()\n"
        "-- fragment: rows(table)\nSELECT\n    -- include: columns(ts)\nFROM {table}\n"
    )
    text = "(\n    -- include: rows(t)\n)"
    wanted = "(\n    SELECT\n        ts,\n        a,\n        b\n    FROM t\n)"
    assert expanded(tmp_path, shared, text) == wanted


def test_an_argument_may_be_a_call(tmp_path: Path) -> None:
    shared = (
        "-- fragment: columns(start)\n{start} AS ts\n"
        "-- fragment: rows(columns)\nSELECT\n    -- include: {columns}\nFROM t\n"
    )
    text = "-- include: rows(columns(bucket))"
    assert expanded(tmp_path, shared, text) == "SELECT\n    bucket AS ts\nFROM t"


@pytest.mark.parametrize(
    ("shared", "text", "message"),
    [
        ("", "x\n-- include: gone()", "query.sql:2: there is no fragment gone"),
        ("", "-- include gone", "query.sql:1: expected '-- include: name(argument, ...)'"),
        ("", "  --include: gone()", "query.sql:1: expected '-- include: name(argument, ...)'"),
        (
            "",
            "-- include: gone() -- now",
            "query.sql:1: expected '-- include: name(argument, ...)'",
        ),
        ("", "-- fragment: a()", "query.sql:1: expected '-- include: name(argument, ...)'"),
        (
            "-- fragment: a(b, c)\n{b} {c}",
            "-- include: a(1)",
            "query.sql:1: a takes 2 argument(s), not 1",
        ),
        (
            "-- fragment: a()\n1",
            "-- include: a(1)",
            "query.sql:1: a takes 0 argument(s), not 1",
        ),
        (
            "-- fragment: a(b, c)\n{b} {c}",
            "-- include: a(1, )",
            "query.sql:1: a value between the parentheses is empty",
        ),
        (
            "-- fragment: a()\n1\n-- include: a()",
            "-- include: a()",
            "shared.sql:3: fragments include each other: a > a",
        ),
        (
            "-- fragment: a()\n-- include: b()\n-- fragment: b()\n-- include: a()",
            "-- include: a()",
            "shared.sql:4: fragments include each other: a > b > a",
        ),
        (
            "-- fragment: a(call)\n-- include: {call}",
            "-- include: a(b(1))",
            "shared.sql:2: there is no fragment b",
        ),
    ],
)
def test_wrong_include_is_refused_with_file_and_line(
    tmp_path: Path, shared: str, text: str, message: str
) -> None:
    with pytest.raises(FragmentError) as caught:
        expanded(tmp_path, shared, text)
    assert str(caught.value).endswith(message)


@pytest.mark.parametrize(
    ("shared", "message"),
    [
        ("-- fragment a()", "shared.sql:1: expected '-- fragment: name(parameter, ...)'"),
        ("-- fragment: a", "shared.sql:1: expected '-- fragment: name(parameter, ...)'"),
        ("  -- fragment: a()", "shared.sql:1: expected '-- fragment: name(parameter, ...)'"),
        (
            "\nSELECT 1\n-- fragment: a()\n",
            "shared.sql:2: expected '-- fragment: name(parameter, ...)' above this line",
        ),
        ("-- fragment: a(b,)\n{b}", "shared.sql:1: a value between the parentheses is empty"),
        ("-- fragment: a(b)\n1", "shared.sql:1: the parameter b is not used"),
        ("-- fragment: a()\n1\n{b}", "shared.sql:3: {b} is no parameter of the fragment"),
        ("-- fragment: a()\n-- fragment: a()\n", "shared.sql:2: there are two fragments a"),
    ],
)
def test_wrong_fragment_is_refused_with_file_and_line(
    tmp_path: Path, shared: str, message: str
) -> None:
    with pytest.raises(FragmentError) as caught:
        read_fragments(written(tmp_path, shared))
    assert str(caught.value).endswith(message)


@pytest.mark.parametrize("name", sorted(fragments()))
def test_every_fragment_is_included_somewhere(name: str) -> None:
    others = {key: fragment for key, fragment in fragments().items() if key != name}
    with pytest.raises(FragmentError, match=f"there is no fragment {name}$"):
        list(expanded_files(others))
