"""NumPy's names and nothing behind them: for numbers in a browser, where NumPy's own wheel is not at hand.

Everything that is asked for is a class whose calls do nothing, so that modules which mention arrays can be imported.
Computations of Values use none of it; a Tensor cannot be made.
"""

import importlib.abc
import importlib.machinery
import sys
import types


class _Named(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _stand_in(name)

    def __getitem__(cls, item):
        return cls

    def __iter__(cls):
        return iter(())


class _Thing(metaclass=_Named):
    def __init__(self, *args, **options):
        pass

    def __call__(self, *args, **options):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        return False

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Thing()


def _stand_in(name):
    return _Named(name, (_Thing,), {})


class _Module(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        found = _stand_in(name)
        setattr(self, name, found)
        return found


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """numpy.lib and whatever else is imported from below it."""

    def find_spec(self, name, path, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.startswith("numpy.") else None

    def create_module(self, spec):
        return _Module(spec.name)

    def exec_module(self, module):
        pass


sys.meta_path.append(_Finder())
sys.modules[__name__].__class__ = _Module
