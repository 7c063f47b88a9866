"""Imports after a merge."""

from pathlib import Path

import pytest

from tests.update.merges import LABEL, Fixed, fixed

pytestmark = pytest.mark.quick

HELLO = "def hello() -> str:\n    return 'hello'\n"
PACKAGE = {"app/__init__.py": ""}
OLD = {**PACKAGE, "app/old.py": HELLO}
NEW = {**PACKAGE, "app/new.py": HELLO}


def renamed(tmp_path: Path, content: str | bytes, path: str = "app/mine.py") -> Fixed:
    """Fix a user's file after the template renamed app/old.py to app/new.py."""
    own = {path: content}
    renames = {"app/old.py": "app/new.py"}
    return fixed(
        tmp_path,
        base=OLD,
        theirs=NEW,
        ours={**OLD, **own},
        merged={**NEW, **own},
        renamed=renames,
    )


def removed(tmp_path: Path, content: str, path: str = "app/mine.py") -> Fixed:
    """Fix a user's file after the template removed app/old.py."""
    own = {path: content}
    return fixed(tmp_path, base=OLD, theirs=PACKAGE, ours={**OLD, **own}, merged={**PACKAGE, **own})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from app.old import hello\n", "from app.new import hello\n"),
        ("from app.old import hello as hi # why\n", "from app.new import hello as hi # why\n"),
        ("from app import old\n", "from app import new as old\n"),
        ("from app import old as o\n", "from app import new as o\n"),
        ("import app.old as o\n", "import app.new as o\n"),
        ("import app.old\n\napp.old.hello()\n", "import app.new\n\napp.new.hello()\n"),
        ("from .old import hello\n", "from .new import hello\n"),
        ("from . import old\n", "from . import new as old\n"),
        (
            "from app.old import (\n    hello, # x\n)\n",
            "from app.new import (\n    hello, # x\n)\n",
        ),
        ("from app.old \\\n    import hello\n", "from app.new \\\n    import hello\n"),
        ("from app.old import *\n", "from app.new import *\n"),
        ("def f():\n  from app.old import hello\n", "def f():\n  from app.new import hello\n"),
        ("x = 1; from app.old import hello; y = 2", "x = 1; from app.new import hello; y = 2"),
        (
            "try:\n    from app.old import hello\nexcept ImportError:\n    hello = None\n",
            "try:\n    from app.new import hello\nexcept ImportError:\n    hello = None\n",
        ),
        ("s = 'app.old:hello'\n", "s = 'app.new:hello'\n"),
        ('patch("app.old.hello.x", 1)\n', 'patch("app.new.hello.x", 1)\n'),
        ('import_module("app.old")\n', 'import_module("app.new")\n'),
        ('pytest_plugins = ["app.old"]\n', 'pytest_plugins = ["app.new"]\n'),
    ],
)
def test_references_follow_a_renamed_module(tmp_path: Path, before: str, after: str) -> None:
    """Whatever form an import has, it names the new module afterwards."""
    result = renamed(tmp_path, before)

    assert result.read("app/mine.py").decode() == after
    assert len(result.merged.imports) == 1
    assert result.merged.conflicts == ()
    assert result.merged.notices == ()


def test_a_change_is_listed_with_its_line(tmp_path: Path) -> None:
    """The list shows where, from what and to what."""
    result = renamed(tmp_path, "import os\n\nfrom app.old import hello\n\nprint(os, hello)\n")

    assert result.merged.imports == ("app/mine.py:3: app.old -> app.new",)


@pytest.mark.parametrize(
    "content",
    [
        b"from app.old import hello\r\nx = 1\r\n",
        b"from app.old import hello",
        b"# coding: latin-1\ny = '\xe9'; from app.old import hello\nx = '\xe9'\n",
        b"\xef\xbb\xbffrom app.old import hello\n",
        b"x = 1\n\x0c\nfrom app.old import hello\n\x0c\ny = '\\d'\n",
        "é = 'ü\u2028'; from app.old import hello\n".encode(),
        b"from app.old import hello\rx = 1\r",
    ],
    ids=["crlf", "no-newline", "latin-1", "bom", "form-feed", "unicode", "cr"],
)
def test_all_other_bytes_stay(tmp_path: Path, content: bytes) -> None:
    """Line ends, encodings and form feeds are as they were."""
    result = renamed(tmp_path, content)

    assert result.read("app/mine.py") == content.replace(b"app.old", b"app.new")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("from app.old import hello\n", f"imports app.old, which {LABEL} removed"),
        ("from app import old\n", f"imports app.old, which {LABEL} removed"),
        ("import app.old\n", f"imports app.old, which {LABEL} removed"),
        ("from .old import hello\n", f"imports app.old, which {LABEL} removed"),
    ],
)
def test_an_import_of_a_removed_module_is_a_conflict(
    tmp_path: Path, content: str, reason: str
) -> None:
    """The import stays, between markers."""
    result = removed(tmp_path, f"import os\n{content}\nprint(os)\n")

    assert result.read("app/mine.py").decode() == (
        f"import os\n<<<<<<< yours\n{content}=======\n>>>>>>> {LABEL}\n\nprint(os)\n"
    )
    assert [each.as_text() for each in result.merged.conflicts] == [f"app/mine.py:2: {reason}"]
    assert result.stage("app/mine.py", 2) == f"import os\n{content}\nprint(os)\n"
    assert result.stage("app/mine.py", 3) == "import os\n\nprint(os)\n"
