"""The words of rows in Korean. Every key is in words_en, too, with the same {places}.

Names and numbers come from the data, so no particle follows them whose form depends on the last
letter: 은 or 는, 이 or 가. 의, 보다 and 에 have one form.
"""

from .steps import LOSSES, STEPS

WORDS = {
    # --- 이름과 목록
    "class": "클래스 {n}",
    "others": "나머지 ({n}개)",
    # --- 행 하나를 한 문장으로
    "verdict.nan": (
        "로짓에 nan이 있습니다. 가장 큰 클래스를 정할 수 없고, 그 뒤의 값도 모두 nan입니다."
    ),
    "verdict.minus_inf": (
        "로짓이 모두 -inf입니다. 확률을 가질 수 있는 클래스가 없어서 결과가 모두 nan입니다."
    ),
    "verdict.both_inf": (
        "두 클래스의 로짓이 inf입니다: {listed}. inf / inf에는 값이 없어서 나머지는 모두 nan입니다."
    ),
    "verdict.all_inf": (
        "여러 클래스의 로짓이 inf입니다: {listed}. inf / inf에는 값이 없어서 나머지는 모두"
        " nan입니다."
    ),
    "verdict.tie_with": (
        "로짓이 가장 큰 클래스가 여럿입니다: {listed}. 정답({target})도 그중 하나입니다."
    ),
    "verdict.tie_without": (
        "로짓이 가장 큰 클래스가 여럿입니다: {listed}. 정답({target})은 그중에 없습니다."
    ),
    "verdict.right": "정답({target})의 로짓이 가장 큽니다. 맞혔습니다.",
    "verdict.wrong": "정답({target})보다 {winner}의 로짓이 더 큽니다. 틀렸습니다.",
    # --- 텍스트로 보는 행
    "rows.one": "행 1개",
    "rows.many": "행 {n}개",
    "classes.one": "클래스 {n}개",
    "classes.many": "클래스 {n}개",
    "summary": "{rows}, {classes}, 숫자 형식 {dtype}",
    "summary.temperature": "{rows}, {classes}, 숫자 형식 {dtype}, 온도 {t}",
    "heading.batch": "배치",
    "heading.row": "행 {n}",
    "heading.formulas": "계산식",
    "rows.in_full": "처음 {n}개 행만 자세히 보였습니다. to_dict()에는 {all}개가 모두 있습니다.",
    "rows.more": "그 밖의 행 {n}개",
    "batch.row": "행",
    "batch.target": "정답",
    "batch.largest": "모델의 답",
    "batch.tie": "동점",
    "batch.none": "없음",
    "batch.nll": "배치의 nll",
    "batch.sum": "합",
    "batch.mean": "평균",
    "unhappiness": "불행",
    "blind": "모르고 찍기",
    "head.class": "클래스",
    "others.note": "나머지의 p와 p - y는 서로 더한 값이고, z는 log sum e^z입니다.",
    "at_target": "정답 자리에서",
    "at_target.sum": "e^z의 합",
    "at_target.shifted_sum": "e^(z-m)의 합",
    "gradient": "기울기",
    "losses": "손실",
    # --- 네 가지 계산과, 그 안에서 잘못되는 것
    "column.naive": "그대로",
    "column.shifted": "최댓값 빼기",
    "column.neglog": "neglog",
    "column.exact": "참값",
    "error": "오차 {x}",
    "error.agrees": "일치",
    "wrong": "잘못되는 것",
    "wrong.in": "어디에서",
    "wrong.count": "{title}({all}개 중 {n}개)",
    "flag.overflow": "오버플로",
    "flag.nan": "숫자 아님",
    "flag.underflow": "언더플로",
    "flag.cancel": "상쇄",
    "flag.overflow.why": "이 형식에 담기에는 너무 커서 inf가 되었습니다.",
    "flag.nan.why": "inf / inf, inf - inf, 0 * inf에는 값이 없습니다.",
    "flag.underflow.why": "이 형식에 담기에는 너무 작아서 0이 되거나 몇 비트만 남았습니다.",
    "flag.cancel.why": "큰 수 곁의 작은 수라서 자릿수를 절반 넘게 잃었습니다(자릿수 상쇄).",
    # --- 단계와 손실
    "loss.nll": "nll",
    "loss.method_1": "방법 1",
    "loss.method_2": "방법 2",
    "loss.binary": "이진 분류",
    "step.logits": "로짓",
    "step.scaled": "온도로 나눈 로짓",
    "step.maximum": "최댓값",
    "step.shifted": "최댓값을 뺀 로짓",
    "step.exp": "지수함수",
    "step.rest": "최댓값 자리를 뺀 합",
    "step.sum": "모두 더한 합",
    "step.prob": "확률",
    "step.log_prob": "로그 확률",
    "step.nll": "음의 로그가능도",
    "step.one_hot": "원-핫 정답",
    "step.grad": "기울기",
    "step.jacobian": "소프트맥스의 야코비 행렬",
    **{f"formula.{name}": formula for name, (_, formula) in STEPS.items()},
    "formula.scaled": "z / T, 여기서부터 z라고 씁니다",
    "formula.exp": "e^z, 최댓값을 빼면 e^(z - m)",
    "formula.rest": "S = 나머지 e^(z - m)의 합",
    "formula.sum": "sum_j e^z_j, 최댓값을 빼면 1 + S",
    "formula.jacobian": "dp_i/dz_j: i = j이면 p_i (1 - p_i), 아니면 -p_i p_j",
    "loss.nll.title": "정답의 nll",
    "loss.method_1.title": "방법 1: 가장 그럴듯한 클래스",
    "loss.method_2.title": "방법 2: 모든 클래스",
    "loss.binary.title": "이진 분류: 정답과 나머지",
    **{f"loss.{name}.formula": formula for name, (_, formula) in LOSSES.items()},
    # --- 그림으로 보는 행
    "figure.row": "행 {n}. {said}",
    "figure.rows_left": "그리지 않은 행: {n}개.",
    "figure.largest": "로짓이 큰 클래스와 정답만 그리고 나머지는 하나로 묶었습니다.",
    "figure.names": "설치된 글꼴로 쓸 수 없는 클래스 이름은 번호로 바꾸었습니다.",
    "figure.logits": "로짓 {formula}",
    "figure.probabilities": "확률 p",
    "figure.gradient": "기울기 {formula}",
    "figure.unhappiness": "불행 -log p",
    "figure.p": "정답의 p",
    "figure.no_point": "nan: 점이 없음",
    "figure.relative_error": "상대 오차",
    "figure.none": "없음",
    "figure.rounding": "{x}\n반올림 한 번",
    "figure.errors": "{dtype}: 계산 방법마다의 오차",
}
