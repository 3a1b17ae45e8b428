"""The words of a likelihood in Korean. Every key is in words_en, too, with the same {places}.

Names and numbers come from the data, so no particle follows them whose form depends on the last
letter: 은 or 는, 이 or 가. 의, 보다 and 에 have one form.
"""

WORDS = {
    "candidate": "후보 {n}",
    # --- 가능도를 한 문장으로
    "points.one": "점 {n}개",
    "points.many": "점 {n}개",
    "candidates.one": "후보 {n}개",
    "candidates.many": "후보 {n}개",
    "lik.summary": "{points}, {candidates}",
    "lik.nan": "밀도가 nan이라서 어떤 후보의 로그가능도도 구할 수 없습니다.",
    "lik.impossible": (
        "어느 후보에서나 밀도가 0인 점이 있습니다. 어떤 후보에서도 나올 수 없는 점들입니다."
    ),
    "lik.tie": "동점: {listed}. 이 점들을 똑같이 잘 설명합니다.",
    "lik.alone": "{winner}의 로그가능도: {x}.",
    "lik.wins": "승자: {winner}. 이 점들의 가능도가 {second}의 {times}배입니다.",
    # --- 텍스트로 보는 가능도
    "lik.densities": "후보마다, 점마다의 밀도",
    "lik.best": "후보 {all}개 가운데 가장 나은 {n}개",
    "lik.products": "곱인 가능도와 합인 로그가능도",
    "lik.smallest": "nll은 로그의 합에서 부호를 바꾼 값입니다. 가장 작은 후보가 이깁니다.",
    "lik.lost": "0이 되어 버린 곱끼리는 비교할 수 없지만, 로그의 합은 여전히 비교할 수 있습니다.",
    "lik.probability": "확률: 후보는 그대로, 데이터가 움직인다",
    "lik.likelihood": "가능도: 데이터는 그대로, 움직이는 것은 {parameter}",
    "lik.maximum": "최댓값의 위치: {best}. 그때 로그의 합: {x}.",
    "lik.point": "점",
    "lik.more": "{n}개 더",
    "lik.candidate": "후보",
    "lik.product": "곱",
    "lik.exact": "참값",
    "lik.zero": "0이 된 점",
    "lik.sum": "로그의 합",
    "lik.curve": "가능도",
    "parameter.mean": "평균",
    "parameter.sd": "표준편차",
    "parameter.p": "p",
    # --- 그림으로 보는 가능도
    "figure.best": "{said} 후보 {all}개 가운데 가장 나은 {n}개를 그렸습니다.",
    "figure.x": "x, 획 하나가 점 하나",
    "figure.probability": "확률: 데이터가 움직인다",
    "figure.maximum": "최댓값",
    "figure.relative": "가능도 / 최댓값",
    "figure.likelihood": "가능도: 움직이는 것은 {parameter}",
    "figure.minus_inf": "다음부터 -inf",
    "figure.product": "곱이 0",
    "figure.points": "더한 점의 수",
    "figure.sums": "로그 밀도의 합",
    "figure.log_likelihood": "로그가능도: 점마다 더한 합",
}
