"""Errors that any command can have."""

import errno

import pytest
import typer

from chatkit_scaffold.cli.guard import errors_as_one_line

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(
    ("filename", "what"), [("/full/x\n", "/full/x\\n"), (None, "A temporary file")]
)
def test_a_full_disk_is_no_bug(
    filename: str | None, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be that of the temporary files, which every command writes."""
    full = OSError(errno.ENOSPC, "No space left on device", filename)
    with pytest.raises(typer.Exit) as raised, errors_as_one_line():
        raise full

    assert raised.value.exit_code == 2
    assert capsys.readouterr().err == (
        f"error: {what} cannot be written: No space left on device\n"
        " hint: Free some space, or set TMPDIR to a folder with more.\n"
    )


def test_another_error_of_the_system_may_be_a_bug() -> None:
    """A missing file is reported with its place in the code."""
    with pytest.raises(FileNotFoundError), errors_as_one_line():
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "x")
