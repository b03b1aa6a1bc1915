"""MusicXML, the format in which notation programs exchange scores."""

from toolkit.score.musicxml.container import is_musicxml
from toolkit.score.musicxml.reader import read_musicxml
from toolkit.score.musicxml.writer import write_musicxml

__all__ = ["is_musicxml", "read_musicxml", "write_musicxml"]
