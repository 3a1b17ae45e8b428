"""One run: every library on every case, and the report of it."""

import argparse
import gc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import budgets

from bench import accuracy, divisors, head, machine, memory, promises, torch_face, training
from bench.cases import DTYPES, MODES, SEGMENTATION, SHAPES, TORCH_MODES, Case, size
from bench.head import memory as head_memory
from bench.head.problem import GENERATED
from bench.lookup import Run, amount, duration, mebibytes
from bench.peers import PEERS, Calls, UnavailableError
from bench.timing import Row, check, interleaved, row, truth

Peers = dict[str, Callable[[Case], Calls]]
ALWAYS = {"neglog", "copy", "neglog.torch", "bare node"}  # also where --peer names others
SLOW_TO_START = {"torch.compile"}


def everything(options: argparse.Namespace) -> Run:
    """All that the options ask for, printed as it is measured."""
    today = datetime.now(UTC).date().isoformat()
    run: Run = {"date": today, "machine": machine.describe(), "versions": machine.versions()}
    print(sentence(run), flush=True)
    run |= {"rows": [], "absent": [], "ulp": {}}
    everything_else = not (options.face or options.quick or options.shape)
    if options.face not in ("head", "training"):
        losses(options, run)
    if options.face == "head" or everything_else:
        linear_head(options, run)
    if options.face == "training" or everything_else:
        training_steps(options, run)
    return run


def losses(options: argparse.Namespace, run: Run) -> None:
    """Logits in, loss and gradient out."""
    for dtype, shape in problems(options):
        one_case(Case.random(shape, dtype), options, run)
    if options.face != "numpy" and not options.quick and not options.shape:
        torch_only(options.seconds, run)
    for dtype in options.dtype or (DTYPES[:1] if options.quick else (*DTYPES, "float16")):
        run["ulp"][dtype] = accuracy.worst(dtype, chosen(exact_peers(options, dtype), options))


def problems(options: argparse.Namespace) -> list[tuple[str, tuple[int, ...]]]:
    """Every dtype and shape that the options ask for."""
    shapes: Any = [tuple(map(int, text.split("x"))) for text in options.shape or []]
    if not shapes:
        pixels = () if options.face == "numpy" else (SEGMENTATION,)
        shapes = SHAPES[:3] if options.quick else (*SHAPES, *pixels)
    dtypes = options.dtype or (DTYPES[:1] if options.quick else DTYPES)
    return [(dtype, shape) for dtype in dtypes for shape in shapes]


def one_case(case: Case, options: argparse.Namespace, run: Run) -> None:
    """The rows of every face, each answer checked first."""
    answers = truth(case)
    for modes, peers in faces(case.logits.shape, options):
        calls = checked(case, chosen(peers, options), answers, run)
        for mode, call in modes.items() if calls else ():
            timed = {name: getattr(each, call) for name, each in calls.items()}
            samples = interleaved(timed, options.seconds)
            keep(row(case.dtype, case.logits.shape, mode, samples), run)


def faces(
    shape: tuple[int, ...], options: argparse.Namespace
) -> Iterator[tuple[dict[str, str], Peers]]:
    """Each face that is asked for: its modes and its peers."""
    if options.face != "torch" and len(shape) == 2:
        yield MODES, PEERS
    if options.face != "numpy":
        yield TORCH_MODES, torch_face.steps(shape)


def exact_peers(options: argparse.Namespace, dtype: str) -> Peers:
    """The peers whose errors are measured; each hard row is compiled anew, so in float32 only."""
    ours = {} if options.face == "numpy" else torch_face.ACCURATE
    peers = ours if options.face == "torch" else PEERS | ours
    left_out = set() if dtype == "float32" else SLOW_TO_START
    return {name: peer for name, peer in peers.items() if name not in left_out}


def chosen(peers: Peers, options: argparse.Namespace) -> Peers:
    left_out = SLOW_TO_START if options.quick else set()
    wanted = set(options.peer or peers) - left_out | ALWAYS
    return {name: peer for name, peer in peers.items() if name in wanted}


def checked(case: Case, peers: Peers, answers: Any, run: Run) -> dict[str, Calls]:
    """The peers that can do this case; a wrong answer raises."""
    calls = {}
    for name, peer in peers.items():
        try:
            calls[name] = peer(case)
        except UnavailableError as reason:
            leave_out(name, reason, run)
            continue
        check(name, case, calls[name], answers)
        gc.collect()
    return calls


def leave_out(name: str, reason: UnavailableError, run: Run) -> None:
    if str(reason) not in run["absent"]:
        run["absent"].append(str(reason))
        print(f"{name} is left out: {reason}")


def torch_only(seconds: float, run: Run) -> None:
    """What only the PyTorch face measures."""
    shape = budgets.TORCH_MEMORY.shape
    try:
        keep(torch_face.stats_row(seconds), run)
        keep(torch_face.compiled_row(seconds), run)
        for each in divisors.rows(min(seconds, 2.0)):
            keep(each, run)
        arrays = {name: memory.above_logits(name, shape) for name in torch_face.ACCURATE}
        run["memory"] = {"dtype": "float32", "shape": shape, "arrays": arrays}
    except UnavailableError as reason:
        leave_out("neglog.torch", reason, run)


def linear_head(options: argparse.Namespace, run: Run) -> None:
    """The linear layer in front of the loss, in both faces."""
    source = options.head.source if options.head else GENERATED
    found = run["head"] = {"source": source, "rows": [], "errors": {}, "memory": []}
    print(f"\nlinear head, rows x width x classes; with grad_tolerance: {source}")
    for each in head.rows(options, found["errors"], partial(leave_out, run=run)):
        found["rows"].append(each)
        print(head_line(each), flush=True)
    if not options.quick and "float32" in (options.dtype or DTYPES):
        found["memory"] = head_memory.everything(partial(leave_out, run=run))


def training_steps(options: argparse.Namespace, run: Run) -> None:
    """Whole training steps in PyTorch."""
    print("\ntraining steps, sequences x tokens x classes")
    run["training"] = []
    for each in training.rows(options, partial(leave_out, run=run)):
        run["training"].append(each)
        print(training_line(each), flush=True)


def keep(found: Row, run: Run) -> None:
    run["rows"].append(found)
    print(line(found), flush=True)


def line(row: Row) -> str:
    ratios, ours = dict(row["ratio"]), next(iter(row["seconds"].values()))
    copy = ratios.pop("copy", None)
    peers = "  ".join(f"{name} {value:.2f}x" for name, value in ratios.items())
    end = f"  copy {copy:.2f}" if copy and row["mode"] == "forward + gradient" else ""
    return f"{row['dtype']:8} {size(row['shape']):18} {row['mode']:23} {milli(ours)}  {peers}{end}"


def head_line(row: Row) -> str:
    ratios, (face, ours) = dict(row["ratio"]), next(iter(row["seconds"].items()))
    part = f"{1 / ratios.pop('products'):.2f} x its products"
    peers = "  ".join(f"{name} {value:.2f}x" for name, value in ratios.items())
    where = f"{row['dtype']:8} {size(row['shape']):18} {face:12} {row['mode']:24}"
    return f"{where} {milli(ours)}  {part}  {peers}"


def training_line(row: Row) -> str:
    cells = [
        f"{route} {duration(seconds)}, {amount(row['ulp'][route])} ulp"
        + (f", {mebibytes(row['bytes'][route])}" if row["bytes"] else "")
        for route, seconds in row["seconds"].items()
    ]
    return f"{row['dtype']:8} {size(row['shape']):18} {row['mode']:20} " + "   ".join(cells)


def milli(seconds: float) -> str:
    return f"{seconds * 1e6:7.2f} us" if seconds < 1e-3 else f"{seconds * 1e3:7.2f} ms"


def sentence(run: Run) -> str:
    """The machine and the versions in two lines."""
    m, v = run["machine"], run["versions"]
    where = f"{m['cpu']}, {m['threads']} threads, instruction set {m['instruction_set']}"
    return f"{where}, {m['system']}\nPython {m['python']}, " + ", ".join(
        f"{name} {version}" for name, version in v.items()
    )


def report(run: Run) -> None:
    if run["ulp"]:
        print("\nworst error on the hard rows, in ulp of the result: nll / gradient")
    for dtype, peers in run["ulp"].items():
        cells = [
            f"{name} {float(e['nll']):.3g} / {float(e['gradient']):.3g}"
            for name, e in peers.items()
        ]
        print(f"  {dtype:8}  " + "   ".join(cells))
    if "memory" in run:
        found = run["memory"]
        print(f"\npeak memory above the logits, in arrays of their size, {size(found['shape'])}")
        print("  " + "   ".join(f"{name} {got:.2f}" for name, got in found["arrays"].items()))
    if "head" in run:
        report_head(run["head"])
    show("promises (tests/budgets.py)", promises.promises(run), "MISSED")
    goals = promises.goals(run)
    show("goals (tests/budgets.py)", goals, "not yet")
    for verdict in promises.missed(goals):
        print(f"goal not met: {name(verdict)}: {verdict.measured}, {verdict.wanted} is the goal")


def show(title: str, verdicts: list[promises.Verdict], missed: str) -> None:
    print(f"\n{title}")
    for verdict in verdicts:
        mark = "met" if verdict.met else missed
        print(f"  {mark:8} {name(verdict):84} {verdict.wanted:12} {verdict.measured}")


def name(verdict: promises.Verdict) -> str:
    return verdict.what + (f", {size(verdict.shape)}" if verdict.shape else "")


def report_head(found: dict[str, Any]) -> None:
    print(f"\nerror of the gradients, in their norms: dhidden / dclasses ({found['source']})")
    for face, modes in found["errors"].items():
        for mode, e in modes.items():
            errors = f"{e['hidden']:.1e} / {e['classes']:.1e}"
            print(f"  {face:12}  {mode:22}  {errors}, {e['kept']:.2%} of the entries kept")
    for each in found["memory"]:
        cells = [f"{name} {count / 2**20:.1f}" for name, count in each["bytes"].items()]
        print(f"peak memory above arguments and gradients, MiB, {size(each['shape'])}")
        print("  " + "   ".join(cells))
