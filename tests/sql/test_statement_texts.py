import pytest

from tests.sql.statement_texts import RENEW, digest, pinned_digests, statement_texts

MEANT = f"If that is meant, renew the table: {RENEW}"


@pytest.mark.parametrize("name", pinned_digests())
def test_text_that_reaches_the_server_is_the_pinned_one(name: str) -> None:
    texts = statement_texts()
    assert name in texts, f"{name!r} is pinned but no longer in sql/. {MEANT}"
    assert digest(texts[name]) == pinned_digests()[name], (
        f"The text of {name!r} that reaches the server has changed. {MEANT}\n\n{texts[name]}"
    )


def test_every_statement_is_pinned() -> None:
    missing = statement_texts().keys() - pinned_digests().keys()
    assert not missing, f"Not pinned: {sorted(missing)}. {MEANT}"
