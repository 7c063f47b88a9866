"""All settings of the backend in one object."""

from pydantic import ValidationError

from app.agent import AgentSettings
from app.auth import AuthSettings
from app.errors import StartupError
from app.start_page import StartPageSettings
from app.store import StoreSettings


class Settings(AuthSettings, StoreSettings, AgentSettings, StartPageSettings):
    """Read from the environment and `.env`; a variable is named like its field, in capitals.

    `AuthSettings` comes first, so that its defaults override those of `CommonSettings`.
    """


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        StartupError: Variables are missing or invalid; the text names each of them.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise StartupError("; ".join(_problems(error))) from None


def _problems(error: ValidationError) -> list[str]:
    """Describe what is wrong with each variable, without its value, which may be a secret."""
    problems = []
    for detail in error.errors(include_input=False, include_url=False):
        message = "is not set, see .env.example" if detail["type"] == "missing" else detail["msg"]
        message = message.removeprefix("Value error, ").replace("Input should be", "should be")
        names = " ".join(str(part).upper() for part in detail["loc"][:1])
        problems.append(f"{names} {message}".strip())
    return problems
