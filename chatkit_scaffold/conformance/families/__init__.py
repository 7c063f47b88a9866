"""The checks, each family in the modules whose names start with its name.

Importing this package declares all of them.
"""

# The order of these imports is the order of a run: a check needs only earlier checks.
from chatkit_scaffold.conformance.families import transport  # isort: skip
from chatkit_scaffold.conformance.families import transport_cors  # isort: skip
from chatkit_scaffold.conformance.families import requests  # isort: skip
from chatkit_scaffold.conformance.families import requests_optional  # isort: skip
from chatkit_scaffold.conformance.families import requests_errors  # isort: skip
from chatkit_scaffold.conformance.families import streaming  # isort: skip
from chatkit_scaffold.conformance.families import streaming_concurrency  # isort: skip
from chatkit_scaffold.conformance.families import streaming_pieces  # isort: skip
from chatkit_scaffold.conformance.families import streaming_not_found  # isort: skip
from chatkit_scaffold.conformance.families import threads  # isort: skip
from chatkit_scaffold.conformance.families import threads_paging  # isort: skip
from chatkit_scaffold.conformance.families import threads_metadata  # isort: skip
from chatkit_scaffold.conformance.families import threads_not_found  # isort: skip
from chatkit_scaffold.conformance.families import threads_deleted  # isort: skip
from chatkit_scaffold.conformance.families import threads_others  # isort: skip
from chatkit_scaffold.conformance.families import items  # isort: skip
from chatkit_scaffold.conformance.families import items_retry  # isort: skip
from chatkit_scaffold.conformance.families import items_stop  # isort: skip
from chatkit_scaffold.conformance.families import items_client  # isort: skip
from chatkit_scaffold.conformance.families import items_attachments  # isort: skip
from chatkit_scaffold.conformance.families import memory  # isort: skip
from chatkit_scaffold.conformance.families import access_isolation  # isort: skip

# Last, because a server may block an address that has sent wrong credentials.
from chatkit_scaffold.conformance.families import access_authentication  # isort: skip
from chatkit_scaffold.conformance.registry import REGISTRY

__all__ = [
    "REGISTRY",
    "access_authentication",
    "access_isolation",
    "items",
    "items_attachments",
    "items_client",
    "items_retry",
    "items_stop",
    "memory",
    "requests",
    "requests_errors",
    "requests_optional",
    "streaming",
    "streaming_concurrency",
    "streaming_not_found",
    "streaming_pieces",
    "threads",
    "threads_deleted",
    "threads_metadata",
    "threads_not_found",
    "threads_others",
    "threads_paging",
    "transport",
    "transport_cors",
]
