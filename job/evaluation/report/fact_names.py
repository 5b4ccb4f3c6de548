"""The names of a run's facts in Korean; one that is not listed is shown as it is."""

from collections.abc import Mapping

SPLITS = {"train": "학습(train)", "val": "검증(val)", "test": "평가(test)"}
OF_A_SPLIT = {"sha256": "sha256", "sentences": "문장 수", "types": "유형 처리"}
NAMES = {
    "model": "사전 학습 모델",
    "revision": "모델 리비전",
    "corpus": "말뭉치",
    "epochs": "에폭 수",
    "batch size": "배치 크기",
    "max sequence length": "최대 시퀀스 길이",
    "long sentences": "긴 문장",
    "evaluated model": "평가한 모델",
    "trained on": "학습 말뭉치",
    "window stride": "구간이 겹치는 워드피스",
    "normalize": "정규화",
    "entity types": "개체명 유형",
    "learning rate": "학습률",
    "schedule": "학습률 스케줄",
    "seed": "시드",
    "hardware": "장치",
    "precision": "연산 정밀도",
    "rows": "행 채우기",
    "seconds": "전체 시간(초)",
    "seconds of training": "학습 시간(초)",
    "versions": "버전",
    "cost": "비용",
    "date": "날짜",
    "command": "명령",
    "exported epoch": "내보낸 에폭",
} | {
    f"{split} {what}": f"{korean} {said}"
    for split, korean in SPLITS.items()
    for what, said in OF_A_SPLIT.items()
}
VALUES = {"not pinned": "고정하지 않음", "as read": "읽은 그대로"}


def named(facts: Mapping[str, str], language: str) -> dict[str, str]:
    """The facts under the names that a reader of `language` knows."""
    if language != "ko":
        return dict(facts)
    return {NAMES.get(name, name): VALUES.get(value, value) for name, value in facts.items()}
