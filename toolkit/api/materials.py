"""Corpora by name, path or hub address, whatever their domain. Knows domains by their declarations only."""

from __future__ import annotations

import glob
import inspect
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit import domains
from toolkit.batches import TokenStore, encode
from toolkit.core import BuiltIn, Codec, Corpus, InputError, MissingExtraError, UsageError, unknown
from toolkit.core.places import caches

HUB = "hub:"


def built_in() -> Mapping[str, BuiltIn[Any]]:
    """Every corpus that a name stands for, text before music."""
    found: dict[str, BuiltIn[Any]] = {}
    for name in sorted(domains.names(), reverse=True):
        found.update(domains.find(name).built_in)
    return found


def open_corpus(corpus: str, *, domain: str | None = None, codec: str | None = None, **reading: Any) -> Corpus[Any]:
    """The corpus that a built-in name, a file, a folder, a glob or ``hub:owner/name`` stands for.

    ``domain`` settles what a path cannot, and so does the name of a ``codec``, where one domain alone has it;
    ``reading`` goes to the domain's reader (``text_column`` and so on).
    """
    known = built_in()
    domain = domain or _having(codec)
    if corpus in known and not Path(corpus).exists():
        entry = known[corpus]
        if domain not in (None, entry.domain):
            raise UsageError(f"the corpus {corpus!r} is of the domain {entry.domain}, not {domain}.")
        if reading:
            raise UsageError(f"the corpus {corpus!r} comes with the toolkit and takes no {_listed(reading)}.")
        if not entry.available() and not entry.fetched:
            raise MissingExtraError(f"the corpus {corpus!r}", entry.needs)
        return entry.open()
    if corpus.startswith(HUB):
        return _read("text" if domain is None else domain, corpus, reading)
    if _is_a_word(corpus):
        raise unknown("corpus", corpus, known)
    return _read(guess_domain(corpus) if domain is None else domain, corpus, reading)


def _having(codec: str | None) -> str | None:
    """The only domain with a codec of that name; None when there is none, or several."""
    owners = [] if codec is None else [each for each in domains.names() if codec in domains.find(each).codecs]
    return owners[0] if len(owners) == 1 else None


def _read(domain: str, corpus: str, reading: Mapping[str, Any]) -> Corpus[Any]:
    read = domains.find(domain).read
    strange = {name: value for name, value in reading.items() if name not in inspect.signature(read).parameters}
    if strange:
        raise UsageError(f"a corpus of {domain} takes no {_listed(strange)}.")
    return read(corpus, **reading)


def _listed(reading: Mapping[str, Any]) -> str:
    return " or ".join(name.replace("_", " ") for name in reading)


def _is_a_word(corpus: str) -> bool:
    return not Path(corpus).exists() and not any(each in corpus for each in "/\\.*?[")


def guess_domain(corpus: str) -> str:
    """The domain whose files these are: by suffix, or by what a folder holds most of."""
    known = built_in()
    if corpus in known and not Path(corpus).exists():
        return known[corpus].domain
    path = Path(corpus)
    found = path.rglob("*") if path.is_dir() else [path] if path.exists() else map(Path, glob.iglob(corpus))  # noqa: PTH207 (Path.glob refuses an absolute pattern)
    suffixes = Counter(each.suffix.lower() for each in [*found] or [path])
    counts = {name: sum(suffixes[each] for each in domains.find(name).suffixes) for name in domains.names()}
    best = max(counts, key=lambda name: counts[name])
    if not counts[best]:
        every = sorted(suffix for name in domains.names() for suffix in domains.find(name).suffixes)
        what = f"the folder {corpus} holds no file" if path.is_dir() else f"{corpus} is not a file"
        raise InputError(f"{what} of a kind the toolkit reads ({' '.join(every)}).")
    return best


def codec_for(corpus: Corpus[Any], name: str | None, size: int | None) -> Codec[Any, Any]:
    """A codec of that name built for the corpus's training items; when none is named, one that suits them."""
    domain = domains.find(corpus.domain)

    def items() -> Iterator[Any]:
        return (each.item for each in corpus.read("train"))

    if name is None:
        name, suited = (domain.default_codec, None) if domain.suits is None else domain.suits(items())
        size = suited if size is None else size
    if name not in domain.codecs:
        raise unknown(f"{domain.name} codec", name, domain.codecs)
    return domain.codecs[name].build(items(), size=size)


def load_codec(domain: str, name: str, folder: Path) -> Codec[Any, Any]:
    """The codec saved in ``folder``."""
    codecs = domains.find(domain).codecs
    if name not in codecs:
        raise UsageError(f"the run's codec {name!r} is not one this toolkit has.")
    return codecs[name].load(folder)


def prepare(corpus: Corpus[Any], codec: Codec[Any, Any]) -> TokenStore:
    """The corpus encoded, once, in the cache folder."""
    return encode(corpus, codec, caches() / "tokens")
