#!/usr/bin/env python3
"""Independent traces of the learning-rate schedules, for spec/schedule_spec.lua: plain Python, in the
chained form where there is one (each rate from the one before), no code of nnlua's.

    python3 tests/golden/schedule_traces.py > tests/golden/schedule_traces.txt

Each case is a line `case NAME | options as Lua reads them`, then a line with the rates before the first
step and after each of 40. The optimizer begins at 0.4.
"""
from math import cos, pi

BASE, STEPS = 0.4, 40


def show(name, options, rates):
    print("case %s | %s" % (name, options))
    print(*(repr(r) for r in rates))


def chain(first, factor):
    """rate(t) = rate(t - 1) factor(t)"""
    rates = [first]
    for t in range(1, STEPS + 1):
        rates.append(rates[-1] * factor(t))
    return rates


def cosine(t_max, eta):
    rates = [BASE]
    for t in range(1, STEPS + 1):
        if (t - 1 - t_max) % (2 * t_max) == 0:  # out of the valley, where the ratio is 0 / 0
            rates.append(rates[-1] + (BASE - eta) * (1 - cos(pi / t_max)) / 2)
        else:
            ratio = (1 + cos(pi * t / t_max)) / (1 + cos(pi * (t - 1) / t_max))
            rates.append(eta + (rates[-1] - eta) * ratio)
    return rates


def restarts(t_0, mult, eta):
    rates, length, at = [], t_0, 0
    for _ in range(STEPS + 1):
        rates.append(eta + (BASE - eta) * (1 + cos(pi * at / length)) / 2)
        at += 1
        if at == length:
            at, length = 0, length * mult
    return rates


def linear(start, end, total):
    rates = [BASE * start]
    for t in range(1, STEPS + 1):
        if t > total:
            rates.append(rates[-1])
        else:
            rates.append(rates[-1] * (1 + (end - start) / (total * start + (t - 1) * (end - start))))
    return rates


def polynomial(total, power):
    rates = [BASE]
    for t in range(1, STEPS + 1):
        if t > total:
            rates.append(rates[-1])
        else:
            rates.append(rates[-1] * ((1 - t / total) / (1 - (t - 1) / total)) ** power)
    return rates


def one_cycle(top, total, share=0.3, div=25.0, last=1e4, three=False, straight=False):
    low = top / div
    if three:
        marks = [(0, low), (share * total - 1, top), (2 * share * total - 2, low),
                 (total - 1, low / last)]
    else:
        marks = [(0, low), (share * total - 1, top), (total - 1, low / last)]
    rates = []
    for t in range(STEPS + 1):
        t = min(t, total - 1)
        for (t0, r0), (t1, r1) in zip(marks, marks[1:]):
            if t <= t1 or t1 == total - 1:
                x = (t - t0) / (t1 - t0)
                rates.append(r0 + (r1 - r0) * (x if straight else (1 - cos(pi * x)) / 2))
                break
    return rates


def plateau(losses, factor, patience, threshold=1e-4, relative=True, rest=0, least=0.0, larger=False):
    rate, best, bad, resting, rates = BASE, None, 0, 0, [BASE]
    for x in losses:
        if best is None:
            better = True
        elif larger:
            better = x > (best * (1 + threshold) if relative else best + threshold)
        else:
            better = x < (best * (1 - threshold) if relative else best - threshold)
        if better:
            best, bad = x, 0
        else:
            bad += 1
        if resting > 0:
            resting, bad = resting - 1, 0
        if bad > patience:
            new = max(rate * factor, least)
            if rate - new > 1e-8:
                rate = new
            resting, bad = rest, 0
        rates.append(rate)
    return rates


def losses():
    """A noisy fall that ends on a plateau, without a random number."""
    return [1 / (1 + t) + 0.05 * cos(3 * t) + 0.2 for t in range(STEPS)]


def warm(steps, start, after):
    rates = [after[0] * (start + (1 - start) * t / steps) for t in range(steps)]
    return (rates + after)[:STEPS + 1]


def main():
    show("Step", "step_size = 7, gamma = 0.5", chain(BASE, lambda t: 0.5 if t % 7 == 0 else 1))
    show("MultiStep", "milestones = {3, 4, 20}", chain(BASE, lambda t: 0.1 if t in (3, 4, 20) else 1))
    show("Exponential", "gamma = 0.93", chain(BASE, lambda t: 0.93))
    show("Cosine", "T_max = 12", cosine(12, 0.0))
    show("Cosine", "T_max = 50, eta_min = 0.05", cosine(50, 0.05))
    show("CosineRestarts", "T_0 = 9", restarts(9, 1, 0.0))
    show("CosineRestarts", "T_0 = 5, T_mult = 2, eta_min = 0.01", restarts(5, 2, 0.01))
    show("Linear", "", linear(1 / 3, 1.0, 5))
    show("Linear", "start_factor = 0.9, end_factor = 0.1, total_iters = 23", linear(0.9, 0.1, 23))
    show("Polynomial", "total_iters = 30, power = 2", polynomial(30, 2))
    show("Polynomial", "", polynomial(5, 1))
    show("InverseTime", "decay = 0.2", [BASE / (1 + 0.2 * t) for t in range(STEPS + 1)])
    show("Lambda", "lr_lambda = function(t) return 0.9 ^ t end", [BASE * 0.9 ** t for t in range(STEPS + 1)])
    show("OneCycle", "max_lr = 0.8, total_steps = 30", one_cycle(0.8, 30))
    show("OneCycle", "max_lr = 0.8, epochs = 5, steps_per_epoch = 8, pct_start = 0.4, div_factor = 10, "
         "final_div_factor = 100, anneal_strategy = 'linear'",
         one_cycle(0.8, 40, 0.4, 10.0, 100.0, straight=True))
    show("OneCycle", "max_lr = 0.8, total_steps = 41, three_phase = true", one_cycle(0.8, 41, three=True))
    show("ReduceOnPlateau", "factor = 0.5, patience = 2", plateau(losses(), 0.5, 2))
    show("ReduceOnPlateau", "patience = 0, cooldown = 3, threshold = 0.01, threshold_mode = 'abs', "
         "min_lr = 0.003", plateau(losses(), 0.1, 0, 0.01, False, 3, 0.003))
    show("ReduceOnPlateau", "mode = 'max', factor = 0.7, patience = 4",
         plateau(losses(), 0.7, 4, larger=True))
    show("Warmup", "steps = 6, start = 0.1", warm(6, 0.1, [BASE] * STEPS))
    show("Warmup", "steps = 6", warm(6, 1 / 7, [BASE] * STEPS))
    show("Warmup", "steps = 10, start = 0.2, after = nn.schedule.Cosine(opt, {T_max = 25})",
         warm(10, 0.2, cosine(25, 0.0)))
    show("Warmup", "steps = 3, start = 0.5, after = nn.schedule.Step(opt, {step_size = 4})",
         warm(3, 0.5, chain(BASE, lambda t: 0.1 if t % 4 == 0 else 1)))


if __name__ == "__main__":
    main()
