"""Writes what the documentation derives from the code: `make docs`.

The pages are docs/checks.md, from the checks, and the table of choices in README.md, from
`copier.yml` and each choice's `choice.yml`.
"""

import re
from pathlib import Path

import yaml

from chatkit_scaffold.conformance.reference import page
from chatkit_scaffold.generator.questions import Question, axes, not_asked_with, read_questions
from chatkit_scaffold.text import listed

ROOT = Path(__file__).resolve().parent.parent
_TEXTS = "a name of letters, digits, `.`, `-` and `_`; a path such as `/api/chatkit`"
_TABLE = re.compile(r"(?<=<!-- choices -->\n).*(?=<!-- /choices -->)", re.DOTALL)


def main() -> None:
    """Write both pages."""
    (ROOT / "docs" / "checks.md").write_text(page(), encoding="utf-8")
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(encoding="utf-8"), ROOT), encoding="utf-8")


def with_table(readme: str, root: Path) -> str:
    """Return *readme* with the current table of choices of the template in *root*."""
    table = "".join(f"{row}\n" for row in _rows(root))
    return _TABLE.sub(lambda _: table, readme)


def _rows(root: Path) -> list[str]:
    questions = read_questions(root)
    texts = [f"`--{question.key}`" for question in questions if _is_text(question)]
    return [
        "| option | choices | default |",
        "|---|---|---|",
        *(_row(root, axis, questions) for axis in axes(questions)),
        f"| {', '.join(texts)} | {_TEXTS} | the folder's name, `/chatkit` |",
    ]


def _is_text(question: Question) -> bool:
    return question.asked and not question.choices


def _row(root: Path, axis: Question, questions: tuple[Question, ...]) -> str:
    choices = [f"`{one.value}` ({_summary(root, axis.key, one.value)})" for one in axis.choices]
    flags = [f"`--{key} {choice}`" for key, choice in not_asked_with(axis, questions)]
    exceptions = f"; not with {listed(flags, 'or')}" if flags else ""
    return f"| `--{axis.key}` | {', '.join(choices)}{exceptions} | `{axis.default}` |"


def _summary(root: Path, axis: str, choice: str) -> str:
    file = root / "template" / "options" / axis / choice / "choice.yml"
    return str(yaml.safe_load(file.read_text(encoding="utf-8"))["summary"])


if __name__ == "__main__":
    main()
