"""A project that was formatted in another way merges as if it had not been."""

import subprocess
from pathlib import Path

import pytest
from ruff import find_ruff_bin

from chatkit_scaffold.update import formatting
from chatkit_scaffold.update.formatting import Batch
from tests.update.three_sides import Content, Result, merge_files

pytestmark = pytest.mark.quick

Files = dict[str, Content]

PYPROJECT = """\
[project]
name = "bot"
requires-python = ">=3.11"

[tool.ruff]
line-length = 100

[tool.ruff.lint]
select = ["E"]
"""
NARROW = PYPROJECT.replace("100", "60")


def module(name: str, *, greeting: str = "hello", tail: str = "") -> str:
    """Return a module, formatted for 100 columns, that looks different at 60."""
    functions = [
        f"def {name}_{number}({name}: str, second: str = {greeting!r}) -> tuple[str, str, str]:\n"
        f'    return {name}.removeprefix("{name}"), second.removesuffix("b"), {name} + second\n'
        for number in range(4)
    ]
    end = f"END = {name}_0\n"
    return f'"""Module {name}."""\n\n\n' + "\n\n".join([*functions, end, *([tail] if tail else [])])


OWN = (
    "def own(argument_one: str, argument_two: str) -> str:\n"
    "    return argument_one.strip() + argument_two.strip() + str(len(argument_one))\n"
)
GUIDE = (
    "# Guide\n\n```python\ncall_of_something(first_argument=1, second_argument=2, third=3)\n```\n"
)


def as_ruff_formats(files: Files, *, at: Path) -> Files:
    """Return the files as the user's own `ruff format` writes them."""
    for name, content in files.items():
        path = at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(content))
    subprocess.run([find_ruff_bin(), "format", "--no-cache", "--quiet", at], check=True)
    return {name: (at / name).read_text() for name in files}


def is_formatted(result: Result, folder: Path) -> bool:
    """Return whether `ruff format --check` accepts the result with its own settings."""
    before = {name: content for name, content in result.files.items() if "broken" not in name}
    return as_ruff_formats({**before}, at=folder) == before


BASE: Files = {
    "pyproject.toml": PYPROJECT,
    "app/fix.py": module("fix"),
    "app/both.py": module("both"),
    "app/old.py": module("old"),
    "app/mine.py": module("mine"),
    "docs/guide.md": GUIDE,
    "text.txt": "x\n",
}
THEIRS: Files = {
    "pyproject.toml": PYPROJECT,
    "app/fix.py": module("fix", greeting="good morning"),
    "app/both.py": module("both").replace('"""Module both."""', '"""Module of both."""'),
    "app/new.py": module("old").replace('"b"', '"fixed"', 1),
    "app/mine.py": module("mine").replace('"b"', '"fixed"', 1),
    "app/added.py": module("added"),
    "docs/guide.md": GUIDE.replace("# Guide", "# A guide"),
    "text.txt": "y\n",
}
EDITED: Files = {
    "app/fix.py": module("fix"),
    "app/both.py": module("both", tail=OWN),
    "app/old.py": module("old", tail=OWN),
    "app/own_name.py": module("mine"),
    "app/own.py": module("own"),
    "docs/guide.md": GUIDE,
    "text.txt": "x\n",
}
SETTINGS: dict[str, Files] = {
    "narrow": {"pyproject.toml": NARROW},
    "ruff.toml": {
        "pyproject.toml": PYPROJECT,
        "ruff.toml": "line-length = 60\nformat.quote-style = 'single'\n",
    },
    "extended": {
        "pyproject.toml": PYPROJECT.replace("line-length = 100", 'extend = "style/base.toml"'),
        "style/base.toml": "line-length = 140\nindent-width = 2\n",
    },
}


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_reformatted_project(tmp_path: Path, settings: str) -> None:
    """Nothing conflicts, every change is there, and the result is formatted."""
    ours = as_ruff_formats({**EDITED, **SETTINGS[settings]}, at=tmp_path / "user")

    result = merge_files(tmp_path, BASE, ours, THEIRS)

    assert result.conflicts == []
    assert result.lists()["added"] == ["app/added.py"]
    assert result.lists()["merged"] == ["app/both.py", "app/new.py", "app/own_name.py"]
    assert result.lists()["updated"] == ["app/fix.py", "docs/guide.md", "text.txt"]
    for path in ("app/both.py", "app/new.py"):
        assert "def own" in result.files[path]
    assert "good morning" in result.files["app/fix.py"]
    assert "Module of both" in result.files["app/both.py"]
    assert result.files["app/new.py"].count("fixed") == 1
    assert result.files["app/own_name.py"].count("fixed") == 1
    assert is_formatted(result, tmp_path / "result")


def test_reformatted_without_a_change_to_the_settings_that_matter(tmp_path: Path) -> None:
    """Other lint rules do not start Ruff for all files: the texts are merged as they are."""
    ours = {**BASE, "pyproject.toml": PYPROJECT.replace('["E"]', '["E", "F"]')}

    result = merge_files(tmp_path, BASE, ours, THEIRS)

    assert result.conflicts == []
    assert result.files["app/added.py"] == THEIRS["app/added.py"]


def test_changed_settings_without_reformatting(tmp_path: Path) -> None:
    """Files stay as the user left them, however odd."""
    ours: Files = {**EDITED, "pyproject.toml": NARROW}

    result = merge_files(tmp_path, BASE, ours, THEIRS)

    assert result.conflicts == []
    assert result.files["app/fix.py"] == THEIRS["app/fix.py"]
    assert result.files["app/added.py"] == THEIRS["app/added.py"]


def test_some_files_reformatted(tmp_path: Path) -> None:
    """Each file is treated as the user treated it, also an excluded one and an invalid one."""
    names = ["app/one.py", "app/two.py", "app/excluded.py", "app/broken.py", "app/hasty.py"]
    base: Files = {"pyproject.toml": PYPROJECT, **{name: module("m") for name in names}}
    theirs: Files = {name: str(content).replace('"b"', '"fixed"') for name, content in base.items()}
    settings = NARROW.replace("= 60", '= 60\nextend-exclude = ["excluded.py"]')
    ours = as_ruff_formats({**base, "pyproject.toml": settings}, at=tmp_path / "user")
    ours |= {"app/two.py": module("m"), "app/broken.py": module("m", tail="def broken(:\n")}
    ours["app/hasty.py"] = str(ours["app/hasty.py"]) + "\n\nx  =  1\n"

    result = merge_files(tmp_path, base, ours, theirs)

    assert result.conflicts == []
    assert result.files["app/two.py"] == theirs["app/two.py"]
    assert result.files["app/excluded.py"] == theirs["app/excluded.py"]
    assert result.files["app/broken.py"].endswith("def broken(:\n")
    assert result.files["app/hasty.py"].endswith("x  =  1\n")
    for name in ("app/one.py", "app/hasty.py"):
        assert "second.removesuffix('fixed')" not in result.files[name]
        assert result.files[name].count('"fixed"') == 4
        assert max(map(len, result.files[name].splitlines())) <= 60


def test_settings_of_the_repository_around(tmp_path: Path) -> None:
    """A project of a monorepo may have dropped its own settings for those of the repository."""
    without = PYPROJECT[: PYPROJECT.index("[tool.ruff]")]
    ours = as_ruff_formats(
        {
            "ruff.toml": 'extend = "shared/style.toml"\n',
            "shared/style.toml": "line-length = 60\n",
            **{f"bot/{name}": content for name, content in EDITED.items()},
            "bot/pyproject.toml": without,
        },
        at=tmp_path / "user",
    )
    (tmp_path / "ours").mkdir()
    for name in ("ruff.toml", "shared/style.toml"):
        path = tmp_path / "ours" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(ours.pop(name)))
    project = {name.removeprefix("bot/"): content for name, content in ours.items()}

    result = merge_files(tmp_path, BASE, project, THEIRS, prefix="bot")

    assert result.conflicts == []
    assert "good morning" in result.files["app/fix.py"]
    assert max(map(len, result.files["app/fix.py"].splitlines())) <= 60


@pytest.mark.parametrize(
    "settings",
    ["[tool.ruff]\nrequired-version = '<0.1'\nline-length = 60\n", "[tool.ruff\n", "\udcff"],
    ids=["other version", "invalid", "not UTF-8"],
)
def test_settings_that_ruff_rejects(tmp_path: Path, settings: str) -> None:
    """The merge takes place without Ruff."""
    content = settings.encode("utf-8", "surrogateescape")
    ours: Files = {**EDITED, "pyproject.toml": content}

    result = merge_files(tmp_path, {**BASE, "pyproject.toml": PYPROJECT}, ours, THEIRS)

    assert result.conflicts == []
    assert result.files["app/fix.py"] == THEIRS["app/fix.py"]


def test_merged_files_are_formatted_if_the_users_were(tmp_path: Path) -> None:
    """A merge may need formatting; a file that the user never formatted stays as it is."""
    lines = ["a = 1", "b = 2", "c = 3", "d = 4", "e = 5"]
    base = "\n".join(["import os", "", *lines, "print(os, a, b, c, d, e)", ""])
    ours = base.replace("import os\n", "import os\n\nA = 0")
    theirs = base.replace("print(os,", "print(\n    os,").replace(" e)", " e\n)")
    assert ours != base != theirs
    files: Files = {"pyproject.toml": PYPROJECT, "good.py": base, "bad.py": base}

    result = merge_files(
        tmp_path,
        files,
        {**files, "good.py": ours, "bad.py": ours.replace("A = 0", "A  =  0")},
        {**files, "good.py": theirs, "bad.py": theirs},
    )

    assert result.files["good.py"] == ours
    assert "A  =  0" in result.files["bad.py"]
    assert "print(\n    os," in result.files["bad.py"]


def test_what_ruff_does_not_format_is_left_out() -> None:
    """Only files that it has formatted come back, those that it need not change among them."""
    files = {
        "good.py": b"x = 1\n",
        "bad.py": b"x  =  1\n",
        "windows.py": b"x = 1\r\ny  = 2\r\n",
        "invalid.py": b"x = (\n",
        "excluded.py": b"x  =  1\n",
        "guide.md": b"# x\n\n```py\nx  =  1\n```\n",
        "open.md": b"# x\n\n```py\nx  =  1\n",
    }

    formatted = formatting.formatted(
        {"a": Batch({"ruff.toml": b'exclude = ["excluded.py"]'}, files), "b": Batch({}, {})}, "in"
    )

    assert formatted == {
        "a": {
            "good.py": b"x = 1\n",
            "bad.py": b"x = 1\n",
            "windows.py": b"x = 1\r\ny = 2\r\n",
            "guide.md": b"# x\n\n```py\nx = 1\n```\n",
        },
        "b": {},
    }


@pytest.mark.parametrize("pyproject", ["tool = 3\n", 'project = "bot"\n', "tool.ruff = 'no'\n"])
def test_settings_that_are_no_table(tmp_path: Path, pyproject: str) -> None:
    """Ruff rejects them, so the texts are merged as they are."""
    result = merge_files(tmp_path, BASE, {**BASE, "pyproject.toml": pyproject}, THEIRS)

    assert result.conflicts == []
    assert result.files == {**THEIRS, "pyproject.toml": pyproject}
