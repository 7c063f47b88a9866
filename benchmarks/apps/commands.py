"""A bare Typer program with as many commands as `chatkit-scaffold`, and none of their work."""

import typer

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def new() -> None:
    """Create a ChatKit backend in DEST."""


@app.command()
def options() -> None:
    """List the choices, and what each one installs and reads."""


@app.command()
def matrix() -> None:
    """List every valid combination of choices."""


@app.command()
def check() -> None:
    """Check a ChatKit backend and explain how to fix what fails."""


if __name__ == "__main__":
    app()
