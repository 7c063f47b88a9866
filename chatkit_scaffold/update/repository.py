"""The user's repository, and the only place where an update runs git in it."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from chatkit_scaffold.errors import ToolError
from chatkit_scaffold.generator.git import OUTER_REPOSITORY, as_alternate

# The user's hooks, signature and pager have no business in the steps of an update, and a submodule
# is a repository of its own.
_PLAIN = (
    *("-c", "core.hooksPath=" + os.devnull),
    *("-c", "core.quotePath=false"),
    *("-c", "submodule.recurse=false"),
    "--no-pager",
)
_NO_CONFIG: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with a work tree.

    Attributes:
        root: The top of the work tree.
        prefix: The project's folder below it, such as `services/bot`; empty for the top itself.
        quarantine: Where new objects go; None for the repository itself.
    """

    root: Path
    prefix: str
    quarantine: Path | None = None

    @property
    def project(self) -> Path:
        """The project's folder in the work tree."""
        return self.root / self.prefix

    def git(
        self,
        *arguments: str,
        index: Path | None = None,
        work_tree: Path | None = None,
        text: str | None = None,
        options: Sequence[str] = (),
        ok: tuple[int, ...] = (0,),
        config: Mapping[str, str] = _NO_CONFIG,
    ) -> str:
        """Run git at the top of the work tree and return what it prints, without its last newline.

        Bytes that are not UTF-8 come out as lone surrogates, and go in as such. Line ends stay.

        Args:
            arguments: The command and its arguments.
            index: An index to use instead of the user's.
            work_tree: A work tree to use instead of the user's; git then runs in it.
            text: What git reads from its standard input.
            options: Options of git itself, before the command.
            ok: The exit statuses that are no error.
            config: Settings that win over the user's.

        Raises:
            ToolError: git failed; the message is git's.
        """
        done = subprocess.run(
            self.command(*options, *_options(config), *arguments),
            cwd=work_tree or self.root,
            env=self.environment(index, work_tree),
            input=None if text is None else text.encode("utf-8", "surrogateescape"),
            capture_output=True,
            check=False,
        )
        # Python's own text mode would turn CRLF into LF, in files and in their names.
        printed = done.stdout.decode("utf-8", "surrogateescape")
        if done.returncode not in ok:
            complaint = done.stderr.decode("utf-8", "replace").strip() or printed.strip()
            output = complaint.splitlines() or ["no message"]
            raise ToolError(
                f"git {arguments[0]} failed in {self.root}: {output[-1].removeprefix('fatal: ')}",
                hint="Nothing was changed; run git status there.",
            )
        return printed.removesuffix("\n")

    @contextmanager
    def quarantined(self) -> Iterator["Repository"]:
        """Yield this repository with new objects in a temporary folder, for a dry run."""
        with TemporaryDirectory(prefix="chatkit-scaffold-") as folder:
            yield replace(self, quarantine=Path(folder))

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs git with *arguments*, for `environment`."""
        return ["git", *_PLAIN, *arguments]

    def environment(
        self, index: Path | None = None, work_tree: Path | None = None
    ) -> dict[str, str]:
        """Return the environment of git, for an index or a work tree other than the user's."""
        environment = {key: item for key, item in os.environ.items() if key not in OUTER_REPOSITORY}
        # Messages in English, which are recognized; no prompt; no lock for a mere look.
        environment |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
        if index:
            environment["GIT_INDEX_FILE"] = str(index)
        if work_tree:
            environment |= {"GIT_DIR": str(self.git_folder()), "GIT_WORK_TREE": str(work_tree)}
        if self.quarantine:
            objects = self._git_path("objects")
            environment |= {
                "GIT_OBJECT_DIRECTORY": str(self.quarantine),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": as_alternate(objects),
            }
        return environment

    def git_folder(self) -> Path:
        """Return the folder with HEAD and the index: that of the work tree, if it is linked."""
        return self._located("--absolute-git-dir")

    def _git_path(self, name: str) -> Path:
        return self._located("--path-format=absolute", "--git-path", name)

    def _located(self, *arguments: str) -> Path:
        plain = replace(self, quarantine=None)
        return Path(plain.git("rev-parse", *arguments))


def _options(config: Mapping[str, str]) -> list[str]:
    return [part for key, item in config.items() for part in ("-c", f"{key}={item}")]
