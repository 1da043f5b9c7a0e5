"""Imports Gradio without the type stubs that it writes beside its own files each time, which took two fifths of its import."""

import importlib
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_WRITES, _STUBS = "gradio.component_meta", "create_or_modify_pyi"


class _NoStubs(MetaPathFinder):
    """Finds the module that writes them, and takes the writing out of it once it is loaded."""

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        """See MetaPathFinder; None for all other modules."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname == _WRITES else None
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_without(module: ModuleType) -> None:
            load(module)
            if hasattr(module, _STUBS):
                setattr(module, _STUBS, lambda *_: None)

        spec.loader.exec_module = load_without  # type: ignore[method-assign]
        return spec


def import_gradio() -> ModuleType:
    """The package, imported if it was not yet."""
    finder = _NoStubs()
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module("gradio")
    finally:
        sys.meta_path.remove(finder)
