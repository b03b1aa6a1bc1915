"""Text of a data set on a hub, through the package ``datasets``: streamed, never run, never pickled.

Where the data set has a validation split its own splits are kept; else its documents are split like any others.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from toolkit.core import Corpus, Document, Finding, InputError, MissingExtraError, Split, UsageError
from toolkit.domains.text.splitting import split_corpus
from toolkit.domains.text.tables import Row, texts

PREFIX = "hub:"
MAX_CHARACTERS = 256_000_000
"""No more of one split is read: a laptop's model will not get through it."""

_PATIENCE = 4.0  # seconds until a hub that does not answer counts as out of reach
_QUIET = ("HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS", "HF_DATASETS_DISABLE_PROGRESS_BARS")
_OFFICIAL: Mapping[str, Split] = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "dev": "validation",
    "test": "test",
}


def open_hub(source: str, text_column: str | None = None) -> Corpus[str]:
    """The corpus ``hub:owner/name`` or ``hub:owner/name@configuration``; InputError within seconds when offline."""
    name, _, configuration = source.removeprefix(PREFIX).partition("@")
    if not name:
        raise UsageError("a data set of a hub is written hub:owner/name.")
    for variable in _QUIET:
        os.environ.setdefault(variable, "1")
    try:
        import datasets
    except ImportError:
        raise MissingExtraError("reading a data set of a hub", "data") from None
    licence = _licence(name)
    try:
        streams = datasets.load_dataset(name, configuration or None, streaming=True)
    except Exception as error:  # the packages beneath raise dozens of their own types
        raise InputError(f"the data set {name!r} cannot be opened: {_first_line(error)}.") from None
    return from_streams(name, source, licence, streams, text_column)


def from_streams(
    name: str, source: str, licence: str, streams: Mapping[str, Iterable[Row]], text_column: str | None = None
) -> Corpus[str]:
    """The corpus of tables that can be read again and again, by the name of their split."""
    official = {split: _OFFICIAL[split] for split in _OFFICIAL if split in streams}
    keeps = "validation" in official.values() and "train" in official
    parts = list(official) if keeps else ["train"] if "train" in streams else sorted(streams)

    def documents(findings: list[Finding]) -> Iterator[Document[str]]:
        for part in parts:
            read = 0
            try:
                for number, text in enumerate(texts(streams[part], text_column, f"{name} {part}", findings), start=1):
                    read += len(text)
                    if read > MAX_CHARACTERS:
                        findings.append(Finding(part, "dropped", f"what follows {MAX_CHARACTERS:,} characters"))
                        break
                    yield Document(f"{part}:{number}", text)
            except InputError:
                raise
            except Exception as error:  # as above: the network, the codecs and the formats each have their own
                raise InputError(f"the data set {name!r} cannot be read: {_first_line(error)}.") from None

    given = (lambda document: official[document.name.partition(":")[0]]) if keeps else None
    return split_corpus(name, source, licence, documents, given=given)


def _licence(name: str) -> str:
    """What the data set's card states. Asked first, once and with a time limit: it shows that the hub answers."""
    from huggingface_hub import HfApi

    answers: list[str] = []
    failures: list[str] = []

    def ask() -> None:
        try:
            card: Any = HfApi().dataset_info(name, timeout=_PATIENCE).card_data or {}
            answers.append(str(card.get("license") or "not stated"))
        except Exception as error:
            failures.append(_first_line(error))

    # A look-up of a host name cannot be timed out; the thread that waits for one can be left behind.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PATIENCE)
    if not answers:
        reason = failures[0] if failures else f"no answer within {_PATIENCE:g} seconds"
        raise InputError(f"the data set {name!r} cannot be reached: {reason}.")
    return answers[0]


def _first_line(error: Exception) -> str:
    return ((str(error) or type(error).__name__).splitlines())[0].rstrip(".")
