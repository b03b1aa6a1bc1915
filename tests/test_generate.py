"""The decode loop: one seed gives one output, whatever way it is asked for, and constraints are kept."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from toolkit.core import ToolkitError, UsageError
from toolkit.engine import open_engine
from toolkit.generate import batch, parts, tokens
from toolkit.sampling import Allow, Anything, Both, Forbid, Sampler, sampling_knobs

V, STOP = 12, 0


class Hashed:
    """An engine whose logits are a fixed random function of the last three tokens fed."""

    name, precision, vocabulary = "hashed", "fp32", V

    def __init__(self, stop_bonus=-100.0):
        self.calls = []
        self.stop_bonus = stop_bonus

    def begin(self):
        return ()

    def feed(self, fed, memory):
        self.calls.append(list(fed))
        memory = (*memory, *fed)[-3:]
        logits_V = np.random.default_rng([7, *memory]).normal(0, 2, V).astype(np.float32)
        logits_V[STOP] += self.stop_bonus
        return logits_V, memory


class Line:
    """Letters, then the fixed line 5 6 7, then STOP. The state is how much of the line is said, -1 once stopped.

    Any letter that breaks the line off starts again, so the whole line may lie ahead at any time.
    """

    line = (5, 6, 7)

    def begin(self):
        return 0

    def allowed(self, said):
        mask_V = np.full(V, said >= 0)
        mask_V[STOP] = said == len(self.line)
        return mask_V

    def step(self, said, token):
        assert self.allowed(said)[token]
        if token == STOP:
            return -1
        if said < len(self.line) and token == self.line[said]:
            return said + 1
        return 1 if token == self.line[0] else 0

    def distance(self, said):
        return 0 if said < 0 else len(self.line) - said + 1


def run(engine=None, prompt=(STOP, 3), *, settings=None, seed=0, length=30, **more):
    sampler = Sampler.from_settings(settings or {})
    return list(tokens(engine or Hashed(), prompt, sampler=sampler, length=length, stop=STOP, seed=seed, **more))


def ids(steps):
    return [step.token for step in steps]


@given(st.integers(0, 2**64 - 1))
def test_one_seed_gives_one_output(seed):
    assert run(seed=seed) == run(seed=seed)


def test_other_seeds_give_other_outputs():
    assert len({tuple(ids(run(seed=seed))) for seed in range(20)}) == 20


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 100))
def test_a_shorter_run_is_the_beginning_of_a_longer_one(one, other, seed):
    short, long = sorted((one, other))
    assert run(seed=seed, length=long)[:short] == run(seed=seed, length=short)


def test_streaming_computes_no_further_than_it_was_read():
    engine = Hashed()
    stream = tokens(engine, [STOP, 3, 4], sampler=Sampler(), length=30, stop=STOP)
    assert engine.calls == []
    read = list(itertools.islice(stream, 5))
    stream.close()
    assert read == run(prompt=[STOP, 3, 4])[:5]
    assert engine.calls == [[STOP, 3, 4], *([step.token] for step in read[:4])]


@given(st.integers(0, 30), st.integers(0, 50))
def test_a_generation_cut_anywhere_goes_on_as_before(cut, seed):
    settings = {"repetition_penalty": 1.3, "repetition_window": 8, "top_p": 0.9}
    whole = run(seed=seed, settings=settings)
    prompt = [STOP, 3, *ids(whole[:cut])]
    rest = run(prompt=prompt, seed=seed, settings=settings, length=30 - cut, start=cut)
    assert rest == whole[cut:]


@given(st.lists(st.tuples(st.integers(1, V - 1), st.integers(0, 9)), max_size=4))
def test_a_row_of_a_batch_equals_it_alone(asked):
    prompts, seeds = [[STOP, first] for first, _ in asked], [seed for _, seed in asked]
    rows = [[] for _ in asked]
    engine = Hashed(stop_bonus=2.0)
    for row, step in batch(engine, prompts, seeds=seeds, sampler=Sampler(), length=9, stop=STOP):
        rows[row].append(step)
    alone = [run(engine, prompt, seed=seed, length=9) for prompt, seed in zip(prompts, seeds, strict=True)]
    assert rows == alone


def test_sample_i_equals_a_run_with_the_seed_plus_i():
    rows = [[], [], []]
    for row, step in batch(Hashed(), [[STOP]] * 3, seeds=range(100, 103), sampler=Sampler(), length=9, stop=STOP):
        rows[row].append(step)
    assert rows == [run(prompt=[STOP], seed=100 + i, length=9) for i in range(3)]


def test_a_batch_advances_its_rows_in_turn():
    steps = batch(Hashed(), [[STOP]] * 2, seeds=(0, 1), sampler=Sampler(), length=3, stop=STOP)
    assert [(row, step.position) for row, step in steps] == [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]


def test_a_batch_wants_one_seed_a_prompt():
    with pytest.raises(ValueError, match="shorter"):
        batch(Hashed(), [[STOP]] * 2, seeds=(0,), sampler=Sampler(), length=3, stop=STOP)


def test_neutral_settings_change_nothing():
    assert run(settings={each.name: each.default for each in sampling_knobs()}) == run()
    assert run(constraint=Anything()) == run(constraint=Allow(np.ones(V, np.bool_))) == run()


@pytest.mark.parametrize("length", [0, 1, 2, 57])
def test_the_length_is_exact(length):
    steps = run(length=length)
    assert len(steps) == length
    assert [step.position for step in steps] == list(range(length))


def test_generation_ends_with_the_stop_token():
    steps = run(Hashed(stop_bonus=3.0), length=200)
    assert 0 < len(steps) < 200
    assert ids(steps).index(STOP) == len(steps) - 1


def test_a_stop_on_the_last_permitted_step_is_kept():
    engine = Hashed(stop_bonus=3.0)
    whole = run(engine, length=200)
    assert run(engine, length=len(whole)) == whole
    assert STOP not in ids(run(engine, length=len(whole) - 1))


def test_greedy_takes_the_argmax_and_ignores_the_seed():
    engine, memory, expected, fed = Hashed(), (), [], [STOP, 3]
    for _ in range(30):
        logits_V, memory = engine.feed(fed, memory)
        fed = [int(logits_V.argmax())]
        expected += fed
    assert ids(run(settings={"temperature": 0})) == expected
    assert ids(run(settings={"temperature": 0, "top_p": 0.3}, seed=99)) == expected


def test_the_log_probability_is_the_models_own():
    prompt, steps = [STOP, 3], run(settings={"temperature": 0.5, "top_k": 4}, constraint=Forbid([4], V))
    engine, memory, fed = Hashed(), (), prompt
    for step in steps:
        logits_V, memory = engine.feed(fed, memory)
        exact_V = logits_V.astype(np.float64)
        assert step.log_probability == pytest.approx(exact_V[step.token] - np.log(np.exp(exact_V).sum()))
        fed = [step.token]


def test_an_empty_prompt_is_the_stop_token():
    assert run(prompt=()) == run(prompt=[STOP])


def test_the_leading_stop_is_not_part_of_what_constraint_and_sampler_see():
    with_stop = run(Hashed(stop_bonus=0), prompt=[STOP, 3], settings={"presence_penalty": 2.0}, length=1, seed=5)
    sampler = Sampler.from_settings({"presence_penalty": 2.0})
    logits_V, _ = Hashed(stop_bonus=0).feed([STOP, 3], ())
    assert with_stop[0] == (*sampler.sample(logits_V, ((3,),), seed=5, position=0), 0)
    assert run(prompt=[STOP, 3], constraint=Forbid([STOP], V))


@given(
    st.integers(4, 40), st.integers(0, 1000), st.sampled_from([{}, {"temperature": 0}, {"top_k": 2}, {"min_p": 0.5}])
)
def test_a_fixed_ending_is_reached_against_the_models_will(length, seed, settings):
    steps = run(prompt=[STOP], constraint=Line(), length=length, seed=seed, settings=settings)
    assert ids(steps)[-4:] == [5, 6, 7, STOP]
    assert len(steps) <= length


def test_a_prompt_counts_towards_the_constraint():
    steps = run(prompt=[STOP, 9, 5, 6], constraint=Line(), length=2)
    assert ids(steps) == [7, STOP]


def test_too_short_a_length_is_refused_before_the_first_token():
    engine = Hashed()
    with pytest.raises(UsageError, match="takes 4 tokens, and the length is 3"):
        tokens(engine, [STOP, 9], sampler=Sampler(), constraint=Line(), length=3, stop=STOP)
    assert engine.calls == []


@pytest.mark.parametrize(
    ("prompt", "length", "says"),
    [
        ([STOP, 9, STOP], 30, "its token 2 may not stand there"),
        ([STOP, V], 30, f"token 1 of the prompt is {V}"),
        ([STOP, 3, -1], 30, "token 2 of the prompt is -1"),
        ([STOP], -1, "at least 0"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_the_first_token(prompt, length, says):
    with pytest.raises(UsageError, match=says):
        tokens(Hashed(), prompt, sampler=Sampler(), constraint=Line(), length=length, stop=STOP)


class Word(Line):
    """Only 5 6 7, and then nothing: a sequence that ends without a stop token."""

    def allowed(self, said):
        return np.arange(V) == (self.line[said] if said < len(self.line) else -1)

    def distance(self, said):
        return len(self.line) - said


def test_a_sequence_with_nothing_more_to_say_ends_early():
    assert ids(run(prompt=[STOP], constraint=Word())) == [5, 6, 7]


def test_a_contradiction_is_said_in_a_sentence():
    with pytest.raises(ToolkitError, match="contradict"):
        run(prompt=[STOP], constraint=Both(Word(), Forbid([6], V)))


class Letters:
    """A decoder that holds every second token back."""

    def __init__(self):
        self.held = ""

    def push(self, token):
        self.held += chr(65 + token)
        if len(self.held) == 2:
            yield self.held
            self.held = ""

    def close(self):
        if self.held:
            yield self.held


@pytest.mark.parametrize("length", [0, 4, 5])
def test_parts_are_what_the_steps_mean(length):
    stream = tokens(Hashed(), [STOP, 3], sampler=Sampler(), length=length, stop=STOP)
    assert "".join(parts(Letters(), stream)) == "".join(chr(65 + token) for token in ids(run(length=length)))


def test_parts_come_as_soon_as_they_are_known():
    engine = Hashed()
    fragments = parts(Letters(), tokens(engine, [STOP, 3], sampler=Sampler(), length=30, stop=STOP))
    next(fragments)
    assert len(engine.calls) == 2


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.lstm, self.head = nn.Embedding(V, 8), nn.LSTM(8, 16, 2, batch_first=True), nn.Linear(16, V)

    def forward(self, ids_BT, state=None):
        y_BTH, state = self.lstm(self.embed(ids_BT), state)
        return self.head(y_BTH) * 8, state


def test_the_laws_hold_over_a_real_engine():
    torch.manual_seed(3)
    engine = open_engine(Tiny())
    settings = {"temperature": 0.9, "top_p": 0.95}
    sampler = Sampler.from_settings(settings)
    rows = [[] for _ in range(3)]
    for row, step in batch(engine, [[STOP, 4, 2]] * 3, seeds=(5, 6, 7), sampler=sampler, length=40, stop=STOP):
        rows[row].append(step)
    assert rows == [run(engine, [STOP, 4, 2], settings=settings, seed=seed, length=40) for seed in (5, 6, 7)]
    replayed, memory, fed = [], engine.begin(), [STOP, 4, 2]
    for step in rows[0]:
        logits_V, memory = engine.feed(fed, memory)
        replayed.append(sampler.sample(logits_V, sampler.begin([]), seed=5, position=step.position).token)
        fed = [step.token]
    assert replayed == ids(rows[0])


class Unspoken:
    """Free tokens in which ``said`` never stands: noticed when it is complete, and then taken back.

    The state is the newest tokens, as many as ``said`` has.
    """

    def __init__(self, said):
        self.said = tuple(said)

    def begin(self):
        return ()

    def allowed(self, state):
        return None

    def step(self, state, token):
        return (*state, token)[-len(self.said) :]

    def distance(self, state):
        return 0

    def pending(self, state):
        begun = (length for length in range(len(self.said) - 1, 0, -1) if state[-length:] == self.said[:length])
        return next(begun, 0)

    def withdraw(self, state):
        return len(self.said) if state == self.said else 0


def spoken(steps, said):
    made = ids(steps)
    return any(tuple(made[at : at + len(said)]) == said for at in range(len(made)))


@given(st.integers(0, 300))
def test_what_is_withdrawn_never_comes_out_and_nothing_changes_before_it(seed):
    free = run(seed=seed, length=60)
    said = tuple(ids(free[20:23]))
    kept = run(seed=seed, length=60, constraint=Unspoken(said))
    assert not spoken(kept, said) and len(kept) == 60
    assert [step.position for step in kept] == list(range(60))
    first = next(at for at in range(60) if tuple(ids(free[at : at + 3])) == said)
    apart = next(at for at in range(60) if kept[at].token != free[at].token)
    assert kept[:apart] == free[:apart] and apart <= first


def test_what_may_yet_be_withdrawn_is_held_back():
    free = run(length=8)
    engine = Hashed()
    stream = tokens(
        engine, [STOP, 3], sampler=Sampler(), length=8, stop=STOP, constraint=Unspoken([*ids(free[:3]), 99 % V])
    )
    next(stream)
    assert len(engine.calls) >= 4  # three tokens were the beginning of what must not be said


def test_a_dead_end_is_left_backwards():
    class Narrow(Unspoken):
        """Only ascending tokens; a dead end after V - 1, which no distance tells, costs a step back each time."""

        def __init__(self):
            self.said = ()

        def allowed(self, state):
            return np.arange(V) > (state[-1] if state else 0)

        def step(self, state, token):
            return (*state, token)

        def distance(self, state):
            return 0 if len(state) == 6 else 1

        def pending(self, state):
            return len(state)

        def withdraw(self, state):
            return 0

    for seed in range(20):
        made = ids(run(prompt=[STOP], constraint=Narrow(), length=6, seed=seed))
        assert made == sorted(set(made)) and len(made) == 6


def test_when_all_is_withdrawn_it_is_said_in_a_sentence():
    class Nothing(Unspoken):
        def withdraw(self, state):
            return 1

        def pending(self, state):
            return 1

        def distance(self, state):
            return 1

    with pytest.raises(ToolkitError, match="contradict"):
        run(prompt=[STOP], constraint=Nothing([1]), length=6)


class Apart(Unspoken):
    """Letters 1 and 2 alone, of which neither may follow the other: only one said again and again may stand."""

    def __init__(self):
        self.said = (1, 2)

    def allowed(self, state):
        return (np.arange(V) == 1) | (np.arange(V) == 2)

    def pending(self, state):
        return min(1, len(state))

    def withdraw(self, state):
        return 2 if set(state) == {1, 2} else 0


@pytest.mark.parametrize("seed", range(20))
def test_going_back_to_where_it_began_never_rules_out_all_that_may_stand(seed):
    made = ids(run(prompt=[STOP], constraint=Apart(), length=30, seed=seed, settings={"temperature": 5.0}))
    assert len(made) == 30 and len(set(made)) == 1
