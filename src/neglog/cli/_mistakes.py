"""What to say if an argument stands where a command is expected but is not one."""

from collections.abc import Collection
from pathlib import Path

EXAMPLES = {
    "demo": "neglog demo",
    "explain": "neglog explain --logits 5,4,2 --target 0",
    "report": "neglog report predictions.csv",
    "check": "neglog check mymodel.losses:cross_entropy",
    "fit": "neglog fit data.csv --target species",
    "predict": "neglog predict model.npz data.csv -o predictions.parquet",
    "exercises": "neglog exercises --notebook exercises.ipynb",
    "likelihood": "neglog explain likelihood --data 1,2,3 --normal orange=1.5,1",
}


def not_a_command(argument: str, commands: Collection[str]) -> str:
    """What was expected, what came, and the command that was probably meant."""
    names = list(commands) if len(commands) > 1 else ["options", *commands]
    expected = f"expected {', '.join(names[:-1])} or {names[-1]},\n  got"
    if _are_numbers(argument):
        meant = f"neglog explain --logits {argument} --target 0"
        return f"{expected} the numbers {argument}\n  to explain them as logits: {meant}"
    if _is_path(argument):
        ways = [f"to explain its first row: neglog explain --row 0 {argument}"]
        if "report" in commands:
            ways.insert(0, f"to report on all of its rows: neglog report {argument}")
        return "\n  ".join([f"{expected} the file {argument}", *ways])
    from difflib import get_close_matches

    near = get_close_matches(argument, commands, n=1)
    word = "did you mean" if near else "for example"
    lines = [f"{word}: {EXAMPLES[name]}" for name in near or commands]
    return "\n  ".join([f"{expected} {argument!r}", *lines])


def _are_numbers(argument: str) -> bool:
    """Whether --logits would take it."""
    try:
        return bool([float(item) for item in argument.split(",")])
    except ValueError:
        return False


def _is_path(argument: str) -> bool:
    path = Path(argument)
    return path.exists() or bool(path.suffix) or len(path.parts) > 1
