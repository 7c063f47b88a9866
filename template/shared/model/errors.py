"""Explains a provider's errors: to the user briefly, and in the log without any key."""

import re

import openai
import structlog
from chatkit.errors import CustomStreamError

MAX_REASON_LENGTH = 300
"""Characters of a provider's error message that are logged."""

_KEY = re.compile(r"\b(?:sk|pk|key|bearer)[-_ ][\w*.-]{4,}", re.IGNORECASE)

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def explain(error: openai.APIError, request_id: str) -> CustomStreamError:
    """Log the provider's error; return one for the user that says whether to retry."""
    status = getattr(error, "status_code", None)
    log.error(
        "model failed",
        request_id=request_id,
        error=type(error).__name__,
        status=status,
        code=error.code,
        reason=_reason(error),
    )
    if status is None or status == 429 or status >= 500:
        return CustomStreamError("The assistant cannot be reached at the moment.", allow_retry=True)
    return CustomStreamError("The assistant cannot answer this request.", allow_retry=False)


def _reason(error: openai.APIError) -> str:
    """Return the provider's own sentence, or why there is no answer, without any key in it."""
    body = error.body if isinstance(error.body, dict) else {}
    text = " ".join(str(body.get("message") or error.__cause__ or error.message).split())
    key = error.request.headers.get("Authorization", "").removeprefix("Bearer ")
    if key:
        text = text.replace(key, "[key]")
    return without_keys(text)


def without_keys(text: str) -> str:
    """Return a provider's text for the log.

    It may repeat a key in part, or another one that a gateway has put in its place.
    """
    return _KEY.sub("[key]", text)[:MAX_REASON_LENGTH]
