"""Which of these does not belong: the topic `odd`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from toolkit.api.inspecting.insight import Insight
from toolkit.api.inspecting.material import Asked
from toolkit.api.materials import built_in, open_corpus
from toolkit.api.running import Run
from toolkit.core import SPLITS, InputError, UsageError, unknown
from toolkit.inspect.pictures import curves
from toolkit.inspect.surprise import Odd, area_under_curve, oddities
from toolkit.inspect.tracing import Floats, losses

_MOST, _LISTED, _LONGEST = 400, 20, 4000
_ODD = 3.5
"""Robust deviations from which an item is called an outlier (Iglewicz and Hoaglin 1993)."""


def odd(run: Run, asked: Asked) -> Insight:
    """How much every file surprises the model, beside the others or a corpus, and how well planted ones stand out."""
    if asked.folder is None:
        raise UsageError("say which files to judge: --files with a folder, a file or a pattern.")
    usual = _items(run, asked, asked.corpus) if asked.corpus else None
    names, nats = _items(run, asked, asked.folder)
    found = oddities(names, nats, usual[1] if usual else nats)
    outliers = [each for each in found if each.score > _ODD]
    said = (
        f"{len(found)} items of {Path(asked.folder).name}, judged by {run.name} against "
        f"{f'{len(usual[0])} items of {asked.corpus}' if usual else 'one another'}. The oddest is {found[0].name}: "
        f"{found[0].nats_per_token:.2f} nats per token, {found[0].score:+.1f} deviations from the median. "
    )
    said += (
        f"{len(outliers)} {'lies' if len(outliers) == 1 else 'lie'} beyond {_ODD} deviations."
        if outliers
        else f"None lies beyond {_ODD} deviations: all belong."
    )
    data: dict[str, object] = {
        "items": [{"name": each.name, "nats_per_token": each.nats_per_token, "score": each.score} for each in found]
    }
    series = {"judged": _sorted(found)}
    if asked.planted is not None:
        planted_names, planted_nats = _items(run, asked, asked.planted)
        planted = oddities(planted_names, planted_nats, usual[1] if usual else nats)
        area = area_under_curve([each.score for each in planted], [each.score for each in found])
        data |= {"planted": len(planted), "area_under_curve": area}
        series["planted"] = _sorted(planted)
        said += (
            f" Of a planted item and one of these, the planted one scores higher {area:.0%} of the time "
            f"({len(planted)} were planted; chance would be 50%)."
        )
    return Insight(
        f"What does not belong, by {run.name}",
        said,
        ("item", "nats per token", "deviations"),
        [(each.name, f"{each.nats_per_token:.3f}", f"{each.score:+.1f}") for each in found[:_LISTED]],
        data,
        lambda: curves(
            {name: (x, y, None) for name, (x, y) in series.items()}, "share of the items", "deviations from the median"
        ),
    )


def _sorted(found: list[Odd]) -> tuple[Any, Any]:
    scores = np.sort([each.score for each in found])
    return np.linspace(0, 1, len(scores)), scores


def _items(run: Run, asked: Asked, source: str) -> tuple[list[str], list[Floats]]:
    """Names and losses of the items of a corpus: of files all, of a built-in corpus or the run's own one split."""
    if asked.split not in SPLITS:
        raise unknown("split", asked.split, SPLITS)
    corpus = asked.watched(open_corpus(source, domain=run.domain.name))
    parted = corpus.name in built_in() or corpus.sha256 == run.config.corpus["sha256"]
    names: list[str] = []
    nats: list[Floats] = []
    for name in [each for each in SPLITS if each == asked.split] if parted else SPLITS:
        for document in corpus.read(name):
            ids = [*run.opening_of(None), *run.codec.encode(document.item)][:_LONGEST]
            if len(ids) > 2 and len(names) < _MOST:
                names.append(document.name)
                nats.append(losses(run.model, np.array([ids]))[0])
    if not names:
        raise InputError(f"there is nothing to judge in {source}.")
    return names, nats
