"""An engine that wants nothing but to copy: what limits on copying are tried with."""

import numpy as np


class Copyist:
    """Goes on from the longest end of what it was fed that some training sequence has, as that sequence does."""

    name, precision = "copyist", "fp32"

    def __init__(self, sequences, vocabulary, seed=0, eagerness=50.0):
        self.sequences, self.vocabulary, self.seed, self.eagerness = sequences, vocabulary, seed, eagerness

    def begin(self):
        return ()

    def feed(self, fed, memory):
        memory = (*memory, *fed)
        logits_V = np.random.default_rng([self.seed, len(memory)]).normal(0, 1, self.vocabulary).astype(np.float32)
        for token in self._next(memory):
            logits_V[token] += self.eagerness
        return logits_V, memory

    def _next(self, memory):
        for length in range(min(len(memory), 12), 0, -1):
            end = memory[-length:]
            found = {
                each[at + length]
                for each in self.sequences
                for at in range(len(each) - length)
                if tuple(each[at : at + length]) == end
            }
            if found:
                return found
        return {each[0] for each in self.sequences}
