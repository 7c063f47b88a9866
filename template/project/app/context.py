"""What a request knows about itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, and how the answer can be traced.

    Attributes:
        user_id: The authenticated user; every store query is limited to it.
        request_id: Names this request in the log and in the `X-Request-ID` header.
        locale: The first language of `Accept-Language`, such as `de-CH`, if any was sent.
    """

    user_id: str
    request_id: str
    locale: str | None = None
