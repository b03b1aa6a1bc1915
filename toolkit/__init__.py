"""A toolkit for small recurrent models of text and music.

Importing this package loads nothing heavy. Start at `toolkit.api`: `fit` trains, `open_run` generates.
"""

__version__ = "0.1.0"
