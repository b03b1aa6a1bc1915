"""What steering by particles buys over rejection and over a plain mask, and filling a gap over ignoring what follows.

    python -m benchmarks.steering [--tasks mention rhyme …] [--parts steering filling rows] [--quick]

Steering: for each task and number of particles, how many searches succeed, how likely the chosen result is under the
model, and what it costs. Rejection draws from the same model behind the same grammar and keeps what does what is asked;
its chance within the same number of tries follows from the measured share. Filling: the right context's log-probability
after drawn middles. Seconds are of CPU time on one thread, so that a busy machine matters less. Rows: tokens a second
of the engine when rows advance side by side.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.commands import as_command
from benchmarks.melody_codecs import RESULTS
from toolkit.core import ToolkitError, checked
from toolkit.sampling import Sampler
from toolkit.steer import SteeringSettings, steer

PARTICLES = {1: 16, 8: 16, 32: 8, 128: 4}
"""How many seeds each number of particles is tried with."""

TRIES = 1024
"""Samples that rejection is measured with; drawn in eights of this side by side."""

MUSIC = {"meter": "6/8", "key": "D", "mode": "major", "bars": 8}
ROWS = (1, 8, 16, 32, 128, 512)

_STEERING = (
    "Rejection and the mask draw behind the grammar without steering; tokens and seconds are of one try there, with "
    "particles of one search (tokens: of one that succeeded). “As many tries” is the chance that rejection succeeds at "
    "least once in that many. Nats a token are of what succeeded, under the model; log-evidence is of the mean "
    "evidence over seeds that succeeded or not, with the standard deviation of its logarithm among those that did."
)
_FILLING = (
    "The log-probability of the right context after what is drawn. “Right ignored” draws middles from left to right; "
    "rejection accepts those in proportion to the right context's likelihood, its bound the best one that was seen."
)


@dataclass(frozen=True)
class Task:
    """Something to be asked of a run: how a search is called, and whether a result does what was asked."""

    name: str
    run: Any
    wish: Any
    asked: Mapping[str, Any]
    masked: Mapping[str, Any] | None = None

    def search(self, particles: int, seed: int, *, steered: bool = True, **changed: Any) -> Any:
        settings = SteeringSettings(particles=particles, resample_below=0.5 if steered else 0.0)
        wish = {"potential": self.wish} if steered else {}
        asked = {**self.asked, **changed}
        return steer(self.run.engine, asked.pop("opening"), settings=settings, seed=seed, **asked, **wish)

    def satisfied(self, tokens: Sequence[int]) -> bool:
        state = self.wish.begin(self.asked["opening"])
        for token in tokens:
            if token == self.run.codec.stop:
                break
            state = self.wish.step(state, token)
            if getattr(self.wish, "over", lambda _: False)(state):
                break
        return self.wish.log_weight(state) > -math.inf


def tasks() -> dict[str, Callable[[], Task]]:
    return {"mention": _mention, "rhyme": _rhyme, "cadence": _cadence, "return": _return}


def _text(run: Any, prompt: str, length: int) -> dict[str, Any]:
    return {
        "opening": run.opening(prompt)[1],
        "sampler": Sampler.from_settings({"temperature": 0.8}),
        "constraint": run.constraint(checked(run.domain.controls, {})),
        "given": (),
        "length": length,
        "stop": run.codec.stop,
    }


def _mention() -> Task:
    from toolkit.api import open_run
    from toolkit.domains.text.potentials import Mention, chances_of

    run = open_run("shakespeare")
    asked = _text(run, "ROMEO:\n", 120)
    chances = chances_of(run.engine, asked["opening"], run.codec, "moonlight")
    return Task(
        "`shakespeare` says “moonlight” in 120 characters", run, Mention(run.codec, "moonlight", chances=chances), asked
    )


def _rhyme() -> Task:
    from toolkit.api import open_run
    from toolkit.domains.text.potentials import Rhyme
    from toolkit.domains.text.rhymes import rhyming_with

    run = open_run("shakespeare")
    asked = _text(run, "ROMEO:\nIt is the east, and here begins the day,\n", 70)
    return Task("`shakespeare`'s next line rhymes with “day”", run, Rhyme(run.codec, rhyming_with("day").words), asked)


def _music(run: Any, controls: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "opening": [run.codec.stop],
        "sampler": Sampler(),
        "constraint": run.constraint(checked(run.domain.controls, controls)),
        "length": 400,
        "stop": run.codec.stop,
    }


def _cadence() -> Task:
    from toolkit.api import open_run
    from toolkit.domains.music.potentials import Cadence

    run = open_run("folk")
    masked = {"constraint": run.constraint(checked(run.domain.controls, {**MUSIC, "cadence": True}))}
    return Task("`folk` ends 8 bars with a cadence", run, Cadence(run.codec, 8), _music(run, MUSIC), masked)


def _return() -> Task:
    from toolkit.api import open_run
    from toolkit.domains.music.potentials import Return

    run = open_run("folk")
    return Task("`folk` opens again in the last 2 of 8 bars, 5 notes", run, Return(run.codec, 8), _music(run, MUSIC))


def steering(task: Task, quick: bool) -> list[dict[str, Any]]:
    """A row for each way of doing the task."""
    rejection = _unsteered(task, "rejection", TRIES // 8 if quick else TRIES)
    found = [rejection]
    if task.masked:
        found.append(_unsteered(task, "mask: the last note is a tonic", TRIES // 8, **task.masked))
    for particles, seeds in PARTICLES.items():
        found.append(_steered(task, particles, 2 if quick else seeds, rejection["share"]))
    return found


def _unsteered(task: Task, way: str, tries: int, **changed: Any) -> dict[str, Any]:
    """Independent samples behind the grammar, and which of them do what is asked."""
    began, tokens, results = time.process_time(), 0, []
    for seed in range(8):
        found = task.search(tries // 8, seed, steered=False, **changed)
        tokens += found.computed
        results += [each for each in found.particles for _ in range(each.copies)]
    good = [each for each in results if task.satisfied(each.tokens)]
    return {
        "way": way,
        "share": len(good) / len(results),
        "of": len(results),
        "nats": _nats(good),
        "tokens": tokens / len(results),
        "seconds": (time.process_time() - began) / len(results),
    }


def _steered(task: Task, particles: int, seeds: int, rejected: float) -> dict[str, Any]:
    chosen, evidence, tokens, began = [], [], 0, time.process_time()
    distinct = []
    for seed in range(seeds):
        try:
            found = task.search(particles, seed)
        except ToolkitError:
            evidence.append(-math.inf)
            continue
        chosen.append(found.chosen)
        evidence.append(found.log_evidence)
        distinct.append(len(found.particles))
        tokens += found.computed
    assert all(task.satisfied(each.tokens) for each in chosen)
    return {
        "way": f"{particles} particle{'s' * (particles > 1)}",
        "share": len(chosen) / seeds,
        "of": seeds,
        "nats": _nats(chosen),
        "tokens": tokens / max(1, len(chosen)),
        "seconds": (time.process_time() - began) / seeds,
        "evidence": [_log_mean(evidence), float(np.std([each for each in evidence if each > -math.inf] or [0.0]))],
        "distinct": float(np.mean(distinct or [0])),
        "rejection": 1 - (1 - rejected) ** particles,
    }


def _nats(particles: Sequence[Any]) -> float | None:
    """Mean nats a token under the model; None of nothing."""
    each = [-particle.log_probability / len(particle.tokens) for particle in particles]
    return float(np.mean(each)) if each else None


def _log_mean(logarithms: Sequence[float]) -> float:
    return float(np.logaddexp.reduce(logarithms) - math.log(len(logarithms)))


def filling(quick: bool, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """For each gap and number of particles: the right context's likelihood after what is drawn, and what it costs."""
    from toolkit.infill import infill

    rows = []
    for name, engine, gap, original in _gaps(numbers):
        for particles, seeds in ({32: 2} if quick else {8: 6, 32: 4, 128: 2}).items():
            began = time.process_time()
            found = [
                infill(
                    engine, gap, sampler=Sampler(), settings=SteeringSettings(particles=particles), count=10**6, seed=s
                )
                for s in range(seeds)
            ]
            seconds = time.process_time() - began
            rights = [np.array([each.right_log_probability for each in one.alternatives]) for one in found]
            shares = [np.array([each.share for each in one.alternatives]) for one in found]
            rows.append(
                {
                    "gap": name,
                    "particles": particles,
                    "right": float(np.mean([one.alternatives[0].right_log_probability for one in found])),
                    "ess": float(np.mean([one.ess for one in found])),
                    "candidates": float(np.mean([one.candidates for one in found])),
                    "best": float(np.max([right.max() for right in rights])),
                    "evidence": [
                        _log_mean([one.log_evidence for one in found]),
                        float(np.std([one.log_evidence for one in found])),
                    ],
                    "tokens": float(np.mean([one.computed for one in found])),
                    "seconds": seconds / seeds,
                    "share": float(np.mean([share.max() for share in shares])),
                }
            )
        rows.append({"gap": name, "particles": 0, **_blind(engine, gap, 64 if quick else 256), "original": original})
    return rows


def _blind(engine: Any, gap: Any, count: int) -> dict[str, Any]:
    """Middles drawn from left to right alone, their lengths evenly: what the right context gets after them."""
    from dataclasses import replace

    from toolkit.infill import Fit, infill

    rng = np.random.default_rng(0)
    rights, tokens = [], 0
    for seed in range(count // 16):
        lengths = [n for n in range(1, gap.longest + 1) if gap.fit(0, n) is Fit.MAY_END] if _free(gap) else []
        wanted = int(rng.choice(lengths)) if lengths else None
        one = gap if wanted is None else replace(gap, longest=wanted, fit=partial(_exactly, wanted))
        found = infill(
            engine,
            one,
            sampler=Sampler(),
            settings=SteeringSettings(particles=16),
            count=10**6,
            seed=seed,
            hopeless=math.inf,
        )
        rights += [each.right_log_probability for each in found.alternatives]
        tokens += found.computed
    exact = np.array(rights)
    acceptance = float(np.exp(exact - exact.max()).mean())
    return {
        "right": float(exact.mean()),
        "best": float(exact.max()),
        "acceptance": acceptance,
        "tokens": tokens / len(rights),
    }


def _free(gap: Any) -> bool:
    """Whether middles of several lengths may stand there, told by a text's numbered states."""
    return isinstance(gap.constraint.begin(), int)


def _exactly(wanted: int, state: Any, length: int) -> Any:
    from toolkit.infill import Fit

    return Fit.ENDS if length == wanted else Fit.NOT_YET


def _gaps(numbers: Sequence[int]) -> list[tuple[str, Any, Any, float | None]]:
    from toolkit.api import open_corpus, open_run
    from toolkit.domains.music.filling import bars_gap
    from toolkit.domains.text.filling import text_gap

    run, gaps = open_run("shakespeare"), []
    for number, (left, right) in enumerate(
        [
            ("KING RICHARD:\nThe ", " of the king is come to London."),
            ("JULIET:\nI will not ", " till the morning, good my lord."),
            ("First Citizen:\nLet us ", ", and then we'll speak of corn."),
        ],
        start=1,
    ):
        gap = text_gap(run.codec, run.opening(left)[1], right, shortest=3, longest=16)
        gaps.append((f"`shakespeare`, text {number}", run.engine, gap, None))
    folk = open_run("folk")
    tunes = [each.item for each in open_corpus("folk", domain="music").read("test")]
    whole = [tune for tune in tunes if tune.end >= 8 * tune.meters[0].bar(tune.resolution)]
    for number, tune in enumerate(whole[:: len(whole) // 3][:3], start=1):
        gap = bars_gap(folk.codec, tune, 3, 4)
        gaps.append((f"`folk`, bars 3 and 4 of unseen tune {number}", folk.engine, gap, _original(folk, tune, gap)))
    return [gaps[number] for number in numbers]


def _original(run: Any, tune: Any, gap: Any) -> float:
    """The log-probability of the right context after the composer's own bars."""
    from toolkit.domains.music.filling import bar_lines

    tokens = run.codec.encode(tune)
    lines = bar_lines(run.codec.layout, tokens)
    middle, right = tokens[len(gap.left) - 1 : lines[5]], (*tokens[lines[5] :], run.codec.stop)
    logits_V, memory = run.engine.feed([*gap.left, *middle], run.engine.begin())
    total = 0.0
    for token, known in zip(right, run.codec.settled(np.array(right)).tolist(), strict=True):
        exact_V = logits_V.astype(np.float64)
        total += 0.0 if known else exact_V[token] - np.logaddexp.reduce(exact_V)
        logits_V, memory = run.engine.feed([token], memory)
    return float(total)


def rows(quick: bool) -> list[dict[str, Any]]:
    """Tokens a second of each shipped model by how many rows advance: as the engine does it, oneDNN never, always."""
    import torch

    from toolkit.api import open_run

    found = []
    for name in ("shakespeare", "folk", "kjv"):
        run = open_run(name)
        for count in ROWS:
            speeds = {"model": name, "rows": count}
            for way in ("engine", "oneDNN off", "oneDNN on"):
                speeds[way] = max(_speed(run, count, way, quick) for _ in range(2 if quick else 4))
            torch.backends.mkldnn.enabled = True
            found.append(speeds)
    return found


def _speed(run: Any, count: int, way: str, quick: bool) -> float:
    import torch

    torch.backends.mkldnn.enabled = way != "oneDNN off"
    engine, model = run.engine, run.model
    _, memory = engine.feed([0], engine.begin())
    memory = engine.rows(memory, [0] * count)
    tokens, ids_BT = [1] * count, torch.ones(count, 1, dtype=torch.long)
    steps = max(4, (400 if quick else 3000) // count)
    with torch.inference_mode():
        began = time.process_time()
        for _ in range(steps):
            if way == "engine":
                _, memory = engine.advance(tokens, memory)
            else:
                _, memory = model(ids_BT, memory)
        return steps * count / (time.process_time() - began)


def report(found: Mapping[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        "# Steering by particles, and filling gaps",
        "",
        "`python -m benchmarks.steering`; one thread, seconds of CPU time, fp32.",
        "",
    ]
    if found.get("steering"):
        lines += [_STEERING, ""]
    for name, results in found.get("steering", {}).items():
        lines += [f"## {name}", "", *_steering_table(results), ""]
    if found.get("filling"):
        lines += ["## Filling a gap", "", _FILLING, "", *_filling_table(found["filling"]), ""]
    if found.get("rows"):
        lines += ["## Rows side by side, tokens a second", "", *_rows_table(found["rows"]), ""]
    return "\n".join(lines)


def _steering_table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "| way | succeeds | rejection, as many tries | nats a token | tokens read | CPU s | log-evidence | sequences |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each in results:
        nats = "" if each["nats"] is None else f"{each['nats']:.3f}"
        share = f"{100 * each['share']:.1f}% of {each['of']}"
        more = ["", "", ""]
        if "evidence" in each:
            mean, spread = each["evidence"]
            more = [f"{100 * each['rejection']:.1f}%", f"{mean:.1f} ± {spread:.1f}", f"{each['distinct']:.0f}"]
        costs = f"{each['tokens']:,.0f} | {each['seconds']:.3f}"
        lines.append(f"| {each['way']} | {share} | {more[0]} | {nats} | {costs} | {more[1]} | {more[2]} |")
    return lines


def _filling_table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "| gap | particles | right, nats | best seen | endings | effective | tokens read | CPU s | log-evidence |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each in results:
        if each["particles"]:
            mean, spread = each["evidence"]
            lines.append(
                f"| {each['gap']} | {each['particles']} | {each['right']:.1f} | {each['best']:.1f} | "
                f"{each['candidates']:,.0f} | {each['ess']:.1f} | {each['tokens']:,.0f} | {each['seconds']:.2f} | "
                f"{mean:.1f} ± {spread:.1f} |"
            )
        else:
            own = "" if each["original"] is None else f"; the composer's own bars: {each['original']:.1f}"
            cost = each["tokens"] / each["acceptance"]
            lines.append(
                f"| | right ignored | {each['right']:.1f} | {each['best']:.1f} | | | {each['tokens']:,.0f} a try | | "
                f"rejection keeps {100 * each['acceptance']:.2g}%: {cost:,.0f} tokens a result{own} |"
            )
    return lines


def _rows_table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = ["| model | rows | engine | oneDNN off | oneDNN on |", "|---|--:|--:|--:|--:|"]
    for each in results:
        speeds = " | ".join(f"{each[way]:,.0f}" for way in ("engine", "oneDNN off", "oneDNN on"))
        lines.append(f"| `{each['model']}` | {each['rows']} | {speeds} |")
    return lines


def main(given: Sequence[str] | None = None) -> None:
    import torch

    parser = argparse.ArgumentParser(prog="python -m benchmarks.steering", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="*", default=list(tasks()), choices=list(tasks()))
    parser.add_argument("--parts", nargs="*", default=["steering", "filling", "rows"])
    parser.add_argument("--gaps", nargs="*", type=int, default=list(range(6)), help="which, of six")
    parser.add_argument("--quick", action="store_true", help="few seeds: whether it runs, not what it says")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go; what is there is added to")
    arguments = parser.parse_args(given)
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    if arguments.json and arguments.json.is_file():
        found = json.loads(arguments.json.read_text())
    if "steering" in arguments.parts:
        for name in arguments.tasks:
            task = tasks()[name]()
            found.setdefault("steering", {})[task.name] = steering(task, arguments.quick)
            _keep(found, arguments.json)
    if "filling" in arguments.parts:
        found["filling"] = [*found.get("filling", []), *filling(arguments.quick, arguments.gaps)]
    if "rows" in arguments.parts:
        found["rows"] = rows(arguments.quick)
    written = report(found)
    _keep(found, arguments.json)
    if not arguments.quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "steering.md").write_text(written)
    print(written)


def _keep(found: Mapping[str, Any], path: Path | None) -> None:
    if path:
        path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    as_command(main)
