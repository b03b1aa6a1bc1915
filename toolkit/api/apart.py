"""Files that a stranger gave, read in a process of its own: what breaks there, hangs or fills the memory does it alone.

    python -m toolkit.api.apart SECONDS DOMAIN FILE
    python -m toolkit.api.apart SECONDS recipe FILE
    python -m toolkit.api.apart SECONDS corpus DOMAIN FOLDER

prints the item that the domain reads, how the result in the file was made, or how many items there are, as JSON. Knows
the limits; how files are read is the domains' business, and `toolkit.api.again`'s.
"""

from __future__ import annotations

import dataclasses
import json
import math
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from toolkit import domains
from toolkit.api.again import Recipe, recipe_in
from toolkit.api.materials import open_corpus
from toolkit.core import SPLITS, InputError, ToolkitError

SECONDS = 15
"""that reading one file may take, on the clock and on a core"""
MEMORY = 1 << 30
"""bytes of address space that the process may have; 60,000 notes take a fifth of it"""

PROGRAM = ("-m", "toolkit.api.apart")
"""What the interpreter is given to read a file apart."""

_RECIPE, _CORPUS = "recipe", "corpus"
_REFUSED, _TOO_LARGE = 3, 4
_TOO_LONG = "{} takes longer than {:g} seconds to read."
_OUT_OF_TIME = frozenset(-getattr(signal, name) for name in ("SIGXCPU", "SIGKILL") if hasattr(signal, name))


def read_apart(path: str | Path, domain: str, *, seconds: float = SECONDS) -> Any:
    """The item in a file, as the ``domain`` reads what is given to go on from.

    InputError when there is none, or it is not read within ``seconds`` and `MEMORY`.
    """
    return domains.find(domain).of_data(_told(domain, path, seconds))


def recipe_apart(path: str | Path, *, seconds: float = SECONDS) -> Recipe:
    """How the result in a file was made, as `recipe_in` tells; InputError as from `read_apart`."""
    return Recipe(**_told(_RECIPE, path, seconds))


def counted_apart(folder: str | Path, domain: str, *, seconds: float = SECONDS) -> int:
    """How many items of the ``domain`` the files in a folder hold: what can be read apart can be read here as well.

    InputError as from `read_apart`, and where there is none.
    """
    count: int = _told(f"{_CORPUS} {domain}", folder, seconds)
    return count


def _told(what: str, path: str | Path, seconds: float) -> Any:
    path = Path(path).absolute()
    words = [sys.executable, "-W", "ignore", *PROGRAM, str(math.ceil(seconds)), *what.split(), str(path)]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise InputError(_TOO_LONG.format(path.name, seconds)) from None
    if done.returncode in _OUT_OF_TIME:
        raise InputError(_TOO_LONG.format(path.name, seconds))
    if done.returncode == _REFUSED:
        raise InputError(done.stderr.decode("utf-8", "replace").strip().replace(str(path), path.name))
    if done.returncode == _TOO_LARGE:
        raise InputError(f"{path.name} takes more memory to read than it is given.")
    if done.returncode:
        raise InputError(f"{path.name} cannot be read.")
    return json.loads(done.stdout)


def main(seconds: str, *asked: str) -> int:
    """Reads a path within the limits and prints what is in it; the exit code tells what went wrong."""
    _limit(int(seconds))
    try:
        json.dump(_read(*asked), sys.stdout)
    except ToolkitError as error:
        print(error, file=sys.stderr)
        return _REFUSED
    except MemoryError:
        return _TOO_LARGE
    return 0


def _read(what: str, *path: str) -> Any:
    if what == _RECIPE:
        return dataclasses.asdict(recipe_in(*path))
    if what == _CORPUS:
        domain, folder = path
        corpus = open_corpus(folder, domain=domain)
        return sum(1 for split in SPLITS for _ in corpus.read(split))
    found = domains.find(what)
    return found.data(found.read_prompt(*path))


def _limit(seconds: int) -> None:
    try:
        import resource
    except ImportError:  # there is none where there is no Unix: the clock alone limits it there
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
