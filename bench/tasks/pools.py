"""Pools of two processes as CPython has them: `pools.py submit COUNT`, `map COUNT` or `start`, as the tasks beside it."""

import json
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median

QUICK = os.environ.get("HEDDLE_BENCH_QUICK") == "1"
LONG_ENOUGH = 0 if QUICK else 0.5
MOST = 5


def echo(n):
    return n


def increment(n):
    return n + 1


def arrive(folder):
    arrived = time.time()
    open(os.path.join(folder, str(os.getpid())), "w").close()
    while len(os.listdir(folder)) < 4:
        time.sleep(0.005)
    return os.getpid(), arrived


def timed(count, once):
    """Nanoseconds an item, the median of some rounds."""
    once()
    times = []
    until = time.perf_counter() + LONG_ENOUGH
    while not times or (len(times) < MOST and time.perf_counter() < until):
        begin = time.perf_counter_ns()
        if not once():
            raise AssertionError("wrong result")
        times.append((time.perf_counter_ns() - begin) / count)
    return {"ns": median(times)}


def submit(count):
    with ProcessPoolExecutor(2) as pool:

        def once():
            futures = [pool.submit(echo, i) for i in range(count)]
            return all(future.result() == i for i, future in enumerate(futures))

        return timed(count, once)


def map_in_chunks(count):
    items = list(range(count))
    with get_context("fork").Pool(2) as pool:

        def once():
            results = pool.map(increment, items)
            return len(results) == count and results[-1] == count

        return timed(count, once)


def start():
    with tempfile.TemporaryDirectory() as folder:
        begin = time.time()
        with get_context("spawn").Pool(4) as pool:
            arrivals = pool.map(arrive, [folder] * 4, chunksize=1)
    if len({pid for pid, _ in arrivals}) != 4:
        raise AssertionError("not four processes")
    return {"ms": (max(arrived for _, arrived in arrivals) - begin) * 1000}


if __name__ == "__main__":
    what = sys.argv[1]
    if what == "submit":
        found = submit(int(sys.argv[2]))
    elif what == "map":
        found = map_in_chunks(int(sys.argv[2]))
    else:
        found = start()
    print("RESULT " + json.dumps(found), flush=True)
