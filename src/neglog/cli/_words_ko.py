"""What `neglog explain` says in Korean. Every key is in _words_en, too, with the same {places}."""

WORDS = {
    "written": "파일을 썼습니다: {path}",
    "opened": "열었습니다: {path}",
    "no_browser": "브라우저를 찾지 못했습니다. 직접 열어 주세요: {path}",
    "row": "행 {n}: {id}",
    "time": "클래스 {n}개를 50자리까지 계산합니다. 약 {s}초 걸립니다.",
    "logarithms": (
        "0과 1 사이의 값이고 모두 더하면 1인 행이므로, 로짓이 아니라 확률로 읽었습니다.\n"
        "확률의 로그를 로짓으로 씁니다."
    ),
    "probabilities": (
        "0과 1 사이의 값이고 모두 더하면 1인 행입니다. 확률이라면 로그를 취해서 넣어 주세요."
    ),
}
