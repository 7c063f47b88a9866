"""The requirements, each family in the modules that begin with its name.

Importing this package declares them all.
"""

# Declared in the order in which they run: what comes later may need what came before.
from chatkit_scaffold.checks import transport  # isort: skip
from chatkit_scaffold.checks import transport_cors  # isort: skip
from chatkit_scaffold.checks import requests  # isort: skip
from chatkit_scaffold.checks import streaming  # isort: skip
from chatkit_scaffold.checks import streaming_concurrency  # isort: skip
from chatkit_scaffold.checks import streaming_not_found  # isort: skip
from chatkit_scaffold.checks import threads  # isort: skip
from chatkit_scaffold.checks import threads_paging  # isort: skip
from chatkit_scaffold.checks import threads_metadata  # isort: skip
from chatkit_scaffold.checks import threads_not_found  # isort: skip
from chatkit_scaffold.checks import items  # isort: skip
from chatkit_scaffold.checks import memory  # isort: skip
from chatkit_scaffold.checks import access_authentication  # isort: skip
from chatkit_scaffold.checks import access_isolation  # isort: skip
from chatkit_scaffold.checks.model import REGISTRY

__all__ = [
    "REGISTRY",
    "access_authentication",
    "access_isolation",
    "items",
    "memory",
    "requests",
    "streaming",
    "streaming_concurrency",
    "streaming_not_found",
    "threads",
    "threads_metadata",
    "threads_not_found",
    "threads_paging",
    "transport",
    "transport_cors",
]
