"""An array is split as it would be decoded, wherever its text is cut."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import DecodeError, Raw, ValidationError
from msgspec.json import decode

from api.http.json_object import MalformedJsonError
from api.http.problem_details import InvalidRequestError
from api.readings import json_array
from api.readings.errors import MAX_READING_BYTES, MAX_ROWS, TooManyRowsError
from api.readings.json_array import split_array

texts = st.text('"\\ab,{}[] \n', max_size=6)
scalars = st.none() | st.booleans() | st.integers(-99, 99) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.fixed_dictionaries({"a": texts, "b": scalars})
arrays = st.lists(objects | values, max_size=8)
documents = st.builds(
    lambda value, indent, start, end: (start + json.dumps(value, indent=indent) + end).encode(),
    arrays | values,
    st.sampled_from([None, 0, 1]),
    st.text(" \t\r\n", max_size=40),
    st.text(" \t\r\n", max_size=40),
)


@pytest.fixture(scope="module", autouse=True)
def small_pieces() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_array, "PIECE_BYTES", 16)
        patched.setattr(json_array, "SIGNS", 3)
        yield


def split(body: bytes) -> list[bytes]:
    return [element.strip() for piece in split_array(body) for element in piece]


def require_same(body: bytes) -> None:
    try:
        whole = [bytes(element) for element in decode(body, type=list[Raw])]
    except ValidationError:
        with pytest.raises(InvalidRequestError):
            split(body)
    except DecodeError:
        with pytest.raises(MalformedJsonError):
            split(body)
    else:
        assert split(body) == whole


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents)
@example(document=b"[" + b" " * 40 + b"]")
@example(document=b'["},{", "}]", "\\"},"' + b"," * 2 + b"{}]")
@example(document=b'[{"a": "' + b"}," * 20 + b'"}, {}]')
def test_any_document_is_split_as_it_is_decoded(document: bytes) -> None:
    require_same(document)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents, place=st.integers(0, 200), change=st.sampled_from(list('"\\,[]{}0 ')))
@example(document=b'[{"a": 1}, {"b": 2222222222}]', place=28, change=",")
def test_a_damaged_document_is_refused_or_split_as_it_is_decoded(
    document: bytes, place: int, change: str
) -> None:
    place %= len(document)
    for body in (
        document[:place],
        document[:place] + document[place + 1 :],
        document[:place] + change.encode() + document[place:],
    ):
        require_same(body)


def test_of_a_long_element_the_beginning_is_returned_and_the_others_whole() -> None:
    long = json.dumps({"a": "}," * MAX_READING_BYTES}).encode()
    first, second, third = split(b'[{"a": 1}, ' + long + b", {}]")
    assert (first, third) == (b'{"a": 1}', b"{}")
    assert len(second) == MAX_READING_BYTES
    assert long.startswith(second)


def test_rows_are_counted_while_they_are_split() -> None:
    pieces = split_array(b"[" + b"{}," * MAX_ROWS + b"{}]")
    with pytest.raises(TooManyRowsError):
        for _ in pieces:
            pass
