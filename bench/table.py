"""Turns the kept run into the tables of the READMEs: a number stands in bench/results only."""

import json
import re
from typing import Any, NamedTuple

import budgets

from bench import ROOT
from bench.cases import TORCH_MODES, size

RESULTS = ROOT / "bench" / "results"
BLOCK = re.compile(r"(<!-- bench:begin -->\n).*?(<!-- bench:end -->)", re.S)


class Words(NamedTuple):
    """The words of the tables in one language."""

    times: str
    modes: dict[str, str]  # of a row that is not named by its shape alone
    copy: str
    torch: str
    memory: str
    errors: str
    head: tuple[str, ...]  # what the columns hold, before the peers
    sources: dict[str, str]  # of the peaked head; "files" for a real one
    head_errors: tuple[str, ...]
    head_memory: str
    machine: str
    absent: str = "—"


ENGLISH = Words(
    times="float32, {mode}",
    modes={
        "forward": "forward",
        "forward + gradient": "forward + gradient",
        "row_stats + backward": "`row_stats`",
        "loss in a compiled step": "in a compiled step",
        "loss": "loss alone",
        "row_stats": "`linear_row_stats`",
        "half of the rows ignored": "half of the rows ignored",
    },
    copy="part of a copy's speed",
    torch="PyTorch: forward + backward",
    memory="PyTorch: peak memory above the logits",
    errors="worst error, ulp: nll / gradient",
    head=("linear head: loss + gradients", "by", "time", "in times of its matrix products"),
    sources={"generated": "a generated head", "files": "a real head"},
    head_errors=("error in norms of the exact gradient", "by", "hidden", "classes", "entries kept"),
    head_memory="linear head: peak memory above arguments and gradients",
    machine="Measured on {cpu}, {threads} threads, instruction set `{instruction_set}`, {system}, "
    "Python {python}, {versions}. `2.0x` means that the library takes twice as long as neglog.",
)
KOREAN = Words(
    times="float32, {mode}",
    modes={
        "forward": "순전파",
        "forward + gradient": "순전파 + 기울기",
        "row_stats + backward": "`row_stats`",
        "loss in a compiled step": "컴파일된 학습 단계 안에서",
        "loss": "손실만",
        "row_stats": "`linear_row_stats`",
        "half of the rows ignored": "행의 절반을 무시",
    },
    copy="메모리 복사 속도 대비",
    torch="PyTorch: 순전파 + 역전파",
    memory="PyTorch: 로짓을 뺀 최대 메모리",
    errors="최대 오차(ulp): nll / 기울기",
    head=("선형 헤드: 손실 + 기울기", "계산", "시간", "필요한 행렬 곱 시간의 몇 배"),
    sources={"generated": "생성한 헤드", "files": "실제 헤드"},
    head_errors=("정확한 기울기의 노름 대비 오차", "계산", "hidden", "classes", "남긴 원소"),
    head_memory="선형 헤드: 인수와 기울기를 뺀 최대 메모리",
    machine="측정 환경: {cpu}, 스레드 {threads}개, 명령어 집합 `{instruction_set}`, {system}, "
    "Python {python}, {versions}. `2.0x`는 neglog보다 두 배 오래 걸린다는 뜻입니다.",
)
READMES = {"README.md": ENGLISH, "README.ko.md": KOREAN}
HEAD_PEERS = ("torch eager", "torch.compile", "torch chunked")
NO_PEER = {"copy", "bare node"}  # shown apart, or only when the benchmark runs


def kept_run() -> dict[str, Any]:
    """The newest run in bench/results."""
    runs = [json.loads(path.read_text()) for path in RESULTS.glob("*.json")]
    if not runs:
        raise FileNotFoundError("bench/results is empty: `make bench ARGS=--save` fills it")
    return max(runs, key=lambda run: str(run["date"]))


def markdown(run: dict[str, Any], words: Words) -> str:
    """The block between the markers."""
    parts = [times(run, mode, words) for mode in ("forward + gradient", "forward")]
    if found := torch_rows(run):
        parts.append(torch_times(found, words))
    if "memory" in run:
        parts.append(memory(run["memory"], words))
    if "head" in run:
        parts += head(run["head"], words)
    return "\n\n".join([*parts, errors(run, words), machine(run, words)]) + "\n"


def times(run: dict[str, Any], mode: str, words: Words) -> str:
    rows = [row for row in run["rows"] if row["dtype"] == "float32" and row["mode"] == mode]
    peers = [name for name in rows[0]["ratio"] if name not in NO_PEER]
    header = [words.times.format(mode=words.modes[mode]), "neglog", *peers]
    body = [[size(row["shape"]), duration(row), *ratios(row, peers, words)] for row in rows]
    if mode == "forward + gradient":
        header.append(words.copy)
        for cells, row in zip(body, rows, strict=True):
            # A copy of a kilobyte is the time it takes to wake a thread.
            small = tuple(row["shape"]) == budgets.SMALL_CALL
            cells.append(words.absent if small else f"{row['ratio']['copy']:.2f}")
    return grid(header, body)


def torch_rows(run: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the PyTorch face; none where torch is not installed."""
    rows = (row for row in run["rows"] if "neglog.torch" in row["seconds"])
    return [row for row in rows if row["dtype"] in ("float32", "bfloat16")]


def torch_times(rows: list[dict[str, Any]], words: Words) -> str:
    peers = ["torch eager", "torch.compile"]
    body = [[label(row, words), duration(row), *ratios(row, peers, words)] for row in rows]
    return grid([words.torch, "neglog.torch", *peers], body)


def label(row: dict[str, Any], words: Words) -> str:
    """What sets a row apart: its shape, and what is not the rule."""
    dtype = [] if row["dtype"] == "float32" else [row["dtype"]]
    mode = [] if row["mode"] in TORCH_MODES else [words.modes[row["mode"]]]
    return ", ".join([size(row["shape"]), *dtype, *mode])


def ratios(row: dict[str, Any], peers: list[str], words: Words) -> list[str]:
    found = row["ratio"]
    return [f"{found[peer]:.1f}x" if peer in found else words.absent for peer in peers]


def memory(found: dict[str, Any], words: Words) -> str:
    shape, arrays = found["shape"], found["arrays"]
    megabytes = 4 * shape[0] * shape[1] / 2**20
    cells = [f"{count:.2f} x {megabytes:.0f} MiB" for count in arrays.values()]
    return grid([words.memory, *arrays], [[size(shape), *cells]])


def head(found: dict[str, Any], words: Words) -> list[str]:
    """Times, errors with a tolerance, and memory of the linear head."""
    source = words.sources.get(found["source"], words.sources["files"])
    parts = [head_times(found["rows"], source, words)]
    body = [
        [
            f"`{mode}`, {source}",
            face,
            f"{error['hidden']:.1e}",
            f"{error['classes']:.1e}",
            f"{error['kept']:.2%}",
        ]
        for face, modes in found["errors"].items()
        for mode, error in modes.items()
    ]
    if body:
        parts.append(grid([*words.head_errors], body))
    if found["memory"]:
        parts.append(head_memory(found["memory"], words))
    return parts


def head_times(rows: list[dict[str, Any]], source: str, words: Words) -> str:
    peers = [name for name in HEAD_PEERS if any(name in row["ratio"] for row in rows)]
    body = []
    for row in rows:
        cells = [head_label(row, source, words), next(iter(row["seconds"])), duration(row)]
        part = f"{1 / row['ratio']['products']:.2f}"
        body.append([*cells, part, *ratios(row, peers, words)])
    return grid([*words.head, *peers], body)


def head_label(row: dict[str, Any], source: str, words: Words) -> str:
    """What sets a row apart; those with a tolerance are measured on a peaked head."""
    mode, parts = row["mode"], [size(row["shape"])]
    if row["dtype"] != "float32":
        parts.append(row["dtype"])
    if mode.startswith("grad_tolerance"):
        parts += [source, f"`{mode}`"]
    elif mode in words.modes:
        parts.append(words.modes[mode])
    return ", ".join(parts)


def head_memory(measured: list[dict[str, Any]], words: Words) -> str:
    names = list(measured[0]["bytes"])
    body = []
    for each in measured:
        taken = {name: f"{count / 2**20:.0f} MiB" for name, count in each["bytes"].items()}
        body.append([size(each["shape"]), *(taken.get(name, words.absent) for name in names)])
    return grid([words.head_memory, *names], body)


def errors(run: dict[str, Any], words: Words) -> str:
    peers = list(next(iter(run["ulp"].values())))
    body = [
        [dtype, *(pair(found[peer]) if peer in found else words.absent for peer in peers)]
        for dtype, found in run["ulp"].items()
    ]
    return grid([words.errors, *peers], body)


def machine(run: dict[str, Any], words: Words) -> str:
    versions = ", ".join(f"{name} {value}" for name, value in run["versions"].items())
    return words.machine.format(**run["machine"], versions=versions)


def duration(row: dict[str, Any]) -> str:
    seconds = next(iter(row["seconds"].values()))  # ours
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def pair(error: dict[str, Any]) -> str:
    return f"{amount(float(error['nll']))} / {amount(float(error['gradient']))}"


def amount(value: float) -> str:
    """2 for what matters between 0 and 10, then the size only: 0.52, 37, 1e+06."""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}" if value < 1e4 else f"{value:.0e}"


def grid(header: list[str], body: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *body])


def updated(text: str, run: dict[str, Any], words: Words) -> str:
    """The text with its block written anew."""
    new, count = BLOCK.subn(lambda found: found[1] + markdown(run, words) + found[2], text)
    if count != 1:
        raise ValueError(f"expected one pair of bench markers, found {count}")
    return new


def update_readmes() -> None:
    for name, words in READMES.items():
        path = ROOT / name
        path.write_text(updated(path.read_text(encoding="utf-8"), kept_run(), words), "utf-8")
        print(f"wrote the tables of {name}")


if __name__ == "__main__":
    update_readmes()
