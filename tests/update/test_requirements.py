"""Lists of requirements merge by name, whatever their order."""

import tomllib
from pathlib import Path

import pytest

from tests.update.three_sides import Result, merge_files

pytestmark = pytest.mark.quick

BASE = """\
[project]
name = "bot"
# Run the tests before you raise the bounds.
dependencies = [
    "fastapi>=0.1,<0.2",
    "httpx>=0.28,<0.29",
    "openai-chatkit>=1.6,<1.7",
    "uvicorn>=0.3,<0.4",
]

[dependency-groups]
dev = [
    "mypy>=2,<3",
    "pytest>=9,<10",
]

[tool.ruff]
line-length = 100
"""


def edited(*changes: tuple[str, str]) -> str:
    """Return the file with texts replaced."""
    result = BASE
    for old, new in changes:
        assert old in result
        result = result.replace(old, new)
    return result


def merge_projects(folder: Path, ours: str, theirs: str) -> Result:
    """Merge two versions of pyproject.toml."""
    return merge_files(folder, *({"pyproject.toml": version} for version in (BASE, ours, theirs)))


UVICORN = '    "uvicorn>=0.3,<0.4",\n'
PYTEST = '    "pytest>=9,<10",\n'


def test_additions_and_pins_of_both_sides(tmp_path: Path) -> None:
    """The user adds at the end and pins; the template changes the line beside it, and adds."""
    ours = edited(
        (UVICORN, UVICORN + '    "rich>=13", # for the reports\n'),
        ("httpx>=0.28,<0.29", "httpx==0.28.1"),
        (PYTEST, PYTEST + "    # Ours.\n    'pytest-cov',\n    {include-group = \"docs\"},\n"),
        ("line-length = 100\n", "line-length = 100\n\n[tool.extra]\n"),
    )
    theirs = edited(
        ("openai-chatkit>=1.6,<1.7", "openai-chatkit>=1.7,<1.8"),
        (UVICORN, '    "uvicorn>=0.4,<0.5",\n    "zstandard>=1,<2",\n'),
        ('    "mypy>=2,<3",\n    "pytest>=9,<10",\n', '    "pytest>=9.1,<10",\n    "ty>=1",\n'),
    )

    result = merge_projects(tmp_path, ours, theirs)

    assert result.conflicts == []
    assert result.merged.stages == ()
    assert result.lists() == {"merged": ["pyproject.toml"]}
    content = result.files["pyproject.toml"]
    parsed = tomllib.loads(content)
    assert parsed["project"]["dependencies"] == [
        "fastapi>=0.1,<0.2",
        "httpx==0.28.1",
        "openai-chatkit>=1.7,<1.8",
        "uvicorn>=0.4,<0.5",
        "rich>=13",
        "zstandard>=1,<2",
    ]
    assert parsed["dependency-groups"]["dev"] == [
        "pytest>=9.1,<10",
        "pytest-cov",
        {"include-group": "docs"},
        "ty>=1",
    ]
    assert '"rich>=13", # for the reports\n' in content
    assert "    # Ours.\n    'pytest-cov',\n" in content
    assert "[tool.extra]" in content


def test_one_requirement_changed_by_both(tmp_path: Path) -> None:
    """Only that line is in conflict; the lines around it are merged."""
    ours = edited(("httpx>=0.28,<0.29", "httpx==0.28.1"), (UVICORN, UVICORN + '    "rich"\n'))
    theirs = edited(
        ("httpx>=0.28,<0.29", "httpx>=0.29,<0.30"),
        (UVICORN, '    "uvicorn>=0.4,<0.5",\n    "zstandard>=1,<2",\n'),
    )

    result = merge_projects(tmp_path, ours, theirs)

    lines = result.files["pyproject.toml"].splitlines()
    assert result.conflicts == ["pyproject.toml:6: both changed these lines"]
    assert lines[5:10] == [
        "<<<<<<< yours",
        '    "httpx==0.28.1",',
        "=======",
        '    "httpx>=0.29,<0.30",',
        ">>>>>>> chatkit-scaffold 0.3.0",
    ]
    assert lines[11:15] == [
        '    "uvicorn>=0.4,<0.5",',
        '    "rich",',
        '    "zstandard>=1,<2",',
        "]",
    ]
    assert [stage.stage for stage in result.merged.stages] == [1, 2, 3]


def test_the_same_requirement_added_by_both(tmp_path: Path) -> None:
    """It is there once if both agree, and in conflict if not, though git sees no conflict."""
    first = '    "fastapi>=0.1,<0.2",\n'
    theirs = edited((first, '    "Rich>=13",\n' + first))

    alike = merge_projects(tmp_path / "a", edited((UVICORN, UVICORN + '    "Rich>=13",\n')), theirs)
    otherwise = merge_projects(
        tmp_path / "b", edited((UVICORN, UVICORN + '    "rich==12",\n')), theirs
    )

    assert alike.files["pyproject.toml"] == theirs
    assert alike.conflicts == []
    assert otherwise.conflicts == ["pyproject.toml:5: both changed these lines"]
    assert otherwise.files["pyproject.toml"].count("ich") == 2
    assert [stage.stage for stage in otherwise.merged.stages] == [1, 2, 3]


def test_removed_by_one_and_changed_by_the_other(tmp_path: Path) -> None:
    """That is for the user to decide; a removal that nobody contradicts is not."""
    ours = edited((UVICORN, ""), ('    "mypy>=2,<3",\n', ""))
    theirs = edited(("uvicorn>=0.3,<0.4", "uvicorn>=0.4,<0.5"), ("pytest>=9,<10", "pytest>=9.1"))

    result = merge_projects(tmp_path, ours, theirs)

    assert [conflict.line for conflict in result.merged.conflicts] == [8]
    content = result.files["pyproject.toml"]
    assert "mypy" not in content
    assert "pytest>=9.1" in content


@pytest.mark.parametrize(
    "ours",
    [
        edited((UVICORN, '    "rich", "uvicorn",\n')),
        edited((UVICORN, UVICORN + "    \"uvicorn; python_version < '3.12'\",\n")),
    ],
    ids=["two in a line", "one name twice"],
)
def test_other_ways_to_write_a_list(tmp_path: Path, ours: str) -> None:
    """What is not one requirement per line is merged as git merges it, with its conflict."""
    theirs = edited((UVICORN, '    "uvicorn>=0.4,<0.5",\n'))

    result = merge_projects(tmp_path, ours, theirs)

    assert result.conflicts == ["pyproject.toml:8: both changed these lines"]
    for line in (*ours.splitlines(), *theirs.splitlines()):
        assert line in result.files["pyproject.toml"]


def test_a_conflict_elsewhere_in_the_file(tmp_path: Path) -> None:
    """It stays one, beside lists that merge."""
    ours = edited((UVICORN, UVICORN + '    "rich",\n'), ("= 100", "= 120"))
    theirs = edited((UVICORN, UVICORN + '    "zstandard",\n'), ("= 100", "= 110"))

    result = merge_projects(tmp_path, ours, theirs)

    assert len(result.conflicts) == 1
    assert '    "rich",\n    "zstandard",\n]' in result.files["pyproject.toml"]
    assert "<<<<<<< yours\nline-length = 120\n" in result.files["pyproject.toml"]


def test_windows_line_ends(tmp_path: Path) -> None:
    """A list with CRLF merges as well, and keeps it."""
    ours = edited((UVICORN, UVICORN + '    "rich",\n')).replace("\n", "\r\n")
    theirs = edited((UVICORN, UVICORN + '    "zstandard",\n'))

    result = merge_projects(tmp_path, ours, theirs)

    assert result.conflicts == []
    expected = edited((UVICORN, UVICORN + '    "rich",\n    "zstandard",\n'))
    assert result.files["pyproject.toml"] == expected.replace("\n", "\r\n")
