"""Imports of what moved to another place."""

from pathlib import Path
from typing import Any

import pytest

from tests.update.merges import LABEL, Contents, Fixed, fixed

pytestmark = pytest.mark.quick

HELPER = "def helper(x: int) -> int:\n    return x\n"
BIG = {"app/__init__.py": "", "app/big.py": f"SIZE = 1\n\n\n{HELPER}"}
SPLIT = {"app/__init__.py": "", "app/big.py": "SIZE = 1\n", "app/small.py": HELPER}


def after_update(
    tmp_path: Path, before: Contents, after: Contents, own: Contents, **given: Any
) -> Fixed:
    """Fix the user's own files after the template changed from *before* to *after*."""
    return fixed(
        tmp_path,
        base=before,
        theirs=after,
        ours={**before, **own},
        merged={**after, **own},
        **given,
    )


def mine(tmp_path: Path, before: Contents, after: Contents, content: str, **given: Any) -> str:
    """Return what becomes of one file of the user, without conflicts."""
    result = after_update(tmp_path, before, after, {"app/mine.py": content}, **given)
    assert result.merged.conflicts == ()
    return result.read("app/mine.py").decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from app.big import helper\n", "from app.small import helper\n"),
        ("from .big import helper as h\n", "from .small import helper as h\n"),
        (
            "from app.big import SIZE, helper\n",
            "from app.big import SIZE\nfrom app.small import helper\n",
        ),
        (
            "def f():\n    from app.big import (\n        SIZE as S,\n        helper as h\n    )\n",
            "def f():\n    from app.big import SIZE as S\n    from app.small import helper as h\n",
        ),
        (
            "if x: from app.big import SIZE, helper\n",
            "if x: from app.big import SIZE; from app.small import helper\n",
        ),
        (
            "from app.big import SIZE, helper\nfrom app.small import other\n",
            "from app.big import SIZE\nfrom app.small import helper, other\n",
        ),
        ("patch('app.big.helper')\n", "patch('app.small.helper')\n"),
    ],
)
def test_imports_follow_a_name_out_of_a_split_file(tmp_path: Path, before: str, after: str) -> None:
    """What stays is imported from the old module, what moved from the new one."""
    new = {**SPLIT, "app/small.py": f"{HELPER}other = 2\n"}

    assert mine(tmp_path, BIG, new, before) == after


def test_a_comment_in_a_statement_to_split_makes_it_a_conflict(tmp_path: Path) -> None:
    """It belongs to one of the statements, and only the user knows to which."""
    own = {"app/mine.py": "from app.big import SIZE, helper # noqa: X1\n"}
    result = after_update(tmp_path, BIG, SPLIT, own)

    assert [each.reason for each in result.merged.conflicts] == [
        "imports app.big.helper, which is app.small.helper now"
    ]
    assert result.stage("app/mine.py", 3) == (
        "from app.big import SIZE\nfrom app.small import helper # noqa: X1\n"
    )


@pytest.mark.parametrize(
    ("new", "certain"),
    [
        ({"app/small.py": HELPER}, True),
        ({"app/small.py": "async def helper(): ...\n"}, True),
        ({"app/small.py": HELPER, "app/other.py": "from app.small import helper\n"}, True),
        ({"app/small.py": HELPER, "app/other.py": HELPER}, False),
        ({"app/small.py": "helper = 1\n"}, False),
        ({"app/small.py": "class helper: ...\n"}, False),
        ({"app/small.py": "def f():\n    def helper(): ...\n"}, False),
        ({}, False),
    ],
)
def test_only_one_definition_of_the_same_kind_is_certain(
    tmp_path: Path, new: Contents, certain: bool
) -> None:
    """Two of them, or something else of that name, are a question for the user."""
    after = {"app/__init__.py": "", "app/big.py": "SIZE = 1\n", **new}
    result = after_update(tmp_path, BIG, after, {"app/mine.py": "from app.big import helper\n"})

    assert (result.merged.conflicts == ()) is certain
    assert bool(result.merged.imports) is certain


def test_a_definition_that_was_there_before_is_another_one(tmp_path: Path) -> None:
    """app/other.py always had a function of this name."""
    other = {"app/other.py": HELPER}
    after = {"app/__init__.py": "", "app/big.py": "SIZE = 1\n", **other}
    own = {"app/mine.py": "from app.big import helper\n"}
    result = after_update(tmp_path, {**BIG, **other}, after, own)

    assert len(result.merged.conflicts) == 1


@pytest.mark.parametrize(("value", "conflicts"), [("log()", 0), ("other()", 1)])
def test_a_constant_moved_only_with_its_value(tmp_path: Path, value: str, conflicts: int) -> None:
    """Every module may have a `logger`."""
    before = {"app/a.py": "logger = log()\nx = 1\n"}
    after = {"app/a.py": "x = 1\n", "app/b.py": f"logger = {value}\n"}
    result = after_update(tmp_path, before, after, {"app/mine.py": "from app.a import logger\n"})

    assert len(result.merged.conflicts) == conflicts


def test_an_import_goes_to_the_source_of_a_name(tmp_path: Path) -> None:
    """A module no longer imports a name that others imported from it."""
    before = {**BIG, "app/front.py": "from .big import helper as h\nx = 1\n"}
    after = {**BIG, "app/front.py": "x = 1\n"}

    assert mine(tmp_path, before, after, "from app.front import h\n") == (
        "from app.big import helper as h\n"
    )


def test_an_import_follows_the_source_of_a_name_to_its_new_module(tmp_path: Path) -> None:
    """The name was imported from a module that was renamed as well."""
    before = {**BIG, "app/front.py": "from app.big import helper\nx = 1\n"}
    after = {"app/__init__.py": "", "app/large.py": BIG["app/big.py"], "app/front.py": "x = 1\n"}
    renames = {"app/big.py": "app/large.py"}

    assert (
        mine(tmp_path, before, after, "from app.front import helper\n", renamed=renames)
        == "from app.large import helper\n"
    )


def test_two_modules_that_import_a_name_from_each_other_are_no_endless_loop(
    tmp_path: Path,
) -> None:
    """Neither is its source."""
    before = {
        "app/a.py": "try:\n    from app.b import n\nexcept ImportError:\n    from app.b import n\n",
        "app/b.py": "from app.a import n\n",
    }
    after = {"app/a.py": "x = 1\n", "app/b.py": "x = 1\n"}
    result = after_update(tmp_path, before, after, {"app/mine.py": "from app.a import n\n"})

    assert len(result.merged.conflicts) == 1


def test_a_declared_rename_is_followed(tmp_path: Path) -> None:
    """The release knows what git may not find."""
    after = {"app/__init__.py": "", "app/large.py": "SIZE = 1\n", "app/small.py": HELPER}
    moved = {"app/big.py": ("app/large.py", "app/small.py")}

    assert mine(tmp_path, BIG, after, "from app.big import SIZE, helper\n", moved=moved) == (
        "from app.large import SIZE\nfrom app.small import helper\n"
    )


def test_a_renamed_package_is_followed(tmp_path: Path) -> None:
    """Its empty `__init__.py` has no history, but its modules have."""
    names = ("__init__", "a", "b/__init__", "b/c")
    before = {f"app/tools/{name}.py": f"{name[-1]} = 1\n" for name in names}
    after = {path.replace("tools", "kit"): content for path, content in before.items()}
    renames = {f"app/tools/{name}.py": f"app/kit/{name}.py" for name in names if "init" not in name}
    content = "from app import tools\nimport app.tools.b as t\nfrom app.tools.b.c import c\n"

    assert mine(tmp_path, before, after, content, renamed=renames) == (
        "from app import kit as tools\nimport app.kit.b as t\nfrom app.kit.b.c import c\n"
    )


def test_a_module_that_both_sides_renamed_is_a_conflict(tmp_path: Path) -> None:
    """Both new names exist, and nobody knows which one is meant."""
    own = {"app/mine.py": "import app.big\n"}
    after = {"app/large.py": BIG["app/big.py"], "app/huge.py": BIG["app/big.py"]}
    result = after_update(
        tmp_path,
        BIG,
        after,
        own,
        renamed={"app/big.py": "app/large.py"},
        moved={"app/big.py": "app/huge.py"},
    )

    assert len(result.merged.conflicts) == 1


def test_new_files_of_the_template_follow_the_user(tmp_path: Path) -> None:
    """The user renamed a module, and the new version imports it by its old name."""
    theirs = {**BIG, "app/new.py": "from app.big import SIZE\nfrom . import big\n"}
    ours = {"app/__init__.py": "", "app/large.py": BIG["app/big.py"]}
    result = fixed(
        tmp_path,
        base=BIG,
        theirs=theirs,
        ours=ours,
        merged={**ours, "app/new.py": theirs["app/new.py"]},
        renamed={"app/big.py": "app/large.py"},
    )

    assert result.read("app/new.py") == b"from app.large import SIZE\nfrom . import large as big\n"
    assert result.merged.imports == (
        "app/new.py:1: app.big -> app.large",
        "app/new.py:2: app.big -> app.large",
    )


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        ({}, "imports app.big, which you removed"),
        ({"app/big.py": "SIZE = 1\n"}, "imports helper from app.big, which you removed"),
    ],
)
def test_new_files_of_the_template_may_need_what_the_user_removed(
    tmp_path: Path, kept: Contents, reason: str
) -> None:
    """That is a conflict, not an import that fails at run time."""
    theirs = {**BIG, "app/new.py": "from app.big import helper\n"}
    ours = {"app/__init__.py": "", **kept}
    merged = {**ours, "app/new.py": theirs["app/new.py"]}
    result = fixed(tmp_path, base=BIG, theirs=theirs, ours=ours, merged=merged)

    assert [each.as_text() for each in result.merged.conflicts] == [f"app/new.py:1: {reason}"]


def test_what_was_broken_before_the_update_stays(tmp_path: Path) -> None:
    """The user removed a module before, and left an import of it."""
    own = {"app/__init__.py": "", "app/mine.py": "from app.big import helper\n"}
    result = fixed(tmp_path, base=BIG, theirs=BIG, ours=own, merged=own)

    assert result.unchanged


def test_relative_imports_of_a_moved_file_find_their_modules(tmp_path: Path) -> None:
    """The template moved a file down; the user had added an import to it."""
    added = "from . import mine\nfrom .mine import own\n"
    base = {**BIG, "app/part.py": "from .big import SIZE\n"}
    theirs = {**BIG, "app/parts/__init__.py": "", "app/parts/part.py": "from ..big import SIZE\n"}
    own = {"app/mine.py": "own = 1\n"}
    result = fixed(
        tmp_path,
        base=base,
        theirs=theirs,
        ours={**base, **own, "app/part.py": f"{base['app/part.py']}{added}"},
        merged={**theirs, **own, "app/parts/part.py": f"{theirs['app/parts/part.py']}{added}"},
        renamed={"app/part.py": "app/parts/part.py"},
    )

    assert result.read("app/parts/part.py").decode() == (
        "from .. import mine\nfrom ..big import SIZE\nfrom ..mine import own\n"
    )
    assert result.merged.conflicts == ()


SORTED = "import os\n\nfrom fastapi import x\n\nfrom app.big import SIZE\nfrom app.text import y\n"
OTHERS = {"app/text.py": "y = 1\n", "pyproject.toml": "[tool.ruff.lint]\nselect = ['I']\n"}


def test_imports_in_order_stay_in_order(tmp_path: Path) -> None:
    """A new name may sort elsewhere; the project's own linter agrees with the result."""
    before, after = {**BIG, **OTHERS}, {**OTHERS, "app/zoo.py": BIG["app/big.py"]}
    content = f"{SORTED}\nprint(x ,y)\n"

    assert mine(tmp_path, before, after, content, renamed={"app/big.py": "app/zoo.py"}) == (
        "import os\n\nfrom fastapi import x\n\nfrom app.text import y\nfrom app.zoo import SIZE\n"
        "\nprint(x ,y)\n"
    )


def test_imports_without_order_stay_where_they_are(tmp_path: Path) -> None:
    """Whoever does not sort imports does not want them sorted."""
    before, after = {**BIG, **OTHERS}, {**OTHERS, "app/zoo.py": BIG["app/big.py"]}
    content = "from app.text import y\nimport os\nfrom app.big import SIZE\nimport ast\n"

    assert mine(tmp_path, before, after, content, renamed={"app/big.py": "app/zoo.py"}) == (
        content.replace("app.big", "app.zoo")
    )


def test_a_long_import_is_in_several_lines(tmp_path: Path) -> None:
    """As a formatter would write it."""
    long = {"app/__init__.py": "", f"app/{'long' * 15}.py": HELPER, "app/big.py": "SIZE = 1\n"}

    assert mine(tmp_path, BIG, long, "from app.big import SIZE, helper as my_helper\n") == (
        f"from app.big import SIZE\nfrom app.{'long' * 15} import (\n    helper as my_helper,\n)\n"
    )


def test_a_suggestion_has_a_place_for_all_names(tmp_path: Path) -> None:
    """One name moved, one is gone, one stays."""
    before = {**BIG, "app/big.py": f"{BIG['app/big.py']}gone = 1\n"}
    content = "from app.big import SIZE, gone, helper\n"
    result = after_update(tmp_path, before, SPLIT, {"app/mine.py": content})

    assert result.read("app/mine.py").decode() == (
        "<<<<<<< yours\nfrom app.big import SIZE, gone\n=======\nfrom app.big import SIZE\n"
        f">>>>>>> {LABEL}\nfrom app.small import helper\n"
    )
    assert result.merged.imports == ("app/mine.py:6: app.big -> app.small",)
