"""Tags that were not rendered are found, and what looks like them is not."""

import pytest

from tests.template import tags

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ('url = "{{ endpoint }}"', ".py"),
        ("{% if sql %}", ".toml"),
        ("{# a comment #}", ".md"),
        ("style={{ height: 600 }}", ".html"),
        ('const url = "{{ endpoint }}";', ".tsx"),
        ("<Chat url={{ endpoint }} />", ".tsx"),
        ("<p>{{ name }}</p>", ".tsx"),
        ("{% if auth == 'none' %}", ".tsx"),
        ("{# a comment #}", ".tsx"),
    ],
)
def test_tag_is_found(text: str, suffix: str) -> None:
    """Also in JSX, where braces come in pairs, too."""
    assert tags.left_in(text, suffix) != []


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("${{ github.token }}", ".yml"),
        ("<ChatKit style={{ height: 600 }} />", ".tsx"),
        ("<ChatKit style={{ ...size, width: 400 }} />", ".tsx"),
        ("<input data={{ name: 1 }} />", ".tsx"),
        ("import {{}}", ".py"),
    ],
)
def test_other_braces_are_no_tags(text: str, suffix: str) -> None:
    """JSX has objects in attributes, and GitHub's workflows have expressions."""
    assert tags.left_in(text, suffix) == []
