"""What is wrong with a line that is no point, in words that name the place and the remedy."""

import re

from api.http.parsers import MAX_PRINTED_CHARACTERS, printable
from core.errors import ReadingRejectedError
from core.readings import RejectCode, rejection

# Words are what unescaped blanks divide; in a string, blanks divide nothing.
WORD = re.compile(r"(?:[^ \\]|\\.)+", re.DOTALL)
STRING = re.compile(r'="(?:[^"\\]|\\.)*"', re.DOTALL)
TAG_WITHOUT_VALUE = re.compile(r",((?:[^,= \\]|\\.)+)=?(?=,|\Z)", re.DOTALL)
TIMESTAMP = re.compile(r"-?[0-9]+")
FRACTION = re.compile(r"-?[0-9]*\.[0-9]*")


def explain(line: str) -> ReadingRejectedError:
    """The error for a line that does not match the grammar."""
    first = WORD.search(line)
    head = first[0] if first else ""  # measurement and tags, where quotes are signs like others
    rest = STRING.sub("=", line[first.end() :] if first else "")
    words = WORD.findall(rest)
    if tag := TAG_WITHOUT_VALUE.search(head):
        return _malformed(f"must give the tag {printable(tag[1])} a value, or leave it out")
    if '="' in rest:
        return _malformed("must close its string with a quote")
    if any("=" in word for word in words[1:]):
        in_head = head.endswith(",") or "=" not in words[0]
        return _stray_blank(after=head if in_head else words[0])
    if len(words) > 1 and not TIMESTAMP.fullmatch(words[1]):
        return _bad_timestamp(words[1])
    return rejection(RejectCode.MALFORMED_LINE)


def _stray_blank(after: str) -> ReadingRejectedError:
    place = printable(after[-MAX_PRINTED_CHARACTERS:])
    if after.endswith(","):
        return _malformed(f"must have no blank after {place}")
    return _malformed(f"must have a backslash before the blank after {place}")


def _bad_timestamp(text: str) -> ReadingRejectedError:
    message = "must end with its timestamp, a whole number; text belongs in quotes"
    if FRACTION.fullmatch(text):
        message = "must have a timestamp without fraction; precision says its unit, such as ms"
    return ReadingRejectedError(RejectCode.BAD_TIMESTAMP, message)


def _malformed(message: str) -> ReadingRejectedError:
    return ReadingRejectedError(RejectCode.MALFORMED_LINE, message)
