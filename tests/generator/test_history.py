"""The versions of the template that a command can render."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkit_scaffold.errors import TemplateError
from chatkit_scaffold.generator import kept
from chatkit_scaffold.generator.history import History, open_history, order
from tests.command import git
from tests.generator.small_history import commit, make_checkout, make_packed, release

pytestmark = pytest.mark.quick


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with two releases and a change after them."""
    return make_checkout(tmp_path_factory.mktemp("history") / "checkout")


@pytest.fixture(scope="module")
def packed(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, packed as in a wheel."""
    return make_packed(checkout, tmp_path_factory.mktemp("packed") / "_template")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture(params=["checkout", "packed"])
def history(request: pytest.FixtureRequest) -> Iterator[History]:
    """The history of either form."""
    with open_history(request.getfixturevalue(request.param)) as opened:
        yield opened


def test_lists_the_releases_and_what_came_after(history: History) -> None:
    """What is not released yet has a version between two releases."""
    first, second, newest = history.states

    assert (first, second) == ("0.1.0", "0.2.0")
    assert newest.startswith("0.2.0-")
    assert order(newest) > order("0.2.0")
    assert history.newest == newest
    assert not history.draft


@pytest.mark.parametrize(("version", "lines"), [("0.1.0", 1), ("v0.2.0", 2), ("newest", 3)])
def test_yields_the_template_of_a_version(history: History, version: str, lines: int) -> None:
    """Each version has its own files, and nothing but the template."""
    wanted = history.newest if version == "newest" else history.resolve(version)

    with history.folder(wanted) as folder:
        assert (folder / "template" / "app.py").read_text().count("\n") == lines
        assert sorted(path.name for path in folder.iterdir()) == ["copier.yml", "template"]


def test_knows_a_release_by_its_commit(history: History, checkout: Path) -> None:
    """Earlier commands recorded the commit, in any length."""
    commits = git(checkout, "log", "--format=%H", "--reverse").splitlines()

    assert history.resolve(commits[0]) == history.resolve(commits[0][:7]) == "0.1.0"
    assert history.resolve(f"0.1.0-0-g{commits[0][:7]}") == "0.1.0"


@pytest.mark.parametrize("unknown", ["deadbeef", "0.1.0-7-gdeadbee", "0.1.5"])
def test_says_which_version_is_missing(history: History, unknown: str) -> None:
    """The hint says where to get it."""
    with pytest.raises(TemplateError, match="does not have version"):
        history.resolve(unknown)


@pytest.mark.parametrize(
    "odd", ["main; rm", "", "--all", "HEAD", "1", f"1.{'9' * 5000}", "\u0660.2.0"]
)
def test_names_the_versions_instead_of_anything_else(history: History, odd: str) -> None:
    """A record is a file that anybody may have edited; git never gets it as it is."""
    with pytest.raises(TemplateError, match="is not a version of the template") as caught:
        history.resolve(odd)

    assert caught.value.hint.startswith("Its versions are 0.1.0, 0.2.0 and 0.2.0-")


@pytest.mark.parametrize("newer", ["9.0.0", "9.0.0-3-gabcdef1", "20261121.999999999"])
def test_says_that_a_version_is_newer(history: History, newer: str) -> None:
    """An older command does not guess."""
    with pytest.raises(TemplateError, match="is newer than this chatkit-scaffold") as caught:
        history.resolve(newer)

    assert caught.value.hint == "Upgrade with: uv tool upgrade chatkit-scaffold"


def test_finds_a_version_in_a_kept_bundle(packed: Path, checkout: Path, home: Path) -> None:
    """What an earlier command made, this one finds where that one kept its template."""
    with open_history(packed) as history:
        version = history.newest
    assert kept.keep(packed / "template.bundle", version) is None
    other = home / "later"
    git(home, "clone", "--quiet", str(checkout), str(other))
    commit(other, "template/app.py", "four = 4\n")
    with open_history(make_packed(other, home / "_template")) as history:
        assert version not in history.states

        assert history.resolve(version) == version
        with history.folder(version) as folder:
            assert "three" in (folder / "template" / "app.py").read_text()
        assert history.newest != version


def test_names_a_commit_between_releases(checkout: Path) -> None:
    """A checkout knows its other commits, too."""
    newest = git(checkout, "rev-parse", "HEAD")

    with open_history(checkout) as history:
        assert history.resolve(newest) == f"0.2.0-2-g{newest[:7]}" == history.newest


def test_a_draft_is_the_newest_version(checkout: Path, tmp_path: Path) -> None:
    """What is not committed yet is used, and known to be a draft."""
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", str(checkout), str(copy))
    (copy / "template" / "new.py").write_text("new = True\n")

    with open_history(copy) as history, history.folder(history.newest) as folder:
        assert history.draft
        assert (folder / "template" / "new.py").read_text() == "new = True\n"
        assert git(copy, "status", "--porcelain") == "?? template/new.py"


def test_a_change_elsewhere_is_no_new_version(checkout: Path, tmp_path: Path) -> None:
    """Only the template counts: the same template has the same version."""
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", str(checkout), str(copy))
    release(copy, "0.3.0")
    commit(copy, "README.md", "more\n")
    (copy / "README.md").write_text("not committed\n")

    with open_history(copy) as history:
        assert (history.newest, history.draft) == ("0.3.0", False)


def test_the_same_release_has_the_same_commit_in_every_wheel(
    checkout: Path, packed: Path, tmp_path: Path
) -> None:
    """A later bundle contains all of an earlier one, whoever built it."""
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", "--no-tags", str(checkout), str(copy))
    release(copy, "0.3.0")
    later = make_packed(copy, tmp_path / "later")

    first, second = (
        git(folder, "bundle", "list-heads", str(folder / "template.bundle")).splitlines()
        for folder in (packed, later)
    )

    tags = {line for line in first if "refs/tags/" in line}
    assert len(tags) == 2
    assert tags < set(second)


def test_a_clone_without_the_history_cannot_be_packed(checkout: Path, tmp_path: Path) -> None:
    """The build says what is missing."""
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{checkout}", str(shallow))

    with pytest.raises(TemplateError, match=r"lacks commit [0-9a-f]{40} of release 0\.1") as caught:
        make_packed(shallow, tmp_path / "packed")

    assert "git fetch --unshallow" in caught.value.hint
    with open_history(shallow) as history:  # It can still create projects.
        assert len(history.states) == 1
