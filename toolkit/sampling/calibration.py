"""What a checkpoint tells of its own scale: its entropy, and how many tokens make a word, a note or a bar.

Sampler settings found on vocabularies of 100,000 sub-words mean something else where a token is a letter: 64
tokens hold nearly every letter there is, and 5 bits of surprise are never met. Every default that hangs on the
scale comes from here, as one formula each. Knows no codec and no stage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from toolkit.core import CheckpointError

_WORDS_OF_A_PHRASE = 2.0
_CHARACTERS_OF_A_PHRASE = 16.0  # where words are not parted by blanks, and where they are long
_BARS_OF_A_PHRASE = 1.0
_PASSAGE = 32  # phrases: how far back a reader or listener notices what comes again
_SECTION = 4 * _PASSAGE
_CHARACTERS_OF_A_WORD = 5.7  # of English with its blank, where only characters were counted
_QUARTERS_OF_A_BAR = 4.0
_UNLIKELY = 0.01  # the share of an average token's probability below which a token is noise

_CALM = 0.75  # of the mean surprise: what a temperature of 0.8 comes to (benchmarks/results/samplers.md)
_UNSURE = 1.5  # times the mean entropy: where eta sampling begins to give way


@dataclass(frozen=True)
class Calibration:
    """``entropy`` is the loss on held-out data in nats per token; ``tokens_per`` the mean tokens of a unit by name.

    Units are those of the codec: ``word``, ``line``, ``character``, ``byte`` of text, ``note``, ``bar``,
    ``quarter`` of music; any may be missing.
    """

    entropy: float
    tokens_per: Mapping[str, float] = field(default_factory=dict)

    @property
    def tau(self) -> float:
        """Mirostat's target in bits: three quarters of what a token of held-out data surprises on average."""
        return _CALM * self.entropy / math.log(2)

    @property
    def target(self) -> float:
        """The adaptive stage's target: the probability of a token half as surprising as held-out ones are on average.

        That of an average token (0.25 for letters) is the geometric mean; the stage steers the arithmetic one.
        """
        return math.exp(-self.entropy / 2)

    @property
    def phrase(self) -> int:
        """The shortest run of tokens, at least 2, whose return is noticed: two words, or a bar."""
        if "bar" in self.tokens_per:
            return _whole(_BARS_OF_A_PHRASE * self.tokens_per["bar"])
        words = _WORDS_OF_A_PHRASE * self.tokens_per.get("word", math.inf)
        characters = _CHARACTERS_OF_A_PHRASE * self.tokens_per.get("character", math.inf)
        shortest = min(words, characters)
        return _whole(shortest) if math.isfinite(shortest) else 2

    @property
    def passage(self) -> int:
        """Tokens that penalties look back over: 64 words, or 32 bars."""
        return _PASSAGE * self.phrase

    @property
    def section(self) -> int:
        """Tokens within which a whole phrase should not come again: 256 words, or 128 bars."""
        return _SECTION * self.phrase

    @property
    def epsilon(self) -> float:
        """A probability below which a token is noise: a hundredth of that of a token of average surprise."""
        return _UNLIKELY * math.exp(-self.entropy)

    @property
    def eta(self) -> float:
        """Eta sampling's parameter, whose line begins to sink where the entropy is one and a half times the mean."""
        return math.exp(-2 * _UNSURE * self.entropy)

    def data(self) -> dict[str, Any]:
        """The fields as plain data for JSON."""
        return {"entropy": self.entropy, "tokens_per": dict(self.tokens_per)}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Self:
        """The calibration that `data` gave; CheckpointError for anything else."""
        tokens_per = data.get("tokens_per")
        if set(data) != {"entropy", "tokens_per"} or not isinstance(tokens_per, Mapping):
            raise CheckpointError("the run's calibration is not made of an entropy and tokens_per.")
        for name, value in {**tokens_per, "entropy": data["entropy"]}.items():
            if type(value) not in (int, float) or not math.isfinite(value) or value <= 0:
                raise CheckpointError(f"the run's calibration has no positive number for {name}.")
        return cls(float(data["entropy"]), {str(name): float(value) for name, value in tokens_per.items()})

    @classmethod
    def of_result(cls, result: Mapping[str, Any]) -> Self | None:
        """What the figures of an evaluation alone tell, for a run that was never measured; None without a loss.

        ``val_nats_per_token`` over ``val_nats_per_character`` (``note``, ``quarter``) is a number of tokens; words and
        bars are then taken to be of an ordinary length.
        """
        entropy = result.get("val_nats_per_token")
        if type(entropy) not in (int, float) or not 0 < float(entropy or 0) < math.inf:
            return None
        tokens_per = {
            unit: float(result[f"val_nats_per_{unit}"]) / float(entropy or 1)
            for unit in ("character", "byte", "note", "quarter")
            if type(result.get(f"val_nats_per_{unit}")) is float and result[f"val_nats_per_{unit}"] > 0
        }
        if "character" in tokens_per:
            tokens_per["word"] = _CHARACTERS_OF_A_WORD * tokens_per["character"]
        if "quarter" in tokens_per:
            tokens_per["bar"] = _QUARTERS_OF_A_BAR * tokens_per["quarter"]
        return cls(float(entropy or 0), tokens_per)


def _whole(tokens: float) -> int:
    return max(2, round(tokens))
