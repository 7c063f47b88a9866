"""The outcome of an update, for people and for programs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatkit_scaffold.update.outcome import Checked, Conflict, Files, Merged, Rename, Update
from chatkit_scaffold.update.report import as_dict, as_text

pytestmark = pytest.mark.quick

NOTE: dict[str, Any] = {
    "version": "0.2.0",
    "changed": [
        "Short sentences fit.",
        "Some behaviour " + "is different, and " * 4 + "needs two lines.",
    ],
    "variables": {"added": {"WORKERS": "Processes."}, "removed": {"THREADS": "Use WORKERS."}},
    "removed": {
        "files": {"app/old.py": "It is in app/new.py.", "app/other.py": "Nobody has it."},
        "endpoints": {"/live": "Use /health."},
        "choices": {"store": {"disk": "Use sqlite."}},
        "questions": {"tone": "Write it into the prompt."},
    },
    "steps": ["Stop the backend."],
    "migrations": ["Titles get a column."],
}
NOTHING = {
    "version": "0.3.0",
    "changed": [],
    "variables": {"added": {}, "removed": {}},
    "removed": {"files": {}, "endpoints": {}, "choices": {}, "questions": {}},
    "steps": [],
    "migrations": [],
}
FILES = Files(
    added=("app/new.py",),
    updated=("app/a.py", "app/b.py"),
    merged=("app/agent.py",),
    kept=("app/mine.py",),
    removed=("app/old.py",),
    deleted_kept=("app/gone.py",),
    renamed=(
        Rename("app/x.py", "app/y.py", by="template"),
        Rename("app/z.py", "app/own.py", by="you"),
    ),
)
UPDATED = Update(
    project="support-bot",
    old="0.1.0",
    new="0.3.0",
    before={"name": "bot", "store": "memory"},
    after={"name": "bot", "store": "sqlite", "tools": "none"},
    merged=Merged(
        tree="1234",
        files=FILES,
        imports=("app/mine.py:3: app.x -> app.y",),
        notices=("uv.lock is out of date: run uv lock",),
    ),
    notes=(NOTE, NOTHING),
    branch="chatkit-scaffold/update-0.3.0",
    commit="abcd",
    way_back="git switch main",
)
CONFLICTS = (
    Conflict("app/agent.py", 12, "both changed these lines"),
    Conflict("logo.png", None, "both changed this file"),
)


def in_conflict(update: Update = UPDATED, conflicts: tuple[Conflict, ...] = CONFLICTS) -> Update:
    """Return the update with conflicts."""
    assert update.merged
    return replace(update, merged=replace(update.merged, conflicts=conflicts), commit=None)


def test_text_of_an_update() -> None:
    """Everything that happened is there, and the commands to type next come last."""
    assert (
        as_text(UPDATED)
        == """\
Updated support-bot from 0.1.0 to 0.3.0.

Changed answers:
  store: memory -> sqlite
  tools: not set -> none

Your changes, kept (1):
  app/mine.py

New files (1):
  app/new.py

Updated files (2):
  app/a.py
  app/b.py

Removed files (1):
  app/old.py

Renamed by you (1):
  app/z.py -> app/own.py

Renamed by the template (1):
  app/x.py -> app/y.py

Merged with your changes (1):
  app/agent.py

Still deleted, though the template changed them (1):
  app/gone.py

Changed in 0.2.0:
  Short sentences fit.
  Some behaviour is different, and is different, and is different, and is
    different, and needs two lines.

New variables in 0.2.0:
  WORKERS: Processes.

Removed variables in 0.2.0:
  THREADS: Use WORKERS.

Removed in 0.2.0:
  --tone: Write it into the prompt.
  --store disk: Use sqlite.
  /live: Use /health.
  app/old.py: It is in app/new.py.

Steps to take for 0.2.0:
  Stop the backend.

Migrations in 0.2.0, to run with uv run python -m app migrate:
  Titles get a column.

Adjusted references:
  app/mine.py:3: app.x -> app.y

Please note:
  uv.lock is out of date: run uv lock

The project is now on the branch chatkit-scaffold/update-0.3.0.
Try the update, then merge it:
  cd support-bot
  uv run pytest
  git switch main && git merge chatkit-scaffold/update-0.3.0
Or go back to where you were:
  git switch main"""
    )


def test_conflicts_come_after_everything_else() -> None:
    """Each has the form that editors and terminals open, and then the next commands follow."""
    text = as_text(in_conflict())

    assert text.endswith("""\
Conflicts:
  app/agent.py:12: both changed these lines
  logo.png: both changed this file

The project is now on the branch chatkit-scaffold/update-0.3.0.
Resolve the conflicts, for example with git mergetool, then commit:
  cd support-bot
  git add --all . && git commit
Or go back to where you were:
  git switch main""")


def test_commands_in_the_projects_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no need to go there, except from a folder below it, where `.` is another one."""
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path)
    here = as_text(replace(UPDATED, project=str(tmp_path)))
    monkeypatch.chdir("app")
    below = as_text(replace(UPDATED, project=str(tmp_path)))

    assert "\nTry the update, then merge it:\n  uv run pytest\n" in here
    assert f"\nTry the update, then merge it:\n  cd {tmp_path}\n  uv run pytest\n" in below


def test_a_dry_run_says_would() -> None:
    """It has the same lists, and nothing sounds as if it had happened."""
    text = as_text(replace(in_conflict(), dry_run=True))

    assert text.startswith("Would update support-bot from 0.1.0 to 0.3.0.\n")
    assert "Merged with your changes (1):\n  app/agent.py\n" in text
    assert "Conflicts:\n  app/agent.py:12: both changed these lines\n" in text
    assert text.endswith("""\
Nothing was written. The update would be on this branch:
  chatkit-scaffold/update-0.3.0
To make it, run the command again without --dry-run.""")
    head, lists = as_text(in_conflict()).splitlines()[0], text.splitlines()[1:-3]
    assert head == "Updated support-bot from 0.1.0 to 0.3.0."
    assert as_text(in_conflict()).splitlines()[1 : len(lists) + 1] == lists


def test_a_failed_check_leaves_the_users_branch() -> None:
    """The user is told where the update is."""
    checked = Checked(
        tests_passed=False,
        tests="1 failed, 80 passed in 4.00s",
        protocol={"counts": {"passed": 50, "failed": 0}},
        passed=False,
    )

    text = as_text(replace(UPDATED, checked=checked))

    assert text.endswith("""\
Your branch is as it was. To look at the update:
  cd support-bot
  git switch chatkit-scaffold/update-0.3.0""")
    assert (
        """\
The check failed:
  the project's tests: 1 failed, 80 passed in 4.00s
  the protocol check: 50 passed, 0 failed
"""
        in text
    )


def test_nothing_to_do_is_one_line() -> None:
    """There is nothing to read."""
    text = as_text(replace(UPDATED, old="0.3.0", merged=None, notes=(), branch=None))

    assert text == "Nothing to do: support-bot has version 0.3.0 already."


def test_changed_answers_at_the_same_version() -> None:
    """No release is in between, and empty sections are left out."""
    text = as_text(replace(UPDATED, old="0.3.0", merged=Merged("1234"), notes=()))

    assert text.startswith("Changed the answers of support-bot, at version 0.3.0.\n\n")
    assert "Changed answers:\n" in text
    assert "(0)" not in text


def test_long_lists_are_shortened_in_the_text_only() -> None:
    """The rest is a number; one more line would not be shorter than saying so."""
    many = tuple(f"app/m{n}.py" for n in range(46))
    few = tuple(f"app/f{n}.py" for n in range(13))
    assert UPDATED.merged
    update = replace(UPDATED, merged=replace(UPDATED.merged, files=Files(added=many, updated=few)))

    text = as_text(update)

    assert "New files (46):\n" in text
    assert "  app/m11.py\n  … and 34 more, which --json lists\n" in text
    assert "app/m12.py" not in text
    assert "  app/f12.py\n\n" in text
    assert as_dict(update)["files"]["added"] == many


def test_names_of_files_cannot_control_the_terminal() -> None:
    """Control characters and bytes that are no text are escaped; other letters are not."""
    odd = Files(added=("app/\x1b[2Jå b.py", "app/\udcff.py", "ünï.py"))
    conflicts = (Conflict("a\rb.py", 1, "both changed these lines"),)
    assert UPDATED.merged
    merged = replace(UPDATED.merged, files=odd, conflicts=conflicts)

    text = as_text(replace(UPDATED, project="bo\x07t", merged=merged))

    assert "  app/\\x1b[2Jå b.py\n  app/\\udcff.py\n  ünï.py\n" in text
    assert "  a\\rb.py:1: both" in text
    assert text.startswith("Updated bo\\x07t from")


def test_paths_stay_whole() -> None:
    """A path can be copied, however long it is and whatever is in it."""
    path = "app/" + "a  long   name " * 8 + ".py"
    conflict = Conflict(path, 12, "both changed these lines")
    assert UPDATED.merged
    merged = replace(UPDATED.merged, files=Files(added=(path,)), conflicts=(conflict,))

    text = as_text(replace(UPDATED, merged=merged))

    assert f"\n  {path}\n" in text
    assert f"\n  {path}:12: both changed these lines\n" in text


def test_lines_fit_on_80_columns() -> None:
    """Sentences are wrapped; only commands and paths may be longer."""
    text = as_text(UPDATED)

    assert [line for line in text.splitlines() if len(line) > 79] == []


def test_dict_has_everything() -> None:
    """The keys are always the same, and all values are JSON's."""
    found = as_dict(in_conflict())
    nothing = as_dict(replace(UPDATED, merged=None, notes=()))

    assert json.loads(json.dumps(found)) == {
        "project": "support-bot",
        "status": "conflicts",
        "from": "0.1.0",
        "to": "0.3.0",
        "answers": {
            "before": {"name": "bot", "store": "memory"},
            "after": {"name": "bot", "store": "sqlite", "tools": "none"},
        },
        "dry_run": False,
        "branch": "chatkit-scaffold/update-0.3.0",
        "commit": None,
        "way_back": "git switch main",
        "files": {
            "added": ["app/new.py"],
            "updated": ["app/a.py", "app/b.py"],
            "merged": ["app/agent.py"],
            "kept": ["app/mine.py"],
            "removed": ["app/old.py"],
            "deleted_kept": ["app/gone.py"],
            "renamed": [
                {"old": "app/x.py", "new": "app/y.py", "by": "template"},
                {"old": "app/z.py", "new": "app/own.py", "by": "you"},
            ],
        },
        "conflicts": [
            {"path": "app/agent.py", "line": 12, "reason": "both changed these lines"},
            {"path": "logo.png", "line": None, "reason": "both changed this file"},
        ],
        "imports": ["app/mine.py:3: app.x -> app.y"],
        "notices": ["uv.lock is out of date: run uv lock"],
        "notes": [NOTE, NOTHING],
        "check": None,
    }
    assert nothing.keys() == found.keys()
    assert nothing["status"] == "nothing to do"
