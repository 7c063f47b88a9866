"""Errors that a user can cause: one sentence and one hint each."""


class ScaffoldError(Exception):
    """Shown as `error: <message>` and ` hint: <hint>`; the command exits with status 2.

    Args:
        message: One sentence with the offending value, without a full stop.
        hint: One thing to do about it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def as_text(self) -> str:
        """Return the message, and the hint on its own line."""
        hint = f"\n hint: {self.hint}" if self.hint else ""
        return f"error: {self.message}{hint}"


class AnswerError(ScaffoldError):
    """An answer to a question of the template is not valid."""


class DestinationError(ScaffoldError):
    """The project cannot be created at the destination."""


class TemplateError(ScaffoldError):
    """The template cannot be found, read or rendered."""


class ToolError(ScaffoldError):
    """A required program (git, uv) is missing or failed."""


class StartError(ScaffoldError):
    """A generated project does not start; the message is the last line of its output."""
