"""An engine that learned nothing, for tests of what constraints promise whatever the model says."""

import numpy as np


class Hashed:
    """Logits are a fixed random function of the last two tokens fed."""

    name, precision = "hashed", "fp32"

    def __init__(self, vocabulary):
        self.vocabulary = vocabulary

    def begin(self):
        return ()

    def feed(self, fed, memory):
        memory = (*memory, *fed)[-2:]
        return np.random.default_rng([7, *memory]).normal(0, 2, self.vocabulary).astype(np.float32), memory
