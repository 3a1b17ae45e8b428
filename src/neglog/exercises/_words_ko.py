"""What the checks say, in Korean, by the English sentence that stands in the code.

Numbers and names come from the answer, so no particle follows them whose form depends on the last
letter.

Long because it is a table.
"""

WORDS = {
    # --- 판정
    "right": "맞음",
    "not yet": "아직",
    "one number": "수 하나",
    "an array of shape {shape}": "모양이 {shape}인 배열",
    "it is {x}": "답은 {x}입니다.",
    "{answer} is not a number; {hint}": "답한 것이 수가 아닙니다: {answer}. {hint}",
    "{answer} is not right; {hint}": "답한 값은 {answer}입니다. {hint}",
    "{answer} is not one of {words}": "{answer}: 고를 수 있는 말은 {words}입니다.",
    "you gave {got}, expected {wanted}": "받은 것: {got}. 필요한 것: {wanted}.",
    "pass the function itself, f({names}), without calling it": (
        "함수를 부르지 말고 함수 f({names}) 자체를 넣어 주세요."
    ),
    "your function agrees on {n} inputs": "입력 {n}개에서 모두 맞는 함수입니다.",
    "for {call} your function {problem}": "{call}일 때 {problem}",
    "gave {got}, expected {wanted}": "함수의 결과: {got}. 필요한 것: {wanted}.",
    "gave {got}; {hint}": "함수의 결과는 {got}입니다. {hint}",
    "gave {got}, which is not a number": "함수의 결과가 수가 아닙니다: {got}",
    "returned None: is a return missing?": (
        "함수가 None을 돌려주었습니다. return을 빠뜨리지 않았나요?"
    ),
    "raised {kind}: {error}": "함수에서 예외가 났습니다. {kind}: {error}",
    # --- 1장
    "some entry is not a finite number; what did exp return?": (
        "유한하지 않은 값이 있습니다. exp가 무엇을 돌려주었나요?"
    ),
    "a probability is never negative; neither is an exponential": (
        "확률은 음수가 될 수 없습니다. 지수함수의 값도 그렇습니다."
    ),
    "the sum is {total}; probabilities sum to 1": "합이 {total}인데, 확률의 합은 1입니다.",
    "the order of the classes has changed": "클래스의 순서가 바뀌었습니다.",
    "the sum is 1, but the ratio of two classes must be exp(difference of their logits)": (
        "합은 1이지만, 두 클래스의 비가 exp(로짓의 차이)여야 합니다."
    ),
    "exp left the range of float64; which constant could be subtracted from z first?": (
        "exp가 float64의 범위를 벗어났습니다. z에서 어떤 상수를 먼저 빼면 될까요?"
    ),
    "the ratio of two probabilities is exp(difference of their logits / T)": (
        "두 확률의 비는 exp(로짓의 차이 / T)입니다."
    ),
    # --- 2장
    "the loss of a probability is never negative": "확률의 손실은 음수가 될 수 없습니다.",
    "that is the loss of the most probable class; which class is the target?": (
        "가장 그럴듯한 클래스의 손실입니다. 정답은 어느 클래스인가요?"
    ),
    "that is the logarithm to base 10; the loss is in nats, with base e": (
        "밑이 10인 로그입니다. 손실은 밑이 e인 로그, 곧 내트로 잽니다."
    ),
    "that is the logarithm to base 2; the loss is in nats, with base e": (
        "밑이 2인 로그입니다. 손실은 밑이 e인 로그, 곧 내트로 잽니다."
    ),
    "only one entry of the probabilities counts": "확률 가운데 하나만 셈에 들어갑니다.",
    "which probability does each class have, including the target?": (
        "정답을 비롯한 모든 클래스의 확률은 얼마인가요?"
    ),
    "that is the mean of the probabilities; take the mean of the losses": (
        "확률을 평균했습니다. 평균할 것은 손실입니다."
    ),
    "that is the mean loss; now undo the -log": "평균 손실까지 왔습니다. 이제 -log를 되돌리세요.",
    "first the loss of each row, then the mean, then back to a probability": (
        "먼저 행마다 손실을 구하고, 평균한 다음, 다시 확률로 되돌립니다."
    ),
    # --- 3장
    "pass a pair (logits, target); {answer} raised: {error}": (
        "(로짓, 정답)의 쌍을 넣어 주세요. {answer}에서 난 예외: {error}"
    ),
    "expected one row of logits, not an array of shape {shape}": (
        "로짓 한 행이 필요한데, 모양이 {shape}인 배열을 받았습니다."
    ),
    "method 1 is {first}, the loss is {loss}": "방법 1은 {first}, 손실은 {loss}입니다.",
    "{numbers}; make the model more confident in its favourite": (
        "{numbers} 모델이 자기가 고른 클래스를 더 확신하게 해 보세요."
    ),
    "{numbers}; which target would make the loss large?": (
        "{numbers} 어느 클래스가 정답이면 손실이 커질까요?"
    ),
    "{numbers}; the model is sure and wrong, and method 1 does not notice": (
        "{numbers} 모델은 확신하며 틀렸는데, 방법 1은 알아채지 못합니다."
    ),
    "that is only the target's term; the other classes contribute too": (
        "정답의 항만 있습니다. 나머지 클래스의 항도 더해야 합니다."
    ),
    "the target is counted twice: leave it out of the sum over the others": (
        "정답을 두 번 셌습니다. 나머지의 합에서는 빼세요."
    ),
    "the others should be improbable: their term is not -log p_j": (
        "나머지 클래스는 확률이 작아야 합니다. 그 항은 -log p_j가 아닙니다."
    ),
    "add -log p for the target and -log(1 - p) for each of the others": (
        "정답의 -log p에 나머지 클래스마다 -log(1 - p)를 더하세요."
    ),
    "a probability became 0 (or an exp overflowed) before the log; work with logits": (
        "로그를 취하기 전에 확률이 0이 되었거나 exp에서 오버플로가 났습니다. 로짓으로 계산하세요."
    ),
    "the loss is negative: is there an epsilon in the logarithm?": (
        "손실이 음수입니다. 로그 안에 엡실론이 들어 있지 않나요?"
    ),
    "the loss should be {loss}: something caps it": (
        "손실은 {loss}여야 합니다. 무언가가 위를 막고 있습니다."
    ),
    "close, but digits are missing; use log p_y = z_y - log sum exp(z), without epsilon": (
        "거의 맞지만 자릿수가 모자랍니다. 엡실론 없이 log p_y = z_y - log sum exp(z)를 쓰세요."
    ),
    # --- 4장
    "the sign is reversed: the loss falls against the gradient": (
        "부호가 반대입니다. 손실은 기울기의 반대쪽으로 갈 때 줄어듭니다."
    ),
    "these are the probabilities; subtract something from one entry": (
        "이것은 확률입니다. 한 자리에서 무언가를 빼야 합니다."
    ),
    "the sum is {total}; it should be 0: what the target gains, the others lose": (
        "합이 {total}인데, 0이어야 합니다. 정답이 얻는 만큼 나머지가 잃습니다."
    ),
    "compare with (loss(z + h) - loss(z - h)) / 2h for each logit in turn": (
        "로짓 하나하나마다 (loss(z + h) - loss(z - h)) / 2h와 견주어 보세요."
    ),
    "the diagonal is wrong: that is the case i = j": "대각선이 틀렸습니다. i = j인 경우입니다.",
    "the diagonal is right; the case i != j is not": (
        "대각선은 맞습니다. i와 j가 다른 경우가 틀렸습니다."
    ),
    "pass one row of logits; {answer} raised: {error}": (
        "로짓 한 행을 넣어 주세요. {answer}에서 난 예외: {error}"
    ),
    "expected one row of two or more finite logits, not {answer}": (
        "유한한 로짓이 둘 이상인 행 하나가 필요합니다. 받은 것: {answer}"
    ),
    "p of class 0 is {p}, the largest pull of the squared error is {pull}": (
        "클래스 0의 p는 {p}, 제곱 오차가 가장 세게 당기는 힘은 {pull}입니다."
    ),
    "{numbers}; the model must be wrong: p of class 0 below 0.01": (
        "{numbers} 모델이 틀려야 합니다. 클래스 0의 p가 0.01보다 작아야 합니다."
    ),
    "{numbers}; the more confident the mistake, the smaller p (1 - p)": (
        "{numbers} 확신하며 틀릴수록 p (1 - p)가 작아집니다."
    ),
    "{numbers}; p - y still pulls with {pull}": (
        "{numbers} p - y가 당기는 힘은 여전히 {pull}입니다."
    ),
    # --- 5장
    "this is right for the sum of the losses; the mean needs one more step": (
        "손실의 합이라면 맞습니다. 평균이 되려면 한 단계가 더 필요합니다."
    ),
    "each row should sum to 0; is 1 subtracted once in every row, at its own target?": (
        "행마다 합이 0이어야 합니다. 행마다 한 번씩, 그 행의 정답 자리에서 1을 뺐나요?"
    ),
    "each row is its probabilities minus its one-hot target, and the loss is a mean": (
        "각 행은 확률에서 원-핫 정답을 뺀 값이고, 손실은 평균입니다."
    ),
    "dW has the shape of W, and every row of the batch adds its part to it": (
        "dW의 모양은 W의 모양과 같고, 배치의 모든 행이 제 몫을 보탭니다."
    ),
    "your layer raised {kind}: {error}": "층에서 예외가 났습니다. {kind}: {error}",
    "forward should return the mean loss, also at 1000": (
        "forward는 로짓이 1000일 때도 평균 손실을 돌려주어야 합니다."
    ),
    "backward should return (p - y) / N": "backward는 (p - y) / N을 돌려주어야 합니다.",
    "backward(3.0) should be 3 times backward()": "backward(3.0)은 backward()의 3배여야 합니다.",
    "your layer overwrote the caller's logits; make a copy": (
        "층이 부른 쪽의 로짓을 덮어썼습니다. 복사해서 쓰세요."
    ),
    "loss and gradient agree on 3 batches": "배치 3개에서 손실과 기울기가 모두 맞습니다.",
    # --- 6장
    "a probability is never above 1: multiply the tosses' factors instead of adding them": (
        "확률은 1보다 클 수 없습니다. 던질 때마다의 확률을 더하지 말고 곱하세요."
    ),
    "a probability is never below 0: the logarithm comes later": (
        "확률은 0보다 작을 수 없습니다. 로그는 나중에 나옵니다."
    ),
    "1 is heads and p is the probability of heads: which one did you take for 1?": (
        "1은 앞면이고 p는 앞면의 확률입니다. 1을 어느 쪽으로 보았나요?"
    ),
    "every toss contributes one factor, including tails": (
        "던질 때마다 하나씩 곱합니다. 뒷면도 마찬가지입니다."
    ),
    "the tosses came in one order: do not count the other orders": (
        "순서는 하나로 정해져 있습니다. 다른 순서는 세지 마세요."
    ),
    "what is the factor for a 1, and what is it for a 0?": (
        "1이 나오면 무엇을 곱하고, 0이 나오면 무엇을 곱하나요?"
    ),
    "a product, or one density, became 0 before its logarithm was taken: "
    "simplify log(density) on paper first": (
        "로그를 취하기 전에 곱이나 어떤 밀도가 0이 되었습니다. log(밀도)를 종이 위에서 먼저"
        " 정리하세요."
    ),
    "check the sign: this is the negative log-likelihood": (
        "부호를 확인하세요. 이것은 음의 로그가능도입니다."
    ),
    "this is the mean; return the sum": "이것은 평균입니다. 합을 돌려주세요.",
    "a density is exp(-((x - mean) / sd)^2 / 2) / (sd sqrt(2 pi)), "
    "and no part of it may be left out": (
        "밀도는 exp(-((x - mean) / sd)^2 / 2) / (sd sqrt(2 pi))이고, 어느 부분도 빼면 안 됩니다."
    ),
    "that mean can be improved: move it a little and look at the likelihood": (
        "더 나은 평균이 있습니다. 조금 옮겨 보고 가능도를 살펴보세요."
    ),
    "the second number is the variance; return the standard deviation": (
        "두 번째 수가 분산입니다. 표준편차를 돌려주세요."
    ),
    "that sd divides by N - 1: unbiased for the variance, but not maximum likelihood": (
        "N - 1로 나눈 표준편차입니다. 분산의 불편추정량이지만 가능도를 최대로 하지는 않습니다."
    ),
    "that sd can be improved: set d(log-likelihood)/d(sd) to 0": (
        "더 나은 표준편차가 있습니다. 로그가능도를 표준편차로 미분한 값을 0으로 놓으세요."
    ),
    # --- 7장
    "0 times log 0 is nan in floating point: choose the factor, then take its logarithm": (
        "부동소수점에서 0 곱하기 log 0은 nan입니다. 곱할 것을 먼저 고르고 로그를 취하세요."
    ),
    "check the sign: this is the loss; return the log-likelihood": (
        "부호를 확인하세요. 이것은 손실입니다. 로그가능도를 돌려주세요."
    ),
    "this is the likelihood, a product; return its logarithm": (
        "이것은 곱인 가능도입니다. 로그를 취해 돌려주세요."
    ),
    "the two cases are swapped: y_pred is the probability of class 1": (
        "두 경우가 뒤바뀌었습니다. y_pred는 클래스 1의 확률입니다."
    ),
    "rows with y = 0 contribute a factor too: which one?": (
        "y = 0인 행도 하나를 곱합니다. 무엇을 곱하나요?"
    ),
    "0 times log 0 is nan in floating point; a class with t = 0 contributes nothing": (
        "부동소수점에서 0 곱하기 log 0은 nan입니다. t = 0인 클래스는 아무것도 보태지 않습니다."
    ),
    "check the sign: the log of a probability is negative, a cross-entropy is not": (
        "부호를 확인하세요. 확률의 로그는 음수지만 교차 엔트로피는 음수가 아닙니다."
    ),
    "the two are swapped: t is the weight, and the logarithm is that of the prediction q": (
        "둘이 뒤바뀌었습니다. t는 가중치이고, 로그는 예측 q에 취합니다."
    ),
    "this is in bits; use nats, the natural logarithm": (
        "비트로 쟀습니다. 자연로그를 써서 내트로 재세요."
    ),
    "this is divided by the number of classes; t is already the weight": (
        "클래스의 수로 나누었습니다. 가중치는 t로 충분합니다."
    ),
    "this is the divergence, which does not include the entropy of t": (
        "이것은 KL 발산입니다. 여기에는 t의 엔트로피가 들어 있지 않습니다."
    ),
    "every class counts, with the weight t": "모든 클래스를 t만큼의 가중치로 더합니다.",
    "check the sign: a wrong distribution never costs less than the right one": (
        "부호를 확인하세요. 틀린 분포의 손실이 옳은 분포의 손실보다 작을 수는 없습니다."
    ),
    "this is the cross-entropy: what would the right distribution cost?": (
        "이것은 교차 엔트로피입니다. 옳은 분포를 쓰면 손실이 얼마일까요?"
    ),
    "the two are swapped: the truth t is the weight and the numerator": (
        "둘이 뒤바뀌었습니다. 참인 t가 가중치이고 분자입니다."
    ),
    "how far is the cross-entropy above the entropy of t?": (
        "교차 엔트로피는 t의 엔트로피보다 얼마나 큰가요?"
    ),
    # --- 8장
    "the exponential overflows or a probability became 0: subtract the maximum first": (
        "지수함수에서 오버플로가 났거나 확률이 0이 되었습니다. 최댓값을 먼저 빼세요."
    ),
    "these are probabilities; NLLLoss does not take their logarithm for you": (
        "이것은 확률입니다. NLLLoss가 로그를 대신 취해 주지는 않습니다."
    ),
    "check the sign: NLLLoss flips it, so do not flip it first": (
        "부호를 확인하세요. 부호는 NLLLoss가 바꾸므로 미리 바꾸지 않습니다."
    ),
    "exp of a row sums to 1, but these are not the softmax's probabilities": (
        "exp를 취한 행의 합은 1이지만, 소프트맥스의 확률이 아닙니다."
    ),
    "exp of a row must sum to 1, but exp of your first row sums to {total}": (
        "exp를 취한 행의 합은 1이어야 하는데, 첫 행의 합이 {total}입니다."
    ),
    "the exponential overflows, or a logarithm of 0 was taken: use log-probabilities": (
        "지수함수에서 오버플로가 났거나 0에 로그를 취했습니다. 로그 확률을 쓰세요."
    ),
    "check the sign: a loss falls when the likelihood rises": (
        "부호를 확인하세요. 가능도가 커지면 손실은 작아집니다."
    ),
    "this is the sum over the batch; return the mean": (
        "배치 전체를 더한 값입니다. 평균을 돌려주세요."
    ),
    "softmax was applied twice: log_softmax takes the logits themselves": (
        "소프트맥스를 두 번 취했습니다. log_softmax에는 로짓을 그대로 넣습니다."
    ),
    "minus the logit is not yet a loss: the log-sum-exp of the row is missing": (
        "로짓의 부호만 바꾼 것은 아직 손실이 아닙니다. 그 행의 log-sum-exp가 빠졌습니다."
    ),
    "which entry of log softmax belongs to the target?": (
        "로그 소프트맥스의 어느 값이 정답의 것인가요?"
    ),
    "{letters} is not a word of the letters A to F, such as 'AE'": (
        "{letters}: A부터 F까지의 글자를 'AE'처럼 이어서 적어 주세요."
    ),
    "compute C for a likelihood of 0.001: what is the logarithm taken of?": (
        "가능도가 0.001일 때 C를 계산해 보세요. 무엇에 로그를 취하게 되나요?"
    ),
    "the logarithm grows with the likelihood: where is it smallest?": (
        "로그는 가능도가 커질수록 커집니다. 가장 작은 곳은 어디일까요?"
    ),
    "{letters} is right but incomplete: what does a positive constant factor "
    "change? And what do two sign flips change?": (
        "{letters}: 맞지만 빠진 것이 있습니다. 양수인 상수를 곱하면 무엇이 바뀌나요? 부호를 두 번"
        " 바꾸면 무엇이 바뀌나요?"
    ),
    "A, B, D and F are solved by the maximum likelihood; C is undefined": (
        "A, B, D, F의 해는 가능도가 최대인 곳입니다. C는 정의되지 않습니다."
    ),
    # --- 9장
    "the gradient points uphill": "기울기는 오르막을 가리킵니다.",
    "that is one step too many": "한 걸음 더 갔습니다.",
    "that is one step too few": "한 걸음 덜 갔습니다.",
    "every step needs the slope at the place where it starts": (
        "걸음마다 그 걸음을 떼는 자리의 기울기가 필요합니다."
    ),
    "what is the slope here, and how far does one step go?": (
        "이 자리의 기울기는 얼마이고, 한 걸음에 얼마나 가나요?"
    ),
    "the nll is summed over the rows; use its mean": "nll을 행마다 더했습니다. 평균을 쓰세요.",
    "two equal logits cost log 2, so where is the nll?": (
        "로짓 둘이 같으면 손실이 log 2입니다. nll은 어디로 갔나요?"
    ),
    "the penalty is missing": "벌점이 빠졌습니다.",
    "the penalty is twice as large as it should be: it has a factor of one half": (
        "벌점이 두 배로 큽니다. 앞에 2분의 1이 붙습니다."
    ),
    "the penalty makes the loss larger, not smaller": "벌점은 손실을 줄이지 않고 키웁니다.",
    "nll and penalty are two numbers: print each of them": (
        "nll과 벌점은 서로 다른 두 수입니다. 하나씩 출력해 보세요."
    ),
    "pass the function itself, f(rows, size, rng), and do not call it": (
        "함수를 부르지 말고 함수 f(rows, size, rng) 자체를 넣어 주세요."
    ),
    "for {rows} rows in batches of {size} your function {problem}": (
        "행 {rows}개를 {size}개씩 묶을 때 {problem}"
    ),
    "did not return a list of one-dimensional arrays of indices": (
        "함수의 결과가 1차원 인덱스 배열의 리스트가 아닙니다."
    ),
    "gave a batch of {n}": "{n}개짜리 배치가 나왔습니다.",
    "gave {n} indices in all: an epoch visits every row": (
        "인덱스가 모두 {n}개 나왔습니다. 한 에폭은 모든 행을 한 번씩 지나갑니다."
    ),
    "left out row {row} and repeated another": ("행 {row}번이 빠지고 다른 행이 되풀이되었습니다."),
    "gave the same order for two generators: where is it shuffled?": (
        "난수 생성기가 달라도 순서가 같습니다. 어디에서 섞었나요?"
    ),
    "every row is in exactly one batch, in random order, on 4 inputs": (
        "입력 4개에서 모든 행이 무작위 순서로 꼭 한 번씩 들어갑니다."
    ),
    # --- 10장
    "exp(710) is too large for float64, and exp(-746) is 0; no exponent needs to be above 0": (
        "exp(710)은 float64에 담기에 너무 크고 exp(-746)은 0입니다. 지수가 0보다 커야 할 까닭은"
        " 없습니다."
    ),
    "add the exponentials, then take the logarithm; add back what was subtracted": (
        "지수함수의 값을 더한 다음 로그를 취하고, 앞에서 뺀 것을 다시 더하세요."
    ),
    "the loss of this row is a finite number": "이 행의 손실은 유한한 수입니다.",
    "the loss is {loss}; look for a small number that is added to a large one "
    "before the logarithm is taken": (
        "손실은 {loss}입니다. 로그를 취하기 전에 큰 수에 작은 수를 더하는 곳을 찾아보세요."
    ),
    "an exponent was too large, or infinity was subtracted from infinity": (
        "지수가 너무 컸거나, 무한대에서 무한대를 뺐습니다."
    ),
    "when a larger maximum appears, the sum so far still belongs to the old one": (
        "더 큰 최댓값이 나타나도, 지금까지의 합은 아직 앞선 최댓값에 맞춘 값입니다."
    ),
}
