"""The requirements, one module per family; importing this package declares them all."""

# Declared in the order in which they run: what comes later may need what came before.
from chatkit_scaffold.checks import transport  # isort: skip
from chatkit_scaffold.checks import requests  # isort: skip
from chatkit_scaffold.checks import streaming  # isort: skip
from chatkit_scaffold.checks import threads  # isort: skip
from chatkit_scaffold.checks import items  # isort: skip
from chatkit_scaffold.checks import memory  # isort: skip
from chatkit_scaffold.checks import access  # isort: skip
from chatkit_scaffold.checks.model import REGISTRY

__all__ = ["REGISTRY", "access", "items", "memory", "requests", "streaming", "threads", "transport"]
