"""How a person writes tokens in a setting: by label, parted by commas, or by number as #17.

A label may itself be a comma: a part is never empty, so ``,,e`` is the comma and e.
"""

from __future__ import annotations

import re

from toolkit.core import UsageError
from toolkit.sampling.stages.stage import TokenNamed

_ID = re.compile(r"#\d+")
_PART = re.compile(r"(.[^,]*)(?:,|$)", re.DOTALL)


def listed(text: str) -> tuple[str, ...]:
    """The labels that a comma-separated list names."""
    return tuple(match[1] for match in _PART.finditer(text))


def token_of(label: str, token_named: TokenNamed | None, setting: str) -> int:
    """The id that ``label`` means in ``setting``; UsageError when it means none."""
    if _ID.fullmatch(label):
        return int(label[1:])
    if token_named is None:
        raise UsageError(f"{setting} can only name tokens by number here, as #17, not {label!r}.")
    return token_named(label)
