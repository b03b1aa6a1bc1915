"""MusicXML, the format in which notation programs exchange scores."""

from toolkit.score.musicxml.writer import write_musicxml

__all__ = ["write_musicxml"]
