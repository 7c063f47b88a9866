"""Makes a project from the template; the only importer of Copier, whose errors it translates."""

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
from chatkit_scaffold.generator.git import OUTER_REPOSITORY
from chatkit_scaffold.generator.source import Source

_NO_REVISION = re.compile(r"Unknown revision: '(.*)'", re.DOTALL)
_NOT_VALID = re.compile(r"Validation error for question '(.*?)': (.*)", re.DOTALL)
_NO_CHOICE = re.compile(
    r"Invalid choice for '(.*?)': (?:('.*') is not in \[(.*)\]|(.*))", re.DOTALL
)
_NO_ANSWER = re.compile(r'Question "(.*)" is required')


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a project was made from.

    Attributes:
        answers: All answers that the project records.
        commit: The template's version, as recorded.
        draft: Whether the template had changes that are not committed.
    """

    answers: dict[str, Any]
    commit: str | None
    draft: bool


def render(source: Source, target: Path, answers: Mapping[str, Any], *, ask: bool) -> Rendered:
    """Make a project at *target*, which must not exist.

    Args:
        source: The template.
        target: Where to make it; its name is the default name of the project.
        answers: What is already answered.
        ask: Ask the rest at the terminal, instead of taking the defaults.

    Raises:
        AnswerError: An answer is unknown, does not apply or is refused by the template.
        TemplateError: The template cannot be read or rendered.
    """
    with _translated(source, target, answers), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with _quiet_git(), redirect_stderr(StringIO()):
            worker = copier.run_copy(
                source.location,
                target,
                data=dict(answers),
                vcs_ref=source.ref,
                defaults=not ask,
                quiet=True,
            )
        _refuse_unused(answers, worker.template.questions_data, worker.answers.hidden)
        recorded = worker.answers.combined
        return Rendered(
            answers={
                key: recorded[key]
                for key in worker.template.questions_data
                if key in recorded and key not in worker.answers.hidden
            },
            commit=worker.template.commit,
            draft=any(issubclass(entry.category, DirtyLocalWarning) for entry in caught),
        )


@contextmanager
def _quiet_git() -> Iterator[None]:
    """Keep git from asking for a password, and from taking a hook's repository for its own."""
    with local.env(GIT_TERMINAL_PROMPT="0"):
        for variable in OUTER_REPOSITORY:
            if variable in local.env:
                del local.env[variable]
        yield


def _refuse_unused(
    answers: Mapping[str, Any], questions: Mapping[str, Any], hidden: frozenset[str] | set[str]
) -> None:
    """Refuse what Copier would drop: answers to no question, or to one that does not apply."""
    for key, value in answers.items():
        if key not in questions:
            raise AnswerError(
                f"The template has no question {key!r}", hint=f"It asks {', '.join(questions)}."
            )
        if key in hidden:
            raise AnswerError(
                f"{key} does not apply to the other answers, so {value!r} has no use",
                hint=f"Leave {key} out.",
            )


@contextmanager
def _translated(source: Source, target: Path, answers: Mapping[str, Any]) -> Iterator[None]:
    """Turn whatever Copier raises into one of our errors.

    Copier raises a plain ValueError for wrong answers and unknown versions, lets Jinja's,
    YAML's and git's errors through, and has a root of its own for the rest (copier 9.19).
    """
    try:
        yield
    except ScaffoldError:
        raise
    except KeyboardInterrupt as error:
        raise AnswerError("Stopped; nothing was made") from error
    except Exception as error:
        # Nothing that a template does may end in a traceback.
        raise _translate(error, source, target, answers) from error


def _translate(
    error: Exception, source: Source, target: Path, answers: Mapping[str, Any]
) -> ScaffoldError:
    where = source.location
    if isinstance(error, UnsupportedVersionError):
        return TemplateError(
            f"The template {where} needs a newer Copier: {error}",
            hint="Upgrade: uv tool upgrade chatkit-scaffold",
        )
    if isinstance(error, UnsafeTemplateError):
        return TemplateError(
            f"The template {where} would run programs of its own, which this command never does",
            hint=f"If you trust it, use Copier itself: copier copy --trust {where} {target.name}",
        )
    if isinstance(error, ProcessExecutionError):
        return TemplateError(
            f"git cannot read the template {where}: {_last_line(error.stderr)}",
            hint="Check the address, and that you may read it.",
        )
    if isinstance(error, ValueError) and (found := _about_answers(str(error), source, answers)):
        return found
    if isinstance(error, OSError):
        return TemplateError(
            f"The project cannot be written: {error.strerror or error}",
            hint="Choose another folder, or make room.",
        )
    place = (
        f"{name}, line {line}: "
        if (name := getattr(error, "name", None)) and (line := getattr(error, "lineno", None))
        else ""
    )
    return TemplateError(
        f"The template {where} cannot be rendered: {place}{_last_line(str(error))}",
        hint="It must hold a valid copier.yml; try copier copy to see more.",
    )


def _about_answers(text: str, source: Source, answers: Mapping[str, Any]) -> ScaffoldError | None:
    """Read one of the plain ValueErrors that Copier raises about answers and versions."""
    if found := _NO_REVISION.search(text):
        return TemplateError(
            f"The template {source.location} has no version {found[1]!r}",
            hint="Name a tag, a branch or a commit of it with --ref.",
        )
    if found := _NOT_VALID.search(text):
        value = repr(answers[found[1]]) if found[1] in answers else "The default"
        return AnswerError(f"{value} cannot be the {found[1]}", hint=" ".join(found[2].split()))
    if found := _NO_CHOICE.search(text):
        if found[4] is not None:
            return AnswerError(
                f"{answers.get(found[1])!r} is not possible for {found[1]}", hint=found[4]
            )
        return AnswerError(
            f"{found[2]} is no choice for {found[1]}",
            hint=f"Choose one of {found[3].replace(chr(39), '')}.",
        )
    if found := _NO_ANSWER.search(text):
        return AnswerError(
            f"The template needs an answer for {found[1]}", hint=f"Use --data {found[1]}=VALUE."
        )
    return None


def _last_line(text: object) -> str:
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    return lines[-1].removeprefix("fatal: ") if lines else "no reason was given"
