"""The two renders that a merge compares with the project."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatkit_scaffold.generator.history import History
from chatkit_scaffold.generator.record import FILE
from chatkit_scaffold.generator.render import render_template
from chatkit_scaffold.generator.source import Recorded, Template


def render_base(history: History, version: str, answers: Mapping[str, Any], project: Path) -> Path:
    """Render what the project was made from.

    Its record is the project's own, so that a merge always takes the new one.

    Raises:
        ScaffoldError: See `render`.
    """
    target = _render(history, version, answers, None, "base")
    shutil.copyfile(project / FILE, target / FILE)
    return target


def render_theirs(
    history: History, version: str, answers: Mapping[str, Any], recorded: Recorded
) -> Path:
    """Render what the project becomes without the user's own changes.

    Raises:
        ScaffoldError: See `render`.
    """
    return _render(history, version, answers, recorded, "theirs")


def _render(
    history: History,
    version: str,
    answers: Mapping[str, Any],
    recorded: Recorded | None,
    name: str,
) -> Path:
    target = history.work / name
    with history.folder(version) as folder:
        template = Template(str(folder), None, recorded, is_folder=True)
        render_template(template, target, answers, ask=False, name=f"of version {version}")
    return target
