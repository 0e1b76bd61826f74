#!/usr/bin/env python3
"""Values and gradients of losses and activations as PyTorch computes them in float64, for
spec/loss_spec.lua and spec/activation_spec.lua. Wants python3-torch.

    python3 tests/golden/losses.py > tests/golden/losses.txt

The format is that of ops.py: a line a case, a Lua table: the expression in Lua over a, b, c; these
inputs as {dtype, shape, values}; the expected result; the gradients by the floating inputs of
sum(w * result), where element i (from 0) of w is (i % 5 + 1) / 4, false where there is none. Inputs
are multiples of 1/64 (exact in float32 too). Labels count from 1 there and from 0 here.
"""
import math
import random

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
rng = random.Random(20240229)
REDUCTIONS = ("mean", "sum", "none")


def number(v):
    if isinstance(v, int):
        return str(v)
    if math.isnan(v):
        return "0/0"
    return repr(v) if math.isfinite(v) else "1/0" if v > 0 else "-1/0"


def values(t):
    return "{" + ",".join(number(v) for v in t.detach().reshape(-1).tolist()) + "}"


def tensor(t):
    kind = "int64" if t.dtype == torch.int64 else "float"
    return '{"%s",{%s},%s}' % (kind, ",".join(str(n) for n in t.shape), values(t))


def real(shape, lo=-3.0, hi=3.0):
    steps = [k for k in range(math.ceil(lo * 64), math.floor(hi * 64) + 1) if k % 32 not in (0, 1, 31)]
    n = math.prod(shape)
    return torch.tensor([rng.choice(steps) for _ in range(n)], dtype=torch.float64).reshape(shape) / 64


def labels(shape, classes):
    n = math.prod(shape)
    return torch.tensor([rng.randrange(classes) for _ in range(n)], dtype=torch.int64).reshape(shape)


def case(code, f, *inputs, fixed=()):
    """`fixed`: inputs by which nnlua has no gradient."""
    x = [t.clone().requires_grad_(t.dtype != torch.int64 and i not in fixed) for i, t in enumerate(inputs)]
    y = f(*x)
    w = (torch.arange(y.numel()) % 5 + 1).reshape(y.shape) / 4
    (y * w.to(y.dtype)).sum().backward()
    shown = [t + 1 if t.dtype == torch.int64 and "label" in code else t for t in inputs]
    lua = code.replace("--label", "").strip()
    grads = ",".join(values(t.grad) if t.grad is not None else "false" for t in x)
    print('{code=%s, inputs={%s}, results={%s}, grads={%s}}'
          % ('"' + lua.replace('"', '\\"') + '"', ",".join(tensor(t) for t in shown), tensor(y), grads))


def options(**given):
    parts = []
    for key, v in given.items():
        if isinstance(v, list):
            v = "{" + ", ".join(number(n) for n in v) + "}"
        elif isinstance(v, bool):
            v = "true" if v else "false"
        elif isinstance(v, str):
            v = '"%s"' % v
        parts.append("%s = %s" % (key, v))
    return "{" + ", ".join(parts) + "}"


def loss(name, make, label=False, fixed=(), **given):
    """Each reduction, on inputs that make() draws anew."""
    for reduction in REDUCTIONS:
        inputs = make()
        args = "(" + ", ".join("abc"[:len(inputs)]) + ")"
        code = "nn.%s%s%s%s" % (name, options(**given, reduction=reduction), args, "--label" if label else "")
        theirs = {k: torch.tensor(v) if isinstance(v, list) else v for k, v in given.items()}
        if "ignore_index" in theirs and label:
            theirs["ignore_index"] -= 1
        f = getattr(nn, name)(**theirs, reduction=reduction)
        case(code, f, *inputs, fixed=fixed)


def pair(lo=-3.0, hi=3.0, tlo=None, thi=None, shape=(4, 3)):
    return lambda: (real(shape, lo, hi), real(shape, lo if tlo is None else tlo, hi if thi is None else thi))


def losses():
    loss("MSELoss", pair())
    loss("L1Loss", pair())
    loss("HuberLoss", pair())
    loss("HuberLoss", pair(shape=(2, 3, 2)), delta=0.6)
    loss("SmoothL1Loss", pair())
    loss("SmoothL1Loss", pair(), beta=0.5)
    loss("SmoothL1Loss", pair(shape=(5,)), beta=0.0)
    loss("BCELoss", pair(0.03, 0.97))
    loss("BCELoss", pair(0.03, 0.97), weight=[0.5, 2.0, 3.0])
    loss("BCEWithLogitsLoss", pair(-8.0, 8.0, 0.0, 1.0))
    loss("BCEWithLogitsLoss", pair(-40.0, 40.0, 0.0, 1.0), pos_weight=[0.5, 2.0, 3.0])
    loss("BCEWithLogitsLoss", pair(-8.0, 8.0, 0.0, 1.0), weight=[1.5, 0.25, 1.0], pos_weight=[0.5, 2.0, 3.0])
    loss("KLDivLoss", pair(-5.0, -0.1, 0.02, 1.0))
    loss("KLDivLoss", pair(-5.0, -0.1), log_target=True)
    case('nn.KLDivLoss{reduction = "batchmean"}(a, b)', nn.KLDivLoss(reduction="batchmean"), *pair(-5.0, -0.1, 0.02, 1.0)())
    loss("PoissonNLLLoss", pair(-2.0, 2.0, 0.1, 6.0))
    loss("PoissonNLLLoss", pair(-2.0, 2.0, 0.1, 6.0), full=True)
    loss("PoissonNLLLoss", pair(0.1, 4.0, 0.1, 6.0), log_input=False, full=True)
    for shape, where in (((6, 4), (6,)), ((2, 4, 3), (2, 3)), ((2, 4, 3, 2), (2, 3, 2))):
        def classes():
            return real(shape, -6.0, 6.0), labels(where, 4)
        def probabilities():
            return real(shape, -6.0, 6.0), torch.softmax(real(shape), 1).mul(64).round() / 64
        weight = [0.5, 1.0, 3.0, 0.25]
        loss("NLLLoss", classes, label=True)
        loss("NLLLoss", classes, label=True, weight=weight, ignore_index=2)
        loss("CrossEntropyLoss", classes, label=True)
        loss("CrossEntropyLoss", classes, label=True, weight=weight)
        loss("CrossEntropyLoss", classes, label=True, weight=weight, label_smoothing=0.125, ignore_index=2)
        loss("CrossEntropyLoss", probabilities, fixed=(1,))
        loss("CrossEntropyLoss", probabilities, fixed=(1,), weight=weight, label_smoothing=0.25)

    def sides():
        return real((5, 3)), real((5, 3)), torch.tensor([1, -1, -1, 1, -1])
    loss("CosineEmbeddingLoss", sides)
    loss("CosineEmbeddingLoss", sides, margin=0.25)

    def triplet():
        return real((4, 3)), real((4, 3)), real((4, 3))
    loss("TripletMarginLoss", triplet)
    loss("TripletMarginLoss", triplet, margin=3.0, swap=True)
    loss("TripletMarginLoss", triplet, margin=4.0, p=3.0)


def activation(code, f, *more, lo=-4.0, hi=4.0, shapes=((3, 4), (2, 3, 2))):
    for shape in shapes:
        case(code, f, real(shape, lo, hi), *more)


def activations():
    activation("nn.ReLU()(a)", nn.ReLU())
    activation("nn.LeakyReLU()(a)", nn.LeakyReLU())
    activation("nn.LeakyReLU{negative_slope = 0.3}(a)", nn.LeakyReLU(0.3))
    activation("nn.leaky_relu(a, 0.3)", nn.LeakyReLU(0.3))
    activation("nn.ELU()(a)", nn.ELU())
    activation("nn.ELU{alpha = 0.7}(a)", nn.ELU(0.7))
    activation("nn.SELU()(a)", nn.SELU())
    activation("nn.GELU()(a)", nn.GELU(), lo=-7.0, hi=7.0)
    activation('nn.GELU{approximate = "tanh"}(a)', nn.GELU(approximate="tanh"), lo=-7.0, hi=7.0)
    activation("nn.SiLU()(a)", nn.SiLU(), lo=-30.0, hi=30.0)
    activation("nn.Softplus()(a)", nn.Softplus(), lo=-30.0, hi=30.0)
    activation("nn.Softplus{beta = 2, threshold = 3}(a)", nn.Softplus(2, 3))
    activation("nn.Tanh()(a)", nn.Tanh())
    activation("nn.Sigmoid()(a)", nn.Sigmoid(), lo=-30.0, hi=30.0)
    activation("nn.Hardtanh()(a)", nn.Hardtanh())
    activation("nn.Hardtanh{min_val = -2, max_val = 0.5}(a)", nn.Hardtanh(-2, 0.5))
    activation("nn.Softmax{dim = 2}(a)", nn.Softmax(1))
    activation("nn.LogSoftmax()(a)", nn.LogSoftmax(-1), lo=-30.0, hi=30.0)
    activation("nn.LogSoftmax{dim = 1}(a)", nn.LogSoftmax(0))
    activation("prelu(a, b)", nn.functional.prelu, torch.tensor([0.25]))
    activation("prelu(a, b)", nn.functional.prelu, torch.tensor([0.25, -0.5, 1.5]), shapes=((4, 3), (2, 3, 2), (2, 3, 2, 2)))


losses()
activations()
