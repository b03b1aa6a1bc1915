"""What a run knows of its training corpus besides the weights: the index in its folder, made, read and asked.

Assembles `toolkit.originality` with corpora, run folders and the cache. Beside the model lie
`originality/index.json` (sizes, counts, what held-out material scores) and `originality/index.safetensors` (the
filters); the corpus cannot be read out of them.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from toolkit import domains, runs
from toolkit.api.materials import open_corpus
from toolkit.core import CheckpointError, Corpus, ToolkitError, UsageError
from toolkit.core.places import caches
from toolkit.originality import NgramIndex, Originality, View, Words, assess, measure, of_data, shapes
from toolkit.originality.corpus import IndexedCorpus, index_corpus, is_indexed

FOLDER, FACTS, FILTERS = "originality", "index.json", "index.safetensors"

MOST_SYMBOLS = 32_000_000
"""A corpus of more characters or notes gets no index unless one is asked for: it would take minutes and much memory."""


def build_index(corpus: Corpus[Any], base: NgramIndex | None = None, *, most: int | None = None) -> NgramIndex | None:
    """The index of a corpus's training split, with what its validation split scores against it.

    ``base`` is the index of what a model had learned from before. None where the split has more than ``most`` symbols.
    """
    view = domains.find(corpus.domain).view
    learnt: list[Words] = []
    count = 0
    for document in corpus.read("train"):
        learnt.append(view.look(document.item).symbols)
        count += len(learnt[-1])
        if most is not None and count > most:
            return None
    index = NgramIndex.build(learnt, view.rates, corpus.name, corpus.sha256)
    if base is not None:
        index = index.with_layers(base)
    held_out = [view.look(document.item).symbols for document in corpus.read("validation")]
    scores = measure(held_out, index.reach, sizes=index.sizes, lengths=view.lengths, overlap=view.overlap)
    return dataclasses.replace(index, held_out=scores)


def write_index(run: Path, index: NgramIndex) -> None:
    """The index into a run folder. The facts come last and name the filters' file by its hash."""
    import torch

    folder = run / FOLDER
    folder.mkdir(exist_ok=True)
    facts, arrays = index.data()
    runs.write_tensors(folder / FILTERS, {name: torch.from_numpy(bits) for name, bits in arrays.items()})
    runs.write_atomically(folder / FACTS, runs.as_json({**facts, "filters_sha256": _sha256(folder / FILTERS)}))


def read_index(run: Path) -> NgramIndex | None:
    """The index in a run folder; None where there is none, CheckpointError where it cannot be trusted."""
    folder = run / FOLDER
    if not folder.is_dir():
        return None
    facts = runs.read_json(folder / FACTS)
    tensors = runs.read_tensors(folder / FILTERS, shapes(facts))
    if facts.get("filters_sha256") != _sha256(folder / FILTERS):
        raise CheckpointError(f"{folder / FILTERS} is not the file that {FACTS} was written for.")
    return of_data(facts, {name: tensor.numpy() for name, tensor in tensors.items()})


def by_index(
    index: NgramIndex, view: View[Any], item: Any, given: Any = None, *, threshold: int | None = None
) -> Originality:
    """The report of ``item`` from the hashes alone: no run longer than it says, shares of what is new at least so."""
    seen = view.look(item, given)
    return assess(
        seen,
        index.reach(seen.symbols),
        unit=view.unit,
        overlap=view.overlap,
        sizes=index.sizes,
        excerpt=lambda start, end: view.excerpt(item, start, end),
        threshold=threshold,
        held_out=index.held_out,
        doubt={size: index.rate(size) for size in index.sizes},
    )


def by_corpus(
    corpus: IndexedCorpus,
    index: NgramIndex | None,
    view: View[Any],
    item: Any,
    given: Any = None,
    *,
    threshold: int | None = None,
) -> Originality:
    """The exact report of ``item``: where each run stands, and the nearest documents."""
    seen = view.look(item, given)
    sizes: Sequence[int] = index.sizes if index else sorted(view.rates)
    matches = corpus.matches(seen.symbols)
    longest, by_share = corpus.nearest(seen.symbols, matches, sizes[0], view.overlap)
    return assess(
        seen,
        matches,
        unit=view.unit,
        overlap=view.overlap,
        sizes=sizes,
        excerpt=lambda start, end: view.excerpt(item, start, end),
        threshold=threshold,
        held_out=index.held_out if index else (),
        found=lambda first, count: corpus.find(seen.symbols[first : first + count]),
        nearest=longest,
        nearest_by_share=by_share,
    )


def index_of(config: runs.RunConfig, folder: Path) -> NgramIndex | None:
    """The index in a run folder, else one built of the corpus where that is installed; None where neither can be."""
    found = read_index(folder)
    if found is not None:
        return found
    try:
        return build_index(training_corpus(config), most=MOST_SYMBOLS)
    except ToolkitError:
        return None


def known_corpus(config: runs.RunConfig, corpus: str | None = None, *, make: bool = False) -> IndexedCorpus | None:
    """The training split of a run with every run in it findable, from the cache; None where it is not there.

    ``make`` makes it (seconds, once) of ``corpus``, by default of what the run was trained on by that name. UsageError
    when that is another corpus now.
    """
    root, key = caches() / "originality", config.corpus["sha256"]
    if not make and not is_indexed(key, root):
        return None
    return index_corpus(_documents(config, corpus), key, root)


def training_corpus(config: runs.RunConfig, corpus: str | None = None) -> Corpus[Any]:
    """What a run was trained on, by its own name for it or by another; UsageError when that is another corpus now."""
    asked = config.corpus["asked"]
    name = corpus or asked["corpus"]
    opened = open_corpus(name, domain=config.domain, **({} if corpus else asked["reading"]))
    if opened.sha256 != config.corpus["sha256"]:
        raise UsageError(f"{name} is not the corpus that the run was trained on, or has changed since.")
    return opened


def _documents(config: runs.RunConfig, corpus: str | None) -> Iterator[tuple[str, Words]]:
    """The training documents and their symbols; nothing is opened before the first is asked for."""
    view = domains.find(config.domain).view
    for document in training_corpus(config, corpus).read("train"):
        yield view.label(document), view.look(document.item).symbols


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
