"""The `Cookie` header: read as browsers send it."""

import pytest

from chatkit_scaffold.protocol.cookies import read_cookies


@pytest.mark.quick
@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("theme=dark; session=abc", {"theme": "dark", "session": "abc"}),
        ('prefs={"a":1}; session=abc', {"prefs": '{"a":1}', "session": "abc"}),
        ('session="a b"; t=x=y==', {"session": '"a b"', "t": "x=y=="}),
        ("theme[x]=1;s=2", {"theme[x]": "1", "s": "2"}),
        ("; =1; alone; empty=", {"empty": ""}),
    ],
)
def test_cookies_are_read_as_sent(header: str, cookies: dict[str, str]) -> None:
    """No value makes the other cookies disappear, and values stay as they are."""
    assert read_cookies(header) == cookies
