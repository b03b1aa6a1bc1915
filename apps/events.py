"""How the page's own events are heard: ones that no stranger calls, and that show no clock while they run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANSWERED: Mapping[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
"""For what may be refused: the page shows the reason only of what went through the queue."""
AT_ONCE: Mapping[str, Any] = {**ANSWERED, "queue": False}
"""For what cannot fail and must not wait."""
