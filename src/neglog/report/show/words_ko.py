"""The report's words in Korean. Every key is in words_en, too, with the same {places}.

Names come from the data, so no particle follows them: 은 or 는 would depend on their last letter.

Long because it is a table.
"""

WORDS = {
    "percent": "{x}%",
    "interval": "{low} ~ {high}",
    "interval.label": "95% 신뢰구간",
    "title": "이 모델은 어디에서, 왜 불행한가",
    "title.comparison": "같은 행을 예측한 두 모델",
    "contents": "차례",
    "skip": "결과로 건너뛰기",
    "short": "요약",
    "foot": (
        "neglog로 만들었습니다. 이 파일은 네트워크가 필요 없고 아무것도 밖으로 보내지 않습니다."
        " 같은 보고서의 JSON에 모든 수치가 들어 있습니다."
    ),
    "sort": "정렬 기준: {column}",
    "more": "{n}개 더 보기",
    "more.rows": "나머지 {n}개는 HTML과 JSON에 있습니다.",
    "cut": "나머지 {n}개는 JSON에 있습니다.",
    "table.region": "{caption}, 가로로 스크롤",
    # --- what was read
    "rows.read": "행 {used}개, 클래스 {classes}개. 예측값의 종류: {kind}({reason}).",
    "rows.tokens": (
        "문서 {documents}개의 토큰 {used}개. 토큰마다 그 토큰의 로그 확률만 알려져 있습니다. 온도를"
        " 적용한 값인지는 이 숫자만으로 알 수 없습니다."
    ),
    "rows.weighted": "행마다 가중치가 있으며, 가중치의 합은 {weight}입니다.",
    "rows.ignored": "정답이 무시할 값이거나 가중치가 0인 행 {n}개는 세지 않았습니다.",
    "rows.left_out": "행 {n}개를 제외했습니다: {why}.",
    "rows.merged": (
        "행 id가 없는 보고서를 합쳤습니다. 값이 같은 행 가운데 무엇이 목록에 오르는지는 합친 순서에"
        " 따라 달라집니다."
    ),
    "why.missing": "값이 빠진 행 {n}개",
    "why.not finite": "유한하지 않은 수가 있는 행 {n}개",
    "why.probability 0": "정답 클래스의 확률이 0이라 손실이 무한대인 행 {n}개",
    "left_out.caption": "제외한 행(앞에서부터)",
    "left_out.why": "까닭",
    "left_out.missing": "빠진 값",
    "left_out.not finite": "유한하지 않음",
    "left_out.probability 0": "확률 0",
    "kind.logits": "로짓",
    "kind.log-probabilities": "로그 확률",
    "kind.probabilities": "확률",
    "kind.target log-probabilities": "정답 클래스의 로그 확률",
    "reason.given": "직접 지정함",
    "reason.sums to 1": "0과 1 사이의 값이고 행마다 합이 1",
    "reason.log-sum-exp is 0": "지수함수를 취하면 행마다 합이 1",
    "reason.neither": "그대로 더해도, 지수함수를 취해 더해도 합이 1이 아님",
    # --- headline
    "headline": "모델은 한 행에서 평균 {nll}내트를 잃습니다. 정답에 준 확률은 평균 {p}입니다.",
    "headline.tokens": (
        "모델은 토큰마다 평균 {nll}내트를 잃습니다. 실제로 나온 토큰에 준 확률은 평균 {p}입니다."
    ),
    "headline.skill": "클래스의 빈도만 보고 찍을 때 잃을 손실의 {skill}를 줄였습니다.",
    "headline.worse": "클래스의 빈도만 보고 찍어도 손실이 이보다 작습니다({baseline}내트).",
    "short.accuracy": "전체 행의 {x}를 맞혔습니다.",
    "short.worst": "가장 나쁜 1%의 행이 손실의 {share}를 차지합니다.",
    "short.class": (
        "손실이 가장 큰 클래스: “{name}”. 전체 행의 {rows}인데 손실의 {share}를 차지합니다."
    ),
    "short.confusion": (
        "손실이 가장 큰 혼동: 정답 “{target}”, 예측 “{predicted}”. 손실의 {share}를 차지합니다."
    ),
    "short.temperature": (
        "온도만 바꾸어도(T = {t}) 행마다 {gain}내트, 곧 손실의 {share}를 되찾습니다."
    ),
    "short.suspects": (
        "잘못 붙은 듯한 레이블: {n}개. 이 가운데 약 {share}는 옳은 레이블일 수 있습니다."
    ),
    # --- how unhappy
    "section.loss": "모델은 얼마나 불행한가?",
    "label.nll": "nll",
    "nll": (
        "정답 클래스의 −log p를 평균한 값이며 단위는 내트입니다. 모든 정답에 똑같이 {p}의 확률을"
        " 주는 모델도 이만큼 잃습니다."
    ),
    "label.bits": "nll(비트)",
    "bits": (
        "밑이 2인 로그로 나타낸 같은 값입니다. 이 모델을 가진 사람에게 정답 하나를 알려 주는 데"
        " 평균 {x}비트가 듭니다."
    ),
    "label.perplexity": "퍼플렉시티",
    "perplexity": "확률이 똑같은 클래스 {x}개 가운데 하나를 찍는 것과 같은 정도로 헷갈립니다.",
    "label.total": "nll의 합",
    "total": "모든 행의 불행을 더한 값(내트)입니다: {nll} × {weight}.",
    "label.bits_per_byte": "바이트당 비트",
    "bits_per_byte": (
        "비트로 나타낸 nll을 예측한 글의 바이트 수로 나눈 값입니다. 토큰이 서로 다른 모델도 이"
        " 값으로 비교할 수 있습니다."
    ),
    "label.baseline": "기준선",
    "baseline": (
        "행은 보지 않고 클래스의 빈도만 아는 사람이 잃는 손실입니다. 클래스 빈도의 엔트로피와"
        " 같습니다."
    ),
    "label.skill": "개선율(skill)",
    "skill": "기준선의 손실 가운데 모델이 줄인 비율입니다: 1 − {nll} / {baseline}.",
    "skill.worse": (
        "1 − {nll} / {baseline}의 값이 0보다 작습니다. 클래스의 빈도만으로 예측하는 편이 낫습니다."
    ),
    "label.top1": "정확도",
    "top1": "확률이 가장 큰 클래스가 정답인 행이 {x}입니다.",
    "label.top3": "상위 3개 정확도",
    "top3": "확률이 큰 클래스 셋 안에 정답이 있는 행이 {x}입니다.",
    "label.top5": "상위 5개 정확도",
    "top5": "확률이 큰 클래스 다섯 안에 정답이 있는 행이 {x}입니다.",
    "label.entropy": "엔트로피",
    "entropy": "모델 스스로가 자기 확률을 믿을 때 예상하는 손실입니다.",
    "label.min_entropy": "최소 엔트로피(방법 1)",
    "min_entropy": (
        "가장 큰 확률의 −log를 평균한 값입니다. 모델이 얼마나 확신하는지만 알려 줄 뿐, 맞았는지는"
        " 알려 주지 않습니다."
    ),
    "label.one_vs_rest": "일대다 nll(방법 2)",
    "one_vs_rest": (
        "클래스마다 예/아니요를 묻는 손실입니다. 정답 클래스의 −log p에 나머지 클래스의"
        " −log(1 − p)를 모두 더하므로 nll보다 작을 수 없습니다."
    ),
    "label.missing_mass": "목록 밖 확률",
    "missing_mass": "목록에 오르지 않은 모든 토큰의 확률을 더하여 평균한 값입니다.",
    # --- why
    "section.why": "왜 불행한가?",
    "why.sum": (
        "손실은 클래스 자체의 불확실성에서 모델이 알아낸 만큼을 빼고, 확률이 부풀려지거나 줄어든"
        " 만큼을 더한 값입니다: {uncertainty} − {discrimination} + {miscalibration} = {nll}내트."
    ),
    "label.uncertainty": "불확실성",
    "uncertainty": (
        "행을 보기 전에 클래스를 맞히기가 얼마나 어려운지를 나타냅니다. 모델과는 상관없습니다."
    ),
    "label.discrimination": "변별력",
    "discrimination": "모델이 행을 서로 구별해서 얻는 이득입니다.",
    "label.miscalibration": "보정 부족",
    "miscalibration": (
        "확률이 실제 빈도와 어긋나서 잃는 손실입니다. 다시 학습하지 않고 확률을 보정하기만 해도"
        " 되찾을 수 있습니다."
    ),
    "label.nll_minus_entropy": "nll − 엔트로피",
    "nll_minus_entropy.over": (
        "모델이 예상한 손실은 {entropy}내트인데 실제로는 {nll}내트를 잃었습니다. 지나치게 확신하고"
        " 있습니다."
    ),
    "nll_minus_entropy.under": (
        "모델이 예상한 손실은 {entropy}내트인데 실제로는 {nll}내트만 잃었습니다. 더 확신해도"
        " 됩니다."
    ),
    "nll_minus_entropy.even": (
        "모델이 예상한 손실은 {entropy}내트이고 실제 손실은 {nll}내트입니다. 이 차이는 우연일 수"
        " 있으며, 전체로 보면 알맞게 확신하고 있습니다."
    ),
    "label.temperature": "가장 좋은 온도",
    "temperature.over": (
        "지나치게 확신하는 모델입니다. 로짓을 온도로 나누면(T = {t}) nll이 {nll}내트가 되어"
        " {gain}내트 줄어듭니다."
    ),
    "temperature.under": (
        "확신이 모자란 모델입니다. 로짓을 온도로 나누면(T = {t}) nll이 {nll}내트가 되어 {gain}내트"
        " 줄어듭니다."
    ),
    "temperature.even": (
        "온도를 어떻게 바꿔도 {gain}내트 넘게 줄지 않습니다. 알맞게 확신하고 있습니다."
    ),
    "temperature.beyond": (
        "가장 좋은 온도가 찾는 범위의 끝({t})을 벗어납니다. 예측값의 종류를 잘못 안 것은 아닌지"
        " 살펴보세요."
    ),
    "chart.steps": "기준선에서 nll까지",
    "chart.steps.alt": (
        "막대: 불확실성 {uncertainty}내트에서 변별력 {discrimination}내트를 빼고 보정 부족"
        " {miscalibration}내트를 더하면 nll {nll}내트."
    ),
    "axis.nats": "행마다의 내트",
    "axis.mean_nll": "평균 nll(행마다의 내트)",
    "chart.temperature": "손실이 가장 작은 온도",
    "chart.temperature.alt": (
        "{first}부터 {last}까지의 눈금. 가운데 1은 지금의 모델. 가장 좋은 온도: {t}."
    ),
    "axis.temperature": "온도 T, 로짓 / T",
    "scale.left": "확신 부족",
    "scale.right": "지나친 확신",
    # --- where
    "section.where": "어디에서 불행한가?",
    "section.distribution": "어떤 행에서",
    "distribution.quantiles": (
        "행의 절반은 {q50}내트 이하를 잃습니다. 열에 하나는 {q90}내트, 백에 하나는 {q99}내트, 천에"
        " 하나는 {q999}내트보다 많이 잃습니다. 가장 나쁜 행은 {max}내트를 잃습니다."
    ),
    "distribution.worst": "가장 나쁜 1%의 행이 전체 nll의 {share}를 차지합니다.",
    "chart.histogram": "행의 분포와 손실의 분포",
    "chart.histogram.alt": (
        "{first}내트부터 {last}내트까지 로그 눈금으로 그린 막대. 위쪽은 행의 비율로 {most_rows}내트"
        " 부근에 가장 많고, 아래쪽은 전체 nll에서 차지하는 비율로 {most_loss}내트 부근에 가장 많다."
    ),
    "axis.nll": "한 행의 nll(내트, 로그 눈금)",
    "axis.up": "↑ 행의 비율",
    "axis.down": "↓ 손실의 비율",
    "mark.mean": "평균",
    "mark.median": "중앙값",
    "chart.stack": "누가 손실을 짊어지는가",
    "chart.stack.alt": "가장 나쁜 1%의 행이 전체 nll의 {share}를 차지한다.",
    "stack.worst": "가장 나쁜 1%",
    "stack.rest": "나머지",
    "stack.rows": "행",
    "stack.loss": "손실",
    "section.classes": "어떤 클래스에서",
    "classes.first": (
        "손실이 가장 큰 클래스: “{name}”. 전체 행의 {support}인데 전체 nll의 {share}를 차지합니다."
        " 행의 비율보다 손실의 비율이 큰 클래스는 평균보다 어려운 클래스입니다."
    ),
    "classes.caption": "손실이 큰 순서로 본 클래스",
    "classes.left_out": "손실이 큰 {listed}개만 실었습니다. 행이 있는 클래스가 {n}개 더 있습니다.",
    "chart.classes": "손실이 큰 클래스의 평균 nll",
    "chart.bars.alt": (
        "막대 {n}개와 95% 신뢰구간. 평균이 가장 큰 것은 {value}내트인 “{name}”. 모든 수치는 표에"
        " 있다."
    ),
    "section.slices": "{column}: 값별로",
    "slices.spread": (
        "행마다 잃는 손실이 가장 큰 값: “{worst}”({high}내트). 가장 작은 값: “{best}”({low}내트)."
        " 전체 평균: {mean}내트."
    ),
    "slices.caption": "손실이 큰 순서로 본 {column}의 값",
    "slices.left_out": "{n}개의 값은 싣지 않았습니다.",
    "slices.columns": "열 {n}개는 JSON에 있습니다: {names}.",
    "chart.slices": "{column}별 평균 nll",
    "section.confusions": "무엇을 무엇으로 혼동하는가",
    "confusions.first": (
        "손실이 가장 큰 혼동: 정답 “{target}”, 예측 “{predicted}”. 행 {rows}개에서 {cost}내트, 전체"
        " nll의 {share}를 잃었습니다."
    ),
    "confusions.none": "틀리게 예측한 행이 없습니다.",
    "confusions.caption": "손실이 큰 순서로 본 혼동",
    "confusions.pairs": (
        "서로 다른 혼동은 {n}가지이며, 그 가운데 손실이 큰 {listed}가지를 실었습니다."
    ),
    "confusions.inexact": (
        "너무 많아서 모두 보관하지는 못했습니다. 실제 손실은 적힌 값보다 많게는 {nats}내트 더 클"
        " 수 있습니다."
    ),
    # --- rows
    "section.worst": "가장 나쁜 행",
    "worst.first": (
        "nll이 가장 큰 행입니다. 이 행들부터 살펴보세요. 평균만 보아서는 잘못 붙은 레이블과"
        " 깨진 입력과 진짜 실수를 구별할 수 없습니다."
    ),
    "worst.caption": "nll이 가장 큰 행",
    "section.tokens": "가장 나쁜 토큰",
    "tokens.first": "nll이 가장 큰 토큰입니다.",
    "tokens.caption": "nll이 가장 큰 토큰",
    "section.documents": "가장 나쁜 문서",
    "documents.first": ("nll의 합이 가장 큰 문서입니다. 긴 문서일수록 잃을 것도 많습니다."),
    "documents.caption": "nll의 합이 가장 큰 문서",
    "section.suspects": "잘못 붙은 듯한 레이블",
    "suspects.some": (
        "레이블이 잘못 붙었다고 의심할 만큼 드문 행이 {n}개 있습니다. 거짓 발견율이 {rate}이므로"
        " 이 가운데 약 {false}개는 옳은 레이블일 것입니다."
    ),
    "suspects.at_least": (
        "레이블이 잘못 붙었다고 의심할 만큼 드문 행이 적어도 {n}개 있습니다. 거짓 발견율이"
        " {rate}이므로 이 가운데 약 {false}개는 옳은 레이블일 것입니다."
    ),
    "suspects.none": "거짓 발견율 {rate}에서는 잘못 붙었다고 의심할 만한 레이블이 없습니다.",
    "suspects.assumption": (
        "가정: 레이블이 옳은 행에서는 온도로 보정한 모델(T = {t})의 확률도 옳다고 봅니다. 행의"
        " p값은 주어진 레이블만큼 드물거나 더 드문 레이블이 나올 확률입니다."
    ),
    "suspects.caption": "잘못 붙은 듯한 레이블, 가장 드문 것부터",
    # --- calibration
    "section.calibration": "확률은 믿을 만한가?",
    "calibration.error": (
        "모델이 80% 확신하는 행들은 80%가 맞아야 합니다. 확신도와 정확도는 평균 {error} 어긋납니다."
    ),
    "calibration.over": "전체로 보면 지나치게 확신합니다: 확신도 {confidence}, 정확도 {accuracy}.",
    "calibration.under": "전체로 보면 확신이 모자랍니다: 확신도 {confidence}, 정확도 {accuracy}.",
    "label.calibration_error": "보정 오차",
    "calibration_error": (
        "행의 수가 같은 구간 {bins}개에서 확신도와 정확도의 거리를 평균한 값입니다. 우연만으로도"
        " 생기는 몫은 뺐습니다."
    ),
    "chart.reliability": "확신도에 따른 정확도",
    "chart.reliability.alt": (
        "점 {n}개와 95% 띠. 확신도 {first}에서 정확도 {first_accuracy}, 확신도 {last}에서 정확도"
        " {last_accuracy}. 대각선은 완벽한 보정."
    ),
    "axis.confidence": "확신도: 가장 그럴듯한 클래스의 확률",
    "axis.accuracy": "정확도",
    "perfect": "완벽한 보정",
    "bins.caption": "곡선의 구간",
    "section.class_wise": "클래스별로",
    "class_wise.meaning": (
        "어떤 클래스의 확률이 평균 10%라면, 그 클래스는 열에 한 번꼴로 정답이어야 합니다."
    ),
    "class_wise.error": "모든 클래스를 통틀어 확률은 빈도와 {error} 어긋납니다.",
    "class_wise.caption": "확률이 빈도와 많이 어긋나는 순서로 본 클래스",
    # --- columns of tables
    "label.class": "클래스",
    "label.value": "값",
    "label.rows": "행 수",
    "label.support": "표본 수",
    "label.share": "비중",
    "label.accuracy": "정확도",
    "label.confusion": "손실이 가장 큰 혼동",
    "label.cost": "손실(내트)",
    "label.target": "정답",
    "label.predicted": "예측",
    "label.document": "문서",
    "label.token": "토큰",
    "label.tokens": "토큰 수",
    "label.per_token": "토큰당 nll",
    "label.row": "행",
    "label.id": "id",
    "label.by": "구분",
    "label.text": "내용",
    "label.p": "정답의 p",
    "label.p_predicted": "예측의 p",
    "label.suggested": "모델의 의견",
    "label.p_suggested": "의견의 p",
    "label.p_value": "p값",
    "label.q_value": "q값",
    "label.confidence": "확신도",
    "label.mean_p": "평균 p",
    "label.frequency": "빈도",
    "label.difference": "차이",
    # --- what cannot be said
    "missing": "이 보고서에 없는 것: {what}",
    "missing.loss": (
        "{kind}만으로는 알 수 없는 값: {what}. 모든 클래스의 로짓이나 로그 확률이나 확률이 있어야"
        " 합니다."
    ),
    "missing.accuracy": "정확도. 행마다 확률이 가장 큰 클래스를 알아야 합니다.",
    "missing.why": "손실의 분해와 가장 좋은 온도. 모든 클래스의 로짓이 있어야 합니다.",
    "missing.distribution": "nll의 분포. 행마다의 nll이 있어야 합니다.",
    "missing.classes": "클래스별 손실. 행마다 정답 클래스를 알아야 합니다.",
    "missing.confusions": "혼동. 행마다 확률이 가장 큰 클래스를 알아야 합니다.",
    "missing.worst": "가장 나쁜 행. 행마다의 nll이 있어야 합니다.",
    "missing.calibration": "보정. 모든 클래스의 확률이나, 적어도 가장 큰 확률이 있어야 합니다.",
    "missing.suspects": "잘못 붙은 듯한 레이블. 견주어 볼 모든 클래스의 확률이 있어야 합니다.",
    # --- comparison
    "headline.better": (
        "{a}보다 {b} 쪽이 낫습니다. 행마다 {x}내트를 덜 잃습니다(95% 신뢰구간 {interval})."
    ),
    "headline.worse_than": (
        "{a}보다 {b} 쪽이 못합니다. 행마다 {x}내트를 더 잃습니다(95% 신뢰구간 {interval})."
    ),
    "headline.same": (
        "{a}, {b} 둘 사이에 뚜렷한 차이가 없습니다. 행마다 {x}내트의 차이는 우연일 수 있습니다(95%"
        " 신뢰구간 {interval})."
    ),
    "comparison.rows": (
        "두 모델이 모두 예측한 행 {n}개입니다. 차이는 {b} − {a}이며, 0보다 크면 {b} 쪽이 못한"
        " 것입니다."
    ),
    "section.difference": "얼마나 나은가?",
    "difference.paired": (
        "신뢰구간은 행마다 구한 차이의 신뢰구간입니다. 두 모델은 같은 행을 어려워하기 때문에, 두"
        " 평균을 따로 볼 때보다 좁습니다."
    ),
    "difference": "{b}의 nll에서 {a}의 nll을 뺀 값을 모든 행에 걸쳐 평균했습니다.",
    "figures.caption": "두 모델의 수치",
    "label.figure": "수치",
    "section.classes_compared": "어떤 클래스가 나빠지고, 어떤 클래스가 좋아졌나?",
    "section.rows_compared": "어떤 행이 나빠지고, 어떤 행이 좋아졌나?",
    "classes.worse": "나빠진 클래스",
    "classes.better": "좋아진 클래스",
    "rows.worse": "나빠진 행",
    "rows.better": "좋아진 행",
    "none.worse": "나빠진 것이 없습니다.",
    "none.better": "좋아진 것이 없습니다.",
    "chart.difference": "클래스별 평균 nll의 차이",
    "axis.difference": "← 좋아짐   차이(행마다의 내트)   나빠짐 →",
    "section.glossary": "용어 풀이",
}
