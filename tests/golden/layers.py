#!/usr/bin/env python3
"""Outputs and gradients of layers as PyTorch computes them in float64, for spec/layers_golden_spec.lua.
Wants python3-torch.

    python3 tests/golden/layers.py > tests/golden/layers.txt

Each case is a line, a Lua table: the layer's constructor in Lua; whether it is in eval mode; the inputs
as {dtype, shape, values}; its tensors, as {name, shape, values}, in PyTorch's order; the results; the
gradients of sum(w * result) over all results by the floating inputs, then by each parameter, where
element i (from 0) of w is (i % 5 + 1) / 4; and `after`, the buffers after the call. Inputs and tensors
are multiples of 1/64, exact in float32 too. Indices count from 1.
"""
import math
import random

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
rng = random.Random(20240213)


def values(t):
    return "{" + ",".join(repr(v) for v in t.detach().reshape(-1).tolist()) + "}"


def shape(t):
    return "{" + ",".join(str(n) for n in t.shape) + "}"


def tensor(t):
    name = {torch.int64: "int64", torch.uint8: "uint8"}.get(t.dtype, "float")
    return '{"%s",%s,%s}' % (name, shape(t), values(t))


def real(*sizes, lo=-2.0, hi=2.0):
    """All different where there are enough multiples of 1/64, so that no maximum is taken twice."""
    n = math.prod(sizes)
    steps = range(math.ceil(lo * 64), math.floor(hi * 64) + 1)
    picked = rng.sample(steps, n) if n <= len(steps) else [rng.choice(steps) for _ in range(n)]
    return torch.tensor(picked, dtype=torch.float64).reshape(sizes) / 64


def flat(results):
    for r in results:
        if isinstance(r, (tuple, list)):
            yield from flat(r)
        else:
            yield r


def named(pairs):
    return "{" + ",".join('{"%s",%s,%s}' % (n, shape(t), values(t)) for n, t in pairs) + "}"


def case(code, layer, *inputs, evaluate=False, call=None):
    layer = layer.double()
    layer.train(not evaluate)
    buffers = [(n, b) for n, b in layer.named_buffers() if n != "num_batches_tracked"]
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(real(*p.shape, lo=-1.0, hi=1.0))
        for _, b in buffers:
            b.copy_(real(*b.shape, lo=0.25, hi=2.0))
    stored = named(list(layer.named_parameters()) + buffers)
    xs = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    out = call(layer, *xs) if call else layer(*xs)
    results = list(flat(out if isinstance(out, tuple) else (out,)))
    loss = 0
    for r in results:
        w = (torch.arange(r.numel()) % 5 + 1).double() / 4
        loss = loss + (w * r.reshape(-1)).sum()
    loss.backward()
    lua_inputs = [x + 1 if x.dtype == torch.int64 else x for x in inputs]
    grads = [x.grad for x in xs if x.requires_grad] + [p.grad for p in layer.parameters()]
    print("{code=%s, eval=%s, inputs={%s}, tensors=%s, results={%s}, grads={%s}, after=%s}" % (
        '[=[nn.%s]=]' % code, "true" if evaluate else "false", ",".join(tensor(x) for x in lua_inputs), stored,
        ",".join(tensor(r) for r in results), ",".join(values(g) for g in grads), named(buffers)))


def convolutions():
    case("Conv2d(3, 4, 3)", nn.Conv2d(3, 4, 3), real(2, 3, 5, 6))
    case("Conv2d(1, 8, 3, {padding = 1})", nn.Conv2d(1, 8, 3, padding=1), real(2, 1, 6, 6))
    case("Conv2d(4, 6, {3, 2}, {stride = {2, 1}, padding = {1, 2}, groups = 2})",
         nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 2), groups=2), real(2, 4, 7, 5))
    case("Conv2d(2, 3, 2, {dilation = {2, 3}, stride = 2, bias = false})",
         nn.Conv2d(2, 3, 2, dilation=(2, 3), stride=2, bias=False), real(2, 2, 8, 7))
    case("Conv2d(3, 3, 3, {groups = 3})", nn.Conv2d(3, 3, 3, groups=3), real(1, 3, 4, 5))
    case("Conv2d(5, 4, 1)", nn.Conv2d(5, 4, 1), real(2, 5, 3, 3))
    case("Conv2d(20, 4, 5, {padding = 2})", nn.Conv2d(20, 4, 5, padding=2), real(1, 20, 12, 12))
    case("Conv1d(3, 4, 3)", nn.Conv1d(3, 4, 3), real(2, 3, 7))
    case("Conv1d(4, 6, 3, {stride = 2, padding = 2, dilation = 2, groups = 2})",
         nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2), real(2, 4, 9))
    case("Conv1d(2, 3, 1, {bias = false})", nn.Conv1d(2, 3, 1, bias=False), real(3, 2, 4))
    case("ConvTranspose2d(3, 2, 3)", nn.ConvTranspose2d(3, 2, 3), real(2, 3, 4, 3))
    case("ConvTranspose2d(4, 6, {3, 2}, {stride = 2, padding = 1, output_padding = 1, groups = 2})",
         nn.ConvTranspose2d(4, 6, (3, 2), stride=2, padding=1, output_padding=1, groups=2), real(2, 4, 3, 4))
    case("ConvTranspose2d(2, 3, 2, {dilation = 2, bias = false})",
         nn.ConvTranspose2d(2, 3, 2, dilation=2, bias=False), real(1, 2, 3, 3))


def pools():
    case("MaxPool2d(2)", nn.MaxPool2d(2), real(2, 2, 4, 6))
    case("MaxPool2d(3, {stride = 2, padding = 1})", nn.MaxPool2d(3, 2, 1), real(2, 2, 6, 5))
    case("MaxPool2d({2, 3}, {stride = {1, 2}, dilation = {3, 1}, ceil_mode = true})",
         nn.MaxPool2d((2, 3), (1, 2), dilation=(3, 1), ceil_mode=True), real(1, 2, 6, 8))
    case("MaxPool1d(2)", nn.MaxPool1d(2), real(2, 3, 7))
    case("MaxPool1d(3, {stride = 2, padding = 1, ceil_mode = true})", nn.MaxPool1d(3, 2, 1, ceil_mode=True), real(2, 3, 8))
    case("AvgPool2d(2)", nn.AvgPool2d(2), real(2, 2, 4, 6))
    case("AvgPool2d(3, {stride = 2, padding = 1})", nn.AvgPool2d(3, 2, 1), real(2, 2, 6, 5))
    case("AvgPool2d({2, 3}, {stride = {2, 1}, padding = {1, 0}, ceil_mode = true, count_include_pad = false})",
         nn.AvgPool2d((2, 3), (2, 1), (1, 0), ceil_mode=True, count_include_pad=False), real(1, 2, 6, 5))
    case("AvgPool2d(3, {stride = 2, padding = 1, ceil_mode = true})", nn.AvgPool2d(3, 2, 1, ceil_mode=True), real(1, 2, 6, 8))
    case("AvgPool1d(3, {stride = 2, padding = 1})", nn.AvgPool1d(3, 2, 1), real(2, 3, 8))
    case("AvgPool1d(2, {ceil_mode = true, count_include_pad = false})",
         nn.AvgPool1d(2, ceil_mode=True, count_include_pad=False), real(2, 3, 7))
    case("AdaptiveAvgPool2d(1)", nn.AdaptiveAvgPool2d(1), real(2, 3, 4, 5))
    case("AdaptiveAvgPool2d({3, 4})", nn.AdaptiveAvgPool2d((3, 4)), real(2, 2, 7, 5))


def norms():
    case("BatchNorm1d(3)", nn.BatchNorm1d(3), real(5, 3))
    case("BatchNorm1d(2, {eps = 0.01, momentum = 0.5})", nn.BatchNorm1d(2, eps=0.01, momentum=0.5), real(3, 2, 4))
    case("BatchNorm1d(3)", nn.BatchNorm1d(3), real(4, 3), evaluate=True)
    case("BatchNorm1d(3, {affine = false, track_running_stats = false})",
         nn.BatchNorm1d(3, affine=False, track_running_stats=False), real(4, 3), evaluate=True)
    case("BatchNorm2d(3)", nn.BatchNorm2d(3), real(2, 3, 4, 5))
    case("BatchNorm2d(3)", nn.BatchNorm2d(3), real(2, 3, 2, 3), evaluate=True)
    case("BatchNorm2d(2, {affine = false})", nn.BatchNorm2d(2, affine=False), real(2, 2, 3, 3))
    case("LayerNorm(5)", nn.LayerNorm(5), real(3, 5))
    case("LayerNorm({2, 4}, {eps = 0.01})", nn.LayerNorm((2, 4), eps=0.01), real(2, 3, 2, 4))
    case("LayerNorm(20, {elementwise_affine = false})", nn.LayerNorm(20, elementwise_affine=False), real(2, 20))
    case("GroupNorm(2, 4)", nn.GroupNorm(2, 4), real(2, 4, 3))
    case("GroupNorm(3, 6, {eps = 0.01})", nn.GroupNorm(3, 6, eps=0.01), real(2, 6, 3, 2))
    case("GroupNorm(2, 6)", nn.GroupNorm(2, 6), real(3, 6))
    case("GroupNorm(1, 4, {affine = false})", nn.GroupNorm(1, 4, affine=False), real(2, 4, 5))


def lookups():
    index = torch.tensor([[0, 3, 1], [3, 3, 2]])
    case("Embedding(4, 3)", nn.Embedding(4, 3), index)
    case("Embedding(5, 2)", nn.Embedding(5, 2), torch.tensor([4, 0, 4, 4]))
    case("Embedding(4, 3, {padding_idx = 4})", nn.Embedding(4, 3, padding_idx=3), index)
    case("Bilinear(3, 2, 4)", nn.Bilinear(3, 2, 4), real(5, 3), real(5, 2))
    case("Bilinear(3, 4, 2, {bias = false})", nn.Bilinear(3, 4, 2, bias=False), real(2, 2, 3), real(2, 2, 4))
    case("Linear(3, 4)", nn.Linear(3, 4), real(2, 3))
    case("Linear(3, 4, {bias = false})", nn.Linear(3, 4, bias=False), real(2, 2, 3))


def recurrent():
    def with_state(layer, x, *state):
        return layer(x, tuple(state) if len(state) == 2 else state[0])

    for name, kind in (("RNN", nn.RNN), ("LSTM", nn.LSTM), ("GRU", nn.GRU)):
        states = 2 if name == "LSTM" else 1
        case(name + "(4, 5)", kind(4, 5, batch_first=True), real(2, 3, 4))
        case(name + "(4, 3, {batch_first = false})", kind(4, 3), real(3, 2, 4),
             *[real(1, 2, 3) for _ in range(states)], call=with_state)
        case(name + "(3, 4, {layers = 2, bidirectional = true})",
             kind(3, 4, 2, bidirectional=True, batch_first=True), real(2, 5, 3),
             *[real(4, 2, 4) for _ in range(states)], call=with_state)
        case(name + "(2, 3, {layers = 3, bias = false, bidirectional = true})",
             kind(2, 3, 3, bias=False, bidirectional=True, batch_first=True), real(3, 2, 2))
    case('RNN(3, 4, {nonlinearity = "relu"})', nn.RNN(3, 4, nonlinearity="relu", batch_first=True), real(2, 4, 3))


def attention():
    def alone(layer, x, mask=None, **options):
        return layer(x, x, x, key_padding_mask=None if mask is None else mask.bool(), need_weights=False, **options)[0]

    def three(layer, q, k, v, mask=None, **options):
        return layer(q, k, v, key_padding_mask=None if mask is None else mask.bool(), **options)[0]

    def causal(call, steps, keys):
        hidden = torch.ones(steps, keys, dtype=torch.bool).triu(1)
        return lambda layer, *inputs: call(layer, *inputs, attn_mask=hidden)

    mask = torch.tensor([[0, 0, 1, 0], [0, 1, 0, 1]], dtype=torch.uint8)

    def kind(dim, heads, **options):
        return nn.MultiheadAttention(dim, heads, batch_first=True, **options)

    case("MultiheadAttention(4, 2)", kind(4, 2), real(2, 3, 4), call=alone)
    case("MultiheadAttention(6, 3)", kind(6, 3), real(2, 4, 6), mask, call=alone)
    case("MultiheadAttention(6, 2, {causal = true})", kind(6, 2), real(2, 5, 6), call=causal(alone, 5, 5))
    case("MultiheadAttention(4, 1, {bias = false})", kind(4, 1, bias=False), real(2, 3, 4), real(2, 5, 4), real(2, 5, 4),
         call=three)
    case("MultiheadAttention(4, 4, {causal = true})", kind(4, 4), real(2, 6, 4), real(2, 4, 4), real(2, 4, 4), mask,
         call=causal(three, 6, 4))
    case("MultiheadAttention(8, 2, {dropout = 0.5})", kind(8, 2, dropout=0.5), real(1, 7, 8), evaluate=True, call=alone)


convolutions()
pools()
norms()
lookups()
recurrent()
attention()
