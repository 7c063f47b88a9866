"""The command line of the backend: `python -m app --help` lists its commands."""

import argparse
import sys
from importlib import import_module
from pkgutil import iter_modules

from app import commands
from app.commands import serve
from app.errors import StartupError
from app.settings import load_settings


def main() -> None:
    """Run the command named on the command line, or serve."""
    arguments = create_parser().parse_args()
    try:
        arguments.run(load_settings(), arguments)
    except StartupError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)


def create_parser() -> argparse.ArgumentParser:
    """Build the command line from the modules of `app.commands`."""
    parser = argparse.ArgumentParser(prog="python -m app", description="A ChatKit backend.")
    parser.set_defaults(run=serve.run)
    subparsers = parser.add_subparsers(metavar="COMMAND")
    for found in iter_modules(commands.__path__):
        module = import_module(f"{commands.__name__}.{found.name}")
        # `import` is a keyword, so its module is `import_`.
        command = subparsers.add_parser(found.name.removesuffix("_"), help=module.__doc__)
        command.set_defaults(run=module.run)
        if hasattr(module, "add_arguments"):
            module.add_arguments(command)
    return parser


if __name__ == "__main__":
    main()
