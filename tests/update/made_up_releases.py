"""Made-up releases: today's template with one change each, of every kind that a release can have.

Each is a clone of this repository with a release behind today's, so an update to it from an older
one brings what has happened since, and this change.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from tests.command import REPOSITORY, git

VERSION = "0.9.0"
"""Of every made-up release; each is in a clone of its own."""
TODAY = "0.8.0"
"""The release that today's template is in the clones."""
NEW_MIGRATION = "5eed5eed5eed"

Edit = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Change:
    """What a made-up release changes.

    Attributes:
        edit: Changes the template of a clone.
        note: What the release's file says about it, besides its date and commit.
        answers: What users whose choice is gone answer, by question and choice that is gone.
    """

    edit: Edit
    note: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[tuple[str, str], str] = field(default_factory=dict)


def clone(folder: Path) -> Path:
    """Clone this repository, with what is not committed, into *folder*; its newest is `TODAY`."""
    git(REPOSITORY, "clone", "--quiet", "--shared", str(REPOSITORY), str(folder))
    listed = ("ls-files", "-z", "--modified", "--deleted", "--others", "--exclude-standard")
    for name in filter(None, git(REPOSITORY, *listed).split("\0")):
        ours, theirs = REPOSITORY / name, folder / name
        if ours.is_file():
            theirs.parent.mkdir(parents=True, exist_ok=True)
            theirs.write_bytes(ours.read_bytes())
        else:
            theirs.unlink(missing_ok=True)
    for path in (folder / "releases").glob("*.yml"):
        # One release at most is being prepared: it gets the number of today's.
        if "commit" not in yaml.safe_load(path.read_text(encoding="utf-8")):
            path.rename(path.with_name(f"{TODAY}.yml"))
    commit(folder, "today")
    release(folder, TODAY, {})
    return folder


def release(folder: Path, version: str, note: Mapping[str, Any]) -> None:
    """Commit what was changed in a clone, and a file that makes this commit a release."""
    commit(folder, version)
    path = folder / "releases" / f"{version}.yml"
    known = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    facts = {"commit": git(folder, "rev-parse", "HEAD"), "date": date(2026, 12, 1)}
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump({**known, **note, **facts}), encoding="utf-8")
    commit(folder, f"release {version}")


def commit(folder: Path, message: str) -> None:
    """Commit everything in a clone, also if nothing has changed."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}")


def make_up(name: str, today: Path, folder: Path) -> Path:
    """Make a clone of the clone *today* with the made-up release *name*."""
    git(today, "clone", "--quiet", "--shared", str(today), str(folder))
    note: dict[str, Any] = {}
    for change in stacked(name):
        change.edit(folder)
        _merge(note, change.note)
    sort_imports(folder)
    release(folder, VERSION, note)
    return folder


def stacked(name: str) -> list[Change]:
    """Return the changes of a release: all of them for `all`."""
    return list(CHANGES.values()) if name == "all" else [CHANGES[name]]


def sort_imports(folder: Path) -> None:
    """Sort the imports of the template, as a maintainer does who renames a module."""
    ruff = (sys.executable, "-m", "ruff")
    select = ("check", "--quiet", "--select=I", "--fix", "--no-cache", "template")
    subprocess.run([*ruff, *select], cwd=folder, check=True)


def replace(folder: Path, old: str, new: str, *names: str) -> None:
    """Replace text in files of the template; each must have it."""
    for name in names:
        path = folder / "template" / name
        text = path.read_text(encoding="utf-8")
        assert old in text, (name, old)
        path.write_text(text.replace(old, new), encoding="utf-8")


def _everywhere(folder: Path, old: str, new: str) -> None:
    for path in (folder / "template").rglob("*"):
        if path.is_file() and old in (text := path.read_text(encoding="utf-8")):
            path.write_text(text.replace(old, new), encoding="utf-8")


def _fix(folder: Path) -> None:
    """Change one line of a module that every project has."""
    name = "project/app/errors.py"
    replace(folder, FIX[0], FIX[1], name)


FIX = (
    "    return JSONResponse(content, status_code=status)\n",
    '    return JSONResponse(content, status_code=status, headers={"X-Fixed": "yes"})\n',
)


def _renamed_module(folder: Path) -> None:
    """Rename a module, as an IDE does."""
    app = folder / "template" / "project" / "app"
    (app / "titles.py").rename(app / "naming.py")
    _everywhere(folder, "app.titles", "app.naming")
    _everywhere(folder, "app/titles.py", "app/naming.py")


def _split_file(folder: Path) -> None:
    """Move what checks the size of a request to a module of its own, and rename the rest."""
    app = folder / "template" / "project" / "app"
    old = (app / "preconditions.py").read_text(encoding="utf-8")
    start, end = old.index("MAX_ITEMS = "), old.index("async def check_request")
    header = '"""Bounds the size of requests."""\n\n'
    imports = old[old.index("from chatkit.types") : old.index("from app.base")]
    kept = old[:start] + "\n" + old[end:]
    (app / "preconditions.py").unlink()
    sizes = f"{header}{imports}from app.errors import ApiError\n\n{old[start:end].rstrip()}\n"
    (app / "acceptance.py").write_text(kept, encoding="utf-8")
    (app / "sizes.py").write_text(sizes, encoding="utf-8")
    both = "from app.preconditions import check_request, check_size\n"
    split = "from app.acceptance import check_request\nfrom app.sizes import check_size\n"
    replace(folder, both, split, "project/app/routes.py")
    replace(
        folder,
        "app.preconditions import MAX",
        "app.sizes import MAX",
        "project/tests/test_limits.py",
    )
    _everywhere(folder, "app.preconditions", "app.acceptance")
    _everywhere(folder, "app/preconditions.py", "app/acceptance.py")
    row = "| `app/acceptance.py` |"
    added = "| `app/sizes.py` | bounds the size of requests | one is endless | none |\n"
    replace(folder, row, added + row, "project/README.md.jinja")
    unused = ("check", "--quiet", "--select=F401", "--fix", "--no-cache", "template/project/app")
    subprocess.run([sys.executable, "-m", "ruff", *unused], cwd=folder, check=True)


def _new_question(folder: Path) -> None:
    """Ask for a text that the README shows."""
    copier = folder / "copier.yml"
    text = copier.read_text(encoding="utf-8")
    question = "team:\n  type: str\n  help: Who runs the backend?\n  default: the support team\n\n"
    copier.write_text(text.replace("endpoint:\n", question + "endpoint:\n"), encoding="utf-8")
    replace(
        folder,
        "## Run it\n",
        "Run by {{ team }}.\n\n## Run it\n",
        "project/README.md.jinja",
    )


def _changed_default(folder: Path) -> None:
    """Change the default of a question, and of a variable."""
    copier = folder / "copier.yml"
    text = copier.read_text(encoding="utf-8")
    assert "  default: /chatkit\n" in text
    copier.write_text(
        text.replace("  default: /chatkit\n", "  default: /api/chatkit\n"), encoding="utf-8"
    )
    replace(folder, "KEEP_ALIVE=65\n", "KEEP_ALIVE=75\n", "project/.env.example.jinja")
    replace(folder, "default=65,", "default=75,", "project/app/common_settings.py")


def _removed_choice(folder: Path) -> None:
    """Offer no signed tokens any more."""
    _remove_line(folder / "copier.yml", ": jwt\n")
    for path in (folder / "template" / "options" / "auth" / "jwt").rglob("*"):
        if path.is_file():
            path.unlink()


def _renamed_choice(folder: Path) -> None:
    """Give the echo another name."""
    agents = folder / "template" / "options" / "agent"
    (agents / "echo").rename(agents / "repeat")
    copier = folder / "copier.yml"
    text = copier.read_text(encoding="utf-8")
    for old, new in (
        (": echo\n", ": repeat\n"),
        ("agent != 'echo'", "agent != 'repeat'"),
    ):
        assert old in text
        text = text.replace(old, new)
    copier.write_text(text, encoding="utf-8")


def _new_migration(folder: Path) -> None:
    """Add a table, behind the newest migration that a project has."""
    ids = {name: _revision(folder, name) for name in ("titles", "leases", "records")}
    place = "project/app/{% if sql %}database{% endif %}/migrations/versions"
    path = folder / "template" / place / f"{NEW_MIGRATION}_drafts.py.jinja"
    newest = "'{records}' if records else '{leases}' if store == 'postgres' else '{titles}'"
    path.write_text(MIGRATION % ("{{ " + newest.format(**ids) + " }}"), encoding="utf-8")


MIGRATION = f'''"""Drafts."""

import sqlalchemy as sa
from alembic import op

revision = "{NEW_MIGRATION}"
down_revision = "%s"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `drafts`."""
    op.create_table("drafts", sa.Column("seq", sa.Integer, nullable=False))


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("drafts")
'''


def _changed_pin(folder: Path) -> None:
    """Require a newer web server."""
    replace(folder, *PIN, "shared/requirements.txt")


PIN = ("uvicorn[standard]>=0.50,<0.60", "uvicorn[standard]>=0.51,<0.60")


def _revision(folder: Path, name: str) -> str:
    (path,) = (folder / "template").rglob(f"versions/*{name}.py")
    found = re.search(r'^revision = "(\w+)"', path.read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return found[1]


def _remove_line(path: Path, end: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.endswith(end)]
    assert len(kept) == len(lines) - 1
    path.write_text("".join(kept), encoding="utf-8")


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add *more* to nested maps and lists."""
    for key, value in more.items():
        if isinstance(value, Mapping):
            _merge(into.setdefault(key, {}), value)
        elif isinstance(value, list):
            into[key] = [*into.get(key, []), *value]
        else:
            into[key] = value


CHANGES: dict[str, Change] = {
    "fix": Change(_fix, {"projects": {"changed": ["Errors have a header."]}}),
    "renamed-module": Change(
        _renamed_module, {"mappings": {"files": {"app/titles.py": "app/naming.py"}}}
    ),
    "split-file": Change(
        _split_file,
        {"mappings": {"files": {"app/preconditions.py": ["app/acceptance.py", "app/sizes.py"]}}},
    ),
    "new-question": Change(_new_question),
    "changed-default": Change(
        _changed_default, {"projects": {"changed": ["Connections stay open for 75 seconds."]}}
    ),
    "removed-choice": Change(
        _removed_choice,
        {"projects": {"removed": {"choices": {"auth": {"jwt": "Sign users in with sessions."}}}}},
        answers={("auth", "jwt"): "none"},
    ),
    "renamed-choice": Change(
        _renamed_choice, {"mappings": {"choices": {"agent": {"echo": "repeat"}}}}
    ),
    "new-migration": Change(
        _new_migration,
        {
            "projects": {
                "migrations": [
                    {
                        "text": "`python -m app migrate` creates the table of drafts.",
                        "for": {"store": ["sqlite", "postgres"]},
                    }
                ]
            }
        },
    ),
    "changed-pin": Change(_changed_pin),
}
"""By name."""

NAMES = (*CHANGES, "all")
