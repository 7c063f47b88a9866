"""Makes `python -m chatkit_scaffold` the same as `chatkit-scaffold`."""

from chatkit_scaffold.cli.app import main

main()
