"""One release of the template: its notes, and what it renamed."""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Note:
    """What a release brings to a project.

    Attributes:
        text: Markdown, without line breaks.
        answers: The choices that it is about, by axis; empty if it is about every project.
    """

    text: str
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Removed:
    """What a release took out of projects, each with a note: where it went, or what to do.

    Attributes:
        files: By path.
        endpoints: By path.
        choices: By axis, then by choice.
        questions: By key.
    """

    files: Mapping[str, Note] = field(default_factory=dict)
    endpoints: Mapping[str, Note] = field(default_factory=dict)
    choices: Mapping[str, Mapping[str, Note]] = field(default_factory=dict)
    questions: Mapping[str, Note] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ForProjects:
    """What an update to a release brings to projects.

    Attributes:
        changed: Behaviour.
        variables_added: By name.
        variables_removed: By name.
        removed: Everything else that is gone.
        steps: What to do by hand.
        migrations: The migrations to run.
    """

    changed: tuple[Note, ...] = ()
    variables_added: Mapping[str, Note] = field(default_factory=dict)
    variables_removed: Mapping[str, Note] = field(default_factory=dict)
    removed: Removed = field(default_factory=Removed)
    steps: tuple[Note, ...] = ()
    migrations: tuple[Note, ...] = ()

    def notes(self) -> Iterator[Note]:
        """Yield every note."""
        yield from (*self.changed, *self.steps, *self.migrations)
        yield from (*self.variables_added.values(), *self.variables_removed.values())
        removed = self.removed
        for named in (removed.files, removed.endpoints, removed.questions):
            yield from named.values()
        for named in removed.choices.values():
            yield from named.values()


@dataclass(frozen=True, slots=True)
class Mappings:
    """What is called differently now, old names to new ones.

    Attributes:
        questions: Keys.
        choices: By axis, as it is called now.
        files: Paths; a file that was split has several, and the first inherits its history.
        migrations: Revision ids.
    """

    questions: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    migrations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Release:
    """One release.

    Attributes:
        version: Such as `0.2.0`.
        commit: Whose `copier.yml` and `template/` it has; None while it is being prepared.
        date: The day it was released; None while it is being prepared.
        added: Of the product, for the changelog; Markdown, like the next two.
        changed: What works differently.
        fixed: What works now.
        projects: What it brings to projects.
        mappings: What it renamed.
        since: What the releases after it renamed, so what its names are called now.
    """

    version: str
    commit: str | None = None
    date: datetime.date | None = None
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    projects: ForProjects = field(default_factory=ForProjects)
    mappings: Mappings = field(default_factory=Mappings)
    since: Mappings = field(default_factory=Mappings)
