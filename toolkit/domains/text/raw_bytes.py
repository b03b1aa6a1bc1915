"""The ``byte`` codec: 256 bytes and the stop. It reads and writes any text there is, and needs no corpus."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from toolkit.domains.text.codec import TextCodec, utf8_bytes
from toolkit.domains.text.storage import digest, read_json, write_json

FORMAT = 1
_STOP = 256


class ByteCodec(TextCodec):
    """Id b is the byte b of the text in UTF-8; id 256 is the stop."""

    name = "byte"

    def __init__(self) -> None:
        super().__init__([*(bytes([each]) for each in range(_STOP)), b""], stop=_STOP)

    @classmethod
    def build(cls, items: Iterable[str], *, size: int | None = None) -> Self:
        """The same codec for every corpus; ``items`` are not read."""
        return cls()

    @property
    def fingerprint(self) -> str:
        return digest(b"byte", FORMAT.to_bytes(1, "little"))

    def encode_array(self, item: str) -> npt.NDArray[np.int32]:
        return np.frombuffer(utf8_bytes(item), dtype=np.uint8).astype(np.int32)

    def save(self, folder: Path) -> None:
        write_json(folder, {"format": FORMAT, "codec": self.name})

    @classmethod
    def load(cls, folder: Path) -> Self:
        read_json(folder, cls.name, FORMAT)
        return cls()
