"""What a user can do wrong, or can have missing: one sentence and one hint each."""


class ScaffoldError(Exception):
    """Shown as `error: <message>` and ` hint: <hint>`; the command ends with status 2.

    Args:
        message: One sentence that holds the offending value.
        hint: One thing to do about it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def as_text(self) -> str:
        """Return the message, and the hint on a line of its own."""
        hint = f"\n hint: {self.hint}" if self.hint else ""
        return f"error: {self.message}{hint}"


class AnswerError(ScaffoldError):
    """An answer to a question of the template cannot be used."""


class DestinationError(ScaffoldError):
    """The project cannot be put where it was asked for."""


class TemplateError(ScaffoldError):
    """The template cannot be found, read or rendered."""


class ToolError(ScaffoldError):
    """A program that is needed (git, uv) is missing or failed."""


class StartError(ScaffoldError):
    """A generated project does not start; the message is what it said itself."""
