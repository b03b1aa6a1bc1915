"""What kind of search, how wide, and how sequences of different lengths are compared. Searches nothing itself."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.core import UsageError, knob

SAMPLE = "sample"
"""No search at all: the decode loop draws one token after another."""


@dataclass(frozen=True)
class SearchSettings:
    """How likely sequences are looked for. The defaults are the decode loop's ordinary draws.

    ``likelihood`` says what L is below. Draws behind a mask share out all probability among what is allowed, so a
    sequence that is forced into a corner pays nothing for the unlikely way out; by the model's own probability it does,
    and of two sequences that keep the constraint the one the model finds likelier is better. The sampler's chain then
    only decides what is possible at all.

    A sequence of n tokens (the stop token counted) and log-probability L is ranked by ``L / rule(n)**length_penalty``,
    where the rule is GNMT's (5 + n) / 6 (Wu et al. 2016, 1609.08144, eq. 14) or n itself: the mean, with penalty 1.
    """

    search: str = knob(
        SAMPLE,
        "draw at random, take the likeliest token each time, or look for likely sequences",
        choices=(SAMPLE, "greedy", "beam", "diverse", "stochastic"),
    )
    beams: int = knob(
        4, "how many sequences a beam search follows at once, in all groups together", low=1, high=512, step=1
    )
    groups: int = knob(
        2, "how many groups a diverse search keeps apart; they share the beams evenly", low=1, high=512, step=1
    )
    diversity: float = knob(
        0.5,
        "nats a diverse search takes from a token for each beam of an earlier group that chose it",
        low=0,
        high=100,
        step=0.1,
    )
    likelihood: str = knob(
        "drawn",
        "likely as results are drawn, or as the model itself says among those allowed",
        choices=("drawn", "model"),
        advanced=True,
    )
    length_penalty: float = knob(
        0.0, "above 0 favours longer sequences; 1 by the mean divides by the length", low=0, high=10, step=0.1
    )
    length_rule: str = knob(
        "gnmt", "how the length counts: (5 + tokens) / 6, or tokens", choices=("gnmt", "mean"), advanced=True
    )

    @property
    def shape(self) -> tuple[int, int]:
        """(groups, beams in each); UsageError when the groups cannot share the beams evenly."""
        if self.search == "greedy":
            return 1, 1
        if self.search == "beam":
            return 1, self.beams
        if self.beams % self.groups:
            raise UsageError(f"{self.beams} beams cannot be shared evenly by {self.groups} groups.")
        return self.groups, self.beams // self.groups

    def score(self, log_probability: float, tokens: int) -> float:
        """What a sequence of so many tokens is ranked by; with ``length_penalty`` 0 its log-probability."""
        if not tokens:
            return log_probability
        length = tokens if self.length_rule == "mean" else (5 + tokens) / 6
        return float(log_probability / length**self.length_penalty)
