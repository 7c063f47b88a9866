"""Which package of the command may import which, and nothing imports in a circle."""

import ast
from graphlib import TopologicalSorter

import pytest

from tests.command import REPOSITORY

PACKAGE = REPOSITORY / "chatkit_scaffold"

ALLOWED = {
    "text": set(),
    "errors": set(),
    "console": set(),
    "protocol": {"errors", "text"},
    "conformance": {"protocol", "errors", "text"},
    "play": {"conformance", "protocol", "errors", "text", "__init__"},
    "generator": {"console", "errors", "text", "__init__"},
    "launcher": {"errors"},
    "verify": {"conformance", "generator", "launcher", "console", "errors", "text"},
    "update": {"verify", "generator", "launcher", "console", "errors", "text"},
    "demo": {"generator", "launcher", "protocol", "errors"},
    "cli": {
        "update",
        "verify",
        "generator",
        "conformance",
        "play",
        "launcher",
        "protocol",
        "console",
        "errors",
        "text",
        "__init__",
    },
    "__init__": set(),
    "__main__": {"cli"},
}
"""By top-level module or package: the others that it may import."""

ONLY_IMPORTERS = {
    "copier": {"generator.render"},
    "httpx": {"protocol.session", "protocol.tls", "protocol.url"},
    "starlette": {"play"},
    "typer": {"cli"},
    "uvicorn": {"play.server"},
    "rich": {"console", "conformance.formats.text"},
}
"""By library: the modules, or the package, through which everything else reaches it."""


def modules() -> dict[str, ast.Module]:
    """Return the syntax trees of all modules by their name below the package."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text())
        for path in PACKAGE.rglob("*.py")
    }


def imports(tree: ast.Module) -> set[str]:
    """Return the names of all modules that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import name` may import a module, so both count.
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


MODULES = modules()


def ours(tree: ast.Module) -> set[str]:
    """Return the modules of this package that a module imports, by their name below it."""
    names = {name.removeprefix("chatkit_scaffold.") for name in imports(tree)}
    return {name if name in MODULES else f"{name}.__init__" for name in names} & MODULES.keys() | (
        {"__init__"} if "chatkit_scaffold.__version__" in imports(tree) else set()
    )


@pytest.mark.quick
def test_every_package_imports_only_what_it_may() -> None:
    """The generator and the checks do not know each other, and nothing imports the cli."""
    forbidden = [
        f"{name} imports {imported}"
        for name, tree in MODULES.items()
        for imported in ours(tree)
        if (own := name.partition(".")[0]) != (other := imported.partition(".")[0])
        and other not in ALLOWED[own]
    ]

    assert forbidden == []


@pytest.mark.quick
def test_no_import_cycle() -> None:
    """Modules can be put in an order in which each imports only earlier ones."""
    graph = {name: ours(tree) - {name} for name, tree in MODULES.items()}

    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


@pytest.mark.quick
def test_only_the_families_package_knows_its_modules() -> None:
    """Selection, runner and reports work on any checks."""
    families = {name for name in MODULES if name.startswith("conformance.families.")}
    importers = {
        name: known
        for name in MODULES.keys() - families
        if (known := ours(MODULES[name]) & families - {"conformance.families.__init__"})
    }

    assert importers == {}


@pytest.mark.quick
@pytest.mark.parametrize("library", ONLY_IMPORTERS)
def test_libraries_have_one_importer(library: str) -> None:
    """A library is imported where it is wrapped, and its exceptions are translated there."""
    importers = {
        name
        for name, tree in MODULES.items()
        if any(found.partition(".")[0] == library for found in imports(tree))
    }

    allowed = ONLY_IMPORTERS[library]
    assert {name for name in importers if not {name, name.partition(".")[0]} & allowed} == set()
    assert importers
