"""Every way of generating through one run: drawn, searched for, steered, filled; one seed, one result, in each."""

import dataclasses
import itertools
import json
import random

import pytest

from toolkit import generate
from toolkit.api import Plan, fit, generation_knobs, in_turn, open_run, recipe_in
from toolkit.api.request import Request, Way
from toolkit.core import Knob, ToolkitError, UsageError
from toolkit.sampling import Sampler, Without, sampling_knobs
from toolkit.search import Sought
from toolkit.steer import Progress

TINY = {"model": {"width": 12, "embedding": 6}, "training": {"batch": 2, "chunk": 8, "validations": 1}}
WORDS = "one fine day the small brown hen laid an egg as big as the moon\n" * 20
TUNE = "M:4/4 K:D | D2 F2 A2 d2 | e4 d4 | d2 A2 F2 D2 | D8 |"
PITCHES = [62, 66, 69, 74, 76, 74, 74, 69, 66, 62, 62]

WAYS = {
    Way.DRAWN: {},
    Way.FOUND: {"search": "beam", "beams": 4},
    Way.STEERED: {"particles": 6},
    Way.FILLED: {"after": " the moon", "middle": "2-5", "particles": 6},
}
TOLD = {
    Way.DRAWN: set(),
    Way.FOUND: {"log_probability", "searched", "score"},
    Way.STEERED: {"particles", "distinct", "log_evidence", "least_ess", "resampled", "computed_tokens"},
    Way.FILLED: {"log_probability", "right_log_probability", "share"},
}
MELODY_WAYS = {
    Way.DRAWN: {"bars": 2},
    Way.FOUND: {"bars": 2, "search": "greedy"},
    Way.STEERED: {"bars": 2, "density": 4.0, "particles": 6},
    Way.FILLED: {"refill": "2", "particles": 6},
}


def trained(corpus, out, **more):
    for _ in fit(Plan(corpus=str(corpus), out=out, **{"steps": 30, **TINY, **more})):
        pass
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("requests")
        patch.setenv("TOOLKIT_CACHE", str(folder / "cache"))
        (folder / "words.txt").write_text(WORDS)
        (folder / "others.txt").write_text("the big moon laid the brown day as fine as one small egg\n" * 20)
        trained(folder / "words.txt", folder / "words")
        trained(folder / "others.txt", folder / "fellow", start_from=folder / "words")
        yield folder


@pytest.fixture(scope="module")
def run(folder):
    return open_run(folder / "words")


@pytest.fixture(scope="module")
def melodies(folder):
    rng = random.Random(2)
    tunes = ("|".join("".join(rng.choice("DEFGABcd") for _ in range(8)) for _ in range(8)) for _ in range(8))
    written = (f"X:{number}\nT:Tune {number}\nM:4/4\nL:1/8\nK:D\n{bars}|]\n\n" for number, bars in enumerate(tunes, 1))
    (folder / "tunes.abc").write_text("".join(written))
    return open_run(trained(folder / "tunes.abc", folder / "melodies", steps=6))


def asked(run, prompt=None, seed=3, **settings):
    return Request(run, prompt, seed, run.check({each.name: each.default for each in run.knobs} | settings))


def same(made, other):
    """Whether two results are one, all that is told of them included."""
    return made == other and made.details == other.details


# --- every way ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.value)
def test_a_seed_and_settings_give_one_result_however_it_is_asked_for(run, way):
    settings = {"length": 12, **WAYS[way]}
    assert asked(run, "one fine", **settings).way is way
    made = run.generate("one fine", seed=3, **settings)
    stream = run.stream("one fine", seed=3, **settings)
    parts = [each for each in stream if not isinstance(each, Progress | Sought)]
    assert same(stream.result(), made)
    assert same(run.generate("one fine", seed=made.seed, **made.settings), made)
    assert same(run.generate("one fine", seed=3, **json.loads(json.dumps(made.details["settings"]))), made)
    assert made.text == "one fine" + "".join(parts) + settings.get("after", "")
    assert set(made.facts) == TOLD[way]
    assert made.details.get("found", {}) == dict(made.facts)


@pytest.mark.parametrize("way", MELODY_WAYS, ids=lambda way: way.value)
def test_a_melody_comes_about_in_every_way_too(melodies, way):
    prompt = TUNE if way is Way.FILLED else None
    assert asked(melodies, prompt, **MELODY_WAYS[way]).way is way
    made = melodies.generate(prompt, seed=3, **MELODY_WAYS[way])
    assert same(melodies.generate(prompt, seed=3, **made.settings), made)
    assert set(made.facts) == TOLD[way]
    assert made.item.notes


@pytest.mark.parametrize("way", [Way.DRAWN, Way.STEERED], ids=lambda way: way.value)
def test_of_several_each_is_the_one_of_its_seed(run, way):
    settings = {"length": 12, **WAYS[way]}
    results = finished(run.streams("one", count=3, seed=5, **settings))
    assert [each.seed for each in results] == [5, 6, 7]
    assert all(same(each, run.generate("one", seed=each.seed, **settings)) for each in results)


def finished(streams):
    made = []
    for stream in streams:
        for _ in stream:
            pass
        made.append(stream.result())
    return made


@pytest.mark.parametrize("engine", ["torch", "compiled", "compiled-int8"])
@pytest.mark.parametrize("way", [Way.DRAWN, Way.STEERED], ids=lambda way: way.value)
def test_each_of_several_made_together_is_what_it_is_alone(folder, way, engine):
    run = open_run(folder / "words", engine=engine)
    settings = {"length": 14, "temperature": 1.4, **WAYS[way]}
    streams = list(run.streams("one fine", seed=6, count=3, together=True, **settings))
    first = [number for number, _ in itertools.islice(in_turn(streams), 7)]
    assert first == [0, 1, 2, 0, 1, 2, 0]
    for _ in in_turn(streams):
        pass
    alone = [run.generate("one fine", seed=6 + number, **settings) for number in range(3)]
    assert all(same(stream.result(), each) for stream, each in zip(streams, alone, strict=True))


def test_who_reads_one_of_a_batch_may_read_the_others_later(run, melodies):
    for made_by, settings in ((run, {"length": 30, "stop_at": "egg"}), (melodies, {"bars": 2})):
        second, first = reversed(list(made_by.streams(seed=4, count=2, together=True, **settings)))
        next(iter(second))
        for stream in (second, first):
            for _ in stream:
                pass
        assert same(first.result(), made_by.generate(seed=4, **settings))
        assert same(second.result(), made_by.generate(seed=5, **settings))


def test_what_cannot_be_is_told_at_once_of_a_batch_too(run):
    with pytest.raises(UsageError):
        run.streams(seed=4, count=2, together=True, contain="moon", length=2)


def test_what_goes_wrong_in_a_batch_is_told_by_every_row(run, monkeypatch):
    def failing(*_, **__):
        yield 0, generate.Step(3, -1.0, 0)
        raise ToolkitError("not found in so many attempts.")

    monkeypatch.setattr(generate, "batch", failing)
    for stream in list(run.streams(seed=4, count=2, together=True, length=5)):
        with pytest.raises(ToolkitError, match="attempts"):
            for _ in stream:
                pass


def test_a_row_that_ends_leaves_the_others_where_they_are(run, monkeypatch):
    taken = []

    def rows(*_, **__):
        lengths = (3, 40, 9, 40)
        for position in range(40):
            for row, length in enumerate(lengths):
                if position < length:
                    taken.append(row)
                    yield row, generate.Step(1, -1.0, position)

    monkeypatch.setattr(generate, "batch", rows)
    streams = list(run.streams(seed=4, count=4, together=True, length=50))
    most = 0
    for _ in in_turn(streams):
        most, taken[:] = max(most, len(taken)), []
    assert most <= 4 + 1, "parts that one row had to wait for"
    assert [stream.tokens_made for stream in streams] == [3, 40, 9, 40]


def test_what_a_seed_does_not_touch_is_made_once_for_all_of_them(run):
    page = {"adapt_to": "an egg an egg", "adapt_strength": 2.0}
    first, second = run.streams("one", count=2, seed=5, length=4, **page)
    assert first.request.run is second.request.run
    assert first.request.constraint is second.request.constraint
    assert (first.request.seed, second.request.seed) == (5, 6)


@pytest.mark.parametrize("search", ["beam", "diverse", "stochastic"])
def test_a_search_gives_so_many_the_best_first(run, search):
    results = finished(run.streams("one", count=4, seed=5, length=10, search=search, beams=4, groups=2))
    assert len(results) == 4 or search == "diverse"  # whose groups may meet
    assert len({each.tokens for each in results}) == len(results)
    scores = [each.facts["score"] for each in results]
    if search != "diverse":  # which takes turns between its groups
        assert scores == sorted(scores, reverse=True)
    assert scores[0] == max(scores)
    assert [each.tokens for each in results[:2]] == [
        each.tokens for each in finished(run.streams("one", count=2, seed=5, length=10, search=search))
    ]
    for each in results:
        assert sum(each.log_probabilities) == pytest.approx(each.facts["log_probability"])


def test_a_gap_is_filled_in_different_ways(run):
    results = finished(run.streams("one ", count=3, seed=5, **WAYS[Way.FILLED]))
    assert len(results) == len({each.text for each in results}) == 3
    for each in results:
        assert each.text.startswith("one ")
        assert each.text.endswith(" the moon")
        assert 2 <= len(each.tokens) <= 5
        assert 0 < each.facts["share"] <= 1
        assert each.ending == "filled"
        assert each.log_probabilities == ()


def test_no_more_are_found_than_there_are(run):
    with pytest.raises(UsageError, match="4 beams find no 5 results"):
        next(run.streams("one", count=5, search="beam", beams=4, length=4))
    with pytest.raises(UsageError, match="greedy"):
        next(run.streams("one", count=2, search="greedy", length=4))
    for count in (0, -1):
        with pytest.raises(UsageError, match="at least 1"):
            run.streams("one", count=count)


@pytest.mark.parametrize(
    "settings", [{"particles": 6}, {"search": "beam", "beams": 4}, {"search": "stochastic"}], ids=str
)
def test_who_leaves_a_search_early_keeps_its_best_beginning(run, settings):
    stream = run.stream("one", seed=3, length=12, **settings)
    told = [next(stream) for _ in range(4)]
    assert [each.position for each in told] == [1, 2, 3, 4]
    assert stream.progress is told[-1]
    result = stream.result()
    assert (result.tokens, result.ending) == (told[-1].best, "interrupted")
    assert len(result.tokens) == 4
    assert result.text.startswith("one")


def test_who_leaves_a_filling_early_keeps_the_best_there_is(run, melodies):
    stream = run.stream("one", seed=3, after=" the moon", middle="3-8", particles=6)
    assert next(stream).best == ()
    with pytest.raises(ToolkitError, match="yet"):
        stream.result()
    told = [next(stream) for _ in range(4)]
    result = stream.result()
    assert (result.tokens, result.ending) == (told[-1].best, "interrupted")
    assert result.text == "one" + run.codec.decode(list(result.tokens)) + " the moon"
    stream = melodies.stream(TUNE, seed=3, refill="2", particles=6)
    while not next(stream).best:
        pass
    assert stream.result().item.notes


def test_what_was_handed_over_travels_with_the_result(melodies, tmp_path):
    """The prompt then only says what it is called; the details hold it, and make the same result again."""
    item = melodies.generate(seed=3, bars=2).item
    (stream,) = melodies.streams("what is there", given=item, seed=4, bars=4)
    (made,) = finished([stream])
    recipe = recipe_in(made.save(tmp_path / "longer.json"))
    assert melodies.domain.of_data(recipe.given) == item
    assert same(finished([recipe.stream(melodies)])[0], made)


def test_another_of_one_search_may_be_asked_for_before_the_first_is_read(run):
    asked_for = {"seed": 5, "length": 10, "search": "beam", "beams": 4}
    first, second = run.streams("one", count=2, **asked_for)
    assert [each.tokens for each in finished([first, second])] == [
        each.tokens for each in finished(run.streams("one", count=2, **asked_for))
    ]


# --- settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", ["text", "music"])
def test_every_knob_is_neutral_as_declared(run, melodies, domain):
    """What nobody asked for changes nothing: the result is that of the bare model behind the codec's grammar."""
    opened = {"text": run, "music": melodies}[domain]
    declared = {each.name: each.default for each in sampling_knobs()}
    neutral = {each.name: declared.get(each.name, each.default) for each in generation_knobs(domain)} | {"length": 40}
    request = asked(opened, **neutral)
    assert request.way is Way.DRAWN
    assert request.run is opened
    assert request.wishes == ()
    assert request.gap is None
    stop = opened.codec.stop
    endless = Without(opened.codec.grammar(), [stop], opened.codec.size)  # of one text without parts no end is learned
    plain = generate.tokens(
        opened.engine,
        opened.opening(None)[1],
        sampler=Sampler(),
        length=40,
        stop=stop,
        constraint={"text": endless, "music": opened.codec.grammar()}[domain],
        seed=3,
    )
    made = opened.generate(seed=3, **neutral)
    assert list(zip(made.tokens, made.log_probabilities, strict=True)) == [step[:2] for step in plain]


def turned(knob: Knob):
    """Values that turn a knob: its ends, its choices, something typed."""
    if knob.kind is bool:
        return [True, False]
    if knob.choices:
        return knob.choices
    ends = [each for each in (knob.low, knob.high) if each is not None]
    return [knob.kind(each) for each in ends] if knob.kind in (int, float) else ["1", "x, y", "\n", "[", "-3"]


@pytest.mark.parametrize("domain", ["text", "music"])
def test_a_knob_that_is_turned_gives_a_result_or_one_sentence(run, melodies, domain):
    opened, prompt = {"text": (run, "one fine"), "music": (melodies, TUNE)}[domain]
    large = {"length", "particles", "beams", "groups", "adapt_passes"}
    for each in generation_knobs(domain):
        for value in turned(each):
            moderate = min(value, 8) if each.name in large else value
            try:
                stream = opened.stream(prompt, seed=1, **{"length": 6, each.name: moderate})
                for _ in stream:
                    pass
                assert stream.result().settings[each.name] == moderate
            except ToolkitError as error:
                assert str(error).endswith((".", "?")), f"{each.name}={value!r}"
                assert "\n" not in str(error), f"{each.name}={value!r}"
                assert len(str(error)) < 600, f"{each.name}={value!r}"


@pytest.mark.parametrize(
    "settings",
    [
        {"after": " the moon", "search": "beam"},
        {"search": "beam", "particles": 3},
        {"search": "greedy", "mention": "egg"},
        {"after": " the moon", "mention": "egg"},
        {"after": " the moon", "regex": "[a-z]+"},
        {"after": " the moon", "max_copy": 20},
        {"after": ""},
        {"search": "diverse", "beams": 4, "groups": 3},
        {"search": "stochastic", "likelihood": "model"},
        {"middle": "3"},
        {"sound_like": "words:0.5,fellow:0.5"},
        {"regex": "a+", "begin": "b"},
        {"regex": "("},
        {"contain": "egg", "avoid": "egg"},
        {"begin": "a very long beginning", "length": 3},
    ],
    ids=lambda settings: " ".join(f"{name}={value}" for name, value in settings.items()),
)
def test_what_contradicts_itself_is_refused_in_a_sentence_before_a_token(run, settings):
    with pytest.raises(UsageError) as caught:
        run.stream("one", seed=1, **{"length": 20, **settings})
    told = str(caught.value)
    assert told.endswith((".", "?"))
    assert "\n" not in told
    assert told.count(". ") == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"refill": "2", "bars": 4},
        {"refill": "9"},
        {"refill": "two"},
        {"refill": "3-2"},
        {"returning": True},
        {"low": 70, "high": 60},
    ],
    ids=str,
)
def test_a_melody_that_cannot_be_meant_is_refused_in_a_sentence(melodies, settings):
    with pytest.raises(UsageError) as caught:
        melodies.stream(TUNE, seed=1, **settings)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_refilling_needs_a_melody(melodies):
    with pytest.raises(UsageError, match="give one"):
        melodies.stream(seed=1, refill="2")


# --- what changes the run ----------------------------------------------------------------------------------------


def test_pages_fellows_and_likeness_are_settings_of_a_result(run, folder):
    plain = run.generate("one", seed=4, length=20)
    changed = {
        "adapted": {"adapt_to": "an egg an egg an egg\n" * 3, "adapt_strength": 4.0},
        "blended": {"blend": f"{folder}/fellow:0.5"},
        "guided": {"guidance": 2.0},
        "sound_like": {"sound_like": f"{folder}/fellow:0.5", "particles": 6},
    }
    made = {name: run.generate("one", seed=4, length=20, **settings) for name, settings in changed.items()}
    assert len({each.log_probabilities for each in (plain, *made.values())}) == 5
    for each in made.values():
        assert same(run.generate("one", seed=4, **each.settings), each)
    assert [made[name].checkpoint == plain.checkpoint for name in changed] == [False, False, False, True]
    assert same(run.generate("one", seed=4, length=20), plain)


def test_the_reading_of_a_page_can_be_ended(run):
    """What ends it is let through, nothing of it is kept, and asked again it reads the whole page."""
    page = {"adapt_to": "an egg an egg an egg\n" * 9, "adapt_strength": 4.0, "length": 8}
    looks = []

    class EnoughError(Exception):
        pass

    def watch():
        looks.append(1)
        if len(looks) == 3:
            raise EnoughError

    with pytest.raises(EnoughError):
        run.stream("one", seed=4, watch=watch, **page)
    assert len(looks) == 3
    assert same(run.generate("one", seed=4, **page), open_run(run.folder).generate("one", seed=4, **page))


def test_an_adapted_blend_reads_the_page_first(run, folder):
    page = {"adapt_to": "an egg an egg an egg\n" * 3, "adapt_strength": 4.0}
    mixed = asked(run, "one", blend=f"{folder}/fellow:0.5", **page).run
    assert type(mixed).__name__ == "BlendedRun"
    assert type(mixed.base).__name__ == "AdaptedRun"
    assert mixed.base.base is run


def test_a_search_keeps_what_is_asked_for(run):
    made = run.generate("one", seed=1, length=12, search="beam", regex="[a-f ]{8}")
    assert len(made.text) == len("one") + 8
    assert set(made.text[3:]) <= set("abcdef ")


def test_a_wish_is_steered_towards_without_being_told_how_widely(run):
    request = asked(run, "one", mention="egg")
    assert request.way is Way.STEERED
    assert request.steering.particles > 1
    assert asked(run, "one", mention="egg", particles=6).steering.particles == 6
    made = run.generate("one fine day ", seed=1, length=20, mention="egg", particles=32)
    assert "egg" in made.text.split()


def test_no_way_copies_more_than_it_may(folder):
    by_heart = {"model": {"width": 48, "embedding": 8}, "training": {**TINY["training"], "learning_rate": 0.02}}
    run = open_run(trained(folder / "words.txt", folder / "parrot", steps=250, **by_heart))
    free = run.generate("one fine", seed=1, length=60, temperature=0.2)
    assert free.originality.longest.length > 11
    for settings in ({}, {"particles": 4}, {"search": "greedy"}):
        made = run.generate("one fine", seed=1, length=60, temperature=0.2, max_copy=11, **settings)
        longest = made.originality.longest
        assert longest is None or longest.length <= 11
        assert same(run.generate("one fine", seed=1, **made.settings), made)


def test_new_bars_leave_the_others_as_they_were(melodies):
    made = finished(melodies.streams(TUNE, count=2, seed=5, refill="2", particles=6))
    assert len({each.tokens for each in made}) == 2
    bar = made[0].given.resolution * 4
    for each in made:
        kept = [note for note in each.item.notes if not bar <= note.start < 2 * bar]
        assert [note.pitch for note in kept] == [*PITCHES[:4], *PITCHES[6:]]
        assert each.ending == "filled"


def test_a_request_is_a_value(run):
    request = asked(run, "one")
    assert dataclasses.replace(request, seed=9).seed == 9
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.seed = 4
