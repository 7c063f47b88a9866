"""Projects of old releases, with edits, and their updates to made-up releases."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import copier
import pytest

from chatkit_scaffold.generator.history import History
from chatkit_scaffold.generator.render import render
from chatkit_scaffold.generator.source import Builtin, Recorded
from chatkit_scaffold.update import renders
from tests.command import REPOSITORY, git
from tests.update import made_up_releases
from tests.update.edits import EDITS
from tests.update.made_up_releases import TODAY

Render = Callable[[History, str, Mapping[str, Any], Recorded | None, str], Path]

FIXED = {"name": "backend", "endpoint": "/chatkit"}
"""Answers of every project."""
COMMITS = {"0.1.0": "79722bd", "0.2.0": "09c4638"}
"""What the projects of the first two releases record."""


@dataclass(frozen=True, slots=True)
class Start:
    """A project as a release created it, and what its users have done to it.

    Attributes:
        release: The version.
        answers: The choices, as `combination_name` takes them.
        edits: The names of edits, in this order.
    """

    release: str
    answers: tuple[tuple[str, str], ...]
    edits: tuple[str, ...]


@dataclass(slots=True)
class Lab:
    """Makes each repository and render once.

    Attributes:
        work: Where it makes them.
    """

    work: Path
    _made: dict[object, Path] = field(default_factory=dict)

    @classmethod
    def open(cls, work: Path, patch: pytest.MonkeyPatch) -> "Lab":
        """Return a lab whose updates render each version once for the same answers."""
        lab = cls(work)
        patch.setattr(renders, "_render", lab._remembering(renders._render))  # noqa: SLF001
        return lab

    def root(self, release: str) -> Path:
        """Return a clone of this repository with a made-up release, or with today's."""
        folder = self.work / "clones" / release
        if not folder.exists():
            folder.parent.mkdir(exist_ok=True)
            if release == TODAY:
                made_up_releases.clone(folder)
            else:
                made_up_releases.make_up(release, self.root(TODAY), folder)
        return folder

    def created(self, release: str, answers: Mapping[str, str]) -> Path:
        """Return a project as a release creates it."""
        key = (release, *answers.items())
        if key not in self._made:
            folder = self.work / f"created-{len(self._made)}" / "backend"
            if release in COMMITS:
                # As the first releases recorded it: somebody's checkout, and a hash.
                data = {**answers, **FIXED}
                copier.run_copy(
                    str(REPOSITORY),
                    folder,
                    data=data,
                    vcs_ref=COMMITS[release],
                    defaults=True,
                    quiet=True,
                )
            else:
                source = Builtin(str(self.root(release)), None)
                render(source, folder, {**answers, **FIXED}, ask=False)
            self._made[key] = folder
        return self._made[key]

    def project(self, start: Start) -> Path:
        """Return a repository with the project, which tests leave as they find it."""
        if start not in self._made:
            folder = self.work / f"project-{len(self._made)}" / "backend"
            shutil.copytree(self.edited(start), folder)
            git(folder, "init", "--quiet", "--initial-branch=main")
            git(folder, "add", "--all")
            git(folder, "commit", "--quiet", "--message=mine")
            self._made[start] = folder
        return self._made[start]

    def edited(self, start: Start, onto: Path | None = None) -> Path:
        """Return a folder with the edits of a project, or the same edits of a newer one."""
        key = (start, onto)
        if key not in self._made:
            old = self.created(start.release, dict(start.answers))
            folder = self.work / f"edited-{len(self._made)}" / "backend"
            shutil.copytree(onto or old, folder)
            for name in start.edits:
                EDITS[name].make(folder, old)
            self._made[key] = folder
        return self._made[key]

    def _remembering(self, really: Render) -> Render:
        def render_once(
            history: History,
            version: str,
            answers: Mapping[str, Any],
            recorded: Recorded | None,
            name: str,
        ) -> Path:
            key = (history.repository, version, *answers.items(), recorded)
            if key not in self._made:
                folder = self.work / f"rendered-{len(self._made)}"
                shutil.copytree(really(history, version, answers, recorded, name), folder)
                self._made[key] = folder
            target = history.work / name
            if not target.exists():
                shutil.copytree(self._made[key], target)
            return target

        return render_once
