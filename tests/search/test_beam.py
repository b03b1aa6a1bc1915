"""Greedy, beam and diverse beam search against full enumeration and against their definitions in plain Python."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search.trees import STOP, Line, NoRepeat, Rows, Trap, Word, children, leaves
from toolkit.core import ToolkitError, UsageError, checked, knobs_of
from toolkit.sampling import Allow, Anything, Forbid, Sampler
from toolkit.search import SearchSettings, search

CHAINS = (
    {},
    {"temperature": 0.6},
    {"top_k": 2},
    {"frequency_penalty": 1.5, "presence_penalty": 0.5},
    {"mirostat": 2, "mirostat_tau": 1.0, "mirostat_eta": 0.9, "xtc_probability": 0.5},
)


def run(engine, *, chain=None, length=4, prompt=(STOP,), constraint=Anything(), seed=0, count=1, **settings):  # noqa: B008
    return search(
        engine,
        prompt,
        settings=checked(SearchSettings, settings),
        sampler=Sampler.from_settings(chain or {}),
        length=length,
        stop=STOP,
        constraint=constraint,
        seed=seed,
        count=count,
    )


def score(log_probability, tokens, penalty, rule):
    return log_probability / ((5 + tokens) / 6 if rule == "gnmt" else tokens) ** penalty


@given(
    st.integers(0, 200),
    st.sampled_from(CHAINS),
    st.sampled_from([None, Line(), Forbid([1], 3)]),
    st.sampled_from([(0.0, "gnmt"), (0.7, "gnmt"), (1.0, "mean"), (2.5, "mean")]),
)
def test_enough_beams_find_the_best_of_all_sequences(model, chain, constraint, lengths):
    engine, constraint = Rows(model=model), constraint or Anything()
    sampler = Sampler.from_settings(chain)
    every = leaves(engine, sampler=sampler, constraint=constraint, length=4)
    penalty, rule = lengths
    best = sorted(every, key=lambda each: -score(math.log(every[each][0]), len(each), penalty, rule))[:7]
    found = run(
        engine,
        chain=chain,
        constraint=constraint,
        search="beam",
        beams=100,
        length_penalty=penalty,
        length_rule=rule,
        count=7,
    )
    assert [each.tokens for each in found] == best
    for each in found:
        searched, own = every[each.tokens]
        assert each.searched == pytest.approx(math.log(searched))
        assert each.log_probability == pytest.approx(math.log(own))
        assert len(each.log_probabilities) == len(each.tokens)
        assert each.score == pytest.approx(score(math.log(searched), len(each.tokens), penalty, rule))
        assert each.log_weight is None


@given(st.integers(0, 200), st.sampled_from([{}, {"temperature": 3.0}, {"top_k": 2}]))
def test_by_the_models_own_probability_the_best_of_what_is_allowed_is_found(model, chain):
    engine = Rows(model=model)
    every = leaves(engine, sampler=Sampler.from_settings(chain), constraint=Line(), length=6)
    best = sorted(every, key=lambda each: -every[each][1])[:5]
    found = run(engine, chain=chain, constraint=Line(), length=6, search="beam", beams=200, likelihood="model", count=5)
    assert [each.tokens for each in found] == best
    for each in found:
        assert each.score == each.log_probability == pytest.approx(math.log(every[each.tokens][1]))
        assert each.searched == pytest.approx(math.log(every[each.tokens][0]))


def test_the_probabilities_of_everything_found_sum_to_one():
    found = run(Rows(size=4), search="beam", beams=512, count=512, length=4)
    assert math.fsum(math.exp(each.searched) for each in found) == pytest.approx(1)
    assert len({each.tokens for each in found}) == len(found)


def oracle(engine, groups, width, diversity, penalty, rule, **asked):
    """Diverse beam search from its definition, over tuples of tokens; one group is a beam search, one beam greedy."""
    live, finished = [[((), 0.0)] for _ in range(groups)], [[] for _ in range(groups)]
    for _ in range(asked["length"]):
        chosen = []
        for group in range(groups):
            options = [
                ((*made, token), total + math.log(p))
                for made, total in live[group]
                for token, (p, _) in children(engine, made, **asked).items()
            ]
            options.sort(key=lambda option: -(option[1] - diversity * chosen.count(option[0][-1])))
            options = options[:width]
            chosen += [made[-1] for made, _ in options]
            over = [(made, total) for made, total in options if children(engine, made, **asked) is None]
            live[group] = [option for option in options if option not in over]
            finished[group] += [(made, score(total, len(made), penalty, rule)) for made, total in over]
            finished[group] = sorted(finished[group], key=lambda each: -each[1])[:width]
            if live[group] and len(finished[group]) == width:
                hope = max(score(total, asked["length"], penalty, rule) for _, total in live[group])
                live[group] = live[group] if hope > finished[group][-1][1] else []
    results = []
    for turn in range(width):
        results += sorted((each[turn] for each in finished if turn < len(each)), key=lambda each: -each[1])
    return [made for number, (made, _) in enumerate(results) if made not in [each for each, _ in results[:number]]]


@given(
    st.integers(0, 300),
    st.sampled_from(CHAINS),
    st.sampled_from([(1, 1), (1, 2), (1, 4), (2, 1), (2, 2), (3, 1), (3, 2)]),
    st.sampled_from([0.0, 0.5, 3.0]),
    st.sampled_from([(0.0, "gnmt"), (1.0, "mean")]),
)
def test_every_beam_search_is_what_its_definition_says(model, chain, shape, diversity, lengths):
    engine = Rows(size=5, model=model)
    groups, width = shape
    expected = oracle(
        engine, groups, width, diversity if groups > 1 else 0, *lengths, sampler=Sampler.from_settings(chain), length=5
    )
    found = run(
        engine,
        chain=chain,
        length=5,
        search="diverse",
        beams=groups * width,
        groups=groups,
        diversity=diversity,
        length_penalty=lengths[0],
        length_rule=lengths[1],
        count=groups * width,
    )
    assert [each.tokens for each in found] == expected


def test_groups_without_diversity_find_what_one_beam_finds():
    for model in range(20):
        engine = Rows(size=5, model=model)
        alone = run(engine, search="beam", beams=3, count=3, length=6)
        assert run(engine, search="diverse", beams=9, groups=3, diversity=0, count=9, length=6) == alone


def test_diversity_makes_the_groups_part():
    firsts = {0.0: 0, 5.0: 0}
    for model in range(20):
        for diversity in firsts:
            found = run(
                Rows(size=8, model=model),
                search="diverse",
                beams=4,
                groups=4,
                diversity=diversity,
                count=4,
                length=6,
                constraint=Forbid([STOP], 8),
            )
            firsts[diversity] += len({each.tokens[0] for each in found})
    assert firsts == {0.0: 20, 5.0: 80}


@given(st.integers(0, 300), st.integers(1, 12))
def test_greedy_is_a_beam_of_one_and_takes_the_likeliest_token_each_time(model, length):
    engine, made = Rows(size=6, model=model), []
    while len(made) < length and STOP not in made:
        made.append(int(engine.feed([STOP, *made], engine.begin())[0].argmax()))
    (greedy,) = run(engine, search="greedy", length=length)
    assert list(greedy.tokens) == made
    assert run(engine, search="beam", beams=1, length=length) == [greedy]


@given(st.integers(0, 100), st.integers(1, 6))
def test_asking_for_fewer_gives_the_first_of_more(model, count):
    engine = Rows(size=5, model=model)
    assert run(engine, search="beam", beams=6, count=6)[:count] == run(engine, search="beam", beams=6, count=count)


@given(st.integers(0, 100), st.integers(4, 9), st.sampled_from(["greedy", "beam", "diverse"]))
def test_constraints_are_kept_and_every_result_ends_within_the_length(model, length, kind):
    found = run(Rows(size=5, model=model), constraint=Line(5), length=length, search=kind)
    assert found
    for each in found:
        assert each.tokens[-3:] == (2, 1, STOP)
        assert len(each.tokens) <= length


def test_a_sequence_with_nothing_more_to_say_is_finished_without_a_stop():
    (found,) = run(Rows(), constraint=Word(), search="beam", count=4, length=9)
    assert found.tokens == (2, 1)
    assert found.searched == 0
    assert found.log_probability < 0


def test_a_prompt_counts_towards_the_constraint_and_is_fed_once():
    engine = Rows()
    found = run(engine, prompt=[STOP, 1, 2], constraint=Line(), length=2, search="beam")
    assert [each.tokens for each in found] == [(1, STOP)]
    assert (engine.fed, engine.advanced) == (1, 1)


def test_the_rows_advance_together():
    engine = Rows(size=8)
    run(engine, search="diverse", beams=8, groups=2, constraint=Forbid([STOP], 8), length=7)
    assert (engine.fed, engine.advanced) == (1, 6)


def test_a_search_ends_when_nothing_can_be_better():
    certain = Allow(np.array([True, False, False]))
    engine = Rows()
    assert run(engine, constraint=certain, search="beam", length=10_000)[0].tokens == (STOP,)
    run(engine, search="beam", beams=2, length=10_000)
    assert engine.advanced < 100


def test_no_tokens_are_found_where_none_are_asked_for():
    (found,) = run(Rows(), search="beam", length=0)
    assert found.tokens == () and found.searched == found.log_probability == found.score == 0


def test_what_the_constraint_would_take_back_is_passed_over():
    every = [each for each in leaves(Rows(), length=4) if all(one != two for one, two in itertools.pairwise(each))]
    found = run(Rows(), constraint=NoRepeat(), search="beam", beams=100, count=100)
    assert sorted(each.tokens for each in found) == sorted(every)
    for model in range(20):
        (greedy,) = run(Rows(model=model), constraint=NoRepeat(), search="greedy", length=12)
        assert all(one != two for one, two in itertools.pairwise(greedy.tokens))


def test_a_dead_end_is_passed_over_and_said_when_there_is_nothing_else():
    found = run(Rows(), constraint=Trap(), search="beam", beams=100, count=100)
    assert found and not any(1 in each.tokens[:-1] for each in found)
    with pytest.raises(ToolkitError, match="dead end"):
        run(Rows(), constraint=Trap(), chain={"logit_bias": "#0=-inf,#2=-inf"}, search="beam")


def test_the_seed_matters_to_a_sampler_that_draws_alone():
    assert run(Rows(), search="beam", seed=1) == run(Rows(), search="beam", seed=2)


def test_equals_come_in_the_order_of_their_tokens():
    class Flat(Rows):
        def feed(self, tokens, memory):
            return np.zeros(3, np.float32), memory

        def advance(self, tokens, memory):
            return np.zeros((len(tokens), 3), np.float32), memory

    found = run(Flat(), search="beam", beams=3, count=3, length=2, constraint=Forbid([STOP], 3))
    assert [each.tokens for each in found] == [(1, 1), (1, 2), (2, 1)]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "to sample is not to search"),
        ({"search": "bean"}, "did you mean 'beam'"),
        ({"search": "beam", "beams": 2, "count": 3}, "2 beams find no 3 results"),
        ({"search": "stochastic", "likelihood": "model"}, "samples what is drawn"),
        ({"search": "greedy", "count": 2}, "finds one result, not 2"),
        ({"search": "diverse", "beams": 5, "groups": 2}, "5 beams cannot be shared evenly by 2"),
        ({"search": "beam", "count": 0}, "at least 1 result, not 0"),
        ({"search": "beam", "beams": 0}, "between 1 and 512"),
        ({"search": "beam", "length": -1}, "at least 0"),
        ({"search": "beam", "prompt": [STOP, 9]}, "token 1 of the prompt is 9"),
        ({"search": "beam", "constraint": Line(), "length": 2}, "takes 3 tokens, and the length is 2"),
        ({"search": "beam", "constraint": Line(), "prompt": [STOP, STOP]}, "may not stand there"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings, says):
    engine = Rows()
    with pytest.raises(UsageError, match=says):
        run(engine, **settings)
    assert engine.fed == 0


def test_the_default_is_no_search():
    assert {each.name: each.default for each in knobs_of(SearchSettings)}["search"] == "sample"
