"""From which version and answers a project goes to which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatkit_scaffold.errors import TemplateError
from chatkit_scaffold.generator.answers import gather
from chatkit_scaffold.generator.history import History, order, too_new
from chatkit_scaffold.generator.questions import read_questions
from chatkit_scaffold.generator.record import Record, read_record
from chatkit_scaffold.generator.releases import Release, between, composed
from chatkit_scaffold.update.answers import carried_over


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for.

    Attributes:
        ref: The version to update to; None for the newest.
        flags: Answers by option; None for an option that was not passed.
        data: Answers as `KEY=VALUE`.
        check: Whether to run the project's tests and the protocol check first.
        dry_run: Whether to write nothing.
    """

    ref: str | None = None
    flags: Mapping[str, str | None] = field(default_factory=dict)
    data: Iterable[str] = ()
    check: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """From where to where a project goes.

    Attributes:
        history: The template's versions.
        record: What the project records.
        old: The version of its record.
        new: The version to go to.
        answers: The new answers.
        releases: The releases after the old version, up to the new one.
        can_export: Whether the project can write what its store keeps to a file.
    """

    history: History
    record: Record
    old: str
    new: str
    answers: dict[str, Any]
    releases: tuple[Release, ...]
    can_export: bool

    @property
    def is_empty(self) -> bool:
        """Whether the project has the version and the answers already."""
        return self.old == self.new and self.record.answers == self.answers

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know about it."""
        notices = []
        if self.history.draft and self.new == self.history.newest:
            notices.append(
                "the template has uncommitted changes, so this project cannot be updated later"
            )
        stores = [answers.get("store") for answers in (self.record.answers, self.answers)]
        if self.can_export and stores[0] != stores[1]:
            notices.append(
                f"what users wrote stays in {stores[0]}: to keep it, run python -m app export on "
                "your own branch"
            )
        return tuple(notices)


def make_plan(project: Path, history: History, wish: Wish) -> Plan:
    """Return what *wish* means for the project in a folder.

    Raises:
        AnswerError: An answer is not valid, or a recorded choice no longer exists.
        TemplateError: A version cannot be rendered, or is older than the project's.
    """
    recorded = read_record(project)
    old = history.resolve(recorded.version)
    new = history.resolve(wish.ref) if wish.ref else history.newest
    if order(new) < order(old):
        if not wish.ref:  # The kept bundle of a newer command has the project's version.
            raise too_new(old)
        raise TemplateError(
            f"Version {new} is older than the project's version {old}",
            hint="To go back, revert the update: git revert COMMIT",
        )
    releases = between(history.releases, old, new)
    with history.folder(new) as folder:
        questions = read_questions(folder)
    given = gather(questions, flags=wish.flags, data=wish.data, file=None)
    answers = carried_over(recorded.answers, given, questions, composed(releases), new)
    can_export = (project / "app" / "commands" / "export.py").is_file()
    return Plan(history, recorded, old, new, answers, releases, can_export)
