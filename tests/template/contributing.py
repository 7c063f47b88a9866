"""The steps of "Add a choice" in CONTRIBUTING.md, each with the condition that it brings about."""

import re
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from chatkit_scaffold.errors import ScaffoldError, TemplateError
from chatkit_scaffold.generator.choices import variables
from chatkit_scaffold.generator.questions import Question, axes, read_questions
from tests.command import REPOSITORY
from tests.lock import locked_versions, unmet
from tests.template.markdown import sections

WITH_TABLE = runpy.run_path(str(REPOSITORY / "docs" / "build.py"))["with_table"]

KEYS: dict[str, type | tuple[type, ...]] = {
    "summary": str,
    "sql": bool,
    "modules": list,
    "tests": list,
    "page_modules": list,
    "page_tests": list,
    "records": bool,
    "sdk": (str, type(None)),
    "durable": bool,
    "secrets": bool,
    "sign_in": bool,
    "words": str,
    "filterwarnings": list,
    "pyproject": str,
}
"""The keys of a `choice.yml`, and the types of their values."""

_OPTIONAL = {"records.py", "token_start_page.py"}
"""Modules that not every choice of an axis needs."""

_OF_PAGES = {".css", ".html", ".js", ".json", ".ts", ".tsx"}
"""Suffixes of files for browsers; in those, what one choice needs may be more than another's."""

Problems = Iterator[str]

_UNREADABLE = (OSError, ScaffoldError, yaml.YAMLError, LookupError, TypeError)
"""Raised by reading files that are missing or not as they should be."""


def section(root: Path) -> str:
    """Return what CONTRIBUTING.md says about adding a choice."""
    return sections((root / "CONTRIBUTING.md").read_text(encoding="utf-8"))["Add a choice"]


def steps(root: Path) -> dict[str, str]:
    """Return the words of each numbered step, by the first thing that it names as code."""
    found = re.findall(r"^\d+\. (.+(?:\n +.+)*)", section(root), flags=re.MULTILINE)
    words = [" ".join(step.split()) for step in found]
    return {step.split("`")[1]: step for step in words}


def missing(root: Path) -> list[str]:
    """Return the words of every step that was left out in a repository, with what is wrong.

    A condition that cannot be checked while another step is missing is left to the next run.
    """
    wrong: dict[str, str] = {}
    unchecked: dict[str, str] = {}
    for step, words in steps(root).items():
        try:
            if problems := "; ".join(CONDITIONS[step](root)):
                wrong[words] = problems
        except _UNREADABLE as error:
            unchecked[words] = f"cannot be checked: {error}"
    return [f"{words} ({problems})" for words, problems in (wrong or unchecked).items()]


def _in_folders(root: Path) -> Problems:
    """Every choice has a folder, with the files that the default choice of its axis has.

    A file that several choices of the axis share is in `template/shared/<axis>` instead.
    """
    for axis in axes(read_questions(root)):
        expected = _files(root, axis.key, str(axis.default))
        for choice in sorted(_values(axis) | _folders(root, axis.key)):
            found = _files(root, axis.key, choice)
            if not found:
                yield f"{axis.key}/{choice} does not exist"
                continue
            shared = {path.name for path in (root / "template/shared" / axis.key).glob("*")}
            lacking = sorted(expected - found - shared)
            yield from (f"{axis.key}/{choice} has no {name}" for name in lacking)
            yield from (
                f"{axis.key}/{choice} has {name}, which {axis.default} has not"
                for name in sorted(found - expected - _OPTIONAL)
                if Path(name).suffix not in _more_allowed(root, axis.key, choice)
            )


def _in_descriptions(root: Path) -> Problems:
    """Every `choice.yml` has all keys, and agrees with the other files of its folder."""
    for path in sorted((root / "template" / "options").glob("*/*/choice.yml")):
        axis, choice = path.parts[-3:-1]
        for problem in _in_description(root, axis, choice, path):
            yield f"{axis}/{choice}: {problem}"


def _in_description(root: Path, axis: str, choice: str, path: Path) -> Problems:
    try:
        facts = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError:
        yield "is not valid YAML"
        return
    if not isinstance(facts, dict) or facts.keys() != KEYS.keys():
        yield f"needs the keys {', '.join(KEYS)}"
        return
    wrong = [key for key, kind in KEYS.items() if not isinstance(facts[key], kind)]
    yield from (f"{key} cannot be {facts[key]!r}" for key in wrong)
    if not wrong:
        yield from _disagreements(root, axis, choice, facts)


def _disagreements(root: Path, axis: str, choice: str, facts: dict[str, Any]) -> Problems:
    folder = root / "template" / "options" / axis / choice
    if not facts["summary"]:
        yield "summary is empty"
    if facts["secrets"] != any(item.required for item in variables(root, axis, choice)):
        yield "secrets does not agree with env.example"
    if axis == "store" and facts["sql"] == (folder / "records.py").exists():
        yield "a store needs app/database or a module records"
    shared = root / "template" / "shared"
    modules, tests = (facts[key] + facts[f"page_{key}"] for key in ("modules", "tests"))
    yield from _unlisted(folder, shared, "modules", modules)
    yield from _unlisted(folder / "tests", shared / "tests", "tests", tests)
    code = [*folder.glob("*.py"), folder / "env.example"]
    texts = [path.read_text(encoding="utf-8") for path in code]
    if not any(re.search(facts["words"], text, re.IGNORECASE) for text in texts):
        yield f"no code matches words: {facts['words']}"


def _unlisted(folder: Path, shared: Path, key: str, listed: list[str]) -> Problems:
    """Every module that is listed exists, and every one in a folder of modules is listed."""
    for module in listed:
        if not any((place / f"{module}.py").exists() for place in (folder, shared)):
            yield f"{key} has {module}, which does not exist"
    pattern = "**/*.py" if key == "tests" else "*/**/*.py"
    for path in sorted(folder.glob(pattern)):
        module = path.relative_to(folder).with_suffix("").as_posix()
        if module not in listed and not module.startswith("tests/"):
            yield f"{key} does not have {module}"


def _in_lines(root: Path) -> Problems:
    """Every folder has one line in `copier.yml`, and every axis's folder a question."""
    try:
        questions = {axis.key: axis for axis in axes(read_questions(root))}
    except TemplateError:
        yield "copier.yml is not valid YAML"
        return
    for folder in sorted((root / "template" / "options").iterdir()):
        if folder.name not in questions:
            yield f"there is no question {folder.name}"
            continue
        listed = [choice.value for choice in questions[folder.name].choices]
        for choice in sorted(_folders(root, folder.name)):
            if listed.count(choice) != 1:
                yield f"{folder.name}/{choice} has {listed.count(choice)} lines"


def _in_lock(root: Path) -> Problems:
    """Everything that a project may install is locked at a version that it allows."""
    locked = locked_versions(root)
    for path in sorted((root / "template").rglob("*requirements.txt")):
        for line in filter(str.strip, path.read_text(encoding="utf-8").splitlines()):
            if problem := unmet(line, locked):
                yield f"{path.relative_to(root / 'template')}: {problem}"


def _in_readme(root: Path) -> Problems:
    """The table in `README.md` is the one that `make docs` writes."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    if WITH_TABLE(readme, root) != readme:
        yield "the table is not current"


CONDITIONS: dict[str, Callable[[Path], Problems]] = {
    "template/options/<axis>/<choice>/": _in_folders,
    "choice.yml": _in_descriptions,
    "copier.yml": _in_lines,
    "make lock": _in_lock,
    "make docs": _in_readme,
}
"""By the first thing that a step names as code: finds what is wrong if it was left out."""


def _values(axis: Question) -> set[str]:
    return {choice.value for choice in axis.choices}


def _folders(root: Path, axis: str) -> set[str]:
    return {path.name for path in (root / "template" / "options" / axis).iterdir()}


def _files(root: Path, axis: str, choice: str) -> set[str]:
    """Return the files of a choice, except for the modules that its `choice.yml` lists."""
    folder = root / "template" / "options" / axis / choice
    if not folder.is_dir():
        return set()
    listed = {f"{module}.py" for module in _listed(folder) or ()}
    return {path.name for path in folder.iterdir() if path.is_file()} - listed


def _more_allowed(root: Path, axis: str, choice: str) -> set[str]:
    """Return the suffixes of files that one choice may have and another one not."""
    unknown = _listed(root / "template" / "options" / axis / choice) is None
    return _OF_PAGES | {".py"} if unknown else _OF_PAGES


def _listed(folder: Path) -> list[str] | None:
    """Return the modules of a `choice.yml`; None if it cannot be read, another step's problem."""
    try:
        facts = yaml.safe_load((folder / "choice.yml").read_text(encoding="utf-8"))
        listed = facts["modules"] + facts["page_modules"]
        return [module for module in listed if isinstance(module, str)]
    except (OSError, yaml.YAMLError, LookupError, TypeError):
        return None
