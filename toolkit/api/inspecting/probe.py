"""What the state knows: the topic `probe`."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.api.inspecting.insight import Insight
from toolkit.api.inspecting.material import Asked
from toolkit.api.materials import open_corpus
from toolkit.api.running import Run
from toolkit.core import SPLITS, InputError, UsageError, unknown
from toolkit.inspect.pictures import taken_for
from toolkit.inspect.probes import Probe, probe
from toolkit.inspect.tracing import as_new

_LABELS, _ITEMS = 12, 4000
_LARGEST = 64 << 20


def probing(run: Run, asked: Asked) -> Insight:
    """How many labels can be read off the state, beside n-grams, a random network and chance."""
    pairs = list(_labelled(run, asked))[:_ITEMS]
    usual = {name for name, _ in Counter(label for _, label in pairs).most_common(_LABELS)}
    kept = [(item, label) for item, label in pairs if label in usual]
    items = [np.array([*run.opening_of(None), *run.codec.encode(item)], np.int64) for item, _ in kept]
    found = probe(
        run.model,
        as_new(run.model, asked.seed),
        items,
        [label for _, label in kept],
        np.random.default_rng(asked.seed),
        watch=asked.watch,
    )
    shares = {
        "state": found.accuracy,
        "n-grams": found.ngrams,
        "untrained network": found.untrained,
        "labels dealt anew": found.shuffled,
        "most frequent label": found.majority,
    }
    return Insight(
        f"What the state of {run.name} knows of {_name(asked)}",
        _said(found, asked),
        ("read off", "right"),
        [(name, f"{share:.1%}") for name, share in shares.items()],
        {
            "labels": list(found.labels),
            "items": found.items,
            "held_out": found.held_out,
            "standard_error": found.error,
            **{name.replace(" ", "_"): share for name, share in shares.items()},
            "confusion": found.confusion_KK.tolist(),
        },
        lambda: taken_for(found.confusion_KK, found.labels),
    )


def _name(asked: Asked) -> str:
    return Path(asked.labels or "").stem or "nothing"


def _labelled(run: Run, asked: Asked) -> Iterator[tuple[Any, str]]:
    known = run.domain.labelled
    if asked.labels is None:
        raise UsageError(
            f"say what to look for: --labels with {', '.join(known) or 'none here'}, or a .csv of text and label."
        )
    if asked.labels.lower().endswith(".csv"):
        return _in_table(run, Path(asked.labels))
    if asked.labels not in known:
        raise unknown("label", asked.labels, known)
    if asked.corpus is None:
        raise UsageError("say whose items to label: --corpus.")
    splits = [each for each in SPLITS if each == asked.split]
    if not splits:
        raise unknown("split", asked.split, SPLITS)
    corpus = asked.watched(open_corpus(asked.corpus, domain=run.domain.name))
    return known[asked.labels](document.item for document in corpus.read(splits[0]))


def _in_table(run: Run, path: Path) -> Iterator[tuple[Any, str]]:
    """(Item, label) of a .csv with a column ``label``, and ``text`` or, of files beside it, ``file``."""
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path.name} is too large a table: more than 64 MB.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name} cannot be read as a table: {error}.") from None
    columns = set(rows[0]) if rows else set()
    if "label" not in columns or not columns & {"text", "file"}:
        raise InputError(f"{path.name} needs a column called label, and one called text or file.")
    for row in rows:
        given = row["text"] if "text" in columns else run.prompt_in(path.parent / row["file"])
        if given and row["label"]:
            yield run.domain.read_prompt(given), row["label"]


def _said(found: Probe, asked: Asked) -> str:
    text = (
        f"{found.items} items with {len(found.labels)} labels ({_name(asked)}); a linear rule on the state tells "
        f"{found.accuracy:.1%} (± {found.error:.1%}) of {found.held_out} held-out items right, where the most "
        f"frequent label is "
        f"right for {found.majority:.1%}, a random network's state for {found.untrained:.1%} and the same rule over "
        f"n-grams of ids "
        f"for {found.ngrams:.1%}. "
    )
    if found.accuracy < max(found.majority, found.shuffled) + 2 * found.error:
        return text + "That is no more than chance gives: the state does not hold it, or not in a line."
    if found.accuracy < found.untrained + 2 * found.error:
        return text + "It can be read off, but no better than off a random network: nothing of it was learned."
    if found.accuracy > found.ngrams + 2 * found.error:
        return text + "The state holds it, and says more than counting what stands there."
    return text + "The state holds it, though no better than what counting n-grams says: it may be no more than words."
