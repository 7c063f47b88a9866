"""Renders the template; the only importer of Copier, whose errors it translates."""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import copier
from copier.errors import DirtyLocalWarning, UnsafeTemplateError, UnsupportedVersionError
from plumbum import ProcessExecutionError, local

from chatkit_scaffold.errors import AnswerError, ScaffoldError, TemplateError
from chatkit_scaffold.generator.git import OUTER_REPOSITORY, ownership_error
from chatkit_scaffold.generator.record import write_record
from chatkit_scaffold.generator.source import Builtin, Source, Template
from chatkit_scaffold.text import listed, shown

_NO_REVISION = re.compile(r"Unknown revision: '(.*)'", re.DOTALL)
_NOT_VALID = re.compile(r"Validation error for question '(.*?)': (.*)", re.DOTALL)
_NO_CHOICE = re.compile(
    r"Invalid choice for '(.*?)': (?:('.*') is not in \[(.*)\]|(.*))", re.DOTALL
)
_NO_ANSWER = re.compile(r'Question "(.*)" is required')


@dataclass(frozen=True, slots=True)
class Rendered:
    """The result of rendering.

    Attributes:
        answers: All answers that the project records.
        source: The address of the template that the project records.
        commit: The version of the template that the project records.
        draft: Whether the template had uncommitted changes.
        problem: Why plain `copier update` will not find the template; None if it will.
    """

    answers: dict[str, Any]
    source: str
    commit: str | None
    draft: bool
    problem: str | None = None


def render(
    source: Source | Builtin, target: Path, answers: Mapping[str, Any], *, ask: bool
) -> Rendered:
    """Render a project to *target*, which must not exist.

    Args:
        source: The template.
        target: The new folder; its name is the default name of the project.
        answers: The answers given so far.
        ask: Whether to prompt for the rest, instead of using the defaults.

    Raises:
        AnswerError: An answer is unknown, does not apply, or is not valid for the template.
        TemplateError: The template cannot be read or rendered.
    """
    with source.opened() as template:
        return render_template(template, target, answers, ask=ask, name=source.location)


def render_template(
    template: Template, target: Path, answers: Mapping[str, Any], *, ask: bool, name: str
) -> Rendered:
    """Render a template that is open already; *name* is what errors call it, see `render`."""
    with (
        _translated(name, target, answers),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        with _quiet_git(hidden=template.is_folder), redirect_stderr(StringIO()):
            worker = copier.run_copy(
                template.location,
                target,
                data=dict(answers),
                vcs_ref=template.ref,
                defaults=not ask,
                quiet=True,
            )
        used = {
            key: value
            for key, value in worker.answers.combined.items()
            if key not in worker.answers.hidden
        }
        _refuse_unused(answers, worker.template.questions_data, used)
        if not target.exists():
            raise TemplateError(
                f"The template {name} creates no files",
                hint="Add files to it, next to copier.yml or in its _subdirectory.",
            )
        recorded = template.recorded
        if recorded:
            write_record(target, recorded.location, recorded.version)
        dirty = any(issubclass(entry.category, DirtyLocalWarning) for entry in caught)
        return Rendered(
            answers={key: used[key] for key in worker.template.questions_data if key in used},
            source=recorded.location if recorded else name,
            commit=recorded.version if recorded else worker.template.commit,
            draft=template.draft or dirty,
            problem=recorded.problem if recorded else None,
        )


@contextmanager
def _quiet_git(*, hidden: bool) -> Iterator[None]:
    """Run git without prompts, without a hook's repository, and with messages in English.

    Args:
        hidden: Whether Copier shall not find git, which it would start once for every file to
            ask about the repository around it.
    """
    with local.env(GIT_TERMINAL_PROMPT="0", LC_ALL="C", **({"PATH": ""} if hidden else {})):
        for variable in OUTER_REPOSITORY:
            if variable in local.env:
                del local.env[variable]
        yield


def _refuse_unused(
    given: Mapping[str, Any], questions: Mapping[str, Any], used: Mapping[str, Any]
) -> None:
    """Reject answers that Copier would drop: to unknown questions, or to ones that do not apply.

    Args:
        given: The answers of the user.
        questions: The template's questions.
        used: All answers, those to questions that do not apply excepted.
    """
    for key, value in given.items():
        if key not in questions:
            raise AnswerError(
                f"{shown(key)} is not a question of the template",
                hint=f"Its questions are {', '.join(questions)}.",
            )
        if key not in used:
            words = set(re.findall(r"\w+", str(questions[key].get("when", ""))))
            deciding = [other for other in used if other in words]
            others = [f"{other} {shown(used[other])}" for other in deciding]
            another = f", or choose another {listed(deciding, 'or')}" if deciding else ""
            raise AnswerError(
                f"{key} does not apply with {listed(others, 'and') or 'the other answers'}, "
                f"so it cannot be {shown(value)}",
                hint=f"Leave out {key}{another}.",
            )


@contextmanager
def _translated(where: str, target: Path, answers: Mapping[str, Any]) -> Iterator[None]:
    """Turn any exception of Copier's into one of our errors.

    Copier raises a plain ValueError for invalid answers and unknown versions, lets errors of
    Jinja, YAML and git through, and has its own base class for the rest (copier 9.19).
    """
    try:
        yield
    except ScaffoldError:
        raise
    except KeyboardInterrupt as error:
        raise AnswerError("Interrupted; nothing was created") from error
    except Exception as error:
        # A template must not be able to cause a traceback.
        raise _translate(error, where, target, answers) from error


def _translate(
    error: Exception, where: str, target: Path, answers: Mapping[str, Any]
) -> ScaffoldError:
    if isinstance(error, UnsupportedVersionError):
        return TemplateError(
            f"The template {where} requires a newer Copier: {error}",
            hint="Upgrade with: uv tool upgrade chatkit-scaffold",
        )
    if isinstance(error, UnsafeTemplateError):
        return TemplateError(
            f"The template {where} runs its own programs, which chatkit-scaffold never allows",
            hint=f"If you trust it, use Copier: copier copy --trust {where} {target.name}",
        )
    if isinstance(error, ProcessExecutionError):
        return ownership_error(str(error.stderr)) or TemplateError(
            f"git cannot read the template {where}: {_last_line(error.stderr)}",
            hint="Check the address and your permission to read it.",
        )
    if isinstance(error, ValueError) and (found := _about_answers(str(error), where, answers)):
        return found
    if isinstance(error, OSError):
        return TemplateError(
            f"The project cannot be written: {error.strerror or error}",
            hint="Choose another folder, or free some space.",
        )
    place = (
        f"{name}, line {line}: "
        if (name := getattr(error, "name", None)) and (line := getattr(error, "lineno", None))
        else ""
    )
    return TemplateError(
        f"The template {where} cannot be rendered: {place}{_last_line(str(error))}",
        hint="Check its copier.yml; copier copy shows more details.",
    )


def _about_answers(text: str, where: str, answers: Mapping[str, Any]) -> ScaffoldError | None:
    """Return our error for a plain ValueError about an answer or a version, else None."""
    if found := _NO_REVISION.search(text):
        return TemplateError(
            f"The template {where} has no version {found[1]!r}",
            hint="Pass a tag, branch or commit with --ref.",
        )
    if found := _NOT_VALID.search(text):
        value = shown(answers[found[1]]) if found[1] in answers else "The default"
        return AnswerError(f"{value} is not a valid {found[1]}", hint=" ".join(found[2].split()))
    if found := _NO_CHOICE.search(text):
        if found[4] is not None:
            return AnswerError(
                f"{shown(answers.get(found[1]))} is not a valid {found[1]} here", hint=found[4]
            )
        return AnswerError(
            f"{found[2]} is not a valid {found[1]}",
            hint=f"Choose one of {found[3].replace(chr(39), '')}.",
        )
    if found := _NO_ANSWER.search(text):
        return AnswerError(
            f"The template requires an answer for {found[1]}",
            hint=f"Pass --data {found[1]}=VALUE.",
        )
    return None


def _last_line(text: object) -> str:
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    return lines[-1].removeprefix("fatal: ") if lines else "no reason given"
