"""Runs blended and guided: the same streams as ever, over several checkpoints of one codec."""

import pytest

from toolkit.adapt import AdaptSettings
from toolkit.api import Plan, adapted_run, blended_run, fit, open_run
from toolkit.core import UsageError
from toolkit.engine.blend_settings import BlendSettings

TINY = {"model": {"width": 12, "embedding": 6}, "training": {"batch": 2, "chunk": 8, "validations": 1}}
WORDS = "one fine day the small brown hen laid an egg as big as the moon\n" * 20


def trained(folder, corpus, name, **more):
    for _ in fit(Plan(corpus=str(corpus), out=folder / name, **{"steps": 30, **TINY, **more})):
        pass
    return folder / name


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("blending")
        patch.setenv("TOOLKIT_CACHE", str(folder / "cache"))
        (folder / "words.txt").write_text(WORDS)
        (folder / "others.txt").write_text("the big moon laid the brown day as fine as one small egg\n" * 20)
        trained(folder, folder / "words.txt", "words")
        trained(folder, folder / "others.txt", "fellow", start_from=folder / "words")
        (folder / "strange.txt").write_text("quick jackdaws vex my xylophone\n" * 20)
        trained(folder, folder / "strange.txt", "stranger")
        yield folder


@pytest.fixture(scope="module")
def run(folder):
    return open_run(folder / "words")


def blended(run, **settings):
    return blended_run(run, BlendSettings(**settings))


def test_neutral_settings_are_the_run_itself(run):
    assert blended(run) is run
    assert adapted_run(run, ["the moon"], AdaptSettings(adapt_strength=0)) is run
    assert adapted_run(run, [], AdaptSettings()) is run


def test_weights_lead_from_one_run_to_the_other(run, folder):
    fellow = open_run(folder / "fellow")
    for weight, alone in ((0, run), (1, fellow)):
        mixed = blended(run, blend=f"{folder}/fellow:{weight}").generate("one", seed=4, length=60)
        assert mixed.tokens == alone.generate("one", seed=4, length=60).tokens
        assert mixed.log_probabilities == alone.generate("one", seed=4, length=60).log_probabilities
    half = [blended(run, blend=f"{folder}/fellow:0.5", blend_how=how) for how in ("product", "mixture", "contrast")]
    results = [each.generate("one", seed=4, length=60) for each in half]
    assert len({each.log_probabilities for each in results}) == 3
    assert results[0].engine == "product(torch, torch)"
    assert len({each.checkpoint for each in (run, fellow, *half)}) == 5


def test_a_blend_streams_what_it_generates_and_one_seed_gives_one_result(run, folder):
    mixed = blended(run, blend=f"{folder}/fellow:0.4", blend_fade="0:1,30:0", guidance=1.5)
    whole = mixed.generate("one fine", seed=8, length=50)
    assert "one fine" + "".join(mixed.stream("one fine", seed=8, length=50)) == whole.text
    assert (
        blended(run, blend=f"{folder}/fellow:0.4", blend_fade="0:1,30:0", guidance=1.5).generate(
            "one fine", seed=8, length=50
        )
        == whole
    )


def test_a_fade_begins_with_the_first_new_token_however_long_the_prompt(run, folder):
    mixed = blended(run, blend=f"{folder}/fellow:1", blend_fade="0:0,19:0,20:1")
    for prompt in ("one", "one fine day the small brown hen"):
        made, alone = (each.generate(prompt, seed=2, length=40) for each in (mixed, run))
        assert made.log_probabilities[:20] == alone.log_probabilities[:20]
        assert made.log_probabilities[20:] != alone.log_probabilities[20:]


def test_a_cut_generation_goes_on_in_the_same_engine(run, folder):
    mixed = blended(run, blend=f"{folder}/fellow:1", blend_fade="0:0,9:1", guidance=2.0)
    given, opening = run.opening("one fine")
    whole = mixed.engine_for(opening, given)
    more = [*opening, *run.codec.encode("day")]
    memory = whole.feed(opening, whole.begin())[1]
    for token in more[len(opening) :]:
        logits_V, memory = whole.feed([token], memory)
    again = mixed.engine_for(more, given, made=3)
    assert again.feed(more, again.begin())[0] == pytest.approx(logits_V, abs=1e-4)


def test_guidance_makes_the_prompt_count_for_more(run):
    given, opening = run.opening("the small brown hen laid an eg")
    plain, guided = (each.engine_for(opening, given) for each in (run, blended(run, guidance=3.0)))
    empty = run.engine_for([])
    with_prompt, without, strong = (
        engine.feed(fed, engine.begin())[0].astype(float)
        for engine, fed in ((plain, opening), (empty, run.opening(None)[1]), (guided, opening))
    )
    expected = without + 3 * (with_prompt - without)
    assert strong - strong[0] == pytest.approx(expected - expected[0], abs=1e-3)
    assert blended(run, guidance=3.0).generate(seed=1, length=30).tokens == run.generate(seed=1, length=30).tokens


def test_a_guided_melody_keeps_its_meter_and_key():
    run = open_run("folk")
    given, opening = run.opening("M:6/8 K:G | d2e fga")
    heading = run.opening_of(run.domain.heading(given))
    assert 1 < len(heading) < len(opening)
    assert opening[: len(heading)] == heading
    mixed = blended(run, guidance=2.0)
    engine, plain = mixed.engine_for(opening, given), run.engine
    whole, bare = (plain.feed(each, plain.begin())[0].astype(float) for each in (opening, heading))
    guided = engine.feed(opening, engine.begin())[0]
    assert guided - guided[0] == pytest.approx((2 * whole - bare) - (2 * whole - bare)[0], abs=1e-3)
    made = mixed.generate("M:6/8 K:G | d2e fga", seed=3, bars=4)
    assert (made.item.meters, made.item.keys) == (given.meters, given.keys)
    assert made.engine == "guidance(torch, torch)"


def test_another_codec_is_refused_in_a_sentence(run, folder):
    with pytest.raises(
        UsageError, match="whose codec is another one; a run trained by toolkit train CORPUS --from words"
    ):
        blended(run, blend=f"{folder}/stranger:0.5")
    with pytest.raises(UsageError, match="RUN:WEIGHT"):
        blended(run, blend=f"{folder}/fellow:much")
    with pytest.raises(UsageError, match="fade"):
        blended(run, blend=f"{folder}/fellow", blend_fade="soon")


def test_an_adapted_run_is_another_and_the_run_stays(run):
    before = run.generate("one", seed=4, length=60)
    page = "an egg an egg an egg an egg an egg an egg an egg an egg\n" * 3
    strongly = AdaptSettings(adapt_strength=4.0, adapt_passes=3)
    other = adapted_run(run, [page, page], strongly)
    made = other.generate("one", seed=4, length=60)
    assert made == adapted_run(run, [page, page], strongly).generate("one", seed=4, length=60)
    assert made.log_probabilities != before.log_probabilities
    assert made.checkpoint not in {before.checkpoint, adapted_run(run, [page], strongly).checkpoint}
    assert run.generate("one", seed=4, length=60) == before
    assert other.evaluate(str(run.config.corpus["asked"]["corpus"])).nats > 0


def test_an_adapted_run_can_be_blended_with_what_it_was(run, folder):
    page = "an egg an egg an egg an egg\n"
    other = adapted_run(run, [page], AdaptSettings(adapt_strength=4.0))
    mixed = blended(other, blend=f"{folder}/words:0.5")
    assert mixed.generate("one", seed=1, length=20).log_probabilities not in {
        other.generate("one", seed=1, length=20).log_probabilities,
        run.generate("one", seed=1, length=20).log_probabilities,
    }


def test_a_blend_has_no_weights_of_its_own(run, folder):
    mixed = blended(run, blend=f"{folder}/fellow:0.5")
    with pytest.raises(UsageError, match="no weights of its own"):
        mixed.evaluate(str(folder / "words.txt"))
    with pytest.raises(UsageError, match="no weights of its own"):
        adapted_run(mixed, ["an egg"], AdaptSettings(adapt_strength=1.0)).generate("one")


def test_a_page_alone_is_taken_after(run):
    alone = run.generate(seed=3, length=60, adapt_to="an egg, an egg, an egg " * 8)
    assert alone.checkpoint == run.generate(seed=3, length=60, adapt_to="an egg, an egg, an egg " * 8).checkpoint
    assert alone.checkpoint != run.checkpoint
