"""`.env.example` agrees with the settings that a generated project reads."""

import json
import os
import re
import sys

import pytest

from chatkit_scaffold.generator import questions
from tests.covering import every_choice
from tests.matrix import COMBINATIONS, Project, run
from tests.template.how_to import MakeProject

REQUIRED = {
    "DATABASE_URL": "postgresql://user:password@localhost:5432/chat",
    "REDIS_URL": "redis://user:password@localhost:6379/0",
    "OPENAI_API_KEY": "sk-local",
    "JWT_SECRET": "0123456789" * 4,
    "GUEST_SECRET": "0123456789" * 4,
    "SESSION_SECRET": "0123456789" * 4,
    "OIDC_ISSUER": "https://login.example.com/",
    "OIDC_AUDIENCE": "chat",
}
"""Values for the variables that have no default."""

COMPARE = """
import json
from app.settings import Settings
read, fields = Settings(_env_file=None), Settings.model_fields
optional = {name: field for name, field in fields.items() if not field.is_required()}
validated = {"app_env": "development"}
different = [
    name
    for name, field in optional.items()
    if getattr(read, name) != field.get_default(call_default_factory=True, validated_data=validated)
]
print(json.dumps({"all": sorted(fields), "different": different}))
"""
"""Prints the settings, and those whose value in the environment is not their default."""

NAMES = [questions.combination_name(answers) for answers in every_choice(COMBINATIONS)]


@pytest.mark.parametrize("name", NAMES)
def test_a_commented_variable_shows_its_default(generate: MakeProject, name: str) -> None:
    """Uncommenting all variables changes no setting, and every setting has its variable."""
    project = generate(name)
    listed = _commented(project)

    found = _compare(project, listed)

    assert found["different"] == []
    missing = {setting.upper() for setting in found["all"]} - listed.keys() - _required(project)
    # Only a store that allows several processes lists it.
    assert missing <= {"WORKERS"}


def test_another_value_is_noticed(generate: MakeProject) -> None:
    """A variable that does not show its default would fail the test above."""
    project = generate(NAMES[0])

    found = _compare(project, _commented(project) | {"RATE_LIMIT": "59/minute"})

    assert found["different"] == ["rate_limit"]


def _commented(project: Project) -> dict[str, str]:
    return dict(re.findall(r"^# ([A-Z_]+)=(.*)$", _example(project), flags=re.MULTILINE))


def _required(project: Project) -> set[str]:
    return set(re.findall(r"^([A-Z_]+)=", _example(project), flags=re.MULTILINE))


def _example(project: Project) -> str:
    return (project.path / ".env.example").read_text(encoding="utf-8")


def _compare(project: Project, variables: dict[str, str]) -> dict[str, list[str]]:
    required = {name: REQUIRED[name] for name in _required(project)}
    command = ["env", "-i", f"PATH={os.environ['PATH']}"]
    command += [f"{name}={value}" for name, value in (variables | required).items()]
    printed = run([*command, sys.executable, "-c", COMPARE], project.path)
    found: dict[str, list[str]] = json.loads(printed)
    return found
