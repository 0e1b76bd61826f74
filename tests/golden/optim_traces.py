#!/usr/bin/env python3
"""Independent traces of every optimizer, for tests/test_optim_traces.c: plain Python, float64, written
from the papers and the libraries' published formulas, one weight at a time, no code of nnlua's.

    python3 tests/golden/optim_traces.py > tests/golden/optim_traces.txt

Each case is a line `case NAME | options as nnlua reads them | problem | step:rate`, the last where
the learning rate changes after that step ("-": never), then lines `step w1 w2 ...`: up to step 50, but
for L-BFGS, where see run_stable.
"""
from math import sqrt

STEPS = 50
SHOWN = (1, 2, 3, 5, 8, 13, 21, 34, 50)

# ---- problems: where they start, their gradient, their value; `bias` marks weights in tensors of one
# dimension

LAMBDA = (0.01, 0.4, 7.0, 100.0)
AXIS = (1.0, 2.0, 3.0, 4.0)
CENTRE = (1.0, -2.0, 0.5, 3.0)


def quadratic_matrix():
    """Q diag(LAMBDA) Q^T with the mirror Q = I - 2 u u^T / u.u, so that no axis is an eigenvector."""
    uu = sum(a * a for a in AXIS)
    q = [[(i == j) - 2 * AXIS[i] * AXIS[j] / uu for j in range(4)] for i in range(4)]
    return [[sum(q[i][k] * LAMBDA[k] * q[j][k] for k in range(4)) for j in range(4)] for i in range(4)]


MATRIX = quadratic_matrix()


class Quadratic:
    start = (0.0, 0.0, 0.0, 0.0)
    bias = (False, False, True, True)

    @staticmethod
    def gradient(w):
        return [sum(MATRIX[i][j] * (w[j] - CENTRE[j]) for j in range(4)) for i in range(4)]

    @staticmethod
    def value(w):
        g = Quadratic.gradient(w)
        return 0.5 * sum(g[i] * (w[i] - CENTRE[i]) for i in range(4))


class Rosenbrock:
    start = (-1.2, 1.0)
    bias = (False, True)

    @staticmethod
    def gradient(w):
        x, y = w
        return [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]

    @staticmethod
    def value(w):
        x, y = w
        return (1 - x) ** 2 + 100 * (y - x * x) ** 2


PROBLEMS = {"quadratic": Quadratic, "rosenbrock": Rosenbrock}

# ---- rules: each gets its options, the rate and the step's number, and returns the weight's change;
# `s` is the weight's memory, a dict


def sign(x):
    return (x > 0) - (x < 0)


def sgd(o, s, lr, t, g):
    mu = o.get("momentum", 0)
    how = o.get("convention", "pytorch")
    if mu == 0:
        return -lr * g
    if how == "keras":  # velocity: the rate goes in with the gradient
        s["v"] = mu * s.get("v", 0.0) - lr * g
        return mu * s["v"] - lr * g if o.get("nesterov") else s["v"]
    damp = o.get("dampening", mu if how == "torch7" else 0)
    s["z"] = g if t == 1 else mu * s["z"] + (1 - damp) * g
    return -lr * (g + mu * s["z"]) if o.get("nesterov") else -lr * s["z"]


def adagrad(o, s, lr, t, g):
    how = o.get("convention", "pytorch")
    begin = o.get("initial_accumulator_value", 0.1 if how == "keras" else 0.0)
    eps = o.get("eps", {"keras": 1e-7, "chapter": 1e-8}.get(how, 1e-10))
    s["G"] = s.get("G", begin) + g ** 2
    rate = lr / (1 + (t - 1) * o.get("lr_decay", 0))
    if how in ("keras", "chapter"):
        return -rate * g / sqrt(s["G"] + eps)
    return -rate * g / (sqrt(s["G"]) + eps)


def adadelta(o, s, lr, t, g):
    keras = o.get("convention") == "keras"
    rho = o.get("rho", 0.95 if keras else 0.9)
    eps = o.get("eps", 1e-7 if keras else 1e-6)
    s["Eg"] = rho * s.get("Eg", 0.0) + (1 - rho) * g * g
    delta = sqrt(s.get("Ed", 0.0) + eps) / sqrt(s["Eg"] + eps) * g
    s["Ed"] = rho * s.get("Ed", 0.0) + (1 - rho) * delta * delta
    return -lr * delta


def rmsprop(o, s, lr, t, g):
    how = o.get("convention", "pytorch")
    rho = o.get("alpha", 0.9 if how in ("keras", "chapter") else 0.99)
    eps = o.get("eps", 1e-7 if how == "keras" else 1e-8)
    mu = o.get("momentum", 0)
    s["v"] = rho * s.get("v", 0.0) + (1 - rho) * g * g
    v = s["v"]
    if o.get("centered"):
        s["mean"] = rho * s.get("mean", 0.0) + (1 - rho) * g
        v = v - s["mean"] ** 2
    root = sqrt(v + eps) if how in ("keras", "chapter") else sqrt(v) + eps
    if mu == 0:
        return -lr * g / root
    if how == "keras":
        s["b"] = mu * s.get("b", 0.0) + lr * g / root
        return -s["b"]
    s["b"] = mu * s.get("b", 0.0) + g / root
    return -lr * s["b"]


def moments(o, s, g):
    b1, b2 = o.get("betas", (0.9, 0.999))
    s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0.0) + (1 - b2) * g * g
    return b1, b2


def adam(o, s, lr, t, g):
    how = o.get("convention", "pytorch")
    eps = o.get("eps", 1e-7 if how == "keras" else 1e-8)
    b1, b2 = moments(o, s, g)
    v = s["v"]
    if o.get("amsgrad"):
        v = s["top"] = max(s.get("top", 0.0), v)
    if how in ("keras", "torch7"):  # epsilon hat
        return -lr * sqrt(1 - b2 ** t) / (1 - b1 ** t) * s["m"] / (sqrt(v) + eps)
    return -lr * (s["m"] / (1 - b1 ** t)) / (sqrt(v / (1 - b2 ** t)) + eps)


def adamax(o, s, lr, t, g):
    how = o.get("convention", "pytorch")
    eps = o.get("eps", {"keras": 1e-7, "torch7": 1e-38}.get(how, 1e-8))
    b1, b2 = o.get("betas", (0.9, 0.999))
    s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
    if how == "keras":
        s["u"] = max(b2 * s.get("u", 0.0), abs(g))
        return -lr / (1 - b1 ** t) * s["m"] / (s["u"] + eps)
    s["u"] = max(b2 * s.get("u", 0.0), abs(g) + eps)
    return -lr / (1 - b1 ** t) * s["m"] / s["u"]


def nadam(o, s, lr, t, g):
    keras = o.get("convention") == "keras"
    eps = o.get("eps", 1e-7 if keras else 1e-8)
    psi = o.get("momentum_decay", 1.0 if keras else 4e-3)
    b1, b2 = moments(o, s, g)

    def mu(k):
        return b1 * (1 - 0.5 * 0.96 ** (k * psi))

    s["P"] = s.get("P", 1.0) * mu(t)
    root = sqrt(s["v"] / (1 - b2 ** t)) + eps
    mixed = (1 - mu(t)) * g / (1 - s["P"]) + mu(t + 1) * s["m"] / (1 - s["P"] * mu(t + 1))
    return -lr * mixed / root


def radam(o, s, lr, t, g):
    b1, b2 = moments(o, s, g)
    top = 2 / (1 - b2) - 1
    rho = top - 2 * t * b2 ** t / (1 - b2 ** t)
    mean = s["m"] / (1 - b1 ** t)
    if rho <= 5:
        return -lr * mean
    rect = sqrt((rho - 4) * (rho - 2) * top / ((top - 4) * (top - 2) * rho))
    return -lr * mean * rect * sqrt(1 - b2 ** t) / (sqrt(s["v"]) + o.get("eps", 1e-8))


def rprop(o, s, lr, t, g):
    less, more = o.get("etas", (0.5, 1.2))
    low, high = o.get("step_sizes", (1e-6, 50))
    both = g * s.get("before", 0.0)
    size = s.get("size", lr) * (more if both > 0 else less if both < 0 else 1)
    s["size"] = min(max(size, low), high)
    s["before"] = 0.0 if both < 0 else g
    return -sign(s["before"]) * s["size"]


def lion(o, s, lr, t, g):
    b1, b2 = o.get("betas", (0.9, 0.99))
    m = s.get("m", 0.0)
    s["m"] = b2 * m + (1 - b2) * g
    return -lr * sign(b1 * m + (1 - b1) * g)


def nesterov(o, s, lr, t, g):
    """The gradient was taken where `ahead` says; see run."""
    mu = o.get("momentum", 0.9)
    if o.get("convention") in ("keras", "torch7"):
        s["z"] = mu * s.get("z", 0.0) - lr * g
        return s["z"]
    s["z"] = mu * s.get("z", 0.0) + g
    return -lr * s["z"]


def ahead(o, s, lr, w):
    mu, how = o.get("momentum", 0.9), o.get("convention", "pytorch")
    factor = {"pytorch": -lr * mu, "chapter": -mu}.get(how, mu)
    return w + factor * s.get("z", 0.0)


RULES = {"SGD": sgd, "Adagrad": adagrad, "Adadelta": adadelta, "RMSprop": rmsprop, "Adam": adam,
         "AdamW": adam, "Adamax": adamax, "NAdam": nadam, "RAdam": radam, "Rprop": rprop, "Lion": lion,
         "Nesterov": nesterov}


def run(name, o, problem, lr, change):
    """Yields the weights after each step. Decay enters the gradient, or shrinks the weights (AdamW and
    Lion, and where decoupled_weight_decay asks for it)."""
    rule = RULES[name]
    w, memory = list(problem.start), [{} for _ in problem.start]
    decoupled = name in ("AdamW", "Lion") or o.get("decoupled_weight_decay", False)
    l2 = o.get("weight_decay", (0.004 if o.get("convention") == "keras" else 0.01)
               if name == "AdamW" else 0.0)
    l1 = o.get("l1", 0.0)
    for t in range(1, STEPS + 1):
        at = w
        if name == "Nesterov":
            at = [ahead(o, s, lr, x) for s, x in zip(memory, w)]
        g, new = problem.gradient(at), []
        for i, x in enumerate(w):
            gi, spared = g[i], problem.bias[i] and not o.get("decay_bias", True)
            if not spared:
                gi += l1 * sign(x) + (0 if decoupled else l2 * x)
            y = x if spared or not decoupled else x - lr * l2 * x
            new.append(y + rule(o, memory[i], lr, t, gi))
        w = new
        if change and t == change[0]:
            lr = change[1]
        yield t, w


# ---- L-BFGS: a step of at most `max_iter` iterations; Nocedal and Wright chapters 3 and 7, with the
# constants and stopping rules of PyTorch, but for one: it gives up for good where the slope is above
# -1e-9, which on Rosenbrock's valley is at 3e-10; here only a direction that does not descend ends it


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def cubic(x1, f1, d1, x2, f2, d2, low, high):
    """The minimum, within low..high, of the cubic through two points with these slopes."""
    if x1 > x2:
        x1, f1, d1, x2, f2, d2 = x2, f2, d2, x1, f1, d1
    a = d1 + d2 - 3 * (f1 - f2) / (x1 - x2)
    square = a * a - d1 * d2
    if square < 0:
        return (low + high) / 2
    b = sqrt(square)
    best = x2 - (x2 - x1) * ((d2 + b - a) / (d2 - d1 + 2 * b))
    return min(max(best, low), high)


def strong_wolfe(phi, t, f0, g0, s0, reach):
    """phi(t) gives value, gradient, slope. Returns value, gradient, t, evaluations."""
    c1, c2, most = 1e-4, 0.9, 25
    f, g, s = phi(t)
    count, old, bracket, done = 1, (0.0, f0, g0, s0), None, False
    tries = 0
    while tries < most:
        here = (t, f, g, s)
        if f > f0 + c1 * t * s0 or (count > 1 and f >= old[1]):
            bracket = [old, here]
            break
        if abs(s) <= -c2 * s0:
            bracket, done = [here], True
            break
        if s >= 0:
            bracket = [old, here]
            break
        low, high = t + 0.01 * (t - old[0]), 10 * t
        t = cubic(old[0], old[1], old[3], t, f, s, low, high)
        old = here
        f, g, s = phi(t)
        count += 1
        tries += 1
    if tries == most:
        bracket = [(0.0, f0, g0, s0), (t, f, g, s)]
    stuck = False
    low, high = (0, 1) if len(bracket) == 1 or bracket[0][1] <= bracket[1][1] else (1, 0)
    while not done and tries < most:
        if abs(bracket[1][0] - bracket[0][0]) * reach < 1e-9:
            break
        left, right = min(p[0] for p in bracket), max(p[0] for p in bracket)
        (x1, f1, _, d1), (x2, f2, _, d2) = bracket
        t = cubic(x1, f1, d1, x2, f2, d2, left, right)
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:
            if stuck or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        f, g, s = phi(t)
        count += 1
        tries += 1
        here = (t, f, g, s)
        if f > f0 + c1 * t * s0 or f >= bracket[low][1]:
            bracket[high] = here
            low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
        else:
            if abs(s) <= -c2 * s0:
                done = True
            elif s * (bracket[high][0] - bracket[low][0]) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = here
    t, f, g, _ = bracket[low if len(bracket) > 1 else 0]
    return f, g, t, count


class Lbfgs:
    def __init__(self, o, problem):
        self.o, self.problem, self.pairs = o, problem, []
        self.n = 0
        self.count = 0

    def at(self, w):
        self.count += 1
        return self.problem.value(w), self.problem.gradient(w)

    def direction(self, g):
        if self.n == 1:
            self.scale = 1.0
            return [-x for x in g]
        y = [a - b for a, b in zip(g, self.before)]
        s = [self.t * x for x in self.d]
        if dot(y, s) > 1e-10:
            self.pairs = (self.pairs + [(s, y)])[-self.o.get("history", 100):]
            self.scale = dot(y, s) / dot(y, y)
        q, weights = [-x for x in g], []
        for s, y in reversed(self.pairs):
            weights.append(dot(s, q) / dot(y, s))
            q = [a - weights[-1] * b for a, b in zip(q, y)]
        q = [self.scale * x for x in q]
        for (s, y), weight in zip(self.pairs, reversed(weights)):
            beta = dot(y, q) / dot(y, s)
            q = [a + (weight - beta) * b for a, b in zip(q, s)]
        return q

    def step(self, w, lr):
        o = self.o
        rounds = o.get("max_iter", 20)
        budget = rounds * 5 // 4
        f, g = self.at(w)
        used = 1
        if max(map(abs, g)) <= 1e-7:
            return w
        for k in range(1, rounds + 1):
            self.n += 1
            self.d = self.direction(g)
            self.before, f_before = g, f
            self.t = min(1.0, 1.0 / sum(map(abs, g))) * lr if self.n == 1 else lr
            slope = dot(g, self.d)
            if slope >= 0:
                break
            x, d = w, self.d

            def along(t):
                return [a + t * b for a, b in zip(x, d)]

            if o.get("line_search", "strong_wolfe") == "strong_wolfe":
                def phi(t):
                    value, gradient = self.at(along(t))
                    return value, gradient, dot(gradient, d)
                f, g, self.t, spent = strong_wolfe(phi, self.t, f, g, slope, max(map(abs, d)))
                w = along(self.t)
                used += spent
            else:
                w = along(self.t)
                if k < rounds:
                    f, g = self.at(w)
                    used += 1
            if k == rounds or used >= budget or max(map(abs, g)) <= 1e-7:
                break
            if max(abs(self.t * x) for x in d) <= 1e-9 or abs(f - f_before) < 1e-9:
                break
        return w


def run_lbfgs(o, problem, lr):
    solver, w = Lbfgs(o, problem), list(problem.start)
    for t in range(1, STEPS + 1):
        w = solver.step(w, lr)
        yield t, w


def run_stable(o, problem, lr):
    """As long as one rounding more in a gradient changes less than 1e-12: with a short memory, or
    without line search, L-BFGS soon makes 1e-3 of it, and no two programs agree."""
    class Twin(problem):
        @staticmethod
        def gradient(w):
            return [g * (1 + 2e-16 * (i % 2)) for i, g in enumerate(problem.gradient(w))]

    for (t, w), (_, twin) in zip(run_lbfgs(o, problem, lr), run_lbfgs(o, Twin, lr)):
        if max(abs(a - b) / max(1, abs(a)) for a, b in zip(w, twin)) > 1e-12:
            break
        yield t, w


# ---- the cases: optimizer, options, rates on the two problems (small enough that an error of one
# rounding at the start stays below 1e-10: NAdam at 0.1 on the quadratic makes 1e-10 of it)

KERAS, TORCH7, CHAPTER = ({"convention": c} for c in ("keras", "torch7", "chapter"))
CASES = [
    ("SGD", {}, 0.015, 1e-3), ("SGD", KERAS, 0.015, 1e-3), ("SGD", {"weight_decay": 0.3}, 0.01, 1e-3),
    ("SGD", {"weight_decay": 0.3, "l1": 0.2, "decay_bias": False}, 0.01, 1e-3),
    ("SGD", {"momentum": 0.9}, 4e-3, 2e-4), ("SGD", {"momentum": 0.9, **KERAS}, 4e-3, 2e-4),
    ("SGD", {"momentum": 0.9, **TORCH7}, 0.015, 1e-3), ("SGD", {"momentum": 0.9, **CHAPTER}, 4e-3, 2e-4),
    ("SGD", {"momentum": 0.5, "dampening": 0.3}, 4e-3, 5e-4),
    ("SGD", {"momentum": 0.5, "dampening": 0, **TORCH7}, 4e-3, 5e-4),
    ("SGD", {"momentum": 0.9, "nesterov": True}, 4e-3, 2e-4),
    ("SGD", {"momentum": 0.9, "nesterov": True, **KERAS}, 4e-3, 2e-4),
    ("Nesterov", {}, 4e-3, 2e-4), ("Nesterov", {"momentum": 0.5, "weight_decay": 0.1}, 4e-3, 2e-4),
    ("Nesterov", {**KERAS}, 4e-3, 2e-4), ("Nesterov", {**TORCH7}, 4e-3, 2e-4),
    ("Nesterov", {"momentum": 2e-4, **CHAPTER}, 4e-3, 2e-4),
    ("Adagrad", {}, 0.5, 0.1), ("Adagrad", KERAS, 0.5, 0.1), ("Adagrad", TORCH7, 0.5, 0.1),
    ("Adagrad", {"eps": 0.1, **CHAPTER}, 0.5, 0.1), ("Adagrad", CHAPTER, 0.5, 0.1),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 2, "eps": 0.5}, 0.5, 0.1),
    ("Adagrad", {"weight_decay": 0.1, "eps": 0.01, **KERAS}, 0.5, 0.1),
    ("Adadelta", {}, 1, 1), ("Adadelta", KERAS, 1, 1), ("Adadelta", TORCH7, 1, 1), ("Adadelta", CHAPTER, 1, 1),
    ("Adadelta", {"rho": 0.5, "eps": 1e-3, "l1": 0.1}, 0.5, 0.5),
    ("RMSprop", {}, 0.05, 0.01), ("RMSprop", KERAS, 0.05, 0.01), ("RMSprop", TORCH7, 0.05, 0.01),
    ("RMSprop", CHAPTER, 0.05, 0.01), ("RMSprop", {"eps": 0.1, **CHAPTER}, 0.05, 0.01),
    ("RMSprop", {"momentum": 0.9}, 0.01, 1e-3), ("RMSprop", {"momentum": 0.9, **KERAS}, 0.01, 1e-3),
    ("RMSprop", {"centered": True, "eps": 1e-3}, 0.02, 5e-3),
    ("RMSprop", {"centered": True, "eps": 1e-3, **KERAS}, 0.02, 5e-3),
    ("RMSprop", {"centered": True, "momentum": 0.5, "eps": 1e-3}, 0.01, 1e-3),
    ("RMSprop", {"centered": True, "momentum": 0.5, "eps": 1e-3, **KERAS}, 0.01, 1e-3),
    ("Adam", {}, 0.1, 0.02), ("Adam", KERAS, 0.1, 0.02), ("Adam", TORCH7, 0.1, 0.02),
    ("Adam", CHAPTER, 0.1, 0.02), ("Adam", {"eps": 0.1}, 0.1, 0.02),
    ("Adam", {"eps": 0.1, **KERAS}, 0.1, 0.02),
    ("Adam", {"betas": (0.5, 0.9), "amsgrad": True}, 0.1, 0.02),
    ("Adam", {"amsgrad": True, "betas": (0.8, 0.9), **KERAS}, 0.1, 0.02),
    ("Adam", {"weight_decay": 0.2, "decay_bias": False}, 0.1, 0.02),
    ("AdamW", {}, 0.1, 0.02), ("AdamW", KERAS, 0.1, 0.02),
    ("AdamW", {"weight_decay": 0.5, "decay_bias": False, "amsgrad": True}, 0.1, 0.02),
    ("AdamW", {"weight_decay": 0.5, "l1": 0.3}, 0.1, 0.02),
    ("Adamax", {}, 0.1, 0.02), ("Adamax", KERAS, 0.1, 0.02), ("Adamax", TORCH7, 0.1, 0.02),
    ("Adamax", {"eps": 0.1, "betas": (0.5, 0.9)}, 0.1, 0.02),
    ("Adamax", {"eps": 0.1, "weight_decay": 0.1, **KERAS}, 0.1, 0.02),
    ("NAdam", {}, 0.02, 0.02), ("NAdam", KERAS, 0.02, 0.02),
    ("NAdam", {"momentum_decay": 0.1, "betas": (0.8, 0.9), "eps": 0.01}, 0.02, 0.02),
    ("NAdam", {"weight_decay": 0.3, "decoupled_weight_decay": True}, 0.02, 0.02),
    ("RAdam", {}, 0.01, 1e-4), ("RAdam", {"betas": (0.5, 0.9), "eps": 0.01}, 0.01, 1e-4),
    ("RAdam", {"betas": (0, 0.5)}, 0.01, 1e-4), ("RAdam", {"weight_decay": 0.3}, 0.01, 1e-4),
    ("RAdam", {"weight_decay": 0.3, "decoupled_weight_decay": True}, 0.01, 1e-4),
    ("Rprop", {}, 0.01, 1e-3), ("Rprop", TORCH7, 0.1, 0.01),
    ("Rprop", {"etas": (0.4, 1.5), "step_sizes": (0.02, 0.3)}, 0.1, 0.05),
    ("Lion", {}, 0.05, 0.01), ("Lion", KERAS, 0.05, 0.01),
    ("Lion", {"betas": (0.5, 0.8), "weight_decay": 0.5}, 0.05, 0.01),
]
LBFGS = [
    ({"max_iter": 1}, 1), ({}, 1), ({"history": 2, "max_iter": 2}, 1), ({"max_iter": 3}, 0.5),
    ({"line_search": "none", "max_iter": 1}, 0.1), ({"line_search": "none", "max_iter": 4}, 0.05),
]


def text(o, lr):
    def one(v):
        if isinstance(v, bool):
            return "true" if v else "false"
        if isinstance(v, str):
            return '"%s"' % v
        return "{%s}" % ", ".join(map(repr, v)) if isinstance(v, tuple) else repr(v)

    return ", ".join(["lr = " + repr(lr)] + ["%s = %s" % (k, one(v)) for k, v in o.items()])


def show(name, o, which, lr, change, trace):
    print("case %s | %s | %s | %s" % (name, text(o, lr), which, "%d:%r" % change if change else "-"))
    for t, w in trace:
        if t in SHOWN:
            print(t, *(repr(float(x)) for x in w))


def count_evaluations():
    solver, w = Lbfgs({}, Rosenbrock), list(Rosenbrock.start)
    while Rosenbrock.value(w) >= 1e-12:
        w = solver.step(w, 1)
        print("#", solver.count, Rosenbrock.value(w))


def main():
    for name, o, *rates in CASES:
        for (which, problem), lr in zip(PROBLEMS.items(), rates):
            change = (20, lr / 4) if "momentum" in o or name == "Nesterov" else None
            show(name, o, which, lr, change, run(name, o, problem, lr, change))
    for o, lr in LBFGS:
        for which, problem in PROBLEMS.items():
            show("LBFGS", o, which, lr, None, run_stable(o, problem, lr))


if __name__ == "__main__":
    main()
