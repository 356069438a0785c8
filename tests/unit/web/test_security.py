"""Reading bearer tokens, and who may see a change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.errors import Unauthenticated
from controller.model.secret import Secret
from controller.web.security import bearer_token


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER   abc "])
def test_a_bearer_token_is_read(header: str) -> None:
    assert bearer_token([header]) == Secret("abc")


@pytest.mark.parametrize("headers", [[], [""], ["abc"], ["Bearer"], ["Bearer a b"], ["Bearer a", "Bearer a"]])
def test_anything_else_is_refused(headers: list[str]) -> None:
    with pytest.raises(Unauthenticated) as caught:
        bearer_token(headers)

    assert caught.value.hint


@given(st.text())
def test_a_refusal_never_repeats_the_header(text: str) -> None:
    marked = f"s3cret{text} "

    with pytest.raises(Unauthenticated) as caught:
        bearer_token([marked])

    assert "s3cret" not in str(caught.value)
