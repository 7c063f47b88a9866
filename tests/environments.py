"""An environment that many projects share, and what it proves about each of them all the same.

Installing a project and importing its libraries takes longer than all that is tested in most
combinations. So these share an environment with the libraries of all projects, in which a Python
has imported them once. A requirement that is missing would not be noticed there: the test of
`undeclared` notices it.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from chatkit_scaffold import launcher
from tests.command import REPOSITORY

_WARM = Path(__file__).with_name("warm.py")
_TEMPLATE = REPOSITORY / "template"
_OWN = {"app", "tests"}
"""The packages of a project."""


def install_all(folder: Path) -> Path:
    """Install in *folder* what any project requires; return the folder, which is a project too."""
    lines = {
        line
        for path in _TEMPLATE.rglob("*requirements.txt")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line and line[0] != "#"
    }
    (folder / "pyproject.toml").write_text(
        f"""[project]
name = "everything"
version = "0"
requires-python = ">=3.11"
dependencies = {sorted(lines)}
[tool.uv]
package = false
""",
        encoding="utf-8",
    )
    launcher.install(folder)
    return folder


def share_bytecode(project: Path, other: Path) -> None:
    """Give a project's environment the bytecode that another one has of the same files.

    Python compares a file's size and time with those in the bytecode, and compiles others anew.
    """
    packages, others = _packages(project), _packages(other)
    for compiled in others.rglob("__pycache__"):
        folder = packages / compiled.relative_to(others)
        if folder.parent.is_dir() and not folder.exists():
            shutil.copytree(compiled, folder, copy_function=os.link)


@contextmanager
def warm(python: Path, folder: Path) -> Iterator[Path]:
    """Yield an environment in *folder* whose Python has imported the projects' libraries already.

    Args:
        python: The interpreter that has the libraries.
        folder: An empty folder.
    """
    address = folder / "socket"
    program = folder / "bin" / "python"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{python}" -I -S "{_WARM}" run "{address}" "$@"\n')
    program.chmod(0o755)
    modules = [*sorted(_imported_by_template()), "mypy.main"]
    process = subprocess.Popen(
        [python, _WARM, "serve", address, *modules], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        yield folder
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def undeclared(project: Path, environment: Path) -> dict[str, str]:
    """Return the modules that a project imports from libraries that it does not require.

    Args:
        project: A generated project.
        environment: One with the libraries of all projects.

    Returns:
        By module, one of the files that import it.
    """
    pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = _with_their_own(pyproject["project"]["dependencies"], environment)
    development = _with_their_own(pyproject["dependency-groups"]["dev"], environment)
    return {
        module: path.relative_to(project).as_posix()
        for folder, required in (("app", runtime), ("tests", runtime | development))
        for path in (project / folder).rglob("*.py")
        for module in _imported(path)
        if not _providers(environment).get(module, set()) & required
    }


def _imported(path: Path) -> set[str]:
    """Return the modules of libraries that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    own = _OWN | sys.stdlib_module_names
    return {name for name in names if name.partition(".")[0] not in own}


def _imported_by_template() -> set[str]:
    """Return the modules of libraries that the `app` of any project imports."""
    paths = [
        path
        for path in _TEMPLATE.rglob("*.py")
        if "tests" not in path.parts and not re.match(r"test_|fixtures|service", path.name)
    ]
    return set().union(*map(_imported, paths))


def _packages(project: Path) -> Path:
    """Return the folder of the libraries in a project's environment."""
    (folder,) = project.glob(".venv/lib/python*/site-packages")
    return folder


@cache
def _libraries(environment: Path) -> dict[str, Distribution]:
    """Return what is installed in an environment, by name."""
    found = distributions(path=[str(_packages(environment))])
    return {canonicalize_name(library.metadata["Name"]): library for library in found}


@cache
def _providers(environment: Path) -> dict[str, set[str]]:
    """Return the libraries that have a module, or a part of a package, by module."""
    providers: dict[str, set[str]] = defaultdict(set)
    for name, library in _libraries(environment).items():
        for file in library.files or ():
            parts = [*file.parts[:-1], file.name.partition(".")[0]]
            for number in range(1, len(parts) + 1):
                providers[".".join(parts[:number])].add(name)
    return providers


def _with_their_own(lines: Iterable[str], environment: Path) -> set[str]:
    """Return the libraries that requirements name, and those that these require in turn."""
    libraries = _libraries(environment)
    found: set[str] = set()
    waiting = [(line, "") for line in lines]
    seen: set[tuple[str, str]] = set()
    while waiting:
        line, extra = waiting.pop()
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in ("", *requirement.extras):
            if name in libraries and (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(inner, wanted) for inner in libraries[name].requires or ()]
        found.add(name)
    return found
