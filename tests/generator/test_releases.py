"""The files of releases, and what happened between two of them."""

from pathlib import Path

import pytest

from chatkit_scaffold import __version__
from chatkit_scaffold.errors import TemplateError
from chatkit_scaffold.generator.releases import (
    Mappings,
    Release,
    between,
    composed,
    for_answers,
    read_releases,
)
from tests.command import REPOSITORY

pytestmark = pytest.mark.quick

COPIER_YML = """
store: {choices: [memory, files]}
agent: {choices: [echo, model]}
name: {type: str}
"""
COMMIT = "79722bd6ed6f84bbd2ea82d2f6935e57c63e9e25"
RELEASED = f"commit: {COMMIT}\ndate: 2026-11-21\n"


def write(root: Path, **files: str) -> Path:
    """Write a template with releases; `v0_1_0` stands for the file of 0.1.0."""
    (root / "releases").mkdir()
    (root / "copier.yml").write_text(COPIER_YML, encoding="utf-8")
    for name, text in files.items():
        version = name.removeprefix("v").replace("_", ".")
        (root / "releases" / f"{version}.yml").write_text(text, encoding="utf-8")
    return root


def releases_with(*mappings: Mappings) -> list[Release]:
    """Return a release for each of the mappings."""
    return [Release(f"0.{n}.0", mappings=each) for n, each in enumerate(mappings, start=1)]


def versions(found: tuple[Release, ...]) -> list[str]:
    """Return the versions of releases."""
    return [release.version for release in found]


def test_releases_are_in_the_order_of_their_versions(tmp_path: Path) -> None:
    """Numbers count, not letters, and the newest may be in preparation."""
    root = write(tmp_path, v0_9_0=RELEASED, v0_10_0=RELEASED, v0_10_1="added: [A thing.]")

    found = read_releases(root)

    assert versions(found) == ["0.9.0", "0.10.0", "0.10.1"]
    assert [release.commit for release in found] == [COMMIT, COMMIT, None]


def test_an_empty_file_is_a_release_in_preparation(tmp_path: Path) -> None:
    """Nothing has to be said."""
    assert read_releases(write(tmp_path, v0_1_0="")) == (Release("0.1.0"),)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("aded: [text]", "aded is unknown"),
        ("added: text", "added must be a list"),
        ("added: [1]", r"added\[0\] must be text"),
        ("added: ['']", r"added\[0\] must be text"),
        ("[]", "the file must be a mapping"),
        ("added: [a]\nfixed: [b]\nadded: [c]", "added is there twice, in the mapping of line 1"),
        (
            "mappings:\n  files: {a: b}\n  choices: {}\n  files: {c: d}",
            "files is there twice, in the mapping of line 2",
        ),
        ("commit: 79722bd", "commit is not a full commit hash"),
        (f"commit: {COMMIT}", "date must be a date"),
        ("date: 2026-11-21", "date must be a date"),
        (f"commit: {COMMIT}\ndate: soon", "date must be a date"),
        ("projects: {notes: []}", "projects.notes is unknown"),
        ("projects: {steps: [{for: {store: [files]}}]}", r"projects.steps\[0\].text must be text"),
        ("projects: {steps: [{text: a, only: b}]}", r"projects.steps\[0\].only is unknown"),
        ("projects: {steps: [{text: a, for: {store: files}}]}", "for.store must be a list"),
        ("projects: {steps: [{text: a, for: {store: []}}]}", "for has no choice of store"),
        ("projects: {steps: [{text: a, for: {shop: [files]}}]}", "shop is not a question"),
        ("projects: {steps: [{text: a, for: {store: [disk]}}]}", "disk is not a choice of store"),
        ("projects: {steps: [{text: a, for: {name: [bot]}}]}", "bot is not a choice of name"),
        ("mappings: {files: {/etc/a: b}}", "mappings.files has '/etc/a'"),
        ("mappings: {files: {a: ../b}}", r"mappings.files.a has '../b'"),
        ("mappings: {files: {a: []}}", "mappings.files.a names no file"),
        ("mappings: {files: {a: [b, c], c: [d, a]}}", "mappings.files leads from a back to a"),
        ("mappings: {questions: {shop: shop}}", "mappings.questions leads from shop back"),
        ("mappings: {questions: {shop: where}}", "where is not a question"),
        ("mappings: {choices: {store: {ram: disk}}}", "disk is not a choice of store"),
        ("mappings: {choices: {shop: {ram: memory}}}", "shop is not a question"),
        ("mappings: {migrations: {2: 3f2a}}", "mappings.migrations.2 must have a name in quotes"),
        ('mappings: {migrations: {"2": 31}}', "mappings.migrations.2 must be text, in quotes"),
    ],
)
def test_mistakes_are_named_with_file_and_key(tmp_path: Path, text: str, place: str) -> None:
    """Nothing that a release says is silently dropped."""
    with pytest.raises(TemplateError, match=rf"^releases/0.1.0.yml: .*{place}"):
        read_releases(write(tmp_path, v0_1_0=text))


def test_yaml_that_cannot_be_parsed_is_refused(tmp_path: Path) -> None:
    """The hint contains the parser's reason."""
    with pytest.raises(TemplateError, match=r"0.1.0.yml cannot be read"):
        read_releases(write(tmp_path, v0_1_0="added: ["))


def test_only_the_newest_can_be_in_preparation(tmp_path: Path) -> None:
    """An older release without a commit could never be rendered again."""
    with pytest.raises(TemplateError, match=r"releases/0.1.0.yml: commit is missing"):
        read_releases(write(tmp_path, v0_1_0="", v0_2_0=RELEASED))


def test_files_must_be_named_after_a_version(tmp_path: Path) -> None:
    """A file that is none of a release is not skipped."""
    with pytest.raises(TemplateError, match="'notes' is not a version"):
        read_releases(write(tmp_path, notes=""))


def test_names_of_the_past_are_known(tmp_path: Path) -> None:
    """Old notes keep the names of their time: of renamed and removed questions and choices."""
    note = "projects: {{steps: [{{text: a, for: {{{}}}}}]}}\n"
    root = write(
        tmp_path,
        v0_1_0=RELEASED + note.format("shop: [ram, disk, tape], tone: [kind]"),
        v0_2_0=RELEASED + "mappings: {questions: {shop: store}, choices: {store: {ram: memory}}}",
        v0_3_0=RELEASED
        + "mappings: {choices: {store: {disk: files}}}\n"
        + "projects: {removed: {choices: {store: {tape: Gone.}}, questions: {tone: Gone.}}}",
    )

    first, *_ = read_releases(root)

    assert for_answers(first, {"store": "memory", "tone": "kind"})["steps"] == ["a"]
    assert for_answers(first, {"store": "files", "tone": "kind"})["steps"] == ["a"]
    assert for_answers(first, {"store": "files"})["steps"] == []


def test_notes_concern_projects_by_their_answers(tmp_path: Path) -> None:
    """A note may be about some choices of one axis, or of several; all must hold."""
    root = write(
        tmp_path,
        v0_1_0="""
        projects:
          changed: [All.]
          variables:
            added: {PATH_TO_FILES: {text: Where., for: {store: [files]}}, LOG: Both.}
          removed:
            files: {app/model.py: {text: Gone., for: {store: [files], agent: [model]}}}
          steps: [{text: Any agent., for: {agent: [echo, model]}}]
        """,
    )
    (release,) = read_releases(root)

    small = for_answers(release, {"store": "memory", "agent": "echo"})
    large = for_answers(release, {"store": "files", "agent": "model"})

    assert small["version"] == "0.1.0"
    assert small["changed"] == large["changed"] == ["All."]
    assert small["variables"] == {"added": {"LOG": "Both."}, "removed": {}}
    assert large["variables"]["added"] == {"PATH_TO_FILES": "Where.", "LOG": "Both."}
    assert small["removed"]["files"] == {}
    assert large["removed"]["files"] == {"app/model.py": "Gone."}
    assert small["steps"] == large["steps"] == ["Any agent."]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("0.1.0", "0.3.0", ["0.2.0", "0.3.0"]),
        ("0.1.0", "0.2.0", ["0.2.0"]),
        ("0.2.0", "0.2.0", []),
        ("0.3.0", "0.1.0", []),
        ("0.1.0-2-gabc1234", "0.2.0", ["0.2.0"]),
        ("0.1.0", "0.2.0-2-gabc1234", ["0.2.0", "0.3.0"]),
        ("0.2.0", "0.2.0-2-gabc1234", ["0.3.0"]),
        ("0.2.0-1-gabc1234", "0.2.0-2-gdef5678", ["0.3.0"]),
        ("0.2.0-1-gabc1234", "0.2.0-1-gabc1234", []),
        ("0.3.0", "0.3.0-2-gabc1234", []),
        ("0.3.0", "0.1.0-2-gabc1234", []),
    ],
)
def test_releases_between_two_versions(old: str, new: str, expected: list[str]) -> None:
    """The old one is known already; a version between releases has a part of the next."""
    releases = releases_with(Mappings(), Mappings(), Mappings())

    assert versions(between(releases, old, new)) == expected


def test_mappings_are_followed_through_several_releases() -> None:
    """What is renamed twice gets its last name, also below a renamed question."""
    found = composed(
        releases_with(
            Mappings(
                questions={"shop": "storage"},
                choices={"storage": {"ram": "volatile"}},
                files={"app/a.py": ("app/b.py", "app/c.py")},
                migrations={"0002": "aaaa"},
            ),
            Mappings(
                questions={"storage": "store"},
                choices={"store": {"volatile": "memory", "disk": "files"}, "agent": {"x": "y"}},
                files={"app/b.py": ("app/d.py", "app/c.py"), "app/e.py": ("app/f.py",)},
                migrations={"aaaa": "bbbb", "0003": "cccc"},
            ),
        )
    )

    assert found.questions == {"shop": "store", "storage": "store"}
    assert found.choices == {
        "store": {"ram": "memory", "volatile": "memory", "disk": "files"},
        "agent": {"x": "y"},
    }
    assert found.files == {
        "app/a.py": ("app/d.py", "app/c.py"),
        "app/b.py": ("app/d.py", "app/c.py"),
        "app/e.py": ("app/f.py",),
    }
    assert found.migrations == {"0002": "bbbb", "aaaa": "bbbb", "0003": "cccc"}


def test_a_name_that_comes_back_is_not_renamed() -> None:
    """A rename and its reversal are two releases of which neither is wrong."""
    found = composed(
        releases_with(
            Mappings(questions={"shop": "store"}, files={"a.py": ("b.py",)}),
            Mappings(questions={"store": "shop"}, files={"b.py": ("a.py",)}),
        )
    )

    assert found.questions == {"store": "shop"}
    assert found.files == {"b.py": ("a.py",)}


def test_the_command_has_the_number_of_the_newest_release() -> None:
    """Its errors name it, and users look for its notes."""
    assert read_releases(REPOSITORY)[-1].version == __version__
