"""A constraint narrowed by another that never stands in the way of an end.

Knows no codec.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from toolkit.core import NEVER
from toolkit.sampling.constraints import A, B, Both, distances


@dataclass(frozen=True)
class Narrowed(Both[A, B]):
    """`Both` over ``vocabulary`` tokens, where the distance of ``second`` is always 0: all distances are ``first``'s.

    So looking ahead does not step ``second`` with each token. What ``second`` leaves nothing of is a dead end, which
    it must be ready to withdraw from.
    """

    vocabulary: int

    def distances(self, state: tuple[A, B]) -> npt.NDArray[np.int32]:
        ahead_V = distances(self.first, state[0], self.vocabulary)
        mask_V = self.second.allowed(state[1])
        return ahead_V if mask_V is None else np.where(mask_V, ahead_V, NEVER).astype(np.int32)
