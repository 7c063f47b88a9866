"""What a project records about the template it was made from: `.copier-answers.yml`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatkit_scaffold.errors import AnswerError
from chatkit_scaffold.generator.answers_file import read_answers, read_mapping

FILE = ".copier-answers.yml"


@dataclass(frozen=True, slots=True)
class Record:
    """What a project records.

    Attributes:
        source: Where the template came from.
        version: Its version, or the commit of an earlier command.
        answers: The answers, by question.
    """

    source: str
    version: str
    answers: dict[str, Any]


def read_record(project: Path) -> Record:
    """Return what the project in a folder records.

    Raises:
        AnswerError: The file is missing, cannot be read, or has no version.
    """
    file = project / FILE
    if not file.is_file():
        raise AnswerError(
            f"{project} has no {FILE}, so it is not a project of chatkit-scaffold",
            hint="Pass the folder of a project, or create one: chatkit-scaffold new",
        )
    content = read_mapping(file)
    version = content.get("_commit")
    if not isinstance(version, (str, int, float)):
        raise AnswerError(
            f"{file} has no _commit, so the version of the template is unknown",
            hint="Restore the line from the project's history: git log -p -- .copier-answers.yml",
        )
    return Record(str(content.get("_src_path", "")), str(version), read_answers(file))


def write_record(project: Path, source: str, version: str) -> None:
    """Record where the template of a rendered project came from, in place of Copier's record."""
    import yaml

    file = project / FILE
    lines = file.read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    answers = [line for line in lines if not line.startswith(("#", "_commit:", "_src_path:"))]
    recorded = yaml.safe_dump({"_commit": version, "_src_path": source}, width=1000)
    text = "\n".join([*comments, recorded.rstrip(), *answers]) + "\n"
    file.write_text(text, encoding="utf-8", newline="\n")
