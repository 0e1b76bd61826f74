"""bench/torch_steps.py: the training steps of `make bench` in PyTorch, each in its leanest form.

usage: torch_steps.py THREADS [quick] [plain]; then it answers requests, one a line (see run.lua):
  run WORK BATCH SECONDS   -> ok STEPS_PER_SECOND LABEL
  peak                     -> ok MIB LABEL; the largest resident memory so far

Of the ways to write a step, the one that is fastest here, at this batch and thread count, is found
by a trial and stands for PyTorch from then on; `plain` takes the first one, for a peak of memory
that no trial has raised. Batches are slices of data in memory, the cheapest.
"""
import math
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

import torch_nets

ROWS = 2000
THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
PLAIN = "plain" in sys.argv[2:]
TRIAL = 0.03 if "quick" in sys.argv[2:] else 0.15
torch.set_num_threads(THREADS)


def images(rows):
    """Data of MNIST's shape: one pixel in five is not black."""
    torch.manual_seed(1)
    x = torch.rand(rows, 784)
    return (x - 0.8).clamp_(min=0).mul_(5), torch.randint(0, 10, (rows,))


class Batches:
    """Walks through contiguous slices of the data, or gives the whole of it."""

    def __init__(self, x, y, size):
        self.x, self.y, self.size, self.at = x, y, size, 0

    def __call__(self):
        i = self.at
        j = i + self.size
        self.at = j if j + self.size <= len(self.x) else 0
        return self.x[i:j], self.y[i:j]


def by_optimizer(model, optimizer, batches, loss):
    def step():
        x, y = batches()
        optimizer.zero_grad(set_to_none=True)
        loss(model(x), y).backward()
        optimizer.step()
    return step


def by_functions(model, activation, batches, loss, lr):
    """Plain SGD without modules and without an optimizer: functions and one fused update."""
    w1, b1, w2, b2 = params = list(model.parameters())

    def step():
        x, y = batches()
        out = F.linear(activation(F.linear(x, w1, b1)), w2, b2)
        grads = torch.autograd.grad(loss(out, y), params)
        with torch.no_grad():
            torch._foreach_add_(params, grads, alpha=-lr)
    return step


def seed_net(batch):
    batches = Batches(*images(max(ROWS, 2 * batch)), batch)

    def net():
        return nn.Sequential(nn.Linear(784, 15), nn.Sigmoid(), nn.Linear(15, 10))
    for foreach in (False, True):
        m = net()
        sgd = torch.optim.SGD(m.parameters(), 0.5, foreach=foreach)
        yield f"module, foreach={foreach}", by_optimizer(m, sgd, batches, F.cross_entropy)
    yield "functional, foreach", by_functions(net(), torch.sigmoid, batches, F.cross_entropy, 0.5)


def mlp(batch):
    batches = Batches(*images(max(ROWS, 2 * batch)), batch)
    for foreach in (False, True):
        m = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(),
                          nn.Linear(512, 10))
        adam = torch.optim.Adam(m.parameters(), 1e-3, foreach=foreach)
        yield f"module, foreach={foreach}", by_optimizer(m, adam, batches, F.cross_entropy)


def tiny(_):
    x = torch.tensor([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
    y = torch.tensor([[0.], [1.], [1.], [0.]])

    def net():
        return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))

    def batches():
        return x, y
    for foreach in (False, True):
        m = net()
        sgd = torch.optim.SGD(m.parameters(), 0.1, foreach=foreach)
        yield f"module, foreach={foreach}", by_optimizer(m, sgd, batches, F.mse_loss)
    yield "functional, foreach", by_functions(net(), torch.tanh, batches, F.mse_loss, 0.1)


def line(_):
    x = torch.arange(7.).reshape(7, 1)
    y = 2 * x + 1
    m = nn.Linear(1, 1)
    sgd = torch.optim.SGD(m.parameters(), 0.01)
    yield "module", by_optimizer(m, sgd, lambda: (x, y), F.mse_loss)
    xs, ys = x[:, 0].contiguous(), y[:, 0].contiguous()
    w = torch.zeros((), requires_grad=True)
    b = torch.zeros((), requires_grad=True)

    def step():
        grads = torch.autograd.grad(F.mse_loss(w * xs + b, ys), (w, b))
        with torch.no_grad():
            w.sub_(grads[0], alpha=0.01)
            b.sub_(grads[1], alpha=0.01)
    yield "two scalars", step


def optimizer(make):
    """A step of an optimizer on one parameter, its gradient in place."""
    def ways(size):
        for foreach in (False, True):
            w = torch.zeros(size, requires_grad=True)
            w.grad = torch.full((size,), 0.01)
            yield f"foreach={foreach}", make([w], foreach).step
    return ways


def call(f):
    def ways(size):
        x, y = torch.rand(size) - 0.5, torch.rand(size)
        yield "call", lambda: f(x, y)
    return ways


def softmax(size):
    x = torch.rand(size // 1000, 1000)
    yield "call", lambda: x.softmax(-1)


O = torch.optim
CALLS = {
    "SGD": optimizer(lambda p, f: O.SGD(p, 1e-3, foreach=f)),
    "momentum": optimizer(lambda p, f: O.SGD(p, 1e-3, momentum=0.9, foreach=f)),
    "Adagrad": optimizer(lambda p, f: O.Adagrad(p, 1e-3, foreach=f)),
    "RMSprop": optimizer(lambda p, f: O.RMSprop(p, 1e-3, foreach=f)),
    "Adadelta": optimizer(lambda p, f: O.Adadelta(p, foreach=f)),
    "Adam": optimizer(lambda p, f: O.Adam(p, 1e-3, foreach=f)),
    "tanh": call(lambda x, y: x.tanh()), "exp": call(lambda x, y: x.exp()),
    "sigmoid": call(lambda x, y: x.sigmoid()), "relu": call(lambda x, y: x.relu()),
    "add": call(lambda x, y: x + y), "sum": call(lambda x, y: x.sum()),
    "max": call(lambda x, y: x.max()), "softmax": softmax,
}
WORKS = {**CALLS, "seed-net": seed_net, "mlp": mlp, "tiny": tiny, "line": line}
WORKS.update(torch_nets.works(Batches, by_optimizer))


def measure(step, seconds):
    """Steps a second: a tenth of the time warms up and finds out how many steps fill the rest."""
    start, done, some = time.perf_counter(), 0, 1
    while True:
        for _ in range(some):
            step()
        done += some
        some *= 2
        spent = time.perf_counter() - start
        if spent >= seconds / 10:
            break
    count = math.ceil(seconds / spent * done)
    start = time.perf_counter()
    for _ in range(count):
        step()
    return count / (time.perf_counter() - start)


chosen = {}


def choose(work, batch):
    """Three rounds of short trials, so that a moment's noise does not choose."""
    if PLAIN:
        label, step = next(iter(WORKS[work](batch)))
    else:
        ways = list(WORKS[work](batch))
        best = {label: max(measure(step, TRIAL) for _ in range(3)) for label, step in ways}
        label, step = max(ways, key=lambda way: best[way[0]])
    chosen[work, batch] = f"torch {torch.__version__}, {label}", step


def run(work, batch, seconds):
    if work not in WORKS:
        return f"skip no {work} in PyTorch"
    if (work, batch) not in chosen:
        if work in CALLS:
            chosen.clear()  # tensors of ten million numbers do not wait beside each other
        choose(work, batch)
    label, step = chosen[work, batch]
    return f"ok {measure(step, seconds):.9g} {label}"


def peak():
    with open("/proc/self/status") as status:
        for text in status:
            if text.startswith("VmHWM:"):
                return f"ok {int(text.split()[1]) / 1024:.9g} peak"
    return "skip no VmHWM here"


for request in sys.stdin:
    words = request.split()
    if words[0] == "run":
        print(run(words[1], int(words[2]), float(words[3])), flush=True)
    elif words[0] == "peak":
        print(peak(), flush=True)
    else:
        print("error not understood:", request.strip(), flush=True)
