"""Runs `python -m chatkit_scaffold` as `chatkit-scaffold`."""

from chatkit_scaffold.cli.app import main

main()
