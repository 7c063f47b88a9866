"""Creates a project: from the answers to the commands that start it."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatkit_scaffold.console import spinner
from chatkit_scaffold.generator import git
from chatkit_scaffold.generator.choices import Variable, variables
from chatkit_scaffold.generator.destination import staged
from chatkit_scaffold.generator.questions import axes, read_questions
from chatkit_scaffold.generator.render import Rendered, render
from chatkit_scaffold.generator.source import Builtin, Source, builtin_root
from chatkit_scaffold.text import listed


@dataclass(frozen=True, slots=True)
class Project:
    """A new project.

    Attributes:
        path: Its absolute path.
        source: The template it was made from.
        rendered: The answers, and the template's version.
        commit: Its first commit; None with `--no-git` or inside another repository.
        enclosing: The repository around it, if there is one.
        needed: The environment variables that it requires to start.
    """

    path: Path
    source: Source | Builtin
    rendered: Rendered
    commit: str | None
    enclosing: Path | None
    needed: list[Variable]

    @property
    def next_commands(self) -> list[str]:
        """The commands that start it."""
        here = self.path == Path.cwd()
        commands = [] if here else [f"cd {shlex.quote(_shown(self.path))}"]
        if self.needed:
            commands.append("cp .env.example .env")
        return [*commands, "uv run python -m app"] if self.source.builtin else commands

    @property
    def notes(self) -> list[str]:
        """What its owner should know about how it was created."""
        notes = []
        if self.enclosing and not self.commit:
            notes.append(
                f"created inside the existing repository {self.enclosing}: commit it there"
            )
        if self.rendered.draft:
            notes.append("the template has uncommitted changes, so this project cannot be updated")
        if self.rendered.problem:
            notes.append(self.rendered.problem)
        return notes

    def as_text(self) -> str:
        """Return the result for people, the next commands last."""
        place = "the project here" if self.path == Path.cwd() else _shown(self.path)
        if not self.needed:
            return f"Created {place}. Next: {' && '.join(self.next_commands)}"
        *before, start = self.next_commands
        names = listed([variable.name for variable in self.needed], "and")
        return (
            f"Created {place}. Next: {' && '.join(before)}\nthen set {names} in .env, and: {start}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the result for programs."""
        return {
            "path": str(self.path),
            "answers": self.rendered.answers,
            "template": {
                "source": self.rendered.source,
                "ref": self.source.ref,
                "commit": self.rendered.commit,
            },
            "git": {"commit": self.commit} if self.commit else None,
            "needs": [variable.name for variable in self.needed],
            "next": self.next_commands,
        }


def create(
    dest: Path,
    source: Source | Builtin,
    answers: Mapping[str, Any],
    *,
    ask: bool,
    use_git: bool | None,
) -> Project:
    """Create a project in *dest*, completely or not at all.

    Args:
        dest: An absolute path that does not exist, or an empty folder.
        source: The template.
        answers: The answers given so far.
        ask: Whether to prompt for the rest.
        use_git: Whether to make it a repository; None for yes, unless it is inside one already.

    Raises:
        ScaffoldError: It cannot be created, see `staged`, `render` and `first_commit`.
    """
    with staged(dest) as stage:
        enclosing = git.enclosing_repository(dest)
        if ask:
            rendered = render(source, stage, answers, ask=True)
        else:
            with spinner("Creating the project"):
                rendered = render(source, stage, answers, ask=False)
        own_repository = enclosing is None if use_git is None else use_git
        commit = git.first_commit(stage) if own_repository else None
    needed = _needed(rendered.answers) if source.builtin else []
    return Project(dest, source, rendered, commit, enclosing, needed)


def _needed(answers: Mapping[str, Any]) -> list[Variable]:
    root = builtin_root()
    return [
        variable
        for axis in axes(read_questions(root))
        if axis.key in answers
        for variable in variables(root, axis.key, str(answers[axis.key]))
        if variable.required
    ]


def _shown(path: Path) -> str:
    """Return *path* as the user would type it in the working directory."""
    if not path.is_relative_to(Path.cwd()):
        return str(path)
    shown = str(path.relative_to(Path.cwd()))
    return f"./{shown}" if shown.startswith("-") else shown
