from __future__ import annotations

import subprocess
import sys

from tests.domains.tunes import walk
from toolkit.core import knobs_of
from toolkit.domains import find


def test_the_domain_holds_together() -> None:
    domain = find("music")
    codec = domain.codecs[domain.default_codec].build([])
    assert domain.unit in codec.measure([])
    controls = domain.controls(**{knob.name: knob.default for knob in knobs_of(domain.controls)} | {"bars": 2})
    prompt = domain.opening(codec, domain.read_prompt("M:3/4 K:G | G2 B2 d2"))
    rest = walk(domain.constraint(codec, controls), domain.length, 1, prompt=prompt)
    tune = domain.finish(codec, None, prompt, rest, controls)
    assert domain.show(tune).startswith("3/4, G major")
    assert domain.exports[".txt"](tune, {}).count(b"\n   2  ") == 1


def test_opening_the_domain_imports_nothing_heavy() -> None:
    look = "import sys, toolkit.domains.music.views as v; print([m for m in sys.modules if m in set(sys.argv[1:])])"
    heavy = ["torch", "gradio", "music21", "pretty_midi", "symusic", "PIL", "mido"]
    done = subprocess.run([sys.executable, "-c", look, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
