"""Random NumPy programs as source text: every seed is another one."""

from __future__ import annotations

import random

FIRST = """
import asyncio, collections, contextlib, copy, gc, pickle, random, threading, time, weakref

class Node:
    '''A cycle that holds an array, so that only the collector frees it.'''
    def __init__(self, data):
        self.data, self.me = data, self

class Loud:
    '''Allocates while it dies.  Only that: arithmetic here, run by the collector while NumPy leaves an errstate, makes
    a ContextVar of CPython 3.11 keep a value that has been freed, ledger or not.'''
    def __init__(self, n):
        self.data = np.ones(n)
    def __del__(self):
        self.data = np.zeros(len(self.data) // 2 + 1)

class Kind(np.ndarray):
    pass

def pick(rng, pool):
    '''A flat float array: one of the pool's or a new one.'''
    found = [part for part in pool[-8:] if isinstance(part, np.ndarray) and part.dtype == float]
    return rng.choice(found).ravel() if found else np.ones(rng.randrange(1, 2000))

def old_one(rng):
    return rng.choice(old) if old else np.ones(10)

def deep(n, depth):
    part = np.ones(n)
    return part[:3] + deep(n, depth - 1)[:3] if depth else part[:3]

def produce(n):
    kept = np.zeros(n)
    for k in range(3):
        yield kept[k:] + k

def trim(pool):
    if len(pool) > 40:
        del pool[:20]
"""

SIMPLE = (
    "pool.append(np.ones(rng.randrange(1, {big})))",
    "pool.append(np.zeros((rng.randrange(1, 60), rng.randrange(1, 60))))",
    "pool.append(np.empty(rng.randrange(1, 900), '{dtype}'))",
    "pool.append(np.arange({small}, dtype='{number}'))",
    "pool.extend(np.ones(k) for k in range(1, rng.randrange(2, 40)))",
    "pool += [np.full(k + 1, k) for k in range({few})]",
    "pool.append(pick(rng, pool) * 2 + {small})",
    "pool.append(pick(rng, pool)[::2].copy())",
    "pool.append(pick(rng, pool)[1:])",
    "pool.append(np.sort(pick(rng, pool)))",
    "pool.append(np.sort(np.ones((30, {few} + 1))[::2], axis=0))",
    "pool.append(np.argsort(np.ones((40, {few} + 1)).T, axis=0))",
    "pool.append(np.median(np.ones((9, {small}))[:, ::2], axis=0))",
    "pool.append(np.concatenate([pick(rng, pool)[:5000], np.zeros({small})]))",
    "pool.append(np.resize(pick(rng, pool), {small}))",
    "part = np.ones({small}); part.resize({big}, refcheck=False); pool.append(part)",
    "part = np.ones({big}); part.resize({few}, refcheck=False); pool.append(part)",
    "old_one(rng).resize({small} + 1, refcheck=False)",
    "old and old.pop(rng.randrange(len(old)))",
    "pool.append(np.fromiter((k for k in range({small})), float))",
    "pool.append(np.loadtxt(['1 2 3'] * {few}))",
    "pool.append(np.array([None, 'x', 1.5, np.ones({small})], object))",
    "pool.append(np.array([[], [1], None], dtype=object).repeat({few}))",
    "np.add.at(np.zeros({small} + 10), [1, 2, 1], np.ones(3))",
    "part = np.ones({small} + 10); np.multiply.at(part, slice(0, 9, 2), 2.0); pool.append(part)",
    "pool.append(np.array(['a' * {few}, 'b'] * 50))",
    "pool.append(np.zeros({few}, [('x', 'i4'), ('y', 'f8', 3)])['y'])",
    "pool.append(np.ma.masked_less(pick(rng, pool), 0.5).filled(1))",
    "pool.append(np.unique(rng.choices(range(50), k={small} + 1)))",
    "pool.append(np.linalg.inv(np.eye({few} + 1)))",
    "pool.append(np.fft.rfft(np.ones({small} + 2)).real)",
    "pool.append(np.einsum('i,j->ij', np.ones({few} + 1), np.ones({few} + 1)))",
    "pool.append(np.random.default_rng(1).normal(size=1 + rng.randrange(2000)).cumsum().astype('f4'))",
    "pool.append(pickle.loads(pickle.dumps(pick(rng, pool)[:999])))",
    "pool.append(copy.deepcopy(pick(rng, pool)[:500]))",
    "pool.append(np.ones({small} + 1).view(Kind))",
    "pool.append(np.where(pick(rng, pool) > 0.5, 1.0, 0.0))",
    "pool.append(np.frombuffer(bytes({small} + 1), 'u1').copy())",
    "pool.append(np.vectorize(lambda x: x + 1)(np.ones({few} + 1)))",
    "pool.append(np.apply_along_axis(lambda row: row * 2, 0, np.ones(({few} + 1, 4))))",
    "pool.append(deep({small} + 3, rng.randrange(1, 30)))",
    "pool.extend(produce({small} + 4))",
    "unread = produce({big}); next(unread); pool.append(unread)",
    "pool.append(Node(np.ones({small})))",
    "pool.append(Node(np.ones({big})))",
    "Loud({big})",
    "node = Node(Loud({small} + 1)); del node",
    "weakref.finalize(Node(np.ones({few} + 1)), np.zeros, {small})",
    "pool and pool.pop(rng.randrange(len(pool)))",
    "pool.reverse()",
    "trim(pool)",
    "rng.random() < 0.02 and gc.collect(rng.randrange(3))",
    "rng.random() < 0.05 and gc.set_threshold(rng.choice([1, 5, 50, 700, 100_000]), 10, 10)",
    "np.ones(3) + np.ones(4)",
    "np.ones({small}).reshape(-1, {small} + 1)",
    "missing",
    "[][1]",
    "raise ValueError(np.ones({small}))",
    "return np.ones({big})",
)  # fmt: skip

BLOCKS = (
    "for _ in range({few} % 6):",
    "for part in produce({small} + 4):",
    "while rng.random() < 0.5:",
    "if rng.random() < 0.5:",
    "with np.errstate(all='ignore'):",
    "with contextlib.suppress(ValueError, TypeError, IndexError):",
    "try:",
    "def inner(rng=rng, pool=pool):",
    "for part in (np.ones(k + 1) * 2 for k in range({few} % 7)):",
)


def program(seed: int, style: str) -> str:
    """The source of a cell that uses the names ``np``, ``ne``, ``old``, ``seed`` and leaves ``pools``."""
    rng = random.Random(seed)
    functions = [_function(rng, number) for number in range(rng.randrange(2, 6))]
    names = ", ".join(f"f{number}" for number in range(len(functions)))
    step = _STEP.format(names=names, rounds=rng.choice([1, 5, 30, 150]))
    return "\n".join([FIRST, *functions, step, _RUNS[style]])


_STEP = """
def step(rng, pool):
    try:
        kept = rng.choice([{names}])(rng, pool)
    except Exception as error:
        if rng.random() < 0.1:
            pool.append(error)
    trim(pool)

def work(number, pool):
    rng = random.Random(seed * 31 + number)
    for _ in range({rounds}):
        step(rng, pool)
        if stop:
            break

stop, pools = [], [[] for _ in range(5)]
"""

_ALONE = """
work(0, pools[0])
for k in range(2):
    work(k, pools[k]); pools[k][:5] = [np.ones(k + 1)]
"""

_THREADS = """
threads = [threading.Thread(target=work, args=(number, pools[number]), daemon=True) for number in range(4)]
try:
    for thread in threads:
        thread.start()
    work(9, pools[4])
finally:
    while True:
        try:
            stop += [1] * (seed % 3 == 0)
            while any(thread.is_alive() for thread in threads if thread.ident):
                time.sleep(0.0005)
            break
        except BaseException:
            continue
"""

_ASYNC = """
async def turn(number, pool):
    rng = random.Random(number)
    for _ in range(10):
        kept = np.ones(rng.randrange(1, 3000))
        step(rng, pool)
        await asyncio.sleep(0)
        pool.append(kept + 1)

async def all_of_them():
    await asyncio.gather(*(turn(number, pools[number]) for number in range(4)), return_exceptions=seed % 2 == 0)

loop = asyncio.new_event_loop()
try:
    loop.run_until_complete(all_of_them())
finally:
    loop.close()
"""

_FORK = """
import os
work(0, pools[0])
child = os.fork()
if child == 0:
    code = 1
    try:
        work(1, pools[1]); pools.clear(); gc.collect()
        code = 0 if (np.ones(5000) * 2).sum() == 10_000 else 2
    finally:
        os._exit(code)
work(2, pools[2])
assert os.waitpid(child, 0)[1] == 0
"""

_NUMEXPR = """
work(0, pools[0])
a, b = np.ones(100_000), np.arange(100_000.0)
for k in range(5):
    pools[0].append(ne.evaluate('2 * a + b * k'))
    ne.evaluate('a + b', out=a)
work(1, pools[1])
"""

_POOL = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(3) as executor:
    done = list(executor.map(work, range(6), [pools[k % 5] for k in range(6)]))
pools.append([np.ones(3), (np.ones((300, 40)) * 2).sum(axis=0)])
"""

_LEFT_ALONE = """
strays = [threading.Thread(target=work, args=(number, pools[number]), daemon=True) for number in range(3)]
for stray in strays: stray.start()
work(7, pools[4])
"""

_RUNS = {
    "alone": _ALONE,
    "threads": _THREADS,
    "async": _ASYNC,
    "fork": _FORK,
    "numexpr": _NUMEXPR,
    "pool": _POOL,
    "left alone": _LEFT_ALONE,
}
STYLES = tuple(_RUNS)


def _function(rng: random.Random, number: int) -> str:
    body = _body(rng, 1, rng.randrange(3, 12))
    return f"def f{number}(rng, pool):\n" + "\n".join(body)


def _body(rng: random.Random, depth: int, length: int) -> list[str]:
    pad, lines = "    " * depth, []
    for _ in range(length):
        if depth < 4 and rng.random() < 0.3:
            lines += _block(rng, pad, depth)
        else:
            lines.append(pad + _fill(rng, rng.choice(SIMPLE)))
    return lines


def _block(rng: random.Random, pad: str, depth: int) -> list[str]:
    head = _fill(rng, rng.choice(BLOCKS))
    lines = [pad + head, *_body(rng, depth + 1, rng.randrange(1, 4))]
    if head == "try:":
        end = rng.choice(("except Exception as error:", "finally:", "except ValueError:"))
        lines += [pad + end, *_body(rng, depth + 1, 1)]
    if head.startswith("def"):
        lines += [pad + rng.choice(("inner()", "pool.append(inner)", "for _ in range(3): inner()"))]
    return lines


def _fill(rng: random.Random, template: str) -> str:
    big = rng.choice([100, 3_000, 20_000, 70_000, 200_000] if rng.random() < 0.8 else [1, 511, 512, 513])
    return template.format(
        big=big,
        small=rng.randrange(1, 1000),
        few=rng.randrange(1, 12),
        dtype=rng.choice(["f8", "i1", "c16", "U5", "S3", "M8[s]", "?"]),
        number=rng.choice(["f4", "i8", "u2"]),
    )
