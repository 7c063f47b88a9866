"""What projects of a version of the template have.

Files come from the names in the template, for every combination of choices; variables, endpoints
and revisions come from its texts. That takes milliseconds, and rendering all would take minutes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, Template

from chatkit_scaffold.generator.questions import Question, axes, combinations, read_questions

Answers = Mapping[str, str]
Combination = frozenset[tuple[str, str]]
"""The choice on each axis that is asked for."""

_TEXTS = {"name": "demo", "endpoint": "/chatkit"}
_VARIABLE = re.compile(r"^(?:# )?([A-Z][A-Z0-9_]*)=", re.MULTILINE)
_REVISION = re.compile(r'^revision(?:: str)? = "(\w+)"', re.MULTILINE)
_PREFIX = re.compile(r"APIRouter\([^)]*prefix=([^,)]+)")
_ROUTE = re.compile(
    r"(?:@\w+\.(?:get|post|put|patch|delete|head|options|route|api_route|websocket)"
    r"|\b\w+\.add_(?:api_)?route)\(\s*([^,)]+)"
)
_YIELD = re.compile(r"{%-? *yield (\w+) from (\w+) *-?%}(.*?){%-? *endyield *-?%}")


@dataclass(frozen=True, slots=True)
class Inventory:
    """What there is in one version.

    Attributes:
        questions: The keys of what users are asked.
        choices: By axis.
        defaults: The default choice by axis.
        variables: The environment variables of all projects.
        endpoints: The paths of all projects, with the default endpoint.
        revisions: The ids of all migrations.
        files: The paths of a project, for every combination of choices.
    """

    questions: frozenset[str]
    choices: Mapping[str, frozenset[str]]
    defaults: Mapping[str, str]
    variables: frozenset[str]
    endpoints: frozenset[str]
    revisions: frozenset[str]
    files: Mapping[Combination, frozenset[str]]


def take(root: Path) -> Inventory:
    """Return the inventory of the template in *root*."""
    questions = _questions(root)
    spanning = axes(questions)
    code = [
        path.read_text(encoding="utf-8")
        for path in (root / "template").rglob("*.py*")
        if path.is_file() and "tests" not in path.parts and not path.name.startswith("test_")
    ]
    examples = [path.read_text("utf-8") for path in (root / "template").rglob("*env.example*")]
    defaults = {axis.key: str(axis.default) for axis in spanning}
    return Inventory(
        questions=frozenset(question.key for question in questions if question.asked),
        choices={axis.key: frozenset(one.value for one in axis.choices) for axis in spanning},
        defaults=defaults,
        variables=frozenset(name for text in examples for name in _VARIABLE.findall(text)),
        endpoints=frozenset(path for text in code for path in _endpoints(text)),
        revisions=frozenset(name for text in code for name in _REVISION.findall(text)),
        files={
            frozenset(answers.items()): frozenset(_files(root, {**defaults, **answers}))
            for answers in combinations(questions)
        },
    )


def _endpoints(code: str) -> Iterator[str]:
    prefix = _path(found[1]) if (found := _PREFIX.search(code)) else ""
    for argument in _ROUTE.findall(code):
        yield prefix + _path(argument)


def _path(argument: str) -> str:
    """Return the path in an argument; a name stands for the endpoint that users choose."""
    literal = argument.strip().strip("\"'")
    is_text = literal == "" or literal.startswith("/")
    return literal if is_text else _TEXTS["endpoint"]


def _files(root: Path, answers: Answers) -> Iterator[str]:
    """Yield the paths of a project, which Copier would make of the names in the template."""
    environment, names = _template(root)
    context = _context(root, environment, answers)
    for name in names:
        for path in _expanded(environment, name, context):
            if all(parts := path.removesuffix(".jinja").split("/")):
                yield "/".join(parts)


def _expanded(environment: Environment, name: str, context: Mapping[str, Any]) -> Iterator[str]:
    if not (found := _YIELD.search(name)):
        yield _compiled(environment, name).render(context)
        return
    variable, values, inner = found.groups()
    single = name[: found.start()] + inner + name[found.end() :]
    for value in context[values]:
        yield _compiled(environment, single).render({**context, variable: value})


def _context(root: Path, environment: Environment, answers: Answers) -> dict[str, Any]:
    """Return the answers, with what `copier.yml` computes from them."""
    context: dict[str, Any] = {
        **_TEXTS,
        **answers,
        "_copier_conf": {"answers_file": ".copier-answers.yml"},
    }
    for question in _questions(root):
        if not question.asked:
            text = _compiled(environment, str(question.default)).render(context)
            context[question.key] = yaml.safe_load(text)
    return context


@cache
def _questions(root: Path) -> tuple[Question, ...]:
    return read_questions(root)


@cache
def _template(root: Path) -> tuple[Environment, tuple[str, ...]]:
    top = root / yaml.safe_load((root / "copier.yml").read_text("utf-8"))["_subdirectory"]
    names = (str(path.relative_to(top)) for path in sorted(top.rglob("*")) if path.is_file())
    environment = Environment(  # noqa: S701 - names of files are no HTML
        loader=FileSystemLoader(root), keep_trailing_newline=True
    )
    return environment, tuple(name for name in names if "__pycache__" not in name)


@cache
def _compiled(environment: Environment, text: str) -> Template:
    return environment.from_string(text)
