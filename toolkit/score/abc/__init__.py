"""ABC, the notation folk tunes are written in on the net: tunebooks to scores, and scores to tunes."""

from toolkit.score.abc.fields import AbcError, Signature, read_key, read_meter
from toolkit.score.abc.form import Arrangement
from toolkit.score.abc.tunebook import Tune, read_tunes
from toolkit.score.abc.writer import write_abc

__all__ = ["AbcError", "Arrangement", "Signature", "Tune", "read_key", "read_meter", "read_tunes", "write_abc"]
