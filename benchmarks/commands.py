"""How a benchmark ends that could not be run as asked."""

from __future__ import annotations

import sys
from collections.abc import Callable

from toolkit.core import ToolkitError


def as_command(main: Callable[[], None]) -> None:
    """Runs ``main``; what it refuses is one sentence and its exit code."""
    try:
        main()
    except ToolkitError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
