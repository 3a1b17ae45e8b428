"""One run: every library on every case, and the report of it."""

import argparse
import gc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bench import accuracy, machine, promises
from bench.cases import DTYPES, MODES, SHAPES, Case
from bench.peers import PEERS, Calls, UnavailableError
from bench.timing import check, interleaved, median, ratio, truth

Run = dict[str, Any]


def everything(options: argparse.Namespace) -> Run:
    """All that the options ask for, printed as it comes."""
    today = datetime.now(UTC).date().isoformat()
    run: Run = {"date": today, "machine": machine.describe(), "versions": machine.versions()}
    print(sentence(run), flush=True)
    run |= {"rows": [], "absent": [], "ulp": {}}
    dtypes = options.dtype or (DTYPES[:1] if options.quick else DTYPES)
    shapes = [tuple(map(int, text.split("x"))) for text in options.shape or []] or (
        SHAPES[:3] if options.quick else SHAPES
    )
    peers = chosen(options)
    for dtype in dtypes:
        for shape in shapes:
            run["rows"] += case_rows(Case.random(shape, dtype), peers, options.seconds, run)
    run["ulp"] = {dtype: accuracy.worst(dtype, peers) for dtype in dtypes}
    return run


def chosen(options: argparse.Namespace) -> dict[str, Callable[[Case], Calls]]:
    slow_to_start = {"torch.compile"} if options.quick else set()
    wanted = set(options.peer or PEERS) - slow_to_start | {"neglog", "copy"}
    return {name: peer for name, peer in PEERS.items() if name in wanted}


def case_rows(
    case: Case, peers: dict[str, Callable[[Case], Calls]], seconds: float, run: Run
) -> list[Run]:
    """Both modes of one case, every peer's answer checked first."""
    answers, calls = truth(case), {}
    for name, peer in peers.items():
        try:
            calls[name] = peer(case)
        except UnavailableError as reason:
            if str(reason) not in run["absent"]:
                run["absent"].append(str(reason))
                print(f"{name} is left out: {reason}")
            continue
        check(name, case, calls[name], answers)
        gc.collect()
    rows = []
    for mode, index in zip(MODES, (0, 1), strict=True):
        samples = interleaved({name: each[index] for name, each in calls.items()}, seconds)
        rows.append(
            {
                "dtype": case.dtype,
                "shape": case.logits.shape,
                "mode": mode,
                "rounds": len(samples["neglog"]),
                "seconds": {name: median(values) for name, values in samples.items()},
                "ratio": {
                    name: ratio(values, samples["neglog"])
                    for name, values in samples.items()
                    if name != "neglog"
                },
            }
        )
        print(line(rows[-1]), flush=True)
    return rows


def line(row: Run) -> str:
    ours, ratios = row["seconds"]["neglog"], dict(row["ratio"])
    copy = ratios.pop("copy")
    n, classes = row["shape"]
    peers = "  ".join(f"{name} {value:.2f}x" for name, value in ratios.items())
    end = f"  copy {copy:.2f}" if row["mode"] == "forward + gradient" else ""
    return f"{row['dtype']:8} {n:>5} x {classes:<6} {row['mode']:18} {milli(ours)}  {peers}{end}"


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
    print("\nworst error on the hard rows, in ulp of the result: nll / gradient")
    for dtype, peers in run["ulp"].items():
        cells = [
            f"{name} {float(e['nll']):.3g} / {float(e['gradient']):.3g}"
            for name, e in peers.items()
        ]
        print(f"  {dtype:8}  " + "   ".join(cells))
    print("\npromises (tests/budgets.py)")
    for what, shape, wanted, measured, met in promises.verdicts(run):
        size = f"{shape[0]} x {shape[1]}" if shape else ""
        print(f"  {'met   ' if met else 'MISSED'}  {what:42} {size:14} {wanted:10} {measured}")
