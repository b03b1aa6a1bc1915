"""Our own reader of ABC, the notation folk tunes are written in on the net: tunebooks to scores."""

from toolkit.score.abc.fields import AbcError, Signature, read_key, read_meter
from toolkit.score.abc.form import Arrangement
from toolkit.score.abc.tunebook import Tune, read_tunes

__all__ = ["AbcError", "Arrangement", "Signature", "Tune", "read_key", "read_meter", "read_tunes"]
