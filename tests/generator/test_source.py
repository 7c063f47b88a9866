"""Where the template comes from, and the address that projects record."""

import os
from pathlib import Path

import pytest

from chatkit_scaffold.errors import ScaffoldError, TemplateError, ToolError
from chatkit_scaffold.generator import source
from chatkit_scaffold.generator.history import open_history
from tests.command import REPOSITORY, git, make_template
from tests.generator.small_history import make_checkout

PLAIN = {"copier.yml": "name: x\n"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


def test_a_checkout_is_its_own_template() -> None:
    """In a checkout, the template is the checkout."""
    assert source.choose(None, None) == source.Builtin(str(REPOSITORY), None)
    assert source.choose(None, "v1").ref == "v1"


def test_a_local_template_is_recorded_absolutely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path is made absolute, since Copier cannot update from a relative one."""
    template = make_template(tmp_path / "template", PLAIN)
    monkeypatch.chdir(tmp_path)

    assert source.choose("template", None) == source.Source(str(template), None)


def test_a_path_below_home_stays_as_typed(home: Path) -> None:
    """`~/...` is recorded as it is, so it works for everyone with the template at that path."""
    make_template(home / "template", PLAIN)

    assert source.choose("~/template", None).location == "~/template"


@pytest.mark.parametrize(
    "address",
    ["gh:owner/name", "git@example.org:t.git", "https://example.org/t.git", "me@host:t.git"],
)
def test_addresses_are_left_to_git(address: str) -> None:
    """An address for git is recorded unchanged."""
    assert source.choose(address, "v2") == source.Source(address, "v2")


def test_a_folder_without_git_is_rejected(tmp_path: Path) -> None:
    """A project made from a plain folder could never be updated."""
    with pytest.raises(TemplateError) as caught:
        source.choose(str(tmp_path), None)

    assert caught.value.message == (
        f"The template {tmp_path} is not a git repository, so projects could not be updated"
    )
    assert caught.value.hint.startswith(f"Make it one: cd {tmp_path} && git init")


def test_a_missing_template_is_named(tmp_path: Path) -> None:
    """The error shows the whole path."""
    with pytest.raises(TemplateError, match=f"^The template {tmp_path}/none does not exist$"):
        source.choose(str(tmp_path / "none"), None)


def test_a_checkout_without_a_commit_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project must be able to record a commit."""
    (tmp_path / "copier.yml").write_text("name: x\n", encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    monkeypatch.setattr(source, "_PACKAGE", tmp_path / "chatkit_scaffold")

    with (
        pytest.raises(TemplateError, match="has no commit for a project to record"),
        source.choose(None, None).opened(),
    ):
        pass


@pytest.fixture
def anothers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A template that git takes for another user's, which is not trusted."""
    template = make_template(tmp_path / "template", PLAIN)
    configuration = tmp_path / "gitconfig"
    configuration.touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    # git's own tests use this variable; changing an owner takes an administrator.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    # The message that is recognized must not depend on the user's language.
    monkeypatch.setenv("LANGUAGE", "de")
    return template


def test_anothers_checkout_is_rejected(anothers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error does not call it a checkout without a commit."""
    monkeypatch.setattr(source, "_PACKAGE", anothers / "chatkit_scaffold")

    with pytest.raises(ToolError) as caught:
        source.choose(None, None)

    assert caught.value.message == f"git does not read {anothers}, which belongs to another user"
    assert caught.value.hint == (
        f"If you trust it: git config --global --add safe.directory {anothers}"
    )


def test_anothers_template_is_rejected(anothers: Path) -> None:
    """The error does not call it a folder without git."""
    with pytest.raises(ToolError, match=f"^git does not read {anothers}, which belongs to"):
        source.choose(str(anothers), None)


def test_anothers_template_is_used_if_trusted(anothers: Path) -> None:
    """What the hint says helps."""
    git(anothers, "config", "--global", "--add", "safe.directory", str(anothers))

    assert source.choose(str(anothers), None).location == str(anothers)


def test_a_package_without_template_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code alone cannot create a project."""
    monkeypatch.setattr(source, "_PACKAGE", tmp_path / "chatkit_scaffold")

    with pytest.raises(TemplateError, match="has no template"):
        source.choose(None, None)


def test_git_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git no template can be read."""
    monkeypatch.setenv("PATH", os.devnull)

    with pytest.raises(ScaffoldError, match="git is not installed"):
        source.choose(None, None)


@pytest.mark.parametrize("label", ["Template", "template"])
def test_the_published_address_is_recorded_for_a_release(
    label: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then tools that look up tags there find the versions."""
    address = "https://example.org/chatkit-scaffold.git"
    install_metadata(tmp_path, f"{label}, {address}", monkeypatch)
    checkout = make_checkout(tmp_path / "checkout")

    with open_history(checkout) as history:
        released = source.record(checkout, history, "0.2.0")
        between = source.record(checkout, history, history.newest)

    assert released == source.Recorded(address, "0.2.0")
    # The address has no tag for what is not released.
    assert between == source.Recorded(str(checkout), history.newest)


@pytest.mark.parametrize("entry", ["Template, http://example.org/t.git", "Source, https://x.org"])
def test_another_address_is_not_recorded(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only HTTPS is safe to read a template from, and only one address is the template's."""
    install_metadata(tmp_path, entry, monkeypatch)
    checkout = make_checkout(tmp_path / "checkout")

    with open_history(checkout) as history:
        recorded = source.record(checkout, history, "0.2.0")

    # git finds the commit of this form, with or without the release's tag.
    assert recorded.location == str(checkout)
    assert recorded.version.startswith("0.2.0-0-g")


def install_metadata(folder: Path, entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Python find metadata of the package with one address."""
    metadata = folder / "site" / "chatkit_scaffold-9.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(
        f"Metadata-Version: 2.4\nName: chatkit-scaffold\nVersion: 9\nProject-URL: {entry}\n"
    )
    monkeypatch.syspath_prepend(folder / "site")


def test_plain_copier_updates_from_a_checkout(tmp_path: Path) -> None:
    """What a project records about a checkout, Copier finds there."""
    checkout = make_checkout(tmp_path / "checkout")
    with open_history(checkout) as history:
        for version in (*history.states, "0.1.0"):
            recorded = source.record(checkout, history, version)
            commit = git(Path(recorded.location), "rev-parse", f"{recorded.version}^{{commit}}")
            assert len(commit) == 40
