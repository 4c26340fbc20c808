"""Which content codings a client accepts (RFC 9110 12.5.3)."""


def accepted_codings(accept_encoding: str) -> frozenset[str]:
    """The codings that the header names, in lower case, without those that it refuses by q=0."""
    named = (part.partition(";") for part in accept_encoding.lower().split(","))
    return frozenset(coding.strip() for coding, _, weight in named if not _refuses(weight))


def _refuses(weight: str) -> bool:
    name, _, quality = weight.replace(" ", "").partition("=")
    return name == "q" and not quality.strip("0.")
