"""The projects that the proofs run: the stores concerned, with the simplest other choices."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from chatkit_scaffold import launcher
from chatkit_scaffold.generator import questions
from tests.matrix import POSSIBLE, facts, the

SETTINGS = {"ECHO_DELAY": "0.002", "RATE_LIMIT": "0"}
"""Environment of a backend that many clients talk to at once."""

_START = 120.0
"""Seconds; a start takes about two, and far more on a machine where much else starts."""


def with_projects(*names: str) -> pytest.MarkDecorator:
    """Run a test on each of these combinations."""
    projects = [
        # In the group of the combination's other tests, which need the same installed project.
        pytest.param(answers, id=name, marks=pytest.mark.xdist_group(name))
        for answers in POSSIBLE
        if (name := questions.combination_name(answers)) in names
    ]
    return pytest.mark.parametrize("project", projects, indirect=True)


def with_stores(*stores: str) -> pytest.MarkDecorator:
    """Run a test on a project with each of these stores."""
    return with_projects(*(the(store=store) for store in stores))


DURABLE = {answers["store"] for answers in POSSIBLE if facts("store", answers["store"])["durable"]}
"""The stores that outlive the process."""


def serve(
    folder: Path, environment: Mapping[str, str], python: Path | None = None
) -> AbstractContextManager[launcher.Server]:
    """Run a project; see `launcher.serve`."""
    return launcher.serve(folder, environment, python=python, timeout=_START)
