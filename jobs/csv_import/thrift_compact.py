"""The part of Thrift's compact protocol in which Parquet files describe themselves."""

from collections.abc import Iterator
from typing import Any

from core.imports import ImportFault
from jobs.errors import FileFaultError

STOP, DOUBLE, LIST = 0, 7, 9
LONG = 0x0F  # of a list: its size follows

MAX_VARINT_BITS = 64
MAX_DEPTH = 10  # twice that of a Parquet file's footer


def damaged_page() -> FileFaultError:
    """The error for a file whose description of its pages cannot be read."""
    return FileFaultError(
        ImportFault.BAD_PARQUET,
        "The file is named .parquet, but what it says of its pages is damaged. Nothing of it was "
        "stored. Write it again.",
    )


class CompactReader:
    """Reads structs as dictionaries by field number.

    Raises IndexError at the end of the bytes, FileFaultError for what no Parquet file has.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.position = 0

    def with_more(self, content: bytes) -> "CompactReader":
        """A reader of the same bytes from their start, and more."""
        return CompactReader(self._content + content)

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The values by field number."""
        return {number: self._value(kind, depth) for number, kind in self._fields(depth)}

    def structs_of_list(self, field: int) -> Iterator[dict[int, Any]]:
        """Of a struct, the structs in the list at this field, one after the other."""
        for number, kind in self._fields(0):
            if number == field and kind == LIST:
                for _ in range(self._list_header()[0]):
                    yield self.struct()
            else:
                self._value(kind, 0)

    def _fields(self, depth: int) -> Iterator[tuple[int, int]]:
        """The number and type of each field, whose value is to be read before the next."""
        if depth > MAX_DEPTH:
            raise damaged_page()
        number = 0
        while (head := self._byte()) & 0x0F != STOP:
            number = number + (head >> 4) if head >> 4 else self._integer()
            yield number, head & 0x0F

    def _value(self, kind: int, depth: int) -> Any:
        match kind:
            case 1 | 2:  # TRUE and FALSE: the type is the value
                return None
            case 4 | 5 | 6:  # I16, I32, I64
                return self._integer()
            case 3 | 7:
                return self._bytes(8 if kind == DOUBLE else 1)
            case 8:  # BINARY
                return self._bytes(self._varint())
            case 9 | 10:  # LIST and SET
                return self._list(depth + 1)
            case 12:  # STRUCT
                return self.struct(depth + 1)
            case _:
                raise damaged_page()

    def _list(self, depth: int) -> list[Any]:
        if depth > MAX_DEPTH:
            raise damaged_page()
        size, kind = self._list_header()
        if kind in {1, 2}:  # in a list a boolean has a byte
            return list(self._bytes(size))
        return [self._value(kind, depth) for _ in range(size)]

    def _list_header(self) -> tuple[int, int]:
        head = self._byte()
        return self._varint() if head >> 4 == LONG else head >> 4, head & 0x0F

    def _bytes(self, size: int) -> bytes:
        self.position += size
        if self.position > len(self._content):
            raise IndexError
        return self._content[self.position - size : self.position]

    def _byte(self) -> int:
        byte = self._content[self.position]
        self.position += 1
        return byte

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            if shift > MAX_VARINT_BITS:
                raise damaged_page()
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def _integer(self) -> int:
        encoded = self._varint()  # zigzag
        return encoded >> 1 ^ -(encoded & 1)
