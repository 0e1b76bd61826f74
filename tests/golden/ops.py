#!/usr/bin/env python3
"""Values and gradients of the operations on tensors as PyTorch computes them in float64, for
spec/golden_spec.lua. Wants python3-torch.

    python3 tests/golden/ops.py > tests/golden/ops.txt

Each case is a line, a Lua table: the expression in Lua over a, b, c; these inputs as {dtype, shape,
values}; the expected results, a tensor as {dtype, shape, values}, a plain number or boolean as
itself; and the gradients by the floating inputs of sum(w * first result), where element i (from 0) of
w is (i % 5 + 1) / 4. Inputs are multiples of 1/64, exact in float32 too. Indices count from 1.
"""
import math
import random

import torch

torch.set_default_dtype(torch.float64)
rng = random.Random(20240117)
NAMES = {torch.float64: "float", torch.float32: "float32", torch.int64: "int64", torch.uint8: "uint8", torch.bool: "uint8"}


# ---- writing Lua ----

def number(v):
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, int):
        return str(v)
    if math.isnan(v):
        return "0/0"
    if math.isinf(v):
        return "1/0" if v > 0 else "-1/0"
    return repr(v)


def values(t):
    return "{" + ",".join(number(v) for v in t.reshape(-1).tolist()) + "}"


def tensor(t):
    if t.dtype == torch.bool:
        t = t.to(torch.uint8)
    shape = ",".join(str(n) for n in t.shape)
    return '{"%s",{%s},%s}' % (NAMES[t.dtype], shape, values(t))


def result(r):
    return tensor(r) if isinstance(r, torch.Tensor) else number(r)


# ---- inputs ----

def real(shape, lo=-2.0, hi=2.0, apart=False):
    """Multiples of 1/64 away from 0 and from other kinks; `apart`: all different."""
    n = math.prod(shape)
    steps = [k for k in range(math.ceil(lo * 64), math.floor(hi * 64) + 1) if k % 32 not in (0, 1, 31)]
    picked = rng.sample(steps, n) if apart and n <= len(steps) else [rng.choice(steps) for _ in range(n)]
    return torch.tensor(picked, dtype=torch.float64).reshape(shape) / 64


def whole(shape, lo=-9, hi=9):
    n = math.prod(shape)
    return torch.tensor([rng.randint(lo, hi) for _ in range(n)], dtype=torch.int64).reshape(shape)


def mask(shape):
    return whole(shape, 0, 1).to(torch.uint8)


# ---- cases ----

count = 0


def case(lua, f, *inputs, grad=True):
    """One case; f gets the inputs and gives a result or a tuple of them."""
    global count
    inputs = [t.clone() for t in inputs]
    leaves = [t.requires_grad_() if grad and t.dtype == torch.float64 else t for t in inputs]
    out = f(*leaves)
    out = out if isinstance(out, tuple) else (out,)
    grads = []
    y = out[0]
    if grad and isinstance(y, torch.Tensor) and y.requires_grad:
        w = (torch.arange(y.numel(), dtype=torch.float64) % 5 + 1).reshape(y.shape) / 4
        found = torch.autograd.grad(y, [t for t in leaves if t.requires_grad], w, allow_unused=True)
        found = iter(found)
        for t in leaves:
            g = next(found) if t.requires_grad else None
            if t.requires_grad and g is None:
                g = torch.zeros_like(t)
            grads.append("false" if g is None else values(g))
    print('{code=%s, inputs={%s}, results={%s}, grads={%s}}' % (
        '"' + lua.replace('"', '\\"') + '"', ",".join(tensor(t.detach()) for t in inputs),
        ",".join(result(r.detach() if isinstance(r, torch.Tensor) else r) for r in out),
        ",".join(grads)))
    count += 1


SHAPES = [(2, 3), (), (0, 3), (3, 1, 2)]


def elementwise():
    positive = {"log", "sqrt", "rsqrt"}
    for name in ("abs neg exp log log1p sqrt rsqrt square sin cos tanh sigmoid relu floor ceil round "
                 "sign").split():
        for shape in SHAPES:
            lo = 0.05 if name in positive else -0.9 if name == "log1p" else -4
            case("nn.%s(a)" % name, getattr(torch, name), real(shape, lo, 4))
        case("a:t():%s()" % name, lambda a: getattr(torch, name)(a.t()), real((3, 2), 0.1, 3))
    for name in "exp log sqrt sin tanh sigmoid rsqrt".split():
        case("nn.%s(a)" % name, lambda a: getattr(torch, name)(a.to(torch.float64)), whole((4,), 1, 9))
    for name in "abs neg sign square".split():
        case("nn.%s(a)" % name, getattr(torch, name), whole((2, 3)))
    odd = torch.tensor([1.5, float("nan"), float("inf"), -float("inf"), 0.0, -3.0])
    for name in "isnan isfinite exp sin tanh sigmoid floor abs sqrt log log1p".split():
        case("nn.%s(a)" % name, getattr(torch, name), odd, grad=False)


PAIRS = [((2, 3), (2, 3)), ((2, 3), (3,)), ((4, 1), (1, 3)), ((3,), ()), ((0, 3), (3,)),
         ((2, 1, 3), (2, 1))]


def pairs():
    for lua, f in (("a + b", torch.add), ("a - b", torch.sub), ("a * b", torch.mul),
                   ("nn.maximum(a, b)", torch.maximum), ("nn.minimum(a, b)", torch.minimum)):
        for p, q in PAIRS:
            case(lua, f, real(p), real(q))
        case(lua, f, whole((2, 3)), whole((3,)))
        case(lua, f, whole((3,)), real((2, 3)))
    for lua, f in (("a / b", torch.div), ("a ^ b", torch.pow)):
        for p, q in PAIRS:
            case(lua, f, real(p, 0.3, 3), real(q, 0.3, 3))
    for p, q in PAIRS[:4]:
        case("a % b", torch.remainder, real(p, -4, 4), real(q, 0.3, 3))
        case("a % b", torch.remainder, real(p, -4, 4), real(q, -3, -0.3))
    case("a % b", torch.remainder, whole((2, 3)), whole((3,), 1, 5))
    case("a % b", torch.remainder, whole((2, 3)), whole((3,), -5, -1))
    case("a / b", lambda a, b: a.to(torch.float64) / b, whole((2, 3)), whole((3,), 1, 9))
    for p in (2, 3, 4, 0.5, -1, -2, 0, 1, 2.5, -0.5, 7):
        case("a ^ %s" % p, lambda a: a ** p, real((2, 3), 0.3, 3))
    case("2.5 ^ a", lambda a: 2.5 ** a, real((2, 3)))
    case("3 - a", lambda a: 3 - a, real((2, 3)))
    case("3 / a", lambda a: 3 / a, real((2, 3), 0.5, 3))
    case("7 % a", lambda a: torch.remainder(torch.tensor(7.0), a), real((2, 3), 0.5, 3))
    for name in "eq ne lt le gt ge".split():
        for p, q in (((2, 3), (2, 3)), ((4, 1), (1, 3)), ((3,), ())):
            case("a:%s(b)" % name, getattr(torch, name), whole(p, -1, 1), whole(q, -1, 1))
        case("a:%s(0.5)" % name, lambda a: getattr(torch, name)(a, 0.5), real((5,), 0, 1))
    case("a & b", torch.logical_and, mask((2, 4)), mask((4,)))
    case("a | b", torch.logical_or, mask((2, 4)), mask((4,)))
    case("~a", torch.logical_not, mask((2, 4)))
    case("nn.logical_and(a, b)", torch.logical_and, whole((5,), 0, 2), whole((5,), 0, 1))
    for args, lo, hi in (("-1, 0.7", -1, 0.7), ("nil, 0.7", None, 0.7), ("-1", -1, None),
                         ("{lo = 0.2}", 0.2, None)):
        case("a:clamp(%s)" % args, lambda a: torch.clamp(a, lo, hi), real((3, 4)))
    case("a:clamp(-3, 3)", lambda a: a.clamp(-3, 3), whole((6,)))


def over(f, shape, args):
    """`f` with the dimension and keepdim of a Lua argument list."""
    words = [w.strip() for w in args.split(",")] if args else []
    if not words:
        return lambda a: f(a.reshape(-1), 0, False)
    dim = int(words[0])
    return lambda a: f(a, dim - 1 if dim > 0 else dim, len(words) > 1)


def reductions():
    plans = [((2, 3), ""), ((2, 3), "1"), ((2, 3), "-1, true"), ((2, 3, 4), "2"), ((4, 20), "2"),
             ((40, 3), "1"), ((), ""), ((1,), "")]
    best = {"max": torch.max, "min": torch.min}
    for shape, args in plans:
        for name, f in (("sum", torch.sum), ("mean", torch.mean), ("prod", torch.prod),
                        ("logsumexp", torch.logsumexp)):
            case("a:%s(%s)" % (name, args), over(f, shape, args), real(shape, 0.5, 1.5))
        for name, f in best.items():
            def pick(a, d, k):
                v, i = f(a, d, keepdim=k)
                return (v, i + 1) if args else v
            case("a:%s(%s)" % (name, args), over(pick, shape, args), real(shape, apart=True))
        for name, f in (("argmax", torch.argmax), ("argmin", torch.argmin)):
            def place(a, d, k):
                i = f(a, d, keepdim=k) + 1
                return i if args else i.item()
            case("a:%s(%s)" % (name, args), over(place, shape, args), real(shape, apart=True), grad=False)
        for name, f in (("any", torch.any), ("all", torch.all)):
            def truth(a, d, k):
                t = f(a, d, keepdim=k)
                return t if args else bool(t)
            case("a:%s(%s)" % (name, args), over(truth, shape, args), mask(shape))
        for p in ("", "{p = 1}", "{p = 3}"):
            power = int(p[5]) if p else 2
            given = ", ".join(w for w in (args, p) if w)
            case("a:norm(%s)" % given,
                 over(lambda a, d, k: torch.linalg.vector_norm(a, power, d, k), shape, args), real(shape))
        if math.prod(shape) > 1:
            for flag in ("", "{unbiased = false}"):
                given = ", ".join(w for w in (args, flag) if w)
                case("a:var(%s)" % given,
                     over(lambda a, d, k: torch.var(a, d, not flag, keepdim=k), shape, args), real(shape))
                case("a:std(%s)" % given,
                     over(lambda a, d, k: torch.std(a, d, not flag, keepdim=k), shape, args),
                     real(shape, apart=True))
        case("a:sum(%s)" % args, over(torch.sum, shape, args), whole(shape))
        case("a:prod(%s)" % args, over(torch.prod, shape, args), whole(shape, 1, 2))
        case("a:sum(%s)" % args, over(torch.sum, shape, args), mask(shape))
    for zeros in ((1,), (0, 2), ()):
        a = real((5,))
        a[list(zeros)] = 0
        case("a:prod()", lambda v: v.prod(), a)
    case("a:norm()", lambda a: torch.linalg.vector_norm(a), torch.zeros(3))
    for shape, args, dim in (((2, 3), "", -1), ((2, 3), "1", 0), ((2, 3, 4), "2", 1), ((7,), "", 0)):
        case("a:cumsum(%s)" % args, lambda a: a.cumsum(dim), real(shape))
        case("a:cumsum(%s)" % args, lambda a: a.cumsum(dim), whole(shape))
        case("a:softmax(%s)" % args, lambda a: a.softmax(dim), real(shape))
        case("a:log_softmax(%s)" % args, lambda a: a.log_softmax(dim), real(shape))
    for name in "sum prod".split():
        case("a:%s()" % name, getattr(torch, name), torch.zeros(0, 3))
    case("a:sum(1)", lambda a: a.sum(0), torch.zeros(0, 3))
    case("a:mean(1)", lambda a: a.mean(0), torch.zeros(0, 3), grad=False)


def orders():
    def indexed(pair):
        return pair[0], pair[1] + 1
    for shape, args, dim, down in (((7,), "", 0, False), ((7,), "1, true", 0, True),
                                   ((3, 4), "1", 0, False), ((2, 3, 4), "-2, true", 1, True)):
        case("a:sort(%s)" % args, lambda a: indexed(torch.sort(a, stable=True, dim=dim, descending=down)),
             real(shape, apart=True))
    for shape, args, k, dim in (((7,), "3", 3, 0), ((3, 4), "2, 1", 2, 0), ((2, 3, 4), "1, 2", 1, 1)):
        case("a:topk(%s)" % args, lambda a: indexed(torch.topk(a, k, dim)), real(shape, apart=True))
    case("a:unique()", lambda a: torch.unique(a, return_counts=True), whole((12,), 1, 4))
    case("a:bincount()", lambda a: torch.bincount(a)[1:], whole((12,), 1, 5))
    case("a:nonzero()", lambda a: a.nonzero() + 1, mask((3, 4)))


def structure():
    case("nn.cat({a, b}, 1)", lambda a, b: torch.cat([a, b], 0), real((2, 3)), real((1, 3)))
    case("nn.cat({a, b}, 2)", lambda a, b: torch.cat([a, b], 1), real((2, 3)), real((2, 2)))
    case("nn.stack({a, b}, 1)", lambda a, b: torch.stack([a, b], 0), real((2, 3)), real((2, 3)))
    case("nn.stack({a, b}, 3)", lambda a, b: torch.stack([a, b], 2), real((2, 3)), real((2, 3)))
    case("nn.where(c, a, b)", lambda a, b, c: torch.where(c > 0, a, b), real((2, 3)), real((3,)),
         mask((2, 3)))
    case("a:gather(1, b)", lambda a, b: a.gather(0, b - 1), real((3, 4)), whole((2, 4), 1, 3))
    case("a:gather(2, b)", lambda a, b: a.gather(1, b - 1), real((3, 4)), whole((3, 6), 1, 4))
    case("a:index_select(1, b)", lambda a, b: a[b - 1], real((3, 4)), whole((5,), 1, 3))
    case("a:index_select(2, b)", lambda a, b: a[:, b - 1], real((3, 4)), whole((5,), 1, 4))
    case("a:masked_select(b)", lambda a, b: a[b > 0], real((3, 4)), mask((3, 4)))
    case("a:narrow(2, 2, 2)", lambda a: a.narrow(1, 1, 2), real((3, 4)))
    case("a:select(1, 2)", lambda a: a[1], real((3, 4)))
    case("a:transpose(1, 3)", lambda a: a.transpose(0, 2), real((2, 3, 4)))
    case("a:permute{3, 1, 2}", lambda a: a.permute(2, 0, 1), real((2, 3, 4)))
    case("a:t()", lambda a: a.t(), real((2, 3)))
    case("a:reshape(3, -1)", lambda a: a.reshape(3, -1), real((2, 3, 2)))
    case("a:view(6)", lambda a: a.view(6), real((2, 3)))
    case("a:flatten()", lambda a: a.flatten(), real((2, 3)))
    case("a:squeeze()", lambda a: a.squeeze(), real((1, 3, 1)))
    case("a:unsqueeze(2)", lambda a: a.unsqueeze(1), real((2, 3)))
    case("a:expand{4, 2, 3}", lambda a: a.expand(4, 2, 3), real((2, 3)))
    case("a:expand{3, 4}", lambda a: a.expand(3, 4), real((3, 1)))
    case("a:tile{2, 3}", lambda a: a.tile(2, 3), real((2, 3)))
    case("a:flip(1)", lambda a: a.flip(0), real((2, 3)))
    case("a:flip{1, 2}", lambda a: a.flip(0, 1), real((2, 3)))
    case("a:pad{1, 2}", lambda a: torch.nn.functional.pad(a, (1, 2)), real((2, 3)))
    case("a:pad({0, 1, 2, 0}, 0.5)", lambda a: torch.nn.functional.pad(a, (0, 1, 2, 0), value=0.5),
         real((2, 3)))
    for k in (-1, 0, 1):
        case("a:tril(%d)" % k, lambda a: a.tril(k), real((3, 4)))
        case("a:triu(%d)" % k, lambda a: a.triu(k), real((3, 4)))
    case("a[{ {2, 3}, 2 }]", lambda a: a[1:3, 1], real((3, 4)))
    case("a[{ {}, {1, 2} }]", lambda a: a[:, 0:2], real((3, 4)))
    case("a[2]", lambda a: a[1], real((3, 4)))
    case("a:masked_fill(b, 0.5)", lambda a, b: a.masked_fill(b > 0, 0.5), real((3, 4)), mask((3, 4)))
    case("a:chunk(2, 2)[2]", lambda a: a.chunk(2, 1)[1], real((3, 5)))
    case("a:split(2, 1)[2]", lambda a: a.split(2, 0)[1], real((5, 3)))
    case("a:unbind(2)[3]", lambda a: a.unbind(1)[2], real((2, 3)))
    case("a[b]", lambda a, b: a[b - 1], real((4, 2)), whole((3,), 1, 4))
    case("a[b]", lambda a, b: a[b > 0], real((3, 4)), mask((3, 4)))
    case("nn.one_hot(a, 5)", lambda a: torch.nn.functional.one_hot(a - 1, 5).to(torch.float32),
         whole((4,), 1, 5))


def products():
    for p, q in (((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((2, 2, 3), (3, 4)),
                 ((2, 2, 3), (2, 3, 4)), ((0, 3), (3, 4)), ((2, 0), (0, 3)), ((17, 33), (33, 9))):
        case("a:matmul(b)", torch.matmul, real(p), real(q))
    case("a:t():matmul(b)", lambda a, b: a.t() @ b, real((3, 2)), real((3, 4)))
    case("nn.dot(a, b)", torch.dot, real((5,)), real((5,)))
    case("nn.outer(a, b)", torch.outer, real((3,)), real((4,)))
    case("nn.addmm(c, a, b)", lambda a, b, c: torch.addmm(c, a, b), real((2, 3)), real((3, 4)),
         real((4,)))
    case("nn.addmm(c, a, b, 0.5, -2)", lambda a, b, c: torch.addmm(c, a, b, beta=0.5, alpha=-2),
         real((2, 3)), real((3, 4)), real((2, 4)))


def chains():
    """Several operations at once, as scripts write them."""
    case("((a * b):sum(1):exp() / 10):log1p()", lambda a, b: ((a * b).sum(0).exp() / 10).log1p(),
         real((3, 4), -1, 1), real((4,), -1, 1))
    case("(a - a:mean(2, true)) / a:std(2, true)",
         lambda a: (a - a.mean(1, True)) / a.std(1, keepdim=True), real((3, 5), apart=True))
    case("a:softmax(2):log():neg():sum(2)", lambda a: a.softmax(1).log().neg().sum(1), real((3, 4)))
    case("a:matmul(b):relu():max(1)", lambda a, b: tuple(
        t + i for i, t in enumerate((a @ b).relu().max(0))), real((4, 3)), real((3, 2)))
    case("nn.where(a:gt(0), a, a * 0.1)", lambda a: torch.where(a > 0, a, a * 0.1), real((3, 4)))
    case("a:sin() ^ 2 + a:cos() ^ 2", lambda a: a.sin() ** 2 + a.cos() ** 2, real((3, 4)))
    case("(a % 1):cumsum(1):prod(2)", lambda a: (a % 1).cumsum(0).prod(1), real((3, 4)))


for part in (elementwise, pairs, reductions, orders, structure, products, chains):
    part()
assert count >= 300, count
