"""The bundles in the home folder, which plain `copier update` reads."""

from pathlib import Path

import pytest

from chatkit_scaffold.generator import kept
from tests.command import git
from tests.generator.small_history import make_checkout, make_packed, release

pytestmark = pytest.mark.quick


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def old_and_new(tmp_path: Path) -> tuple[Path, Path]:
    """The bundles of two versions of the command, the newer with one more release."""
    checkout = make_checkout(tmp_path / "checkout")
    release(checkout, "0.3.0")
    old = make_packed(checkout, tmp_path / "old")
    release(checkout, "0.4.0")
    new = make_packed(checkout, tmp_path / "new")
    return old / "template.bundle", new / "template.bundle"


def test_each_version_has_a_file(home: Path, old_and_new: tuple[Path, Path]) -> None:
    """The path begins with `~`, because several people share a project."""
    old, _ = old_and_new

    assert kept.location("0.3.0") == "~/.local/share/chatkit-scaffold/template-0.3.0.bundle"
    assert kept.keep(old, "0.3.0") is None
    (file,) = kept.bundles()
    assert file == Path(kept.location("0.3.0")).expanduser()
    assert file.is_relative_to(home)
    assert file.read_bytes() == old.read_bytes()
    assert list(file.parent.iterdir()) == [file]  # no temporary file


@pytest.mark.usefixtures("home")
def test_a_newer_command_brings_its_versions_to_older_projects(
    old_and_new: tuple[Path, Path],
) -> None:
    """And the older command, used again, does not take them away."""
    old, new = old_and_new
    for _ in range(2):
        kept.keep(old, "0.3.0")
        kept.keep(new, "0.4.0")

    assert {file.name: file.read_bytes() == new.read_bytes() for file in kept.bundles()} == {
        "template-0.3.0.bundle": True,
        "template-0.4.0.bundle": True,
    }


@pytest.mark.usefixtures("home")
def test_an_unchanged_file_stays(old_and_new: tuple[Path, Path]) -> None:
    """It is not written again."""
    old, _ = old_and_new
    kept.keep(old, "0.3.0")
    (file,) = kept.bundles()
    before = file.stat()

    kept.keep(old, "0.3.0")

    assert file.stat() == before


@pytest.mark.usefixtures("home")
def test_another_history_is_left_alone(old_and_new: tuple[Path, Path], tmp_path: Path) -> None:
    """A bundle with a commit that ours lacks, and a file that is no bundle, stay as they are."""
    old, new = old_and_new
    kept.keep(old, "0.3.0")
    (file,) = kept.bundles()
    foreign = file.with_name("template.bundle")
    git(tmp_path / "checkout", "bundle", "create", "--quiet", str(foreign), "HEAD", "--tags")
    damaged = file.with_name("damaged.bundle")
    damaged.write_bytes(b"not a bundle")
    before = foreign.read_bytes()

    kept.refresh(new)

    assert foreign.read_bytes() == before
    assert damaged.read_bytes() == b"not a bundle"
    assert file.read_bytes() == new.read_bytes()


def test_a_home_that_cannot_be_written_is_no_error(
    home: Path, old_and_new: tuple[Path, Path]
) -> None:
    """Only plain `copier update` needs the copy, so there is a reason and no exception."""
    (home / ".local").write_text("a file, not a folder", encoding="utf-8")

    assert kept.keep(old_and_new[0], "0.3.0") == "Not a directory"
