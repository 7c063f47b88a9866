"""A small template with two releases and a change after them, as a checkout and packed."""

from pathlib import Path

from chatkit_scaffold.generator.pack import pack
from tests.command import git, make_template

QUESTIONS = "store: {type: str, choices: [memory, sqlite], default: sqlite}\n"


def commit(folder: Path, name: str, text: str) -> str:
    """Change one file, commit all, and return the commit."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", f"--message=change {name}")
    return git(folder, "rev-parse", "HEAD")


def release(folder: Path, version: str) -> str:
    """Release what HEAD has, and return its commit."""
    released = git(folder, "rev-parse", "HEAD")
    text = f"commit: {released}\ndate: 2026-01-02\n"
    commit(folder, f"releases/{version}.yml", text)
    return released


def make_checkout(folder: Path) -> Path:
    """Make a checkout with releases 0.1.0 and 0.2.0, and a later change."""
    make_template(folder, {"copier.yml": QUESTIONS, "template/app.py": "one = 1\n"})
    release(folder, "0.1.0")
    commit(folder, "template/app.py", "one = 1\ntwo = 2\n")
    release(folder, "0.2.0")
    commit(folder, "template/app.py", "one = 1\ntwo = 2\nthree = 3\n")
    return folder


def make_packed(checkout: Path, target: Path) -> Path:
    """Pack a checkout as a wheel does."""
    pack(checkout, target)
    return target
