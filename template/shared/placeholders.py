"""Tells a secret that was never set from a real one."""

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr

_PLACEHOLDER = re.compile(r"change-?me|placeholder|your[-_ ]|\.\.\.|<[^>]*>", re.IGNORECASE)


def refuse_placeholder(secret: SecretStr) -> SecretStr:
    """Return *secret*.

    Raises:
        ValueError: It is empty or still what an example file or a tutorial says.
    """
    value = secret.get_secret_value()
    if not value.strip() or _PLACEHOLDER.search(value):
        raise ValueError("is still a placeholder, set it to the real value")
    return secret


RealSecret = Annotated[SecretStr, AfterValidator(refuse_placeholder)]
"""A setting that must be given and must not be a placeholder."""
