"""A refusal of the studio, as whoever calls it gets it."""

from __future__ import annotations

from typing import Any

import pytest


def refusal(client: Any, **asked: Any) -> str:
    """The sentence with which the studio refuses, which names no file and shows no code."""
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError) as refused:
        client.predict(**asked)
    said = str(refused.value)
    assert "Traceback" not in said and "/tmp" not in said and "/gradio" not in said and len(said) < 300
    return said
