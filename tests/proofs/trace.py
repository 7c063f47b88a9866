"""The writes of a process in the order of its system calls, and what a power cut would leave."""

import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FLUSHES = {"fsync", "fdatasync"}
FILE_WRITES = {"pwrite64", "ftruncate"}
STREAM_WRITES = {"write", "writev", "sendto", "sendmsg"}

_BYTES = r"((?:\\x[0-9a-f]{2})*)"
_BEGIN = re.compile(rf"(\d+) +(\w+)\(\d+<{_BYTES}>(.*)")
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>")
_DATA = re.compile(f'"{_BYTES}"')
_LAST_NUMBER = re.compile(r", (\d+)(?:\)| <unfinished)")
_SUCCESS = re.compile(r"= \d+$")
_WAIT = 30.0
"""Seconds until the tracer has written the end of a process."""


@dataclass(slots=True, eq=False)
class Call:
    """A system call that writes.

    Attributes:
        name: Such as `pwrite64`.
        target: What is written to: a file's path, or such as `socket:[4711]`.
        data: What is written.
        number: Where it is written, or the new length.
    """

    name: str
    target: str
    data: bytes
    number: int

    def apply(self, content: bytearray) -> None:
        """Change a file's content as the call does."""
        if self.name == "ftruncate":
            del content[self.number :]
        content.extend(bytes(max(0, self.number - len(content))))
        content[self.number : self.number + len(self.data)] = self.data


@dataclass(slots=True)
class File:
    """A file that is written to.

    Attributes:
        writes: All writes to it so far.
        safe: How many of them are on the disk for certain.
        flushes: How often it was flushed.
    """

    writes: list[Call] = field(default_factory=list)
    safe: int = 0
    flushes: int = 0

    def after_power_cut(self, chance: random.Random | None) -> bytes:
        """Return what is left of it: what was flushed and, by *chance*, some of the rest."""
        content = bytearray()
        for number, call in enumerate(self.writes):
            if number < self.safe or (chance is not None and chance.random() < 0.5):
                call.apply(content)
        return bytes(content)


Files = dict[str, File]


def tracing(python: Path, folder: Path) -> tuple[Path, Path]:
    """Return a program that runs *python* and traces it, and the file that the trace will be in."""
    program, trace = folder / "traced-python", folder / "trace"
    calls = ",".join(sorted(FLUSHES | FILE_WRITES | STREAM_WRITES))
    program.write_text(
        # -D: the program gets its signals itself; -y, -xx, -s: paths and all bytes, in hex.
        f"#!/bin/sh\nexec strace -D -f --seccomp-bpf -y -xx -s 10000000 -e trace={calls} "
        f'-o "{trace}" "{python}" "$@"\n'
    )
    program.chmod(0o755)
    return program, trace


def sent(trace: Path, process: int) -> Iterator[tuple[bytes, Files]]:
    """Yield what a process sends, in order, each time with the files as they are just before."""
    files: Files = {}
    begun: dict[Call, int] = {}
    for call, begins, succeeds in _read(trace, process):
        file = files.setdefault(call.target, File())
        if call.target.startswith("socket:") and begins:
            yield call.data, files
        if call.name in FILE_WRITES and succeeds:
            file.writes.append(call)
        if call.name in FLUSHES and begins:
            # What is written while a flush runs is not part of it.
            begun[call] = len(file.writes)
        if call.name in FLUSHES and succeeds:
            file.safe = max(file.safe, begun[call])
            file.flushes += 1


def _read(trace: Path, process: int) -> Iterator[tuple[Call, bool, bool]]:
    """Yield calls in order, and whether each begins here and whether it succeeds here.

    A call during which another begins or ends is yielded at its beginning and at its end.
    """
    _wait_for_end(trace, process)
    running: dict[str, Call] = {}
    with trace.open(encoding="ascii") as lines:
        for line in lines:
            succeeds = bool(_SUCCESS.search(line))
            if found := _BEGIN.match(line):
                running[found[1]] = _call(found[2], found[3], found[4])
                yield running[found[1]], True, succeeds
            elif found := _RESUMED.match(line):
                yield running[found[1]], False, succeeds


def _call(name: str, target: str, arguments: str) -> Call:
    data = b"".join(_bytes(text) for text in _DATA.findall(arguments))
    numbers = _LAST_NUMBER.findall(arguments) if name in FILE_WRITES else []
    return Call(name, _bytes(target).decode(), data, int(numbers[-1]) if numbers else 0)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _wait_for_end(trace: Path, process: int) -> None:
    deadline = time.monotonic() + _WAIT
    while not re.search(rf"^{process} +\+\+\+", trace.read_text("ascii"), re.MULTILINE):
        assert time.monotonic() < deadline, "the trace does not end"
        time.sleep(0.1)
