"""The words of the tables, in English and in Korean."""

from typing import NamedTuple


class Words(NamedTuple):
    """The words of one language."""

    times: str
    modes: dict[str, str]  # of a row that its shape alone does not name
    copy: str
    torch: str
    compiled: tuple[str, ...]  # the shape, then what each column holds
    memory: str
    errors: str
    head: tuple[str, ...]  # what the columns hold, before the peers
    sources: dict[str, str]  # of the peaked head; "files" for a real one
    head_errors: tuple[str, ...]
    head_memory: str
    training: tuple[str, ...]
    models: dict[str, str]
    summary: tuple[str, ...]
    summary_rows: tuple[str, str, str]  # of a loss, of a head, of a training step
    machine: str
    short_machine: str
    absent: str = "—"


ENGLISH = Words(
    times="float32, {mode}",
    modes={
        "forward": "forward",
        "forward + gradient": "forward + gradient",
        "row_stats + backward": "`row_stats`",
        "loss": "loss alone",
        "row_stats": "`linear_row_stats`",
        "half of the rows ignored": "half of the rows ignored",
    },
    copy="fraction of memcpy speed",
    torch="PyTorch: forward + backward",
    compiled=(
        "inside a compiled step, in ms",
        "neglog.torch",
        "torch.compile",
        "the step without a loss",
    ),
    memory="PyTorch: peak memory above the logits",
    errors="worst error, ulp: nll / gradient",
    head=("linear head: loss + gradients", "module", "time", "time / time of the products"),
    sources={"generated": "a generated head", "files": "a real head"},
    head_errors=(
        "error relative to the norm of the exact gradient",
        "module",
        "hidden",
        "classes",
        "entries kept",
    ),
    head_memory="linear head: peak memory above arguments and gradients",
    training=("training step", "way", "time", "times torch's", "peak memory", "error of the loss"),
    models={"tiny language model": "tiny language model", "Llama": "Llama"},
    summary=(
        "forward + backward",
        "torch",
        "`cross_entropy`",
        "`linear_cross_entropy`",
        "memory: torch / neglog",
        "error, ulp: torch / neglog",
    ),
    summary_rows=("loss, {}", "last layer + loss, {}", "training step, {}"),
    machine="Measured on {cpu}, {threads} threads, instruction set `{instruction_set}`, {system}, "
    "Python {python}, {versions}. `2.0x` means that the library takes twice as long as neglog.",
    short_machine="float32 where nothing else is said; {cpu}, {threads} threads, torch {torch}.",
)
KOREAN = Words(
    times="float32, {mode}",
    modes={
        "forward": "순전파",
        "forward + gradient": "순전파 + 기울기",
        "row_stats + backward": "`row_stats`",
        "loss": "손실만",
        "row_stats": "`linear_row_stats`",
        "half of the rows ignored": "행의 절반은 무시",
    },
    copy="memcpy 속도 대비",
    torch="PyTorch: 순전파 + 역전파",
    compiled=("컴파일된 학습 단계(ms)", "neglog.torch", "torch.compile", "손실을 뺀 단계"),
    memory="PyTorch: 로짓 외 최대 메모리",
    errors="최대 오차(ulp): nll / 기울기",
    head=("선형 헤드: 손실 + 기울기", "모듈", "시간", "행렬 곱 시간 대비"),
    sources={"generated": "생성한 헤드", "files": "실제 헤드"},
    head_errors=("상대 오차(정확한 기울기의 노름 기준)", "모듈", "hidden", "classes", "남긴 원소"),
    head_memory="선형 헤드: 인자와 기울기 외 최대 메모리",
    training=("학습 한 단계", "방법", "시간", "torch 시간 대비", "최대 메모리", "손실 오차"),
    models={"tiny language model": "작은 언어 모델", "Llama": "Llama"},
    summary=(
        "순전파 + 역전파",
        "torch",
        "`cross_entropy`",
        "`linear_cross_entropy`",
        "메모리: torch / neglog",
        "오차(ulp): torch / neglog",
    ),
    summary_rows=("손실, {}", "마지막 층 + 손실, {}", "학습 한 단계, {}"),
    machine="측정 환경: {cpu}, 스레드 {threads}개, 명령어 집합 `{instruction_set}`, {system}, "
    "Python {python}, {versions}. `2.0x`는 neglog보다 두 배 오래 걸린다는 뜻입니다.",
    short_machine="따로 적지 않으면 float32입니다. {cpu}, 스레드 {threads}개, torch {torch}.",
)
