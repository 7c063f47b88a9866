"""The settings that every part of the backend has in common."""

import ipaddress
import re
from typing import Annotated, ClassVar, Literal, Self

import limits
from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_PLACEHOLDER = re.compile(r"change-?me|placeholder|your[-_ ]|\.\.\.|<[^>]*>", re.IGNORECASE)

_HOST = re.compile(r"\*|(\*\.)?[\w-]+(\.[\w-]+)*|\[[\da-fA-F:.]+\]", re.ASCII)


def refuse_wrong_rate(value: str) -> str:
    """Reject what is not a rate."""
    try:
        wrong = value != "0" and not all(rate.amount for rate in limits.parse_many(value))
    except ValueError:
        wrong = True
    if wrong:
        raise ValueError(f"is {value!r}; use a rate such as 60/minute, or 0 for no limit")
    return value


Rate = Annotated[str, AfterValidator(refuse_wrong_rate)]
"""How often something may be done, such as `60/minute`; `0` is any number of times."""


def _default_origins(app_env: object) -> list[str]:
    """Return where a page is in development; in production, only its owner knows."""
    if app_env != "development":
        return []
    # To browsers, localhost and 127.0.0.1 are different sites.
    hosts = ("localhost", "127.0.0.1")
    return [f"http://{host}:{port}" for port in (3000, 5170, 5173) for host in hosts]


class CommonSettings(BaseSettings):
    """Read from the environment and from `.env`; an empty variable counts as not set."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    uses_cookies: ClassVar[bool] = False
    """Whether a browser signs users in by itself; then it needs the names of the origins."""

    app_env: Literal["development", "production"] = "development"
    """Production rejects settings that are only safe on your own machine."""
    log_format: Literal["auto", "console", "json"] = "auto"
    """`console` is for people, `json` for programs; `auto` is JSON in production."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1)
    """Processes that share the port."""
    allowed_hosts: Annotated[list[str], NoDecode] = []
    """Names that requests may be sent to, comma separated, such as `chat.example.com` or
    `*.example.com`; any name if it is empty."""
    cors_origins: Annotated[list[str], NoDecode] = Field(
        default_factory=lambda valid: _default_origins(valid.get("app_env"))
    )
    """Origins of the pages that may call this backend, comma separated; by default, in
    development, those of common development servers."""
    forwarded_allow_ips: str = "127.0.0.1,::1"
    """Proxies whose `X-Forwarded-For` names the client: addresses and networks, comma separated,
    or `*` for all."""
    rate_limit: Rate = "60/minute"
    """Messages that a user may send, such as `60/minute` or `5/second;1000/day`; `0`: no limit."""
    address_rate_limit: Rate = "600/minute"
    """Messages that may come from one address, which all users of an office may share."""
    max_body_bytes: int = Field(default=4_000_000, gt=0)
    """Largest accepted request body; a larger one gets a 413."""
    max_message_chars: int = Field(default=100_000, gt=0)
    """Longest accepted message, in characters; a longer one gets a 400."""
    max_connections: int | None = Field(default=None, ge=1)
    """Connections per process; by default, what the limit of open files leaves room for."""
    header_timeout: float = Field(default=10, gt=0)
    """How long a client may take to send a request's headers, in seconds."""
    body_timeout: float = Field(default=20, gt=0)
    """How long it may take to send a body, in seconds; every 2000 bytes of it add one second."""
    keep_alive: int = Field(default=65, gt=0)
    """How long an unused connection stays open, in seconds; proxies keep theirs for 60."""
    history_items: int = Field(default=50, gt=0)
    """How many of a thread's newest items the agent gets."""
    shutdown_grace: int = Field(default=20, ge=0)
    """How long running answers may take to finish after SIGTERM, in seconds."""

    @field_validator("*")
    @classmethod
    def refuse_placeholder(cls, value: object) -> object:
        """Reject a secret that is empty or still an example value."""
        if isinstance(value, SecretStr) and is_placeholder(value.get_secret_value()):
            raise ValueError("is still a placeholder, set a value of your own: see .env.example")
        return value

    @field_validator("cors_origins", "allowed_hosts", mode="before")
    @classmethod
    def split_list(cls, value: object) -> object:
        """Split `a,b` into a list."""
        if isinstance(value, str):
            return [part.strip().rstrip("/") for part in value.split(",") if part.strip()]
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def refuse_urls(cls, value: list[str]) -> list[str]:
        """Reject what can never be a request's host."""
        for host in value:
            if not _HOST.fullmatch(host):
                raise ValueError(f"has {host!r}; use names without a port: chat.example.com")
        return [host.lower() for host in value]

    @field_validator("forwarded_allow_ips")
    @classmethod
    def refuse_names(cls, value: str) -> str:
        """Reject what uvicorn would take for the address of no proxy."""
        parts = [] if value == "*" else [part.strip() for part in value.split(",")]
        for part in filter(None, parts):
            try:
                ipaddress.ip_network(part)
            except ValueError:
                raise ValueError(f"has {part!r}; use addresses or networks: 10.0.0.0/8") from None
        return value

    @model_validator(mode="after")
    def require_known_origins(self) -> Self:
        """Reject pages of any site if a browser would send them the user's cookie."""
        if self.uses_cookies and "*" in self.cors_origins:
            raise ValueError("CORS_ORIGINS is *, which lets every site act as the user; list yours")
        return self


def is_placeholder(value: str) -> bool:
    """Return whether *value* is empty or from an example."""
    return not value.strip() or _PLACEHOLDER.search(value) is not None
