"""What the tests of updates share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.update.lab import Lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Where projects of old releases come from, and made-up releases."""
    with pytest.MonkeyPatch.context() as patch:
        yield Lab.open(Path(tmp_path_factory.mktemp("lab")), patch)
