"""Imports after a merge."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.command import git
from tests.update.merges import LABEL, Fixed, fixed, tree_of

pytestmark = pytest.mark.quick

HELLO = "def hello() -> str:\n    return 'hello'\n"
PACKAGE = {"app/__init__.py": ""}
OLD = {**PACKAGE, "app/old.py": HELLO}
NEW = {**PACKAGE, "app/new.py": HELLO}


def renamed(tmp_path: Path, *contents: str | bytes) -> Fixed:
    """Fix a user's files after the template renamed app/old.py to app/new.py."""
    own = named(contents)
    return fixed(
        tmp_path,
        base=OLD,
        theirs=NEW,
        ours={**OLD, **own},
        merged={**NEW, **own},
        renamed={"app/old.py": "app/new.py"},
    )


def removed(tmp_path: Path, *contents: str | bytes) -> Fixed:
    """Fix a user's files after the template removed app/old.py."""
    own = named(contents)
    return fixed(tmp_path, base=OLD, theirs=PACKAGE, ours={**OLD, **own}, merged={**PACKAGE, **own})


def named(contents: Sequence[str | bytes]) -> dict[str, str | bytes]:
    """Return files of the user: app/mine.py, or app/mine_0.py and so on."""
    if len(contents) == 1:
        return {"app/mine.py": contents[0]}
    return {f"app/mine_{number}.py": content for number, content in enumerate(contents)}


FORMS = [
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
]


def test_references_follow_a_renamed_module(tmp_path: Path) -> None:
    """Whatever form an import has, it names the new module afterwards."""
    result = renamed(tmp_path, *(before for before, _ in FORMS))

    paths = [f"app/mine_{number}.py" for number in range(len(FORMS))]
    assert [result.read(path).decode() for path in paths] == [after for _, after in FORMS]
    assert {line.partition(":")[0] for line in result.merged.imports} == {*paths}
    assert result.merged.conflicts == ()
    assert result.merged.notices == ()


def test_a_change_is_listed_with_its_line(tmp_path: Path) -> None:
    """The list shows where, from what and to what."""
    result = renamed(tmp_path, "import os\n\nfrom app.old import hello\n\nprint(os, hello)\n")

    assert result.merged.imports == ("app/mine.py:3: app.old -> app.new",)


ODD_BYTES = [
    b"from app.old import hello\r\nx = 1\r\n",
    b"from app.old import hello",
    b"# coding: latin-1\ny = '\xe9'; from app.old import hello\nx = '\xe9'\n",
    b"\xef\xbb\xbffrom app.old import hello\n",
    b"x = 1\n\x0c\nfrom app.old import hello\n\x0c\ny = '\\d'\n",
    "é = 'ü\u2028'; from app.old import hello\n".encode(),
    b"from app.old import hello\rx = 1\r",
]


def test_all_other_bytes_stay(tmp_path: Path) -> None:
    """Line ends, encodings and form feeds are as they were."""
    result = renamed(tmp_path, *ODD_BYTES)

    assert [result.read(f"app/mine_{number}.py") for number in range(len(ODD_BYTES))] == [
        content.replace(b"app.old", b"app.new") for content in ODD_BYTES
    ]


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


@pytest.mark.parametrize(
    ("content", "marked", "suggestion"),
    [
        (
            "from app.old import hello\r\nx = 1\r\n",
            "<<<<<<< yours\r\nfrom app.old import hello\r\n=======\r\n>>>>>>> {}\r\nx = 1\r\n",
            "x = 1\r\n",
        ),
        (
            "from app.old import hello",
            "<<<<<<< yours\nfrom app.old import hello\n=======\n>>>>>>> {}\n",
            "",
        ),
        (
            "import os, app.old as o, sys\n",
            "<<<<<<< yours\nimport os, app.old as o, sys\n=======\nimport os, sys\n>>>>>>> {}\n",
            "import os, sys\n",
        ),
        (
            "x = 1; import app.old; y = 2 # why\n",
            "<<<<<<< yours\nx = 1; import app.old; y = 2 # why\n=======\n>>>>>>> {}\n",
            "",
        ),
        (
            "if TYPE_CHECKING:\n    from app.old import (\n        hello,\n    )\nx = 1\n",
            """\
if TYPE_CHECKING:
<<<<<<< yours
    from app.old import (
        hello,
    )
=======
    pass
>>>>>>> {}
x = 1
""",
            "if TYPE_CHECKING:\n    pass\nx = 1\n",
        ),
    ],
    ids=["crlf", "no-newline", "beside-others", "semicolons", "only-one-in-block"],
)
def test_markers_keep_to_the_file(
    tmp_path: Path, content: str, marked: str, suggestion: str
) -> None:
    """Markers have the file's line ends, and a suggestion is as much as can stay."""
    result = removed(tmp_path, content)

    assert result.read("app/mine.py").decode() == marked.format(LABEL)
    assert result.stage("app/mine.py", 3) == suggestion


def test_several_conflicts_in_a_file_have_the_lines_of_their_markers(tmp_path: Path) -> None:
    """Each conflict is where its first marker is, after those above it."""
    result = removed(tmp_path, "import app.old\nimport os\nfrom app import old\nimport app.old\n")

    lines = result.read("app/mine.py").decode().splitlines()
    starts = [n for n, line in enumerate(lines, 1) if line == "<<<<<<< yours"]
    assert [each.line for each in result.merged.conflicts] == starts == [1, 6, 10]


def test_git_itself_makes_the_same_conflict_of_the_stages(tmp_path: Path) -> None:
    """A tool that starts from the unmerged entries asks the user, and loses nothing."""
    result = removed(tmp_path, "import os\nfrom app.old import hello\nprint(os)\n")

    folder = result.repository.root
    git(folder, "read-tree", result.merged.tree)
    entries = "".join(
        f"{each.mode} {each.blob} {each.stage}\t{each.path}\n" for each in result.merged.stages
    )
    removal = f"0 {'0' * 40}\tapp/mine.py\n"
    result.repository.git("update-index", "--index-info", text=removal + entries)
    git(folder, "checkout", "--merge", "app/mine.py")

    content = (folder / "app/mine.py").read_text()
    assert content.replace("ours", "yours").replace("theirs", LABEL) == (
        result.read("app/mine.py").decode()
    )


def test_a_project_without_broken_imports_stays_as_it_is(tmp_path: Path) -> None:
    """The tree is the very same, although the template changed and removed modules."""
    ours = {**OLD, "app/x.py": "A = 1\n", "app/mine.py": "from app.x import A\n"}
    merged = {**PACKAGE, "app/x.py": "A = 2\nB = 3\n", "app/mine.py": "from app.x import A\n"}
    result = fixed(tmp_path, base=OLD, theirs=merged, ours=ours, merged=merged)

    assert result.unchanged
    assert result.merged.tree == tree_of(result.repository, merged)


NO_IMPORTS = [
    "# from app.old import hello\n",
    '"""Like app.old:hello."""\n',
    "from old import hello\n",
    "from app.nothing import hello # unlike app.old\n",
    "from app.old import nothing\n",
    "def f(old):\n    return old.hello\n",
    "from other.app.old import hello\n",
    "from ....app.old import hello\n",
    "__path__ = extend_path(__path__, __name__)\n",
    "print(f'{app.old:hello} app.old')\n",
]


def test_what_is_no_import_of_a_lost_module_stays(tmp_path: Path) -> None:
    """Comments, other packages, and imports that never worked are none of our business."""
    assert removed(tmp_path, *NO_IMPORTS).unchanged


@pytest.mark.parametrize(
    "kept",
    ["app/old.pyi", "app/old.cpython-311-x86_64-linux-gnu.so", "app/old/__init__.py"],
)
def test_a_module_may_be_something_else_now(tmp_path: Path, kept: str) -> None:
    """A compiled module, or a package, has the name as well as a Python file."""
    own = {"app/mine.py": "from app.old import hello\n"}
    merged = {**PACKAGE, kept: HELLO, **own}
    result = fixed(tmp_path, base=OLD, theirs=PACKAGE, ours={**OLD, **own}, merged=merged)

    assert result.unchanged


def test_a_removed_file_may_have_hidden_a_standard_module(tmp_path: Path) -> None:
    """`import secrets` finds Python's module then."""
    own = {"app/mine.py": "import secrets\nfrom secrets import token_hex\n", **PACKAGE}
    before = {"secrets.py": "def token_hex() -> str: ...\n"}
    result = fixed(tmp_path, base=before, theirs={}, ours={**before, **own}, merged=own)

    assert result.unchanged


def test_a_removed_folder_may_have_the_name_of_a_library(tmp_path: Path) -> None:
    """A folder with configuration, which nothing imported, is no package of the project."""
    own = {"app/mine.py": "import redis\nfrom redis import Redis\n", **PACKAGE}
    before = {"redis/redis.conf": "", "redis/setup.py": "Redis = 1\n"}
    result = fixed(tmp_path, base=before, theirs={}, ours={**before, **own}, merged=own)

    assert result.unchanged


GONE = {**PACKAGE, "app/x.py": "gone = 1\nkept = 2\n"}


def without_name(tmp_path: Path, content: str, module: str = "kept = 2\n") -> Fixed:
    """Fix a user's file after the template removed `gone` from app/x.py."""
    own = {"app/mine.py": content}
    after = {**PACKAGE, "app/x.py": module}
    return fixed(tmp_path, base=GONE, theirs=after, ours={**GONE, **own}, merged={**after, **own})


@pytest.mark.parametrize(
    ("content", "suggestion"),
    [
        ("from app.x import gone\n", ""),
        ("from app.x import gone, kept\n", "from app.x import kept\n"),
        ("from .x import kept as k, gone as g\n", "from .x import kept as k\n"),
        ("from app.x import (\n    gone,\n    kept,\n)\n", "from app.x import kept\n"),
        ("def f():\n    from app.x import gone\n", "def f():\n    pass\n"),
    ],
)
def test_an_import_of_a_removed_name_is_a_conflict(
    tmp_path: Path, content: str, suggestion: str
) -> None:
    """The module exists, but not what is imported from it."""
    result = without_name(tmp_path, content)

    assert [each.reason for each in result.merged.conflicts] == [
        f"imports gone from app.x, which {LABEL} removed"
    ]
    assert result.stage("app/mine.py", 2) == content
    assert result.stage("app/mine.py", 3) == suggestion


def conflicts_with(tmp_path: Path, modules: Sequence[str]) -> set[str]:
    """Return those new contents of a module that break `from module import gone`."""
    before, after = dict(PACKAGE), dict(PACKAGE)
    for number, content in enumerate(modules):
        own = {f"app/mine_{number}.py": f"from app.x{number} import gone\n"}
        before |= {f"app/x{number}.py": "gone = 1\n", **own}
        after |= {f"app/x{number}.py": content, **own}
    result = fixed(tmp_path, base=before, theirs=after, ours=before, merged=after)
    lines = [result.read(each.path).decode().splitlines() for each in result.merged.conflicts]
    return {modules[int(line[1].split()[1].removeprefix("app.x"))] for line in lines}


DEFINITIONS = [
    "def gone(): ...\n",
    "async def gone(): ...\n",
    "class gone: ...\n",
    "import gone\n",
    "import gone.below\n",
    "import z as gone\n",
    "from z import gone\n",
    "from z import *\n",
    "gone: int\n",
    "a, (gone, *b) = c\n",
    "a = gone = 1\n",
    "if TYPE_CHECKING:\n    from z import gone\n",
    "if x:\n    pass\nelse:\n    gone = 1\n",
    "try:\n    from z import gone\nexcept ImportError:\n    pass\n",
    "try:\n    pass\nexcept ImportError:\n    gone = None\n",
    "try:\n    pass\nfinally:\n    gone = None\n",
    "with a as gone:\n    pass\n",
    "for gone in a:\n    pass\n",
    "while (gone := a):\n    pass\n",
    "print(gone := 1)\n",
    "match a:\n    case [gone, *_]:\n        pass\n",
    "match a:\n    case {'b': 1, **gone}:\n        pass\n",
    "match a:\n    case 1:\n        gone = 1\n",
    "def f():\n    global gone\n    gone = 1\n",
    "def __getattr__(name): ...\n",
    "globals()['go' + 'ne'] = 1\n",
    "for name in NAMES:\n    vars()[name] = 1\n",
    "exec('gone = 1')\n",
    "setattr(sys.modules[__name__], NAME, 1)\n",
    "__all__ = ['gone']\n",
    "gone = 1 if\n",
    "<<<<<<< yours\ngone = 1\n=======\n>>>>>>> other\n",
]


def test_a_name_may_be_defined_in_many_ways(tmp_path: Path) -> None:
    """A module that has the name, or may have it, breaks no import."""
    assert conflicts_with(tmp_path, DEFINITIONS) == set()


NO_DEFINITIONS = [
    "def f():\n    gone = 1\n",
    "class A:\n    gone = 1\n",
    "# gone = 1\n",
    '"""\ngone = 1\n"""\n',
    "x.gone = 1\n",
    "class A:\n    def __getattr__(self, name): ...\n",
    "def f(gone): ...\n",
    '"""Without globals() and exec."""\n',
    "f = lambda: globals\n",
    "def gone_(): ...\n",
]


def test_a_name_inside_of_a_module_cannot_be_imported(tmp_path: Path) -> None:
    """What only looks like a definition is none."""
    assert conflicts_with(tmp_path, NO_DEFINITIONS) == {*NO_DEFINITIONS}


def test_a_name_of_a_package_may_be_a_module(tmp_path: Path) -> None:
    """`from app.x import gone` finds app/x/gone.py, also without an `__init__.py`."""
    own = {"app/mine.py": "from app.x import gone\nfrom app import x\n"}
    after = {**PACKAGE, "app/x/gone.py": ""}
    result = fixed(tmp_path, base=GONE, theirs=after, ours={**GONE, **own}, merged={**after, **own})

    assert result.unchanged


@pytest.mark.parametrize(
    "head", ["import app.x as y", "from app import x as y", "from . import x as y"]
)
def test_a_use_of_a_removed_name_is_a_conflict(tmp_path: Path, head: str) -> None:
    """It is as broken as an import of the name."""
    result = without_name(tmp_path, f"{head}\n\nprint(y.kept)\nprint(y.gone)\n")

    assert [each.as_text() for each in result.merged.conflicts] == [
        f"app/mine.py:4: uses gone from app.x, which {LABEL} removed"
    ]
    assert f"<<<<<<< yours\nprint(y.gone)\n=======\n>>>>>>> {LABEL}\n".encode() in (
        result.read("app/mine.py")
    )


def test_a_use_by_its_full_name_is_a_conflict(tmp_path: Path) -> None:
    """`import app.x` gives `app.x.gone` a meaning, also in the head of a block."""
    result = without_name(tmp_path, "import app.x\n\nif app.x.gone:\n    print(1)\n")

    assert [each.line for each in result.merged.conflicts] == [3]
    assert b"yours\nif app.x.gone:\n====" in result.read("app/mine.py")


NO_USES = [
    "from app import x\nx.kept.gone\n",
    "from app import x\nhasattr(x, 'gone') and x.gone\n",
    "from app import x\ntry:\n    x.gone\nexcept AttributeError:\n    pass\n",
    "from app import x\nx.gone = 1\nprint(x.gone)\n",
    "from app import x\ndef f(x):\n    return x.gone\n",
    "from app import x\nfor x in y:\n    print(x.gone)\n",
    "from app import x\nx = Proxy(x)\nprint(x.gone)\n",
    "import app.x\ndef f(app):\n    return app.x.gone\n",
    "from app.x import kept as x\nprint(x.gone)\n",
    "x = object()\nprint(x.gone)\n",
    "import x\nprint(x.gone)\n",
]


def test_an_attribute_of_something_else_is_no_use(tmp_path: Path) -> None:
    """Only what is surely the module counts, and only if nobody gives it the name."""
    for number, content in enumerate(NO_USES):
        assert without_name(tmp_path / str(number), content).unchanged, content


def test_another_file_may_give_a_module_its_name(tmp_path: Path) -> None:
    """Names that tests or a start-up step set are no names that the template removed."""
    own = {
        "app/mine.py": "from app import x\nprint(x.gone)\n",
        "app/start.py": "import app.x\napp.x.gone = 1\n",
    }
    after = {**PACKAGE, "app/x.py": "kept = 2\n"}
    result = fixed(tmp_path, base=GONE, theirs=after, ours={**GONE, **own}, merged={**after, **own})

    assert result.unchanged


OPTIONAL = [
    "try:\n    from app.old import hello\nexcept ImportError:\n    hello = None\n",
    "try:\n    import app.old\nexcept (KeyError, ModuleNotFoundError):\n    pass\n",
    "try:\n    import app.old\nexcept Exception:\n    pass\n",
    "with suppress(ImportError):\n    import app.old\n",
    "with contextlib.suppress(ImportError):\n    import app.old\n",
    "with contextlib.suppress(ImportError):\n    import_module('app.old')\n",
]


def test_an_optional_import_is_only_mentioned(tmp_path: Path) -> None:
    """It may do without the module, so that it is right as it is."""
    result = removed(tmp_path, *OPTIONAL)

    assert [result.read(f"app/mine_{n}.py").decode() for n in range(len(OPTIONAL))] == OPTIONAL
    assert result.merged.conflicts == ()
    told = [notice.partition(" ")[2] for notice in result.merged.notices]
    assert told[:-1] == [f"imports app.old, which {LABEL} removed, if it exists"] * len(told[:-1])
    assert told[-1] == f"names app.old, which {LABEL} removed"
    assert len(told) == len(OPTIONAL)


REQUIRED = [
    "try:\n    import app.old\nexcept KeyError:\n    pass\n",
    "try:\n    pass\nexcept ImportError:\n    import app.old\n",
    "with suppress(KeyError):\n    import app.old\n",
]


def test_an_import_beside_a_handler_is_not_optional(tmp_path: Path) -> None:
    """Only an import whose failure is caught is."""
    assert len(removed(tmp_path, *REQUIRED).merged.conflicts) == len(REQUIRED)


REQUIRED_BY_NAME = ["pytest_plugins = ['app.old']\n", "import_module('app.old', 'app')\n"]


def test_an_import_by_name_is_a_conflict(tmp_path: Path) -> None:
    """It fails as any other import does."""
    result = removed(tmp_path, *REQUIRED_BY_NAME)

    assert [each.as_text() for each in result.merged.conflicts] == [
        f"app/mine_{number}.py:1: imports app.old, which {LABEL} removed" for number in (0, 1)
    ]


def test_a_remark_has_the_line_that_the_file_gets(tmp_path: Path) -> None:
    """Markers above it move it down."""
    result = removed(tmp_path, "a = 'app.old'\nimport app.old\nb = 'app.old'\n")

    assert result.read("app/mine.py").decode().splitlines()[5] == "b = 'app.old'"
    assert [each.split()[0] for each in result.merged.notices] == ["app/mine.py:1", "app/mine.py:6"]


def test_several_imports_of_a_module_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Each use changes once, although every import has all uses."""
    uses = "print(app.old.sub, app.old.hello, app.old)\n"
    own = {"app/mine.py": f"import app.old, app.old.sub\n\n{uses}\ndef f():\n    import app.old\n"}
    before = {**PACKAGE, "app/old/__init__.py": HELLO, "app/old/sub.py": "x = 1\n"}
    after = {path.replace("old", "newer"): content for path, content in before.items()}
    renames = {path: path.replace("old", "newer") for path in before if "old" in path}
    result = fixed(
        tmp_path,
        base=before,
        theirs=after,
        ours={**before, **own},
        merged={**after, **own},
        renamed=renames,
    )

    assert result.read("app/mine.py").decode() == own["app/mine.py"].replace("old", "newer")


@pytest.mark.parametrize("text", ["app.old", "app.old.hello", "app.old:hello"])
def test_a_string_that_names_a_removed_module_is_mentioned(tmp_path: Path, text: str) -> None:
    """It may be a reference or the name of a logger."""
    result = removed(tmp_path, f"\nname = '{text}'\n")

    assert result.merged.notices == (f"app/mine.py:2 names app.old, which {LABEL} removed",)
    assert result.merged.tree == tree_of(
        result.repository, {**PACKAGE, "app/mine.py": f"\nname = '{text}'\n"}
    )


def test_the_name_of_a_logger_is_only_mentioned(tmp_path: Path) -> None:
    """The module has another name now, but nobody knows whether the logger should, too."""
    result = renamed(tmp_path, "getLogger('app.old')\n")

    assert result.read("app/mine.py") == b"getLogger('app.old')\n"
    assert result.merged.notices == ("app/mine.py:1 names app.old, which is app.new now",)


@pytest.mark.parametrize(
    "content",
    [
        "import app.old\n\ndef f(app):\n    app.old\n",
        "import app.old\n\napp . old.hello()\n",
    ],
)
def test_what_cannot_be_changed_safely_is_a_conflict(tmp_path: Path, content: str) -> None:
    """Where the module went is certain, but not what all of the file means."""
    result = renamed(tmp_path, content)

    (conflict,) = result.merged.conflicts
    assert conflict.reason == "imports app.old, which is app.new now"
    assert result.stage("app/mine.py", 2) == content
    assert "app.new" in result.stage("app/mine.py", 3)


def test_a_file_with_conflicts_stays(tmp_path: Path) -> None:
    """The user decides about it anyway, and its unmerged entries must fit its text."""
    own = {"app/mine.py": "from app.old import hello\n"}
    after = {**PACKAGE, **own}
    result = fixed(
        tmp_path,
        base=OLD,
        theirs=PACKAGE,
        ours={**OLD, **own},
        merged=after,
        unmerged=["app/mine.py"],
    )

    assert result.merged.tree == tree_of(result.repository, after)
    assert len(result.merged.stages) == 1
    assert result.merged.conflicts == ()


@pytest.mark.parametrize(
    "content", ["this is no Python, import app.old\n", "<<<<<<< yours\nfrom app.old import hello\n"]
)
def test_a_file_that_cannot_be_read_is_mentioned(tmp_path: Path, content: str) -> None:
    """Its syntax may be that of a newer Python, where its imports may be broken now."""
    result = removed(tmp_path, content)

    (notice,) = result.merged.notices
    assert notice.startswith("app/mine.py cannot be read by Python 3.")
    assert result.read("app/mine.py").decode() == content


def test_a_file_that_cannot_be_read_and_names_nothing_lost(tmp_path: Path) -> None:
    """Nothing is said about what the update has nothing to do with."""
    assert removed(tmp_path, "this is no Python, import app.other\n").unchanged


SPLIT = {**PACKAGE, "app/new.py": HELLO, "app/two.py": "def bye() -> None: ...\n"}
UNSPLIT = {**PACKAGE, "app/old.py": f"import os\n\n{HELLO}def bye() -> None: ...\n"}


def split(tmp_path: Path, content: str) -> Fixed:
    """Fix a user's file after the template moved half of app/old.py to another module."""
    return fixed(
        tmp_path,
        base=UNSPLIT,
        theirs=SPLIT,
        ours={**UNSPLIT, "app/mine.py": content},
        merged={**SPLIT, "app/mine.py": content},
        renamed={"app/old.py": "app/new.py"},
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            "import app.old as old\n\nold.hello()\nold.bye()\n",
            "app/mine.py:4: uses app.old.bye, which is app.two.bye now",
        ),
        (
            "from app import old\n\nold.hello()\nold.bye()\n",
            "app/mine.py:4: uses app.old.bye, which is app.two.bye now",
        ),
        (
            "import app.old\n\napp.old.hello()\napp.old.bye()\n",
            "app/mine.py:4: uses app.old.bye, which is app.two.bye now",
        ),
        (
            "from app.old import *\n\nhello()\n",
            f"app/mine.py:1: imports app.old, which {LABEL} removed",
        ),
    ],
)
def test_a_split_module_is_not_simply_renamed(tmp_path: Path, content: str, reason: str) -> None:
    """What is in its other half cannot be used through the module that the import follows."""
    result = split(tmp_path, content)

    assert [each.as_text() for each in result.merged.conflicts] == [reason]


@pytest.mark.parametrize(
    "content",
    [
        "import app.old as old\n\nold.hello()\n",
        "import app.old as old\n\nold.hello()\nother.bye()\nold.unknown()\n",
        "import app.old\n\napp.old.hello()\n",
    ],
)
def test_half_of_a_split_module_is_followed(tmp_path: Path, content: str) -> None:
    """Who uses nothing of the other half need not decide about it."""
    result = split(tmp_path, content)

    assert not result.merged.conflicts
    assert result.merged.imports
    assert b"app.new" in result.read("app/mine.py")
