"""Whether a thing keeps an optional promise: a quick ``isinstance`` for protocols of methods alone."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

__all__ = ["promises"]

if TYPE_CHECKING:
    from builtins import isinstance as promises
else:

    @cache
    def _promised(kind: type, promise: type) -> bool:
        return issubclass(kind, promise)

    def promises(thing: object, promise: type) -> bool:
        """The same as ``isinstance(thing, promise)``, which looks at every method anew each time.

        That is too slow for what is asked at every token.
        """
        return _promised(type(thing), promise)
