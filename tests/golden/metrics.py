#!/usr/bin/env python3
"""Values of nn.metrics from their definitions, counted pair by pair and sample by sample, for
spec/metrics_spec.lua. Plain Python.

    python3 tests/golden/metrics.py > tests/golden/metrics.txt

A line a case, a Lua table: the metric, its options as Lua, prediction and target as {dtype, shape,
values}, the expected number or the rows of a matrix. Labels count from 1.
"""
import math
import random
from fractions import Fraction

rng = random.Random(20240607)


def number(v):
    if isinstance(v, int):
        return str(v)
    return "0/0" if math.isnan(v) else repr(float(v))


def tensor(dtype, shape, values):
    return '{"%s",{%s},{%s}}' % (dtype, ",".join(map(str, shape)), ",".join(map(number, values)))


def case(metric, prediction, target, want, options=""):
    if isinstance(want, list):
        want = "{" + ",".join("{" + ",".join(map(str, row)) + "}" for row in want) + "}"
    else:
        want = number(float(want))
    print("{metric=%r, options={%s}, prediction=%s, target=%s, want=%s}"
          % (metric, options, prediction, target, want))


def score():
    """Sixteenths, so that there are ties, also after softmax."""
    return rng.randrange(-32, 33) / 16


def flat(rows):
    return [v for row in rows for v in row]


def best(row):
    return max(range(len(row)), key=lambda c: (row[c], -c)) + 1


# ---- definitions: answers and truth are lists of labels ----

def accuracy(answers, truth):
    return Fraction(sum(a == t for a, t in zip(answers, truth)), len(truth))


def of_class(answers, truth, c):
    """precision, recall, f1 of one class; 0 where it would be 0 / 0."""
    right = sum(a == c and t == c for a, t in zip(answers, truth))
    said, true = answers.count(c), truth.count(c)
    p = Fraction(right, said) if said else Fraction(0)
    r = Fraction(right, true) if true else Fraction(0)
    return p, r, 2 * p * r / (p + r) if p + r else Fraction(0)


def macro(answers, truth, which):
    occurring = sorted(set(answers) | set(truth))
    return sum(of_class(answers, truth, c)[which] for c in occurring) / len(occurring)


def confusion(answers, truth, n):
    rows = [[0] * n for _ in range(n)]
    for a, t in zip(answers, truth):
        rows[t - 1][a - 1] += 1
    return rows


def auc(scores, positive):
    """Every pair of a positive and a negative sample."""
    won, total = Fraction(0), 0
    for s, p in zip(scores, positive):
        for other, q in zip(scores, positive):
            if p and not q:
                total += 1
                won += 1 if s > other else Fraction(1, 2) if s == other else 0
    return won / total if total else math.nan


def softmax(row):
    e = [math.exp(v) for v in row]
    return [v / math.fsum(e) for v in e]


def mean_auc(rows, truths):
    """truths: for each class whether each sample is of it."""
    values = [auc([row[c] for row in rows], truths[c]) for c in range(len(truths))]
    values = [v for v in values if not math.isnan(v)]
    return math.fsum(values) / len(values) if values else math.nan


def r2(columns, truths):
    values = []
    for p, y in zip(columns, truths):
        mean = sum(map(Fraction, y)) / len(y)
        spread = sum((Fraction(v) - mean) ** 2 for v in y)
        if spread == 0:
            return math.nan
        values.append(1 - sum((Fraction(a) - Fraction(b)) ** 2 for a, b in zip(p, y)) / spread)
    return sum(values) / len(values)


# ---- cases ----

NAMES = ("precision", "recall", "f1")


def classes(n, c, labels=None):
    """Scores for c classes; labels limits which are true."""
    rows = [[score() for _ in range(c)] for _ in range(n)]
    truth = [rng.choice(labels or range(1, c + 1)) for _ in range(n)]
    return rows, truth


def all_of_classes(rows, truth, n, c):
    p, t = tensor("float", (n, c), flat(rows)), tensor("int64", (n,), truth)
    answers = [best(row) for row in rows]
    case("accuracy", p, t, accuracy(answers, truth))
    for which, name in enumerate(NAMES):
        case(name, p, t, macro(answers, truth, which))
    case("confusion", p, t, confusion(answers, truth, c))
    for k in range(1, c + 1):
        top = [sorted(range(c), key=lambda j: (-row[j], j))[:k] for row in rows]
        case("top_k", p, t, Fraction(sum(v - 1 in s for v, s in zip(truth, top)), n), "k=%d" % k)


for n, c in ((1, 3), (7, 2), (40, 4), (60, 5)):
    all_of_classes(*classes(n, c), n, c)
all_of_classes(*classes(12, 6, labels=(2, 3)), 12, 6)  # classes that are never true
rows, truth = classes(20, 4)
all_of_classes([[v - 9 if c == 1 else v for c, v in enumerate(row)] for row in rows], truth, 20, 4)

# one-hot rows and probabilities as targets
rows, truth = classes(15, 3)
hot = [[1.0 if c + 1 == t else 0.0 for c in range(3)] for t in truth]
soft = [[0.75 if c + 1 == t else 0.125 for c in range(3)] for t in truth]
answers = [best(row) for row in rows]
for target in (hot, soft):
    p, t = tensor("float", (15, 3), flat(rows)), tensor("float", (15, 3), flat(target))
    case("accuracy", p, t, accuracy(answers, truth))
    case("f1", p, t, macro(answers, truth, 2))
    case("confusion", p, t, confusion(answers, truth, 3))

# scores for each place: N x C x L
rows, truth = classes(12, 3)
places = [rows[4 * i + j][c] for i in range(3) for c in range(3) for j in range(4)]
p, t = tensor("float", (3, 3, 4), places), tensor("int64", (3, 4), truth)
answers = [best(row) for row in rows]
case("accuracy", p, t, accuracy(answers, truth))
case("recall", p, t, macro(answers, truth, 1))
case("confusion", p, t, confusion(answers, truth, 3))
top = [sorted(range(3), key=lambda j: (-row[j], j))[:2] for row in rows]
case("top_k", p, t, Fraction(sum(v - 1 in s for v, s in zip(truth, top)), 12), "k=2")

# labels that the loss leaves out
rows, truth = classes(20, 3)
kept = [(best(row), t) for row, t in zip(rows, truth) if t != 2]
p, t = tensor("float", (20, 3), flat(rows)), tensor("int64", (20,), truth)
skip = "loss=nn.CrossEntropyLoss{ignore_index=2}"
case("accuracy", p, t, accuracy(*zip(*kept)), skip)
case("confusion", p, t, confusion(*zip(*kept), 3), skip)
case("precision", p, t, macro(*map(list, zip(*kept)), 0), skip)

# one output
for loss, threshold, no in (("", 0.5, 0), ("loss=nn.BCELoss{}", 0.5, 0),
                            ("loss=nn.BCEWithLogitsLoss{}", 0, 0), ("loss=nn.HingeLoss{}", 0, -1)):
    scores = [score() for _ in range(30)] + [0.5, 0.0]
    truth = [rng.randrange(2) for _ in range(32)]
    answers = [int(s > threshold) for s in scores]
    for shape in ((32, 1), (32,)):
        p = tensor("float", shape, scores)
        t = tensor("float", shape, [1.0 if v else float(no) for v in truth])
        case("accuracy", p, t, accuracy(answers, truth), loss)
        for which, name in enumerate(NAMES):
            case(name, p, t, of_class(answers, truth, 1)[which], loss)
        case("confusion", p, t, confusion([a + 1 for a in answers], [v + 1 for v in truth], 2), loss)
        case("auc", p, t, auc(scores, truth), loss)
case("precision", tensor("float", (3, 1), [0.1, 0.2, 0.3]), tensor("float", (3, 1), [1.0, 0.0, 1.0]), 0)
case("recall", tensor("float", (2, 1), [0.9, 0.2]), tensor("float", (2, 1), [0.0, 0.0]), 0)

# several right at once
scores = [[score() for _ in range(4)] for _ in range(9)]
many = [[float(rng.randrange(2)) for _ in range(4)] for _ in range(8)] + [[1.0, 1.0, 0.0, 0.0]]
p, t = tensor("float", (9, 4), flat(scores)), tensor("float", (9, 4), flat(many))
case("accuracy", p, t, accuracy([s > 0.5 for s in flat(scores)], [v == 1 for v in flat(many)]))
case("accuracy", p, t, accuracy([s > 0 for s in flat(scores)], [v == 1 for v in flat(many)]),
     "loss=nn.BCEWithLogitsLoss{}")
case("auc", p, t, mean_auc(scores, [[row[c] == 1 for row in many] for c in range(4)]),
     "loss=nn.BCEWithLogitsLoss{}")

# auc of labels
for n, c, labels in ((25, 2, None), (30, 3, None), (30, 5, (1, 2, 4))):
    rows, truth = classes(n, c, labels)
    t = tensor("int64", (n,), truth)
    truths = [[v == k + 1 for v in truth] for k in range(c)]
    shares = [softmax(row) for row in rows]
    if c == 2:  # softmax grows with the difference, but rounds what is tied
        case("auc", tensor("float", (n, c), flat(rows)), t, auc([b - a for a, b in rows], truths[1]))
        rows = [[1 - v, v] for v in (rng.randrange(17) / 16 for _ in range(n))]
        case("auc", tensor("float", (n, c), flat(rows)), t, auc([v for _, v in rows], truths[1]))
        continue
    logs = [[math.log(v) for v in row] for row in shares]
    for given in (rows, shares, logs):
        case("auc", tensor("float", (n, c), flat(given)), t, mean_auc(shares, truths))
case("auc", tensor("float", (3,), [0.1, 0.2, 0.3]), tensor("float", (3,), [1.0, 1.0, 1.0]), math.nan)
case("auc", tensor("float", (4,), [0.5] * 4), tensor("float", (4,), [1.0, 0.0, 1.0, 0.0]), 0.5)
case("auc", tensor("float", (2,), [0.5, math.nan]), tensor("float", (2,), [1.0, 0.0]), math.nan)

# numbers
for shape in ((1, 1), (11,), (11, 1), (8, 3), (4, 2, 2)):
    n = math.prod(shape)
    a, b = [score() for _ in range(n)], [score() for _ in range(n)]
    p, t = tensor("float", shape, a), tensor("float", shape, b)
    case("mse", p, t, sum((Fraction(x) - Fraction(y)) ** 2 for x, y in zip(a, b)) / n)
    case("mae", p, t, sum(abs(Fraction(x) - Fraction(y)) for x, y in zip(a, b)) / n)
    width = n // shape[0]
    case("r2", p, t, r2([a[k::width] for k in range(width)], [b[k::width] for k in range(width)]))
case("r2", tensor("float", (3, 1), [1.0, 2.0, 3.0]), tensor("float", (3, 1), [2.0, 2.0, 2.0]), math.nan)
