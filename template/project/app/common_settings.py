"""The settings that every part of the backend has in common."""

import re
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_PLACEHOLDER = re.compile(r"change-?me|placeholder|your[-_ ]|\.\.\.|<[^>]*>", re.IGNORECASE)


class CommonSettings(BaseSettings):
    """Read from the environment and from `.env`; an empty variable counts as not set."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    app_env: Literal["development", "production"] = "development"
    """Production rejects settings that are only safe on your own machine."""
    log_format: Literal["auto", "console", "json"] = "auto"
    """`console` is for people, `json` for programs; `auto` is JSON in production."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1)
    """Processes that share the port."""
    cors_origins: Annotated[list[str], NoDecode] = [
        "http://localhost:3000",
        "http://localhost:5173",
    ]
    """Origins of the pages that may call this backend, comma separated."""
    max_body_bytes: int = Field(default=4_000_000, gt=0)
    """Largest accepted request body; a larger one gets a 413."""
    history_items: int = Field(default=50, gt=0)
    """How many of a thread's newest items the agent gets."""
    shutdown_grace: int = Field(default=20, ge=0)
    """How long running answers may take to finish after SIGTERM, in seconds."""

    @field_validator("*")
    @classmethod
    def refuse_placeholder(cls, value: object) -> object:
        """Reject a secret that is empty or still an example value."""
        if isinstance(value, SecretStr):
            secret = value.get_secret_value()
            if not secret.strip() or _PLACEHOLDER.search(secret):
                raise ValueError("is still a placeholder, set it to the real value")
        return value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def split_origins(cls, value: object) -> object:
        """Split `a,b` into a list."""
        if isinstance(value, str):
            return [origin.strip().rstrip("/") for origin in value.split(",") if origin.strip()]
        return value
