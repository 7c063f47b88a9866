"""Alembic's migrations after a merge, read without importing them."""

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from chatkit_scaffold.text import listed
from chatkit_scaffold.update.markers import Place
from chatkit_scaffold.update.source import Edit, Source, last_line, parse
from chatkit_scaffold.update.statements import Change

_FOLDER = "app/database/migrations/versions/"
_MERGE = 'merge them with "uv run alembic merge heads -m merge", then run python -m app migrate'
_NUMBERS = {2: "two", 3: "three", 4: "four"}


@dataclass(frozen=True, slots=True)
class Migration:
    """A script of a migration.

    Attributes:
        path: Its file.
        source: The script.
        revision: Its revision id.
        node: Where the script has that.
        follows: The ids that it follows or depends on, and where the script has them.
    """

    path: str
    source: Source
    revision: str
    node: ast.Constant
    follows: tuple[ast.Constant, ...]


@dataclass(frozen=True, slots=True)
class Migrations:
    """All migrations of a version of the project.

    Attributes:
        scripts: Those that can be read.
        complete: Whether that is all of them.
    """

    scripts: tuple[Migration, ...] = field(default=())
    complete: bool = True

    @property
    def revisions(self) -> set[str]:
        """All revision ids."""
        return {script.revision for script in self.scripts}

    @property
    def heads(self) -> list[Migration]:
        """The migrations that no other one follows; none if not all can be read."""
        followed = {node.value for script in self.scripts for node in script.follows}
        heads = [script for script in self.scripts if script.revision not in followed]
        return heads if self.complete else []


def migrations(paths: Iterable[str], read: Callable[[str], bytes]) -> Migrations:
    """Return the migrations of a version of the project, given its files."""
    found = [_migration(path, read(path)) for path in sorted(paths) if _is_script(path)]
    return Migrations(tuple(script for script in found if script), None not in found)


def followed_ids(script: Migration, ids: Mapping[str, str], known: set[str]) -> Iterator[Change]:
    """Yield the changes of a migration that follows one whose id the release changed."""
    for node in script.follows:
        old = new = str(node.value)
        while new not in known and new in ids:
            new = ids[new]
        text = script.source.segment(node)
        if new == old or new not in known or text[1:-1] != old:
            continue
        start = script.source.start(node) + 1
        yield Change((Edit(start, start + len(old), new),), node.lineno, old, new)


def same_id(script: Migration, other: Migration) -> Place:
    """Return the place where a migration has the id of another one, and a free id for it."""
    before, after = script.source.before(script.node), script.source.after(script.node)
    new = sha256(script.source.text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    reason = f"has the revision id {script.revision}, as {other.path} has"
    lines = script.node.lineno, last_line(script.node)
    return Place(*lines, f'{before}"{new}"{after}', reason)


def notice_of_heads(ours: Migrations, merged: Migrations) -> str | None:
    """Return what to do about heads that the user did not have before, if there are any."""
    heads = merged.heads
    if len(heads) <= max(len(ours.heads), 1):
        return None
    names = [f"{head.revision} ({head.path})" for head in heads]
    number = _NUMBERS.get(len(heads), str(len(heads)))
    return f"the migrations have {number} heads, {listed(names, 'and')}: {_MERGE}"


def notice_of_gone(ours: Migrations, merged: Migrations, ids: Mapping[str, str]) -> str | None:
    """Return how databases leave the migrations that the update removes, if there are any.

    Without them, Alembic does not know what such a database has. A project that lost its first
    migration has another store, and another database, even if migrations of the user's remain.
    """
    gone = [
        script
        for script in ours.scripts
        if not {script.revision, ids.get(script.revision)} & merged.revisions
    ]
    if not (gone and merged.scripts and ours.complete and merged.complete):
        return None
    before = {node.value for script in gone for node in script.follows}
    names = [f"{script.revision} ({script.path})" for script in gone]
    steps = [
        f"uv run alembic downgrade {revision}"
        for revision in sorted(map(str, before - {script.revision for script in gone}))
    ]
    if not steps:
        return None
    verb = "is" if len(gone) == 1 else "are"
    return (
        f"{listed(names, 'and')} {verb} gone: a database that has seen it goes back with the code "
        f"of your own branch, which deletes what was added: {listed(steps, 'and')}"
    )


def twins(ours: Migrations, merged: Migrations) -> Iterator[tuple[Migration, Migration]]:
    """Yield pairs that share their revision id since the merge, the user's own one first."""
    mine = Counter(script.revision for script in ours.scripts)
    theirs = {script.path for script in ours.scripts}
    for revision, times in Counter(script.revision for script in merged.scripts).items():
        if times > max(mine[revision], 1):
            same = [script for script in merged.scripts if script.revision == revision]
            first, second, *_ = sorted(same, key=lambda script: script.path not in theirs)
            yield first, second


def _is_script(path: str) -> bool:
    folder, _, file = path.rpartition("/")
    return f"{folder}/" == _FOLDER and file.endswith(".py") and file != "__init__.py"


def _migration(path: str, content: bytes) -> Migration | None:
    source = parse(content)
    values = dict(_assigned(source.tree)) if source else {}
    revision = _text(values.get("revision"))
    ids = [*_ids(values.get("down_revision")), *_ids(values.get("depends_on"))]
    follows = tuple(node for each in ids if (node := _text(each)))
    if source is None or revision is None or len(follows) < len(ids):
        return None
    return Migration(path, source, str(revision.value), revision, follows)


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign) and node.value:
            target, value = node.target, node.value
        else:
            continue
        if isinstance(target, ast.Name):
            yield target.id, value


def _ids(node: ast.expr | None) -> Iterator[ast.expr]:
    """Yield the ids of `down_revision`: none, one, or several."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        yield from node.elts
    elif node is not None and not (isinstance(node, ast.Constant) and node.value is None):
        yield node


def _text(node: ast.expr | None) -> ast.Constant | None:
    return node if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
