"""The ``unigram`` and ``bpe`` codecs: SentencePiece vocabularies trained on the corpus, made lossless.

SentencePiece sees lines without their ends and never the U+2581 that it writes spaces as: both are spelled as bytes,
like every character outside the vocabulary (byte fallback). Normalisation is the identity and no space is added or
removed, so every text comes back as it was. Kudo, "Subword regularization" (ACL 2018); Sennrich, Haddow and Birch,
"Neural machine translation of rare words with subword units" (ACL 2016).
"""

from __future__ import annotations

import hashlib
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import CheckpointError, InputError, UsageError
from toolkit.domains.text.codec import TextCodec, utf8_bytes
from toolkit.domains.text.storage import CODEC_FILE, digest, read_bytes, read_json, write_json

FORMAT = 1
MODEL_FILE = "pieces.model"
DEFAULT_SIZE, MIN_SIZE, MAX_SIZE = 2048, 300, 65_536

_STOP = 0
_SPACE = "\u2581"  # how SentencePiece writes a space
_CUT = re.compile(f"([\n{_SPACE}])")
_STRETCH = 1_000  # characters of a line that training sees at once: what it needs grows faster than the line
_LINE = 1 << 16  # characters of a line that are encoded at once
_BATCH = 4_096  # runs encoded at once
_BYTE_PIECE = re.compile("<0x([0-9A-F]{2})>")
_META_PIECES = 1 + 256  # the unknown piece and the bytes
_COVERED = 0.9995  # of all characters get pieces of their own, room allowing; the rest are spelled as bytes
_REFUSED = "\0\u2585"  # a line with one of these is skipped by SentencePiece's training
_PROBE = "\ufeff The  naïve\tcafé\r\n\n▁▁ 漢字 \U0001f3b6\0 <unk> <0x41> "
_SEED_PIECES = 20_000
"""What unigram training begins to prune from. SentencePiece's own million took half as long again on 2 MB of source
code and on none of three corpora made unseen text 1 % shorter."""


class PieceCodec(TextCodec):
    """Ids are SentencePiece's own. Its unknown piece, id 0, cannot occur where bytes are pieces: it is the stop."""

    sample_bytes: ClassVar[int]
    """How much text a vocabulary is trained on; see `sample`."""

    def __init__(self, model: bytes, remarks: Sequence[str] = ()) -> None:
        """``model`` is a serialized SentencePiece model; ValueError when it is none that `build` could have made."""
        self.model = model
        self._pieces = _processor(model)
        super().__init__(_spelling(self._pieces), _STOP, remarks)

    @classmethod
    def build(cls, items: Iterable[str], *, size: int | None = None) -> Self:
        """A vocabulary of ``size`` (2048) ids trained on ``items``, or fewer where the text has not so many pieces."""
        wanted = DEFAULT_SIZE if size is None else size
        if not MIN_SIZE <= wanted <= MAX_SIZE:
            raise UsageError(f"a {cls.name} vocabulary has {MIN_SIZE:,} to {MAX_SIZE:,} ids, not {wanted:,}.")
        stretches = sample(items, cls.sample_bytes)
        if not stretches:
            raise InputError("there is no text to take pieces from.")
        codec = cls(_trained(cls.name, _common_runs(stretches, (wanted - _META_PIECES) // 2), wanted))
        if codec.size < wanted:
            codec.remarks = (f"the text has pieces for {codec.size:,} ids, not for {wanted:,}.",)
        return codec

    @property
    def fingerprint(self) -> str:
        return digest(self.name.encode(), FORMAT.to_bytes(1, "little"), self.model)

    def encode_array(self, item: str) -> npt.NDArray[np.int32]:
        utf8_bytes(item)
        runs = _runs(item)
        batches = (self._encode_runs(runs[start : start + _BATCH]) for start in range(0, len(runs), _BATCH))
        return np.concatenate([np.empty(0, dtype=np.int32), *batches])

    def label(self, token: int) -> str:
        """As for every text codec, but a byte that a piece of its own spells too is written 0x61."""
        spelled = self.spelling[token]
        twin = len(spelled) == 1 and spelled in self.spelling[token + 1 :]
        return f"0x{spelled[0]:02X}" if twin else super().label(token)

    def save(self, folder: Path) -> None:
        (folder / MODEL_FILE).write_bytes(self.model)
        sha256 = hashlib.sha256(self.model).hexdigest()
        write_json(folder, {"format": FORMAT, "codec": self.name, "size": self.size, "sha256": sha256})

    @classmethod
    def load(cls, folder: Path) -> Self:
        declared = read_json(folder, cls.name, FORMAT)
        path = folder / MODEL_FILE
        model = read_bytes(path)
        if hashlib.sha256(model).hexdigest() != declared.get("sha256"):
            raise CheckpointError(f"{path} is not the file that {CODEC_FILE} was written for: its sha256 differs.")
        try:
            codec = cls(model)
            kept = codec.decode(codec.encode(_PROBE)) == _PROBE
        except (RuntimeError, ValueError, IndexError):
            raise CheckpointError(f"{path} is not a SentencePiece model of this toolkit's making.") from None
        if not kept:
            raise CheckpointError(f"{path} holds a SentencePiece model that does not keep every text as it is.")
        return codec

    def _encode_runs(self, runs: list[str]) -> npt.NDArray[np.int32]:
        encoded = iter(self._pieces.encode([each for each in runs if each not in self._hidden], num_threads=1))
        ids = [self._hidden[each] if each in self._hidden else next(encoded) for each in runs]
        return np.fromiter(itertools.chain.from_iterable(ids), dtype=np.int32)

    @cached_property
    def _hidden(self) -> dict[str, list[int]]:
        """The byte pieces of the characters that SentencePiece must not see."""
        return {each: [self.spelling.index(bytes([byte])) for byte in each.encode()] for each in ("\n", _SPACE)}


class UnigramCodec(PieceCodec):
    """Pieces under which the text is most probable, each piece independent of the others."""

    name = "unigram"
    sample_bytes = 2_000_000


class BpeCodec(PieceCodec):
    """Pieces made by joining the most frequent pair of pieces, again and again."""

    name = "bpe"
    sample_bytes = 16_000_000


def sample(items: Iterable[str], budget: int) -> list[str]:
    """Stretches of lines of ``items``, at most ``budget`` bytes of UTF-8, spread evenly over all of them.

    Everything is kept until the budget is spent; then every second stretch goes, and from there on only each second
    (fourth, eighth …) is taken. The same items give the same sample, and little more than the budget is ever held.
    """
    kept: list[str] = []
    held, stride = 0, 1
    for index, stretch in enumerate(_stretches(items)):
        if index % stride == 0:
            kept.append(stretch)
            held += len(utf8_bytes(stretch))
        while held > budget and len(kept) > 1:
            del kept[1::2]
            stride *= 2
            held = sum(len(each.encode("utf-8")) for each in kept)
    return kept


def _stretches(items: Iterable[str]) -> Iterator[str]:
    for item in items:
        for run in _runs(item):
            if not _CUT.match(run):
                for start in range(0, len(run), _STRETCH):
                    yield run[start : start + _STRETCH]


def _runs(text: str) -> list[str]:
    """``text`` cut before and after each character that SentencePiece must not see, and where a line is too long."""
    return [part[start : start + _LINE] for part in _CUT.split(text) if part for start in range(0, len(part), _LINE)]


def _common_runs(stretches: list[str], room: int) -> Iterator[str]:
    """``stretches`` without the rare characters: what is left has at most ``room`` different ones."""
    counts: Counter[str] = Counter()
    for stretch in stretches:
        counts.update(stretch)
    covered, enough = 0, _COVERED * counts.total()
    rare = set(counts)
    for each in _REFUSED:
        counts.pop(each, None)
    for character, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:room]:
        if covered >= enough:
            break
        rare.discard(character)
        covered += count
    if not rare:
        return iter(stretches)
    cut = re.compile("[" + re.escape("".join(sorted(rare))) + "]+")
    return (run for stretch in stretches for run in cut.split(stretch) if run)


def _trained(algorithm: str, runs: Iterable[str], size: int) -> bytes:
    """A serialized model. One thread and no sampling of SentencePiece's own: the same runs give the same bytes."""
    import sentencepiece

    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(runs),
            model_writer=model,
            model_type=algorithm,
            vocab_size=size,
            hard_vocab_limit=False,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            allow_whitespace_only_pieces=True,
            byte_fallback=True,
            character_coverage=1.0,
            required_chars=_SPACE,
            unk_id=_STOP,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            max_sentence_length=8 * _STRETCH,
            seed_sentencepiece_size=max(_SEED_PIECES, 10 * size),
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError:
        raise InputError(f"the text has nothing that {algorithm} pieces can be made of.") from None
    return model.getvalue()


def _processor(model: bytes) -> Any:
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_proto=model)


def _spelling(pieces: Any) -> list[bytes]:
    """The bytes of each piece; ValueError unless there are all 256 bytes, a space, and nothing that spells nothing."""
    ids = range(len(pieces))
    if len(ids) > MAX_SIZE or not pieces.is_unknown(_STOP):
        raise ValueError("not this toolkit's layout")
    spelling = [b""]
    for each in ids[1:]:
        piece = pieces.id_to_piece(each)
        if pieces.is_byte(each):
            spelling.append(bytes([int(_BYTE_PIECE.fullmatch(piece)[1], 16)]))  # type: ignore[index]
        elif pieces.is_control(each) or pieces.is_unused(each) or pieces.is_unknown(each) or not piece:
            raise ValueError("a piece that spells nothing")
        else:
            spelling.append(piece.replace(_SPACE, " ").encode("utf-8"))
    as_bytes = {spelling[each] for each in ids if pieces.is_byte(each)}
    if len(as_bytes) < 256 or pieces.is_unknown(pieces.piece_to_id(_SPACE)):
        raise ValueError("not every text can be spelled")
    return spelling
