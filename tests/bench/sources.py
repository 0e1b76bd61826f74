"""Answers for tests/bench/sources.lua: seconds of numpy.loadtxt and pandas' C reader for a table of text,
and of bare zlib inflation for a gzip file."""
import sys
import time
import zlib


def seconds(f):
    best = 1e9
    for _ in range(3):
        start = time.perf_counter()
        f()
        best = min(best, time.perf_counter() - start)
    return best


def main():
    what, path = sys.argv[1:3]
    if what == "zlib":
        with open(path, "rb") as f:
            data = f.read()
        print(seconds(lambda: zlib.decompress(data, 31, 1 << 26)))
        return
    import numpy as np
    if what == "numpy":
        print(seconds(lambda: np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32)))
    elif what == "pandas":
        import pandas as pd
        print(seconds(lambda: pd.read_csv(path, engine="c", dtype=np.float32)))


main()
