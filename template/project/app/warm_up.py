"""Does before the start what would otherwise hold up all requests during the first turn."""

from collections.abc import Iterable

from pydantic import BaseModel


def build_models(types: Iterable[object]) -> None:
    """Build the pydantic models among *types*, which the SDKs leave until they are first used."""
    for model in types:
        if isinstance(model, type) and issubclass(model, BaseModel) and model is not BaseModel:
            model.model_rebuild()
