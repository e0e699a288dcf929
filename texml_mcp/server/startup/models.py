"""Models of the protocol that are built when they are first used: a session needs a tenth of them.

Pydantic's own setting `defer_build` does it for models; it is on while the SDK's modules are loaded, and what
they make then keeps it. Adapters of unions, and models that a module rebuilds at its end, wait likewise.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pydantic
from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter


class _LateAdapters:
    """Stands where `TypeAdapter` does: what it makes builds its validator when it is first asked to."""

    def __getitem__(self, type: Any) -> _LateAdapters:
        return self

    def __call__(self, type: Any, *, _parent_depth: int = 2, **given: Any) -> TypeAdapter[Any]:
        depth = _parent_depth + 1  # names in the type are looked up where the adapter is asked for
        if "config" not in given:
            try:
                return TypeAdapter(type, config=ConfigDict(defer_build=True), _parent_depth=depth, **given)
            except PydanticUserError:
                pass  # a type with settings of its own: of a model, they are late already
        return TypeAdapter(type, _parent_depth=depth, **given)


@contextmanager
def built_when_used() -> Generator[None]:
    """Models and adapters that are made in this block wait for their first use."""
    changed: Any = BaseModel
    settings = BaseModel.model_config
    rebuild = vars(BaseModel)["model_rebuild"]

    def unless_asked(cls: type[BaseModel], *, _parent_namespace_depth: int = 2, **given: Any) -> bool | None:
        # Without a word it is a module that tidies up; pydantic itself, which needs the model now, says more.
        if not given:
            return None
        return rebuild.__func__(cls, _parent_namespace_depth=_parent_namespace_depth + 1, **given)

    exported: Any = pydantic
    changed.model_config = settings | ConfigDict(defer_build=True)
    changed.model_rebuild = classmethod(unless_asked)
    exported.TypeAdapter = _LateAdapters()
    try:
        yield
    finally:
        changed.model_config = settings
        changed.model_rebuild = rebuild
        exported.TypeAdapter = TypeAdapter
