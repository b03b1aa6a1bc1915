"""Every stage once more, as its source puts it: plain loops over Python floats, slow and plain to see.

Each function takes a row of logits as a list (and a history where there is one) and gives the set of tokens kept, or
new logits. Nothing here is shared with the toolkit.
"""

import itertools
import math


def probabilities(row):
    top = max(row)
    weights = [math.exp(logit - top) if logit > -math.inf else 0.0 for logit in row]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def entropy(row):
    return -math.fsum(p * math.log(p) for p in probabilities(row) if p > 0)


def falling(row):
    return sorted(
        (token for token, logit in enumerate(row) if logit > -math.inf), key=lambda token: (-row[token], token)
    )


# --- truncations: the tokens kept -------------------------------------------------------------------------


def top_k(row, k):
    return set(falling(row)[:k])


def top_p(row, p):
    kept, mass, all_p = set(), 0.0, probabilities(row)
    for token in falling(row):
        kept.add(token)
        mass += all_p[token]
        if mass >= p * (1 - 1e-12):
            break
    return kept


def typical(row, p):
    all_p, expected = probabilities(row), entropy(row)
    kept, mass = set(), 0.0
    for token in sorted(falling(row), key=lambda token: (abs(-math.log(all_p[token]) - expected), token)):
        kept.add(token)
        mass += all_p[token]
        if mass >= p * (1 - 1e-12):
            break
    return kept


def at_least(row, line):
    """The tokens as likely as ``line``, and the likeliest of all."""
    all_p = probabilities(row)
    return {token for token in falling(row) if all_p[token] >= line} | {falling(row)[0]}


def min_p(row, share):
    return at_least(row, share * max(probabilities(row)))


def epsilon(row, line):
    return at_least(row, line)


def eta(row, parameter):
    return at_least(row, min(parameter, math.sqrt(parameter) * math.exp(-entropy(row))))


def top_a(row, a):
    return at_least(row, a * max(probabilities(row)) ** 2)


def p_less(row, _):
    return at_least(row, math.fsum(p * p for p in probabilities(row)))


def top_n_sigma(row, n):
    finite = [logit for logit in row if logit > -math.inf]
    mean = math.fsum(finite) / len(finite)
    deviation = math.sqrt(math.fsum((logit - mean) ** 2 for logit in finite) / len(finite))
    return {token for token, logit in enumerate(row) if logit >= max(finite) - n * deviation}


def top_h(row, h):
    all_p, limit = probabilities(row), h * entropy(row)
    kept, gathered = set(), 0.0
    for token in falling(row):
        gathered += -all_p[token] * math.log(all_p[token]) if all_p[token] > 0 else 0.0
        if kept and gathered > limit:
            break
        kept.add(token)
    return kept


def tail_free(row, z):
    order, all_p = falling(row), probabilities(row)
    if len(order) < 3:
        return set(order)
    curve = [all_p[token] for token in order]
    slopes = [one - other for one, other in itertools.pairwise(curve)]
    bends = [abs(one - other) for one, other in itertools.pairwise(slopes)]
    total, gathered = sum(bends), 0.0
    for place, bend in enumerate(bends):
        gathered += bend / total
        if gathered > z and place >= 1:
            return set(order[:place])
    return set(order)


def xtc(row, threshold):
    """What is kept when it strikes."""
    all_p, order = probabilities(row), falling(row)
    obvious = [token for token in order if all_p[token] >= threshold]
    return set(order) - set(obvious[:-1])


def mirostat_1(row, mu):
    order = falling(row)
    top, count = [row[token] for token in order[:100]], len(order)
    steps = [math.log((place + 2) / (place + 1)) for place in range(len(top) - 1)]
    drops = [one - other for one, other in itertools.pairwise(top)]
    s = sum(t * b for t, b in zip(steps, drops, strict=True)) / sum(t * t for t in steps)
    e = s - 1
    k = ((e * 2**mu) / (1 - count**-e)) ** (1 / s)
    return set(order[: max(1, int(min(k, count)))])


def mirostat_2(row, mu):
    return at_least(row, 2**-mu)


# --- changes: new logits ----------------------------------------------------------------------------------


def temperature(row, t):
    return [logit / t for logit in row]


def dynamic_temperature(row, low, high, exponent):
    count = len(falling(row))
    t = low + (high - low) * (entropy(row) / math.log(count)) ** exponent
    return [logit / t for logit in row]


def smoothing(row, s, c):
    top = max(row)
    k, m = (3 - c) / 2, (c - 1) / 2
    return [-(k * s * (x - top) ** 2) + (m * s * (x - top) ** 3) + top if x > -math.inf else x for x in row]


def adaptive(row, target, mean):
    wanted = min(1.0, max(0.0, 2 * target - mean))
    distances = [abs((p - wanted) / 0.3) for p in probabilities(row)]
    return [5 - 10 * d * d / (1 + d) if x > -math.inf else x for x, d in zip(row, distances, strict=True)]


def followed(history, context):
    """The tokens that came after each earlier occurrence of ``context`` in ``history``."""
    n = len(context)
    return [history[i + n] for i in range(len(history) - n) if list(history[i : i + n]) == list(context)]


def counted(history, window, span):
    """Tokens counted as seen: those that followed the last span - 1 tokens."""
    recent = list(history)[max(0, len(history) - window) :]
    context = recent[len(recent) - (span - 1) :] if span > 1 else []
    return [] if len(context) < span - 1 else followed(recent, context)


def repetition(row, history, window, span, penalty):
    logs = [math.log(p) if p > 0 else -math.inf for p in probabilities(row)]
    seen = set(counted(history, window, span))
    return [logs[token] * (penalty if token in seen else 1) for token in range(len(row))]


def frequency_presence(row, history, window, span, frequency, presence):
    seen = counted(history, window, span)
    return [x - frequency * seen.count(token) - presence * (token in seen) for token, x in enumerate(row)]


def dry(row, history, window, multiplier, base, allowed, breakers=()):
    """For each token, every run length is tried; the longest that was seen before the same token counts."""
    recent = list(history)[max(0, len(history) - window) :]
    out = list(row)
    for token in range(len(row)):
        longest = 0
        for length in range(1, len(recent)):
            run = recent[len(recent) - length :]
            if set(run) & set(breakers):
                break
            if token in followed(recent, run):
                longest = length
        if longest >= allowed and token not in breakers:
            out[token] -= min(1000.0, multiplier * base ** (longest - allowed))
    return out


def no_repeats(row, history, window, length):
    repeated = set(counted(history, window, length))
    left = {token for token, x in enumerate(row) if x > -math.inf and token not in repeated}
    return left or set(falling(row))
