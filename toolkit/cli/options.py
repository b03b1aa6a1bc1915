"""Arguments and options that several verbs share, declared once."""

from __future__ import annotations

from typing import Annotated

import typer

Run = Annotated[
    str, typer.Argument(help="A run folder, or the name of a shipped checkpoint.", metavar="RUN", show_default=False)
]
Corpus = Annotated[
    str,
    typer.Argument(
        help="A file, a folder, a glob, a built-in name (`toolkit corpora`), or hub:owner/name.",
        metavar="CORPUS",
        show_default=False,
    ),
]
CorpusToMeasure = Annotated[
    str | None,
    typer.Argument(help="As in other commands; --benchmark needs none.", metavar="CORPUS", show_default=False),
]
CorpusOrNone = Annotated[
    str | None, typer.Argument(help="As in other commands; --resume knows it.", metavar="CORPUS", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Domain = Annotated[
    str | None,
    typer.Option(help="text, music …, where files do not say.", metavar="NAME", show_default=False),
]
Codec = Annotated[
    str | None,
    typer.Option(help="char, byte, bpe, unigram, melody …", metavar="NAME", show_default=False),
]
Vocabulary = Annotated[
    int | None,
    typer.Option(help="How many ids a codec that can choose should have.", metavar="N", show_default=False),
]
TextColumn = Annotated[
    str | None,
    typer.Option(help="The column of a table that holds the text.", metavar="NAME", show_default=False),
]
EncodingErrors = Annotated[
    str | None,
    typer.Option(
        help="For text that is not UTF-8: strict (the default) or replace.", metavar="HOW", show_default=False
    ),
]

Repeats = Annotated[
    str | None,
    typer.Option(help="Of ABC and MusicXML: once (the default) or played.", metavar="HOW", show_default=False),
]


def reading(text_column: str | None, encoding_errors: str | None, repeats: str | None) -> dict[str, str]:
    """How a corpus is to be read, as far as the user said it."""
    said = {"text_column": text_column, "encoding_errors": encoding_errors, "repeats": repeats}
    return {name: value for name, value in said.items() if value is not None}
