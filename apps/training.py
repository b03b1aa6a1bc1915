"""Trainings that the studio starts: each the command `toolkit train` in a process of its own, known by its run folder.

So it outlives the page and the studio, and a terminal could take it over. Knows processes and what a run folder tells
of itself; draws nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.api import built_in, guess_domain, runs_in
from toolkit.api.apart import counted_apart
from toolkit.core import CheckpointError, InputError, UsageError, unknown
from toolkit.runs import RunConfig, read_config, read_metrics

MOST_MINUTES = 240.0
MOST_CORPUS = 64 << 20
"""Bytes of files that are uploaded for one corpus."""
SUFFIXES = (".txt", ".md", ".csv", ".jsonl", ".abc", ".mid", ".midi", ".musicxml", ".mxl")
_LOOKING = 60.0
"""Seconds that looking at a corpus may take."""
_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,60}")
_CORPORA, _LOG = ".corpora", "train.log"


@dataclass(frozen=True)
class Standing:
    """How a training stands: ``state`` is training, stopped, finished or failed; ``fraction`` is how much is over.

    ``looks`` are (seconds, validation loss) and ``steps`` (seconds, loss of a batch), in nats per token, as is what
    counting comes to, ``counted``. ``sample`` is the newest thing it wrote, ``said`` the newest lines of its log.
    """

    name: str
    state: str
    fraction: float
    seconds: float
    looks: Sequence[tuple[float, float]]
    steps: Sequence[tuple[float, float]]
    counted: float | None
    sample: str
    said: str


class Trainings:
    """The runs in ``folder``, and the one that is being trained there. ``corpora`` is where large corpora lie."""

    def __init__(self, folder: Path, corpora: Path) -> None:
        self.folder, self.corpora = folder, corpora
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def offered(self) -> list[str]:
        """The corpora that one may name: the built-in ones that are installed, and what lies in the folder for them."""
        known = [name for name, entry in built_in().items() if entry.available()]
        lying = [each.name for each in sorted(self.corpora.glob("*")) if each.is_dir() or each.suffix in SUFFIXES]
        return [*known, *(each for each in lying if not each.startswith("."))]

    def names(self) -> list[str]:
        """Runs, those under way first."""
        found = [folder.name for folder, config in runs_in(self.folder) if not isinstance(config, CheckpointError)]
        return sorted(found, key=lambda name: (not self.training(name), name))

    def look(self, corpus: str) -> dict[str, Any]:
        """What `toolkit prepare` says of a corpus, from a process of its own with a time limit."""
        words = [*_TOOLKIT, "prepare", self.placed(corpus), "--json"]
        try:
            done = subprocess.run(words, capture_output=True, timeout=_LOOKING, check=False, text=True)
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"looking at {corpus} takes longer than {_LOOKING:.0f} seconds; train it all the same."
            ) from None
        if done.returncode:
            raise InputError(self._told(done.stderr))
        facts: dict[str, Any] = json.loads(done.stdout)
        return facts

    def start(self, corpus: str, name: str, minutes: float, cell: str = "lstm") -> None:
        """Begins a run called ``name``. UsageError while another one trains, or for a name that is taken."""
        if not _NAME.fullmatch(name):
            raise UsageError("a run's name is letters, digits, - and _.")
        if not 0.05 <= minutes <= MOST_MINUTES:
            raise UsageError(f"a training takes 0.05 to {MOST_MINUTES:g} minutes here.")
        self._free(name)
        place = self.placed(corpus)
        self._begin(name, [place, "--minutes", f"{minutes:g}", "--cell", cell])

    def go_on(self, name: str) -> None:
        """Goes on with a run that was stopped."""
        if self._config(name).result:
            raise UsageError(f"{name} is finished.")
        self._begin(name, ["--resume"])

    def stop(self, name: str) -> None:
        """Asks a run to save and end; it can be gone on with."""
        self._config(name)
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.folder / name / ".owner").read_text()), signal.SIGTERM)

    def training(self, name: str) -> bool:
        """Whether a process trains the run now."""
        process = self._processes.get(name)
        if process is not None:
            return process.poll() is None
        try:  # one that another studio started, or a terminal
            os.kill(int((self.folder / name / ".owner").read_text()), 0)
        except (OSError, ValueError):
            return False
        return True

    def standing(self, name: str) -> Standing:
        """How the run stands, from its folder."""
        log = self._log(name)
        said = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
        training = self.training(name)
        folder = self.folder / name
        if not (folder / "config.json").is_file():  # it has not come so far yet, or never did
            state = "training" if training else "failed"
            return Standing(name, state, 0.0, 0.0, (), (), None, "", self._told(said))
        records = read_metrics(folder)
        result = read_config(folder).result
        times = {each["step"]: each["seconds"] for each in records if "seconds" in each}
        looks = [each for each in records if "quick_nats_per_token" in each]
        state = "training" if training else "finished" if result else "stopped"
        return Standing(
            name,
            state,
            1.0 if result else max((each["fraction"] for each in records if "fraction" in each), default=0.0),
            max(times.values(), default=0.0),
            [(_near(times, each["step"]), each["quick_nats_per_token"]) for each in looks],
            [(each["seconds"], each["loss"]) for each in records if "loss" in each],
            next((each["ngram_nats_per_token"] for each in reversed(looks) if "ngram_nats_per_token" in each), None),
            next((each["preview"] for each in reversed(looks) if "preview" in each), ""),
            self._told(said),
        )

    def kept(self, files: Sequence[str], name: str) -> str:
        """Uploaded files as a corpus of their own, which the run may read again when it goes on; its name.

        They are read once apart, so that what breaks there breaks no training. UsageError for the name of a run that
        there is, InputError for what cannot be read.
        """
        if not files:
            raise UsageError("choose a corpus, or upload one.")
        if sum(Path(each).stat().st_size for each in files) > MOST_CORPUS:
            raise UsageError(
                f"that is more than {MOST_CORPUS >> 20} MB; put it into {self.corpora.name}/ and choose it there."
            )
        for each in files:
            if Path(each).suffix.lower() not in SUFFIXES:
                raise InputError(f"{Path(each).name} is none of {', '.join(SUFFIXES)}.")
        if not _NAME.fullmatch(name):
            raise UsageError("a run's name is letters, digits, - and _.")
        self._free(name)
        place = self.folder / _CORPORA / name
        shutil.rmtree(place, ignore_errors=True)  # of what was only looked at
        place.mkdir(parents=True)
        for each in files:
            shutil.copyfile(each, place / Path(each).name)
        corpus = f"{_CORPORA}/{name}"
        whole = self.placed(corpus)
        counted_apart(whole, guess_domain(whole), seconds=_LOOKING)
        return corpus

    def _free(self, name: str) -> None:
        """UsageError where a run has that name, be it one that has only just begun."""
        if (self.folder / name).exists() or (name in self._processes and self._processes[name].poll() is None):
            raise UsageError(f"there is a run called {name} already.")

    def _begin(self, name: str, words: list[str]) -> None:
        with self._lock:
            busy = [each for each in self.names() if self.training(each)]
            busy += [each for each, process in self._processes.items() if process.poll() is None]
            if busy:
                raise UsageError(f"{busy[0]} is being trained; one at a time gets both cores.")
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._log(name).open("wb") as log:
                self._processes[name] = subprocess.Popen(
                    [*_TOOLKIT, "train", *words, "--out", str(self.folder / name)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    start_new_session=True,
                )

    def _config(self, name: str) -> RunConfig:
        if name not in self.names():
            raise unknown("run", name, self.names())
        return read_config(self.folder / name)

    def placed(self, corpus: str) -> str:
        """The corpus as the command takes it. Only what is offered, or was uploaded, is ever opened."""
        if corpus in built_in():
            return corpus
        if corpus.startswith(f"{_CORPORA}/") and _NAME.fullmatch(corpus.removeprefix(f"{_CORPORA}/")):
            place = self.folder / corpus
            inside = sorted(place.glob("*"))
            return str(inside[0] if len(inside) == 1 else place)
        if corpus not in self.offered():
            raise unknown("corpus", corpus, self.offered())
        return str(self.corpora / corpus)

    def _log(self, name: str) -> Path:
        return self.folder / f".{name}.{_LOG}"

    def _told(self, text: str) -> str:
        """The newest lines, in which no path of this machine stands."""
        for place in (self.folder, self.corpora):
            text = text.replace(f"{place.resolve()}/", "").replace(f"{place}/", "")
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("  |", "step "))]
        return "\n".join(lines[-6:])


_TOOLKIT = (sys.executable, "-m", "toolkit")


def _near(times: dict[int, float], step: int) -> float:
    return times[min(times, key=lambda each: abs(each - step))] if times else 0.0


def training_folder() -> Path:
    """Where trainings go: $TOOLKIT_RUNS, or else ./runs."""
    return Path(os.environ.get("TOOLKIT_RUNS") or "runs")


def corpora_folder() -> Path:
    """Where files too large to upload are put: $TOOLKIT_CORPORA, or else ./corpora."""
    return Path(os.environ.get("TOOLKIT_CORPORA") or "corpora")
