"""The exercises of the tutorial: what each asks, in both languages, and what a reader starts from.

Long because it is a table of texts. tests/docs/test_tasks.py holds it equal to the chapters.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One exercise.

    Attributes:
        check: the name of the function that judges the answer.
        start: the first line of what the reader writes: a def, a class, or a value to fill in.
        en: what is asked, in English.
        ko: the same in Korean.
    """

    check: str
    start: str
    en: str
    ko: str

    @property
    def answer(self) -> str:
        """What is written, as a call: `softmax(z)`, `Layer`, `temperature`."""
        return self.start.removeprefix("def ").removeprefix("class ").split(" =")[0].rstrip(":")

    @property
    def name(self) -> str:
        """The name of the answer alone."""
        return self.answer.split("(")[0]


@dataclass(frozen=True)
class Chapter:
    """A chapter's title in both languages, and its exercises."""

    en: str
    ko: str
    tasks: tuple[Task, ...]


CHAPTERS = (
    Chapter(
        "1. Softmax: from scores to probabilities",
        "1. 소프트맥스: 점수에서 확률로",
        (
            Task(
                "check_softmax",
                "def softmax(z):",
                "Write `softmax(z)` for one row `z`, a NumPy array.",
                "NumPy 배열인 한 행 `z`를 받는 `softmax(z)`를 작성하세요.",
            ),
            Task(
                "check_stable_softmax",
                "def stable_softmax(z):",
                "Now make it work for `[1000, 999, 997]`, and for `[-1000, -1001]`, where every "
                "exponential is 0.",
                "이번에는 `[1000, 999, 997]`에서도, 모든 지수함수 값이 0이 되는 `[-1000, "
                "-1001]`에서도 답이 나오게 해 보세요.",
            ),
            Task(
                "check_temperature",
                "temperature = None",
                "At which temperature do the logits 5, 4, 2 make the cat exactly ten times as "
                "probable as the dog? Four digits are enough.",
                "로짓 5, 4, 2에서 고양이의 확률이 개의 정확히 열 배가 되는 온도는 얼마일까요? "
                "네 자리면 충분합니다.",
            ),
        ),
    ),
    Chapter(
        "2. Unhappiness: the price of a probability",
        "2. 불행: 확률에 매기는 값",
        (
            Task(
                "check_unhappiness",
                "def unhappiness(probabilities, target):",
                "Write `unhappiness(probabilities, target)`, the loss of one row of probabilities.",
                "확률 한 행의 손실을 구하는 `unhappiness(probabilities, target)`를 작성하세요.",
            ),
            Task(
                "check_clueless",
                "def clueless(number_of_classes):",
                "Write `clueless(number_of_classes)`: the loss of a model that gives every "
                "class the same probability.",
                "모든 클래스가 똑같이 그럴듯하다고 보는 모델의 손실 "
                "`clueless(number_of_classes)`를 작성하세요.",
            ),
            Task(
                "check_typical_probability",
                "def typical(probabilities):",
                "Write `typical(probabilities)`: given the target's probability in each row, "
                "compute the mean loss and turn it back into a probability.",
                "`typical(probabilities)`을 작성하세요. 몇 행의 정답 확률을 받아 평균 손실을 "
                "구하고, 그것을 다시 확률 하나로 되돌립니다. 보통의 평균이 아닙니다.",
            ),
        ),
    ),
    Chapter(
        "3. Two methods, and what PyTorch does",
        "3. 두 가지 방법, 그리고 PyTorch가 하는 일",
        (
            Task(
                "check_blind_row",
                "row = None",
                "Find a row that fools method 1: logits and a target for which method 1 is "
                "below 0.01 and the loss is above 5. Pass them as a pair.",
                "방법 1을 속이는 행을 찾으세요. 방법 1은 0.01보다 작고 손실은 5보다 큰 로짓과 "
                "정답의 쌍을 주면 됩니다.",
            ),
            Task(
                "check_method_2",
                "def method_2(logits, target):",
                "Write `method_2(logits, target)` for one row of moderate logits.",
                "적당한 크기의 로짓 한 행을 받는 `method_2(logits, target)`를 작성하세요.",
            ),
            Task(
                "check_no_epsilon",
                "def loss(logits, target):",
                "Write `loss(logits, target)` for one row, without an epsilon, without a cap "
                "and without calling neglog.",
                "한 행의 `loss(logits, target)`를 엡실론 없이, 뚜껑 없이, neglog를 부르지 않고 "
                "작성하세요.",
            ),
        ),
    ),
    Chapter(
        "4. The gradient: p - y",
        "4. 기울기: p - y",
        (
            Task(
                "check_gradient",
                "def gradient(logits, target):",
                "Write `gradient(logits, target)` for one row.",
                "한 행의 `gradient(logits, target)`를 작성하세요.",
            ),
            Task(
                "check_jacobian",
                "def jacobian(logits):",
                "Write `jacobian(logits)`, the table of all $\\partial p_i / \\partial z_j$, with "
                "both cases.",
                "두 경우를 모두 담은 $\\partial p_i / \\partial z_j$의 행렬을 구하는 "
                "`jacobian(logits)`을 작성하세요.",
            ),
            Task(
                "check_dead_row",
                "dead_row = None",
                "Class 0 is the target. Find logits for which $p_0$ is below 0.01, and yet no "
                "entry of the squared error's gradient exceeds $10^{-6}$. (The number of "
                "classes is up to you.)",
                "정답이 클래스 0이고 $p_0$이 0.01보다 작은데도, 소프트맥스 뒤의 제곱 오차가 "
                "어느 로짓도 $10^{-6}$ 넘게 당기지 않는 로짓을 찾으세요. (클래스 수는 "
                "마음대로입니다.)",
            ),
        ),
    ),
    Chapter(
        "5. The Softmax-with-Loss layer",
        "5. Softmax-with-Loss 계층",
        (
            Task(
                "check_batch_gradient",
                "def batch_gradient(logits, target):",
                "Write `batch_gradient(logits, target)` for logits (N, V), targets (N,), and "
                "the mean loss.",
                "로짓 (N, V), 정답 (N,), 평균 손실에 대한 `batch_gradient(logits, target)`를 "
                "작성하세요.",
            ),
            Task(
                "check_linear_backward",
                "def dW(x, dz):",
                "For $z = xW + b$ write `dW(x, dz)`: the gradient with respect to W, given the "
                "gradient `dz` with respect to z.",
                "$z = xW + b$에서 z의 기울기가 `dz`일 때 W의 기울기 `dW(x, dz)`를 작성하세요.",
            ),
            Task(
                "check_layer",
                "class Layer:",
                "Write a class with `forward(logits, target)` and `backward(dout=1.0)`, for "
                "batches. It must handle logits of 1000, and must not change the caller's "
                "logits.",
                "배치를 받는 `forward(logits, target)`와 `backward(dout=1.0)`가 있는 클래스를 "
                "작성하세요. 로짓이 1000이어도 괜찮아야 하고, 호출한 쪽의 로짓을 바꾸면 안 "
                "됩니다.",
            ),
            Task(
                "check_loss",
                "def loss(logits, target):",
                "Write the loss itself, `loss(logits, target)`, and let `check_loss` say what "
                "is left.",
                "손실 `loss(logits, target)`을 직접 쓰고, 무엇이 남았는지 `check_loss`에게 "
                "물어보세요.",
            ),
        ),
    ),
    Chapter(
        "6. Likelihood: the same number, read the other way",
        "6. 가능도: 같은 숫자를 거꾸로 읽기",
        (
            Task(
                "check_likelihood",
                "def likelihood(p, tosses):",
                "Write the likelihood of a coin.",
                "동전의 가능도를 구하는 함수를 작성하세요.",
            ),
            Task(
                "check_log_likelihood",
                "def log_likelihood(data, mean, sd):",
                "Write the log-likelihood of a normal distribution. It must work for thousands "
                "of points, and for a point that is 100 standard deviations away.",
                "정규분포의 로그가능도를 구하는 함수를 작성하세요. 점이 수천 개여도, 표준편차의 "
                "100배만큼 떨어진 점이 있어도 답이 나와야 합니다.",
            ),
            Task(
                "check_best_normal",
                "def best_normal(data):",
                "Which mean and which standard deviation make the data most probable? Return both.",
                "어떤 평균과 표준편차일 때 데이터의 가능도가 가장 클까요? 둘을 함께 돌려주는 "
                "함수를 작성하세요.",
            ),
        ),
    ),
    Chapter(
        "7. Cross-entropy: from yes or no to many classes",
        "7. 교차 엔트로피: 예/아니요에서 여러 클래스로",
        (
            Task(
                "check_binary_log_likelihood",
                "def binary(y_pred, y):",
                "Write the log-likelihood of yes-or-no answers. It must not fail for a model "
                "that is certain and right.",
                "예/아니요 답의 로그가능도를 구하는 함수를 작성하세요. 완전히 확신하며 맞힌 "
                "모델에서도 답이 나와야 합니다.",
            ),
            Task(
                "check_cross_entropy",
                "def cross_entropy(t, q):",
                "Write the cross-entropy of two distributions, in nats.",
                "두 분포의 교차 엔트로피를 내트로 구하는 함수를 작성하세요.",
            ),
            Task(
                "check_kl_divergence",
                "def divergence(t, q):",
                "Write the divergence: what does it cost to use q when t is true?",
                "발산을 구하는 함수를 작성하세요. t 대신 q를 쓰면 얼마나 손해일까요?",
            ),
        ),
    ),
    Chapter(
        "8. The same thing three times: NLL, cross-entropy, maximum likelihood",
        "8. 이름은 셋, 숫자는 하나: NLL, 교차 엔트로피, 최대가능도",
        (
            Task(
                "check_log_probs",
                "def log_probs(logits):",
                "What is the input of an NLLLoss? Write the function that computes it from "
                "logits, including large ones.",
                "NLLLoss에는 무엇을 넣어야 할까요? 로짓에서 그것을 만드는 함수를 작성하세요. 큰 "
                "로짓에서도 답이 나와야 합니다.",
            ),
            Task(
                "check_mean_nll",
                "def mean_nll(logits, target):",
                "Write the cross-entropy of a batch: logits in, one number out.",
                "배치의 로짓에서 교차 엔트로피 하나를 구하는 함수를 직접 작성하세요.",
            ),
            Task(
                "check_equivalents",
                "letters = None",
                'Which of these have the same solution as "maximise Λ"? A maximise log Λ, B '
                "minimise −log Λ, C minimise log(−Λ), D minimise −Λ, E minimise log Λ, F "
                "minimise −(log Λ)/N. Give the letters as one word.",
                '다음 가운데 "Λ를 최대화"와 해가 같은 것은 무엇일까요? A log Λ를 최대화, B −log '
                "Λ를 최소화, C log(−Λ)를 최소화, D −Λ를 최소화, E log Λ를 최소화, F −(log "
                "Λ)/N을 최소화. 고른 글자를 이어서 쓰세요.",
            ),
        ),
    ),
    Chapter(
        "9. Training: walking downhill",
        "9. 학습: 내리막 걷기",
        (
            Task(
                "check_descend",
                "def descend(gradient, start, rate, steps):",
                "Write gradient descent: `steps` steps from `start`.",
                "경사하강법을 작성하세요. `start`에서 시작해 `steps`걸음을 걷습니다.",
            ),
            Task(
                "check_total_loss",
                "def total(logits, target, W, l2):",
                "Write the total loss: the mean nll, plus l2/2 times the sum of the squared "
                "weights.",
                "Total Loss를 작성하세요. 가중치 제곱의 합에 l2/2를 곱해 평균 nll에 더합니다.",
            ),
            Task(
                "check_mini_batches",
                "def batches(rows, size, rng):",
                "Write the batches of one epoch, as a list of index arrays. `rng` is a NumPy "
                "generator. The last batch may be smaller.",
                "한 에폭의 배치를 인덱스 배열의 리스트로 만드는 함수를 작성하세요. `rng`는 "
                "NumPy의 난수 생성기입니다. 마지막 배치는 더 작아도 됩니다.",
            ),
        ),
    ),
    Chapter(
        "10. Numerics: a ladder of six rungs",
        "10. 수치 계산: 여섯 칸짜리 사다리",
        (
            Task(
                "check_logsumexp",
                "def logsumexp(logits):",
                "Write `logsumexp(logits)` so that it never overflows.",
                "오버플로가 일어나지 않는 `logsumexp(logits)`를 작성해 보세요.",
            ),
            Task(
                "check_confident_nll",
                "def nll(logits, target):",
                "Write `nll(logits, target)` in float64, right to six digits in every row, "
                "including the most confident one.",
                "가장 확신하는 행까지 포함해 모든 행에서 여섯 자리가 맞는 `nll(logits, "
                "target)`을 float64로 작성해 보세요.",
            ),
            Task(
                "check_streamed",
                "def in_chunks(chunks):",
                "Write `logsumexp` again, for chunks that arrive one at a time and can be read "
                "only once.",
                "`logsumexp`를 한 번 더 작성해 보세요. 이번에는 조각이 하나씩 들어오고, 지나간 "
                "조각은 다시 읽을 수 없습니다.",
            ),
        ),
    ),
)
