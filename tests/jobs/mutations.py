"""Real CSV, damaged in the ways that files are damaged."""

import gzip
import re
from collections.abc import Callable
from random import Random

import zstandard

from tests.jobs.support import sample_lines

SAMPLE_ROWS = 3_000
ROWS = 40

PIECES = [
    b"\x00", b"\xff\xfe", b"\xe4", b"\xc3", b"\xef\xbb\xbf", b'"', b'""', b'","', b",", b",,,",
    b";", b"\t", b"\n", b"\r", b"\r\n", b" ", b"\xc2\xa0", b"\xe2\x80\xa8", b"NaN", b"-inf",
    b"1e999", b"1e-999", b"-0", b"+.5", b"9999-12-31T23:59:59Z", b"0000-00-00", b"24:00",
    "é".encode("utf-16"), "ü".encode(), "\u0661".encode(), b"=cmd|' /C calc'!A0", b"\x1a",
]  # fmt: skip

Mutation = Callable[[Random, bytes], bytes]

SAMPLE = sample_lines(SAMPLE_ROWS).encode().splitlines(keepends=True)


def base(random: Random) -> bytes:
    """The header and some rows of the sample, mostly of one place in it."""
    start = random.randrange(1, len(SAMPLE) - ROWS)
    return b"".join([SAMPLE[0], *SAMPLE[start : start + random.randint(1, ROWS)]])


def insert(random: Random, content: bytes) -> bytes:
    place = random.randrange(len(content) + 1)
    return content[:place] + random.choice(PIECES) + content[place:]


def overwrite(random: Random, content: bytes) -> bytes:
    place = random.randrange(len(content) + 1)
    piece = random.choice([*PIECES, random.randbytes(3)])
    return content[:place] + piece + content[place + len(piece) :]


def remove(random: Random, content: bytes) -> bytes:
    place = random.randrange(len(content) + 1)
    return content[:place] + content[place + random.randint(1, 60) :]


def tear(random: Random, content: bytes) -> bytes:
    """A line that ends in its middle, with or without a line end."""
    lines = content.splitlines(keepends=True)
    torn = random.randrange(len(lines))
    cut = lines[torn][: random.randrange(len(lines[torn]) + 1)]
    return b"".join([*lines[:torn], cut, random.choice([b"", b"\n"]), *lines[torn + 1 :]])


def cut_off(random: Random, content: bytes) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def swell(random: Random, content: bytes) -> bytes:
    """A gigantic field or a gigantic number of them."""
    piece = random.choice([b"x", b"9", b'"', b",", b"\xff"])
    place = random.randrange(len(content) + 1)
    return content[:place] + piece * random.choice([300, 70_000, 1_000_000]) + content[place:]


def shuffle_columns(random: Random, content: bytes) -> bytes:
    """The columns in another order, with others between them, by other names."""
    names = [
        random.choice([b"equipmentId", b"sensor", b"Device"]),
        random.choice([b"timestamp", b"TIME", b"ts"]),
        random.choice([b"value", b"Reading"]),
    ]
    extra = random.randrange(3)
    order = random.sample(range(3 + extra), 3 + extra)
    lines = [line.split(b",") for line in content.split(b"\n")]
    lines[0] = names
    padded = [line + [b'"a ""b"""', b"2"][:extra] if len(line) == 3 else line for line in lines]
    padded[0] = names + [b"note", b"more"][:extra]
    return b"\n".join(
        b",".join(line[place] for place in order) if len(line) == len(order) else b",".join(line)
        for line in padded
    )


def quote_fields(random: Random, content: bytes) -> bytes:
    def quoted(match: re.Match[bytes]) -> bytes:
        return b'"' + match[0] + b'"' if random.random() < 0.5 else match[0]

    return re.sub(rb"[^,\r\n]+", quoted, content)


def repeat_lines(random: Random, content: bytes) -> bytes:
    """Some rows again, some with another value, in any order."""
    lines = content.splitlines(keepends=True)
    again = random.choices(lines, k=random.randint(1, 10))
    changed = [line.replace(b".", b"1.", 2) for line in again]
    rest = [*lines[1:], *again, *changed]
    random.shuffle(rest)
    return b"".join([*lines[:1], *rest])


def end_lines_otherwise(random: Random, content: bytes) -> bytes:
    return content.replace(b"\n", random.choice([b"\r\n", b"\n\n", b" \n", b"\r\r\n", b"\r"]))


def encode_otherwise(random: Random, content: bytes) -> bytes:
    text = content.decode(errors="replace").replace("TEMP", "TÄMP")
    return text.encode(random.choice(["latin-1", "utf-16", "utf-8-sig"]), errors="replace")


MUTATIONS: list[Mutation] = [
    insert, insert, overwrite, overwrite, remove, tear, tear, cut_off, swell, shuffle_columns,
    quote_fields, repeat_lines, repeat_lines, end_lines_otherwise, encode_otherwise,
]  # fmt: skip
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    ".csv": bytes,
    ".csv.gz": gzip.compress,
    ".csv.zst": zstandard.compress,
}
PACKED_MUTATIONS: list[Mutation] = [cut_off, cut_off, overwrite, insert, remove]


def mutated(random: Random) -> tuple[bytes, str]:
    """A file, damaged a few times, and its extension."""
    content = base(random)
    for mutation in random.choices(MUTATIONS, k=random.randint(1, 5)):
        content = mutation(random, content) or content
    extension = random.choice(list(PACKINGS))
    content = PACKINGS[extension](content)
    if extension != ".csv" and random.random() < 0.4:
        content = random.choice(PACKED_MUTATIONS)(random, content)
    return content, extension
