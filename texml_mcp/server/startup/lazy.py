"""Imports that wait for the first use of what they bring, in modules that are not ours to change.

The semantics are those of PEP 810, for declared pairs: which module imports, and what of its imports waits.
A name that such an import would bind is not bound; whoever looks it up (code of the module, an annotation,
`module.name`, `from module import name`) has it imported then, and bound for good. So nothing can be asked
for and be missing: a list that no longer fits a package costs time, and never an answer.

It takes a finder on `sys.meta_path`, a loader that runs the same compiled code, the module's `__builtins__`
(where `__import__` is looked up, and every name that the module does not have), and its `__getattr__`.
Imports inside functions and classes, and `from module import *`, are made at once as ever.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import resolve_name
from threading import get_ident
from types import ModuleType
from typing import Any

Declared = Mapping[str, tuple[str, ...]]
"""By the name of the module that imports: the packages, each with all below it, that it can wait for."""


class _Waiting:
    """What an import statement gets in place of a module: the statement, and the way to a name in it."""

    __slots__ = ("_path", "_statement")

    def __init__(self, statement: tuple[Any, ...], path: tuple[str, ...] = ()) -> None:
        self._statement = statement
        self._path = path

    def __getattr__(self, name: str) -> _Waiting:
        return _Waiting(self._statement, (*self._path, name))

    @staticmethod
    def arrive(waiting: _Waiting) -> Any:
        """Make the import. Raises what the statement would have raised."""
        found = builtins.__import__(*waiting._statement)
        for name in waiting._path:
            # As the statement does it: a submodule counts, also one that its package does not name.
            inner = f"{found.__name__}.{name}" if isinstance(found, ModuleType) else ""
            if not hasattr(found, name) and inner not in sys.modules:
                raise ImportError(f"cannot import name {name!r} from {inner.rpartition('.')[0]!r}")
            found = getattr(found, name) if hasattr(found, name) else sys.modules[inner]
        return found


class _Builtins(dict[str, Any]):
    """The builtins of one module: the last place a name is looked for, so also that of names that wait."""

    def __init__(self, module: ModuleType, later: tuple[str, ...]) -> None:
        super().__init__(vars(builtins))
        self.waiting: dict[str, _Waiting] = {}
        self._arriving: set[tuple[int, str]] = set()
        self._module = module
        self._later = later
        self["__import__"] = self._import

    def __missing__(self, name: str) -> Any:
        # Whoever asks again while it arrives is the import itself, looking whether it is there already.
        # Another thread makes the import too: it must not wait here for a lock that importing does not know.
        mine = (get_ident(), name)
        waiting = self.waiting.get(name)
        if waiting is None or mine in self._arriving:
            raise KeyError(name)
        self._arriving.add(mine)
        try:
            found = vars(self._module)[name] = _Waiting.arrive(waiting)
        finally:
            self._arriving.discard(mine)
        self.waiting.pop(name, None)
        return found

    def attribute(self, name: str) -> Any:
        """The module's `__getattr__`."""
        try:
            return self.__missing__(name)
        except KeyError:
            raise AttributeError(
                f"module {self._module.__name__!r} has no attribute {name!r}", name=name, obj=self._module
            ) from None

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        statement = (name, globals, None, fromlist, level)
        # Only what the module's own lines import: its classes and functions need what they ask for.
        if isinstance(locals, _Names) and "*" not in (fromlist or ()):
            whole = resolve_name("." * level + name, str(self._module.__package__)) if level else name
            if any(whole == each or whole.startswith(f"{each}.") for each in self._later):
                return _Waiting(statement)
        return builtins.__import__(*statement)


class _Names(MutableMapping[str, Any]):
    """The names of a module while its code runs: bound in the module, or waiting."""

    def __init__(self, names: dict[str, Any], waiting: dict[str, _Waiting]) -> None:
        self._names = names
        self._waiting = waiting

    def __getitem__(self, name: str) -> Any:
        return self._names[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._names.pop(name, None)
        self._waiting.pop(name, None)
        if isinstance(value, _Waiting):
            self._waiting[name] = value
        else:
            self._names[name] = value

    def __delitem__(self, name: str) -> None:
        if self._waiting.pop(name, None) is None:
            del self._names[name]

    def __iter__(self) -> Any:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _LazyLoader(Loader):
    """Runs a module's code, its declared imports left to wait."""

    def __init__(self, real: InspectLoader, later: tuple[str, ...]) -> None:
        self._real = real
        self._later = later

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)  # `get_source`, `get_data` and what else readers of modules ask for

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        code = self._real.get_code(module.__name__)
        assert code is not None  # a SourceFileLoader has code for each name it was made for
        names = vars(module)
        seen = _Builtins(module, self._later)
        names["__builtins__"] = seen
        exec(code, names, _Names(names, seen.waiting))
        names.setdefault("__getattr__", seen.attribute)


class LazyImports(MetaPathFinder):
    """Put on `sys.meta_path`, it loads the modules that are declared, and no other."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        later = self._declared.get(fullname)
        if not later:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                # Whoever loads it in a way of its own (from a zip file, with hooks for tracing) still does.
                if type(spec.loader) is not SourceFileLoader:
                    return None
                spec.loader = _LazyLoader(spec.loader, later)
                return spec
        return None
