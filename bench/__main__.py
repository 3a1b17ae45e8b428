"""`python -m bench`: measures everything, keeps the run if asked. A broken promise ends it with 1.

The last lines name the goals that are not met.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

from bench import machine


def main() -> None:
    options = parser()
    arguments = options.parse_args()
    if arguments.save and arguments.face:
        options.error("--save keeps a run of everything; leave --face out")
    machine.take_cores()
    from bench import documents, lookup, promises, run  # threads start on the cores taken

    arguments.head = given_head(options, arguments)
    started = time.perf_counter()
    result = run.everything(arguments)
    seconds = time.perf_counter() - started
    if arguments.save:
        path = lookup.RESULTS / f"{machine.slug(result['machine'])}.json"
        path.write_text(json.dumps(plain(result), indent=1, allow_nan=False) + "\n")
        print(f"kept as {path.relative_to(Path.cwd())}")
        documents.update()
    print(f"\n{seconds:.0f} s in all")
    run.report(result)
    if broken := promises.missed(promises.promises(result)):
        sys.exit("\n".join(f"promise broken: {run.name(each)}" for each in broken))


def given_head(options: argparse.ArgumentParser, arguments: argparse.Namespace) -> Any:
    """The head in the files, None without files. Files without a head end the program."""
    from bench.head.problem import Head

    files = arguments.head_classes, arguments.head_states
    if files == (None, None):
        return None
    if None in files:
        options.error("--head-classes and --head-states belong together")
    try:
        return Head.read(*files)
    except (OSError, ValueError) as reason:
        options.error(str(reason))


def plain(value: Any) -> Any:
    """JSON without NaN literals, with four significant digits."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else str(value)
    return value


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("--quick", action="store_true", help="float32 and the smaller shapes only")
    options.add_argument(
        "--save", action="store_true", help="keep the run and update the documents"
    )
    options.add_argument(
        "--face", choices=("numpy", "torch", "head", "training"), help="only this part"
    )
    options.add_argument("--dtype", action="append", help="only this dtype (repeatable)")
    options.add_argument("--peer", action="append", help="only this peer, with neglog and copy")
    options.add_argument("--shape", action="append", help="only this shape, as NxV (repeatable)")
    files = {"type": Path, "metavar": "NPZ"}
    options.add_argument("--head-classes", **files, help="a real linear head: classes (V, D)")
    options.add_argument("--head-states", **files, help="hidden (N, D) and target (N,) of it")
    options.add_argument("--seconds", type=float, default=3.0, help="for each case (default 3)")
    return options


if __name__ == "__main__":
    main()
