"""What users change in their projects by hand: every kind of edit that an update must keep."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Problems = list[str]


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit.

    Attributes:
        make: Makes the edit in a project. The second folder is the project as it was created: an
            edit of a newer project is the same as the one that was made in the old project. Returns
            whether there is such a place.
        lost: Returns what of the edit is not in a project.
    """

    make: Callable[[Path, Path], bool]
    lost: Callable[[Path, Path], Problems]


def read(path: Path) -> str:
    """Return a file's text."""
    return path.read_text(encoding="utf-8")


def home(project: Path, text: str) -> Path | None:
    """Return the one module of `app` that has *text*."""
    found = [path for path in sorted((project / "app").rglob("*.py")) if text in read(path)]
    return found[0] if len(found) == 1 else None


def versions(project: Path) -> Path | None:
    """Return the folder of the project's migrations."""
    found = sorted((project / "app").rglob("migrations/versions/*_initial.py"))
    return found[0].parent if found else None


def _replace(project: Path, old: str, new: str) -> bool:
    path = home(project, old)
    if path:
        path.write_text(read(path).replace(old, new), encoding="utf-8")
    return path is not None


def _missing(project: Path, *texts: str) -> Problems:
    """Return those of *texts* that no file of the project has."""
    files = [path for path in project.rglob("*") if path.is_file() and ".git" not in path.parts]
    all_text = "\n".join(read(path) for path in files)
    return [text for text in texts if text not in all_text]


# The prompt, or what the echo has instead of one.
PROMPTS = {
    "You are a helpful assistant. ": "You are the support desk. ",
    "Thank you, I have received that.": "Thank you, the support desk has received that.",
}


def _change_prompt(project: Path, old: Path) -> bool:
    del old
    return any(_replace(project, before, after) for before, after in PROMPTS.items())


def _lost_prompt(project: Path, old: Path) -> Problems:
    made = [after for before, after in PROMPTS.items() if home(old, before)]
    return _missing(project, *made)


TOOL = '''"""Looks up orders."""

from app.%s import first_words


def look_up(order: str) -> str:
    """Return the first words about an order."""
    return first_words(f"Order {order}")
'''


def _add_tool(project: Path, old: Path) -> bool:
    del old
    module = home(project, "def first_words(")
    assert module
    (project / "app" / "lookup.py").write_text(TOOL % module.stem, encoding="utf-8")
    return True


def _lost_tool(project: Path, old: Path) -> Problems:
    """Return what is lost; the update may adjust the import."""
    del old
    path = project / "app" / "lookup.py"
    before, after = TOOL.split("from app.%s import first_words\n")
    text = read(path) if path.is_file() else ""
    return [part for part in (before, after) if part not in text]


DEPENDENCY = '    "tzdata>=2025.2,<2027",\n'


def _add_dependency(project: Path, old: Path) -> bool:
    """Add a requirement where it belongs by name, as `uv add` does in a sorted list."""
    del old
    path = project / "pyproject.toml"
    start, listed, rest = _dependencies(read(path))
    path.write_text(start + "".join(sorted([*listed, DEPENDENCY])) + rest, encoding="utf-8")
    return True


def _dependencies(text: str) -> tuple[str, list[str], str]:
    start = text.index("dependencies = [\n") + len("dependencies = [\n")
    end = text.index("]\n", text.index("\n]", start))
    return text[:start], text[start:end].splitlines(keepends=True), text[end:]


PINS = ('"structlog>=25.5,<27"', '"structlog>=25.5,<26.5"')


def _change_pin(project: Path, old: Path) -> bool:
    del old
    path = project / "pyproject.toml"
    text = read(path)
    path.write_text(text.replace(*PINS), encoding="utf-8")
    return PINS[0] in text


DELETED = ("tests/test_stop.py", "tests/test_limits.py")


def _delete(project: Path, old: Path) -> bool:
    for name in DELETED:
        if (old / name).exists():
            (project / name).unlink()
    return True


def _lost_deletion(project: Path, old: Path) -> Problems:
    return [name for name in DELETED if (old / name).exists() and (project / name).exists()]


WIDTHS = ("line-length = 100\n", "line-length = 120\n")


def _reformat(project: Path, old: Path) -> bool:
    del old
    path = project / "pyproject.toml"
    path.write_text(read(path).replace(*WIDTHS), encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff", "format", "--quiet", "--no-cache", "."]
    subprocess.run(ruff, cwd=project, check=True)
    return True


def _lost_format(project: Path, old: Path) -> Problems:
    """Return the files that are not formatted; those with markers cannot be."""
    del old
    ruff = [sys.executable, "-m", "ruff", "format", "--check", "--no-cache", "."]
    done = subprocess.run(ruff, cwd=project, capture_output=True, text=True, check=False)
    found = re.findall(r"^Would reformat: (.+)$", done.stdout, re.MULTILINE)
    return [*found, *_missing(project, WIDTHS[1])]


README = ("\n> Ask in #support-bot before you deploy.\n", "\n## Contacts\n\nThe support desk.\n")


def _edit_readme(project: Path, old: Path) -> bool:
    del old
    path = project / "README.md"
    title, rest = read(path).split("\n", 1)
    path.write_text(f"{title}\n{README[0]}{rest}{README[1]}", encoding="utf-8")
    return True


RENAMED = ("errors", "error_types")


def _rename_module(project: Path, old: Path) -> bool:
    del old
    before, after = ((project / "app" / f"{name}.py") for name in RENAMED)
    before.rename(after)
    for path in project.rglob("*.py"):
        path.write_text(read(path).replace(*IMPORTS), encoding="utf-8")
    return True


IMPORTS = ("from app.errors import", "from app.error_types import")


def _lost_rename(project: Path, old: Path) -> Problems:
    del old
    before, after = (f"app/{name}.py" for name in RENAMED)
    wrong = [before] if (project / before).exists() else []
    return wrong if (project / after).exists() else [*wrong, after]


FUNCTIONS = {
    "def first_words(": '''

def shout(text: str) -> str:
    """Return *text* in capital letters."""
    return text.upper()
''',
    "async def check_request(": '''

def is_polite(text: str) -> bool:
    """Return whether somebody says please."""
    return "please" in text.lower()
''',
}


def _add_functions(project: Path, old: Path) -> bool:
    del old
    for beside, function in FUNCTIONS.items():
        path = home(project, beside)
        assert path
        path.write_text(read(path) + function, encoding="utf-8")
    return True


BESIDE = (
    '    content = {"error": {"code": code, "message": message}}\n',
    '    content = {"error": {"code": code, "message": message, "desk": "support"}}\n',
)


def _edit_beside(project: Path, old: Path) -> bool:
    return bool(home(old, BESIDE[0])) and _replace(project, *BESIDE)


def _lost_beside(project: Path, old: Path) -> Problems:
    return _missing(project, BESIDE[1]) if home(old, BESIDE[0]) else []


MIGRATION = '''"""Notes of the support desk."""

import sqlalchemy as sa
from alembic import op

revision = "c0ffee123456"
down_revision = "{newest}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create `notes`."""
    op.create_table("notes", sa.Column("seq", sa.Integer, nullable=False))


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("notes")
'''
OWN_MIGRATION = "c0ffee123456_notes.py"


def _add_migration(project: Path, old: Path) -> bool:
    before, after = versions(old), versions(project)
    if not before or not after:
        return False
    newest = heads(before)
    assert len(newest) == 1
    # The template may have given the migration another id; what it is about stays.
    subject = newest[0].stem.split("_")[-1]
    (followed,) = after.glob(f"*{subject}.py")
    text = MIGRATION.format(newest=revisions(followed)[0])
    (after / OWN_MIGRATION).write_text(text, encoding="utf-8")
    return True


def _lost_migration(project: Path, old: Path) -> Problems:
    if not versions(old):
        return []
    return _missing(project, 'revision = "c0ffee123456"', 'op.create_table("notes"')


def heads(folder: Path) -> list[Path]:
    """Return the migrations that no other one follows."""
    known = {path: revisions(path) for path in folder.glob("*.py")}
    followed = {name for _, names in known.values() for name in names}
    return [path for path, (revision, _) in known.items() if revision not in followed]


def revisions(path: Path) -> tuple[str, list[str]]:
    """Return a migration's id, and the ids that it follows."""
    text = read(path)
    own = re.search(r'^revision = "(\w+)"', text, re.MULTILINE)
    before = re.search(r"^down_revision = (.*)", text, re.MULTILINE)
    assert own
    assert before
    return own[1], re.findall(r'"(\w+)"', before[1])


def _always(*texts: str) -> Callable[[Path, Path], Problems]:
    return lambda project, _: _missing(project, *texts)


EDITS: dict[str, Edit] = {
    "prompt": Edit(_change_prompt, _lost_prompt),
    "new-tool-file": Edit(_add_tool, _lost_tool),
    "dependency-added": Edit(_add_dependency, _always(DEPENDENCY)),
    "pin-changed": Edit(_change_pin, _always(PINS[1])),
    "file-deleted": Edit(_delete, _lost_deletion),
    "reformatted": Edit(_reformat, _lost_format),
    "readme-in-two-places": Edit(_edit_readme, _always(*README)),
    "module-renamed": Edit(_rename_module, _lost_rename),
    "own-functions": Edit(_add_functions, _always(*FUNCTIONS.values())),
    "beside-a-changed-line": Edit(_edit_beside, _lost_beside),
    "own-migration": Edit(_add_migration, _lost_migration),
}
"""By name, without the file that is not committed: with it, nothing is updated."""
