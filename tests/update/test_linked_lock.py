"""A lock that is a symbolic link."""

from pathlib import Path

import pytest

from chatkit_scaffold.update.outcome import Merged
from chatkit_scaffold.update.workshop import renew_lock, workshop
from tests.command import git
from tests.update.three_sides import make_repository

PYPROJECT = """\
[project]
name = "bot"
version = "{}"
requires-python = ">=3.11"
"""
LOCK = 'version = 1\nrequires-python = ">=3.11"\n'


def renewed(root: Path) -> Merged:
    """Renew the lock of a project whose pyproject.toml an update changes."""
    repository = make_repository(root, {"pyproject.toml": PYPROJECT.format(1)})
    (root / "pyproject.toml").write_text(PYPROJECT.format(2))
    git(root, "commit", "--quiet", "--all", "--message=theirs")
    merged = Merged(git(root, "rev-parse", "HEAD^{tree}"))
    git(root, "reset", "--quiet", "--hard", "HEAD~1")
    with workshop(repository, merged.tree) as folder:
        return renew_lock(repository, folder, merged)


@pytest.mark.parametrize("inside", [True, False])
def test_lock_that_is_a_link_is_left_alone(tmp_path: Path, *, inside: bool) -> None:
    """What it leads to may be a file of another project, which uv would write."""
    root = tmp_path / "bot"
    real = root / "locks" / "uv.lock" if inside else tmp_path / "uv.lock"
    (root / "locks").mkdir(parents=True)
    real.write_text(LOCK)
    (root / "uv.lock").symlink_to("locks/uv.lock" if inside else real)

    merged = renewed(root)

    assert merged.notices == ("uv.lock is a link and was left alone: run uv lock",)
    assert merged.tree == git(root, "rev-parse", "ORIG_HEAD^{tree}")
    assert real.read_text() == LOCK


def test_lock_is_renewed(tmp_path: Path) -> None:
    """A file gets the new version of the project, in the result only."""
    root = tmp_path / "bot"
    root.mkdir()
    (root / "uv.lock").write_text(LOCK)

    merged = renewed(root)

    assert merged.files.updated == ("uv.lock",)
    assert 'version = "2"' in git(root, "show", f"{merged.tree}:uv.lock")
    assert (root / "uv.lock").read_text() == LOCK
