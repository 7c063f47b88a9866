"""The workflow of a generated project that opens a pull request with an update."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import REPOSITORY

pytestmark = pytest.mark.quick

WORKFLOW = REPOSITORY / "template" / "project" / ".github" / "workflows" / "update.yml"
BRANCH = "chatkit-scaffold/update-9.9.9"
TITLE = "Update to chatkit-scaffold 9.9.9"
OPENED = ["pr", "create", "--base", "main", "--head", BRANCH]

# What `update --check` does to a clone; whether it does is the matter of its own tests.
SWITCH = f"echo new >> file; git switch --quiet --create {BRANCH}"
UPDATES = {
    "nothing": "echo Nothing to do.",
    "clean": f"{SWITCH}; git commit --quiet --all --message '{TITLE}'; echo All is well.",
    "failing": f"""{SWITCH}; git commit --quiet --all --message '{TITLE}'
        git switch --quiet main; exit 1""",
    "conflict": f"""{SWITCH}; git commit --quiet --all --message theirs
        git switch --quiet --create other main; echo yours >> file; git commit -qam yours
        git switch --quiet {BRANCH}; git merge --quiet other; echo file:2; exit 1""",
    "refused": "echo 'error: the project has no record' >&2; exit 2",
}
GH = """#!/bin/bash
case "$1 $2" in
  "pr list") grep -c "^pr create" "$CALLS" || true ;;
  "pr create") printf '%s\\n' "$*" | head -1 >> "$CALLS" ;;
esac
"""


def loaded(text: str) -> dict[Any, Any]:
    """Return a workflow; its `on` is a boolean in YAML 1.1."""
    workflow: dict[Any, Any] = yaml.safe_load(text)
    return workflow | {"on": workflow[True]}


class Runner:
    """Runs the scripts of the workflow in new clones, as GitHub does.

    `uvx` and `gh` are stand-ins: one needs a package index, the other GitHub.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.calls.touch()
        self.remote = folder / "remote.git"
        self.git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
        self.git(folder, "init", "--quiet", "first")
        first = folder / "first"
        (first / "file").write_text("old\n")
        self.git(first, "add", ".")
        self.git(first, "commit", "--quiet", "--message", "Start")
        self.git(first, "push", "--quiet", str(self.remote), "HEAD:main")

    def git(self, folder: Path, *arguments: str) -> str:
        """Run git as someone with a name."""
        named = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        command = [*named, *arguments]
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def clone(self) -> Path:
        """Return a new shallow clone, as `actions/checkout` makes one."""
        clone = self.folder / f"clone{len(list(self.folder.glob('clone*')))}"
        url = f"file://{self.remote}"
        self.git(self.folder, "clone", "--quiet", "--depth=1", "--branch=main", url, clone.name)
        return clone

    def run(self, update: str) -> int:
        """Run the workflow, with an update that does this; return the exit status."""
        clone = self.clone()
        self.program("uvx", f"#!/bin/bash\n{UPDATES[update]}\n")
        self.program("gh", GH)
        first, second = (
            step
            for step in loaded(WORKFLOW.read_text())["jobs"]["update"]["steps"]
            if "run" in step
        )
        output = clone / ".git" / "output"
        status = self.script(clone, first["run"], {"GITHUB_OUTPUT": str(output)})
        outputs = dict(line.split("=") for line in output.read_text().splitlines())
        if status or not outputs.get("branch"):
            return status
        shared = {"BRANCH": outputs["branch"], "DRAFT": outputs["draft"]}
        return self.script(clone, second["run"], shared)

    def script(self, clone: Path, script: str, variables: dict[str, str]) -> int:
        """Run one step."""
        given = {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "CALLS": str(self.calls),
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GITHUB_REF_NAME": "main",
        }
        (clone / ".git" / "output").touch()
        command = ["bash", "-e", "-c", script]
        return subprocess.run(command, cwd=clone, env=given | variables, check=False).returncode

    def program(self, name: str, text: str) -> None:
        """Put a program on the PATH."""
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def branches(self) -> dict[str, str]:
        """Return the commit of each branch of the remote repository."""
        listed = self.git(self.remote, "branch", "--format=%(refname:short) %(objectname)")
        return dict(line.split() for line in listed.splitlines())

    def opened(self) -> list[str]:
        """Return the calls that opened a pull request."""
        return self.calls.read_text().splitlines()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """Return a runner with a repository that has one commit."""
    return Runner(tmp_path)


def test_one_line_switches_it_on() -> None:
    """Without it, the workflow only runs by hand; the line needs no other change."""
    text = WORKFLOW.read_text()
    switched, lines = re.subn(r"^  # (?=schedule:)", "  ", text, flags=re.MULTILINE)
    assert loaded(text)["on"] == {"workflow_dispatch": None}
    assert lines == 1
    on = loaded(switched)["on"]
    assert on.keys() == {"workflow_dispatch", "schedule"}
    ((_, cron),) = on["schedule"][0].items()
    assert re.fullmatch(r"[0-5]?\d ([01]?\d|2[0-3]) \* \* [0-6]", cron)
    assert loaded(switched) | {"on": 0, True: 0} == loaded(text) | {"on": 0, True: 0}


def test_it_may_do_no_more_than_it_has_to() -> None:
    """Only its job may write; the project's tests, which run first, get no token."""
    workflow = loaded(WORKFLOW.read_text())
    steps = workflow["jobs"]["update"]["steps"]
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["update"]["permissions"] == {
        "contents": "write",
        "pull-requests": "write",
    }
    assert steps[0]["with"] == {"persist-credentials": False}
    assert ["token" in str(step) for step in steps] == [False, False, False, True]


def test_actions_are_those_of_the_other_workflow() -> None:
    """Both are raised together."""
    used = [
        re.findall(r"uses: (.*)", path.read_text())
        for path in (WORKFLOW, WORKFLOW.with_name("ci.yml"))
    ]
    assert used[0] == used[1]


def test_clean_update_is_pushed_and_opened(runner: Runner) -> None:
    """The pull request has the update's commit and its report."""
    assert runner.run("clean") == 0
    assert runner.git(runner.remote, "show", f"{BRANCH}:file") == "old\nnew"
    (call,) = runner.opened()
    report = runner.folder / "report.md"
    assert call.split() == [*OPENED, "--title", *TITLE.split(), "--body-file", str(report)]
    assert report.read_text() == "````text\nAll is well.\n\n````\n"
    assert (runner.folder / "summary").read_text() == report.read_text()


def test_branch_of_last_week_stays(runner: Runner) -> None:
    """A second run neither fails nor takes away what someone has pushed to the branch."""
    runner.run("clean")
    clone = runner.clone()
    runner.git(clone, "fetch", "--quiet", "origin", BRANCH)
    runner.git(clone, "switch", "--quiet", "--detach", "FETCH_HEAD")
    runner.git(clone, "commit", "--quiet", "--allow-empty", "--message", "Adjust")
    runner.git(clone, "push", "--quiet", "origin", f"HEAD:{BRANCH}")
    before = runner.branches()
    assert runner.run("clean") == 0
    assert runner.branches() == before
    assert len(runner.opened()) == 1


def test_branch_without_a_pull_request_gets_one(runner: Runner) -> None:
    """As when workflows were not yet allowed to create pull requests."""
    runner.run("clean")
    runner.calls.write_text("")
    assert runner.run("clean") == 0
    assert len(runner.opened()) == 1


def test_update_that_fails_its_tests_is_a_draft(runner: Runner) -> None:
    """It has no conflicts, and the pull request shows what is left to do."""
    assert runner.run("failing") == 0
    (call,) = runner.opened()
    assert call.split()[: len(OPENED) + 1] == [*OPENED, "--draft"]


@pytest.mark.parametrize(("update", "status"), [("nothing", 0), ("conflict", 1), ("refused", 2)])
def test_nothing_else_is_pushed(runner: Runner, update: str, status: int) -> None:
    """Neither markers of conflicts nor an unchanged branch; a refusal keeps its exit status."""
    before = runner.branches()
    assert runner.run(update) == status
    assert runner.branches() == before
    assert runner.opened() == []
