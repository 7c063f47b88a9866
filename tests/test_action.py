"""The GitHub Action: its script as a runner starts it, and the workflows that we write or show."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import REPOSITORY
from tests.conformance.servers import http_faults
from tests.conformance.servers.correct import build, headers_for
from tests.conformance.servers.serving import serve

ACTION = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
INSTALL, CHECK = ACTION["runs"]["steps"]
PROGRAMS = Path(sys.executable).parent
LINT = (str(PROGRAMS / "actionlint"), "-oneline", "-shellcheck", str(PROGRAMS / "shellcheck"))
EXPRESSION = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a server that fails one SHOULD and no MUST."""
    with serve(build(http_faults.FAULTS["transport-not-cached"])) as found:
        yield found


def run_action(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the action's script in a runner's way, with the command of this environment."""
    installed = folder / "chatkit-scaffold" / "bin"
    installed.mkdir(parents=True)
    (installed / "chatkit-scaffold").symlink_to(PROGRAMS / "chatkit-scaffold")
    defaults = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
    values = defaults | {name.replace("_", "-"): value for name, value in inputs.items()}
    environment = {
        name: EXPRESSION.sub(lambda found: values[found[1]], value)
        for name, value in CHECK["env"].items()
    }
    files = {
        "RUNNER_TEMP": str(folder),
        "GITHUB_ACTION_PATH": str(REPOSITORY),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    script = folder / "script.sh"
    script.write_text(CHECK["run"], encoding="utf-8")
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment, **files},
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def credentials() -> str:
    """Return the first user's header."""
    return f"Authorization: {headers_for('first')['Authorization']}"


def test_action_passes_and_writes_the_summary(url: str, tmp_path: Path) -> None:
    """A failed SHOULD is a warning; the summary is added to what the job has written before."""
    (tmp_path / "summary.md").write_text("Earlier.\n", encoding="utf-8")
    secret = credentials()
    done = run_action(
        tmp_path, url=url, header=f"{secret}\nX-Test: 1\n", select="transport", timeout="5"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("::warning title=transport-not-cached::")
    summary = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("Earlier.\n## ✅ ChatKit backend check\n")
    assert "1. **A stream has the header `Cache-Control: no-cache` or `no-store`.**" in summary
    assert secret.split()[-1] not in done.stdout + done.stderr + summary


def test_action_fails_if_strict(url: str, tmp_path: Path) -> None:
    """With `strict`, the SHOULD fails the step."""
    done = run_action(
        tmp_path, url=url, header=credentials(), select="transport-not-cached", strict="true"
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error title=transport-not-cached::")
    assert "❌" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_action_passes_the_second_user_and_what_to_ignore(url: str, tmp_path: Path) -> None:
    """The check of isolation, which needs a second user, is not skipped."""
    done = run_action(
        tmp_path,
        url=url,
        header=credentials(),
        other_header=f"Authorization: {headers_for('second')['Authorization']}",
        select="access-list-separate,transport-not-cached",
        ignore="transport-not-cached",
    )
    assert done.returncode == 0, done.stderr
    assert "0 untestable, 0 skipped" in done.stdout
    assert "transport-not-cached" not in done.stdout


def test_action_passes_the_origin(url: str, tmp_path: Path) -> None:
    """This server rejects requests from the pages of others."""
    done = run_action(tmp_path, url=url, header=credentials(), origin="https://other.example")
    assert done.returncode == 2
    assert "status 403" in done.stderr


def test_action_without_a_verdict_fails(tmp_path: Path) -> None:
    """A server that does not respond fails the step with status 2."""
    done = run_action(tmp_path, url="http://127.0.0.1:9/chatkit", header=credentials())
    assert done.returncode == 2
    assert "does not respond" in done.stderr


@pytest.mark.parametrize("value", ["$(touch hacked)", '"; touch hacked; "'])
def test_inputs_are_not_run(value: str, tmp_path: Path) -> None:
    """A value cannot run a command, and a secret without a name is not shown."""
    done = run_action(tmp_path, url=value, select=value, header=f"secret {value}")
    assert done.returncode == 2
    assert not (tmp_path / "hacked").exists()
    assert "secret" not in done.stdout + done.stderr
    assert "A line of CHATKIT_HEADER is not a header" in done.stderr


def test_scripts_contain_no_input() -> None:
    """Inputs are only in `env`, each under one variable, and every input is used."""
    used = [EXPRESSION.fullmatch(value) for value in CHECK["env"].values()]
    assert sorted(found[1] for found in used if found) == sorted(ACTION["inputs"])
    assert "${{" not in INSTALL["run"] + CHECK["run"]


def lint(workflow: str, folder: Path) -> str:
    """Check a workflow of a repository that contains the action; return what is wrong."""
    file = folder / ".github" / "workflows" / "check.yml"
    file.parent.mkdir(parents=True)
    file.write_text(workflow, encoding="utf-8")
    (folder / "action.yml").write_text(json.dumps(ACTION), encoding="utf-8")
    (folder / ".git").mkdir()
    done = subprocess.run(
        [*LINT, str(file)], cwd=folder, capture_output=True, encoding="utf-8", check=False
    )
    return done.stdout + done.stderr


def workflow(step: Any) -> str:
    """Return a workflow with one step."""
    job = {"runs-on": "ubuntu-latest", "steps": [step]}
    return yaml.safe_dump({"name": "Check", "on": {"push": {}}, "jobs": {"check": job}})


def shown_in_readme() -> dict[str, Any]:
    """Return the step that the README shows, with the action of this repository."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(- uses: .+?)```", readme, re.DOTALL)
    (step,) = yaml.safe_load(block)
    assert step["uses"].startswith("OWNER/chatkit-scaffold@v")
    return {**step, "uses": "./"}


def test_step_in_the_readme_is_valid(tmp_path: Path) -> None:
    """The README's step passes the inputs that the action takes."""
    assert lint(workflow(shown_in_readme()), tmp_path) == ""


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"with": {"url": "http://h", "heather": "x"}}, 'input "heather" is not defined'),
        ({"with": {"strict": "true"}}, 'missing input "url"'),
        ({"uses": None, "with": None, "run": "echo ${{ github.head_ref }}"}, "untrusted"),
        ({"uses": None, "with": None, "run": "cd $HOME/x y"}, "shellcheck"),
    ],
    ids=["unknown input", "missing input", "injection", "shell"],
)
def test_lint_sees_mistakes(change: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    """Actionlint reads the action, and shellcheck the scripts."""
    step = {key: value for key, value in (shown_in_readme() | change).items() if value is not None}
    assert complaint in lint(workflow(step), tmp_path)


@pytest.mark.parametrize("step", [INSTALL, CHECK], ids=["install", "check"])
def test_scripts_of_the_action_are_valid(step: dict[str, Any], tmp_path: Path) -> None:
    """Actionlint reads no action's steps, so it gets them as those of a workflow."""
    as_steps = {key: value for key, value in step.items() if key != "env"}
    assert lint(workflow(as_steps), tmp_path) == ""
