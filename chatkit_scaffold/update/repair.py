"""What has to change in the files of a merge so that its imports work again."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from chatkit_scaffold.update import migrations as alembic
from chatkit_scaffold.update.lost import suspects
from chatkit_scaffold.update.markers import Place
from chatkit_scaffold.update.mentions import lost_uses, mention_followed, mentions
from chatkit_scaffold.update.modules import Name
from chatkit_scaffold.update.moves import Moves
from chatkit_scaffold.update.source import Source, guarded, last_line, parse
from chatkit_scaffold.update.statements import Change, followed, lost_imports, without
from chatkit_scaffold.update.states import States, renamed_modules

_UNREADABLE = (
    "cannot be read by Python {}.{}, with which this command runs, so check its imports".format(
        *sys.version_info
    )
)

InOrder = Callable[[Mapping[str, bytes]], dict[str, bytes]]


class Remark(NamedTuple):
    """What the user should know, but need not decide.

    Attributes:
        text: The end of a sentence about a line of a file, or a whole sentence.
        path: The file.
        line: The line in the file without markers.
    """

    text: str
    path: str = ""
    line: int = 0


@dataclass(slots=True)
class Repair:
    """What has to change.

    Attributes:
        states: The project on both sides of the merge.
        contents: The new contents of files, without markers.
        changes: What moved, by file.
        places: What the user has to decide about, by file, in the lines of `contents`.
        remarks: What else to say.
    """

    states: States
    contents: dict[str, bytes] = field(default_factory=dict)
    changes: dict[str, list[Change]] = field(default_factory=dict)
    places: dict[str, list[Place]] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def content(self, path: str) -> bytes:
        """Return a file with all changes so far."""
        return self.contents[path] if path in self.contents else self.states.merged.read(path)


def repaired(
    states: States, ids: Mapping[str, str], unmerged: set[str], in_order: InOrder
) -> Repair:
    """Find out what has to change.

    Args:
        states: The project on both sides of the merge.
        ids: Old revision ids of migrations to new ones.
        unmerged: The files that have conflicts already; they stay as they are.
        in_order: Returns changed files with their imports in order.
    """
    repair = Repair(states)
    moves = Moves(states, renamed_modules(states.renames, states.merged))
    looked_at = [path for path in suspects(states) if path not in unmerged]
    for path in looked_at:
        if source := parse(repair.content(path)):
            _change(repair, path, source, _followed(source, path, states, moves))
        else:
            repair.remarks.append(Remark(f"{path} {_UNREADABLE}"))
    if repair.changes:
        repair.contents = in_order(repair.contents)
    _repair_migrations(repair, ids, unmerged)
    for path in looked_at:
        if source := parse(repair.content(path)):
            _decide(repair, path, source, moves)
    return repair


def _change(repair: Repair, path: str, source: Source, changes: Iterator[Change]) -> None:
    if found := list(changes):
        repair.contents[path] = source.changed(edit for each in found for edit in each.edits)
        repair.changes.setdefault(path, []).extend(found)


def _followed(source: Source, path: str, states: States, moves: Moves) -> Iterator[Change]:
    for lost in lost_imports(source, path, states, moves):
        yield from followed(source, path, lost)
    for mention in mentions(source, path, states):
        if change := mention_followed(source, mention, moves):
            yield change


def _decide(repair: Repair, path: str, source: Source, moves: Moves) -> None:
    """Add what could not be followed: conflicts, and remarks on what may be right as it is."""
    states, places = repair.states, repair.places.setdefault(path, [])
    optional = guarded(source.tree, frozenset({"ImportError", "ModuleNotFoundError"}))
    for lost in lost_imports(source, path, states, moves):
        node = lost[0].asked.node
        told = dict.fromkeys(_told(each.name, each.now, states) for each in lost)
        reason = f"imports {', and '.join(told)}"
        if node in optional:
            repair.remarks.append(Remark(f"{reason}, if it exists", path, node.lineno))
        else:
            text = without(source, path, lost)
            instead = source.before(node) + text + source.after(node) if text else ""
            places.append(Place(node.lineno, last_line(node), instead, reason))
    for use in lost_uses(source, path, states, moves):
        reason = f"uses {_told(use.name, moves.destination(use.name), states)}"
        places.append(Place(use.first, use.last, "", reason))
    for mention in mentions(source, path, states):
        string, now = mention.node, moves.destination(mention.name)
        reason = _told(mention.name, now, states)
        if mention.imports and string not in optional:
            places.append(Place(string.lineno, last_line(string), "", f"imports {reason}"))
        else:
            repair.remarks.append(Remark(f"names {reason}", path, string.lineno))


def _told(name: Name, now: Name | None, states: States) -> str:
    """Return a lost name and what became of it."""
    if now:
        return f"{name.dotted}, which is {now.dotted} now"
    module = Name(name.module)
    if name.name and states.merged.resolves(module) and not _is_module(name, states):
        return f"{name.name} from {name.module}, {states.culprit(name)}"
    gone = module if not _is_module(name, states) else name
    return f"{gone.dotted}, {states.culprit(gone)}"


def _is_module(name: Name, states: States) -> bool:
    return any(name.dotted in side.modules for side in (states.ours, states.theirs))


def _repair_migrations(repair: Repair, ids: Mapping[str, str], unmerged: set[str]) -> None:
    states = repair.states
    merged = alembic.migrations(states.merged.paths, repair.content)
    others = states.base.paths | states.theirs.paths | unmerged
    for script in merged.scripts:
        if script.path not in others:
            changes = alembic.followed_ids(script, ids, merged.revisions)
            _change(repair, script.path, script.source, changes)
    merged = alembic.migrations(states.merged.paths, repair.content)
    mine = alembic.migrations(states.ours.paths, states.ours.read)
    for script, other in alembic.twins(mine, merged):
        place = alembic.same_id(script, other)
        if script.path in others:
            repair.remarks.append(Remark(f"{script.path} {place.reason}"))
        else:
            repair.places.setdefault(script.path, []).append(place)
    for notice in (
        alembic.notice_of_heads(mine, merged),
        alembic.notice_of_gone(mine, merged, ids),
    ):
        if notice:
            repair.remarks.append(Remark(notice))
