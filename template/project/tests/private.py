"""Keeps a list of what no log may contain, and looks for it in logs."""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from app.settings import Settings

_SHORTEST = 8
"""Characters; shorter texts, such as `Hi`, are also parts of other words."""

_texts: set[str] = set()
"""Credentials and texts that the tests have sent so far."""


def note_credentials(headers: dict[str, str]) -> None:
    """Remember headers that sign a user in, and the tokens and the cookies' values in them."""
    for value in headers.values():
        _note([value, *re.split("[ ;=]+", value)])


def note_words(params: Any) -> None:
    """Remember what a user writes in a request: all texts that are more than one word."""
    match params:
        case str() if " " in params:
            _note([params])
        case dict():
            note_words(list(params.values()))
        case list():
            for value in params:
                note_words(value)


def find_private(log: str, environment: dict[str, str]) -> list[str]:
    """Return what of all that, and of a backend's secrets, is in its log."""
    secrets = {
        environment[name.upper()]
        for name, field in Settings.model_fields.items()
        if field.annotation in (SecretStr, SecretStr | None) and name.upper() in environment
    }
    secrets |= {password for secret in secrets if (password := urlsplit(secret).password)}
    return [text for text in secrets | _texts if text in log or json.dumps(text)[1:-1] in log]


def _note(texts: Iterable[str]) -> None:
    _texts.update(text for text in texts if len(text) >= _SHORTEST)
