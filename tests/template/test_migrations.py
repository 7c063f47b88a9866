"""The template's migrations, by all the names that they have had."""

import re

import pytest

from chatkit_scaffold.generator.releases import composed, read_releases
from tests.command import REPOSITORY
from tests.matrix import run

pytestmark = pytest.mark.quick

RELEASES = read_releases(REPOSITORY)
SCRIPTS = [
    path.read_text(encoding="utf-8")
    for path in (REPOSITORY / "template").glob("**/migrations/versions/*.py")
]


def assigned(name: str, script: str) -> str | None:
    """Return the string that a migration assigns to a name."""
    found = re.search(rf'^{name} = "(\w+)"$', script, re.MULTILINE)
    return found and found[1]


def released(commit: str) -> set[str]:
    """Return the revisions of a release."""
    git = ["git", "-C", str(REPOSITORY)]
    paths = run([*git, "ls-tree", "-r", "--name-only", commit, "template"], REPOSITORY).splitlines()
    scripts = [path for path in paths if re.search(r"/migrations/versions/\w+\.py$", path)]
    texts = [run([*git, "show", f"{commit}:{path}"], REPOSITORY) for path in scripts]
    return {found for text in texts if (found := assigned("revision", text))}


@pytest.mark.parametrize("commit", [found.commit for found in RELEASES if found.commit])
def test_databases_of_all_releases_are_recognised(commit: str) -> None:
    """Every revision that a release recorded in databases is still the name of a migration."""
    known = {assigned(name, text) for name in ("revision", "formerly") for text in SCRIPTS}
    assert "0001" in released(commit)
    assert released(commit) <= known


def test_updates_rename_what_databases_rename() -> None:
    """In a user's own migrations, an update replaces the former names by the same new ones."""
    former = {
        name: assigned("revision", text) for text in SCRIPTS if (name := assigned("formerly", text))
    }
    assert former
    assert composed(RELEASES).migrations == former


def test_only_the_first_has_a_number() -> None:
    """A user's own number cannot be the one of a new migration.

    Every database has seen the first one, and every user's own migration follows it.
    """
    revisions = {assigned("revision", text) for text in SCRIPTS}
    assert {name for name in revisions if not re.fullmatch("[0-9a-f]{12}", name or "")} == {"0001"}
