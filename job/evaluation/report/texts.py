"""The words of the page, in English and in Korean.

A text that counts has two forms in English, one|many, chosen by `n`.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from markupsafe import Markup

LANGUAGES = ("en", "ko")


class Text(NamedTuple):
    """One text in both languages: markup with places for values."""

    en: str
    ko: str


TEXTS = {
    # The answer
    "result": Text("Result", "결과"),
    "train": Text("Training", "학습(train)"),
    "val": Text("Validation", "검증(val)"),
    "test": Text("Test", "평가(test)"),
    "f1_on_characters": Text("F1 on exact characters", "글자 기준 F1"),
    "f1_on_wordpieces": Text("F1 on wordpieces", "워드피스 기준 F1"),
    "precision": Text("Precision", "정밀도"),
    "recall": Text("Recall", "재현율"),
    "macro": Text("macro F1 {value}", "매크로 F1 {value}"),
    "loss": Text("Loss", "손실"),
    "ceiling": Text("ceiling of tags alone {value}", "태그만 쓸 때의 상한 {value}"),
    "entities": Text("{n:,} entity|{n:,} entities", "개체명 {n:,}개"),
    "sentences": Text("{n:,} sentence|{n:,} sentences", "문장 {n:,}개"),
    "in_sentences": Text("{entities} in {sentences}", "{sentences}의 {entities}"),
    "found": Text(
        "Of {entities} of {split}, the model returns <b>{right:,}</b> exactly; "
        "<b>{wrong:,}</b> of what it predicts is not in the corpus.",
        "{split}의 {entities} 가운데 <b>{right:,}개</b>를 정확히 찾았고, "
        "예측한 것 가운데 <b>{wrong:,}개</b>는 정답에 없습니다.",
    ),
    "ends": Text(
        "Knowing where entities end inside a wordpiece gives <b>{gain:+.3f}</b>: with the tags "
        "alone, F1 on exact characters is {alone}.",
        "개체명이 워드피스 중간 어디에서 끝나는지까지 예측한 효과는 F1 <b>{gain:+.3f}</b>입니다"
        "(태그만 쓰면 {alone}).",
    ),
    "exported": Text(
        "The exported model is that of <b>epoch {epoch}</b>: {reason}.",
        "내보낸 모델은 <b>{epoch}번째 에폭</b>의 것입니다({reason}).",
    ),
    "no_entity": Text(
        "<b>No entity was predicted at all.</b> Train longer, or look at the loss and the "
        "learning rate.",
        "<b>개체명을 하나도 예측하지 못했습니다.</b> 더 오래 학습하거나 손실과 학습률을 "
        "확인하십시오.",
    ),
    "nothing": Text("Nothing was evaluated.", "평가한 분할이 없습니다."),
    "reading": Text(
        "<b>Exact characters:</b> an entity counts when its type and its first and last character "
        "are those of the corpus; this is what a reader of the text gets. <b>Wordpieces:</b> the "
        "same in the tokens that the model tags; this is what published figures mean (seqeval, "
        "strict). In parentheses: the 95 % interval, from {resamples:,} bootstrap resamples of the "
        "sentences.",
        "<b>글자 기준</b>은 유형과 첫 글자, 마지막 글자가 모두 말뭉치와 같아야 맞은 것으로 봅니다. "
        "결과를 쓰는 사람이 실제로 보는 점수입니다. <b>워드피스 기준</b>은 모델이 태그를 붙이는 "
        "워드피스끼리 비교하며, 발표된 점수는 대개 이 점수입니다(seqeval, strict). 괄호 안은 "
        "문장을 {resamples:,}번 복원 추출한 부트스트랩 95% 신뢰 구간입니다.",
    ),
    # The curves
    "curves": Text("Curves", "학습 곡선"),
    "epoch": Text("epoch", "에폭"),
    "loss_curve": Text("Loss", "손실"),
    "f1_curve": Text("Entity F1 on validation", "검증 데이터의 개체명 F1"),
    "train_line": Text("training", "학습"),
    "val_line": Text("validation", "검증"),
    "characters_line": Text("exact characters", "글자 기준"),
    "wordpieces_line": Text("wordpieces", "워드피스 기준"),
    "exported_line": Text("exported: epoch {epoch}", "내보낸 모델: {epoch}번째 에폭"),
    "curve_label": Text(
        "{title} over the epochs; the numbers are in the table below",
        "에폭별 {title}. 숫자는 아래 표에 있습니다",
    ),
    "epochs_table": Text("All epochs in numbers", "에폭별 숫자 모두 보기"),
    "step": Text("Step", "스텝"),
    "train_loss": Text("Training loss", "학습 손실"),
    "val_loss": Text("Validation loss", "검증 손실"),
    "learning_rate": Text("Learning rate", "학습률"),
    "speed": Text("Sentences/s", "문장/초"),
    "seconds": Text("Seconds", "초"),
    # A split
    "by_type": Text("By type, on exact characters", "유형별 점수(글자 기준)"),
    "type": Text("Type", "유형"),
    "entities_head": Text("Entities", "개체명 수"),
    "predicted_head": Text("Predicted", "예측 수"),
    "no_type": Text("There is no entity type.", "개체명 유형이 없습니다."),
    "confusion": Text("What was taken for what", "혼동 행렬"),
    "confusion_how": Text(
        "Rows: the corpus; columns: the model. Blue is right. Every entity is counted once.",
        "행은 말뭉치의 정답, 열은 모델의 예측입니다. 파란 칸이 맞은 것이고, 개체명마다 한 번씩 "
        "셉니다.",
    ),
    "mistakes": Text("Frequent mistakes", "반복된 오류"),
    "corpus_to_model": Text("corpus → model", "정답 → 예측"),
    "times": Text("Times", "횟수"),
    "no_tag": Text("no entity", "개체명 아님"),
    "no_mistakes": Text("No mistake occurs twice.", "두 번 이상 나온 오류가 없습니다."),
    "novelty": Text(
        "Mentions seen in training, and new ones", "학습 때 본 개체명과 처음 보는 개체명"
    ),
    "seen": Text("seen in training", "학습 때 본 것"),
    "unseen": Text("new", "처음 보는 것"),
    "length": Text("By length of the entity", "개체명 길이별 점수"),
    "characters_head": Text("Characters", "글자 수"),
    "kinds": Text("Kinds of error", "오류의 종류"),
    "kind": Text("Kind", "종류"),
    "share": Text("Of all errors", "비율"),
    "missed": Text("missed", "누락"),
    "spurious": Text("invented", "오탐"),
    "type_error": Text("wrong type", "유형 오류"),
    "boundary": Text("wrong boundary", "경계 오류"),
    "lost": Text(
        "Out of reach of tags on wordpieces: {reasons}.",
        "워드피스의 태그만으로는 찾을 수 없는 개체명: {reasons}.",
    ),
    "starts_inside_wordpiece": Text(
        "{n:,} starts inside a wordpiece|{n:,} start inside a wordpiece",
        "워드피스 중간에서 시작하는 것 {n:,}개",
    ),
    "ends_inside_wordpiece": Text(
        "{n:,} ends inside a wordpiece|{n:,} end inside a wordpiece",
        "워드피스 중간에서 끝나는 것 {n:,}개",
    ),
    "unseen_type": Text(
        "{n:,} is of a type that train lacks|{n:,} are of a type that train lacks",
        "train에 없는 유형인 것 {n:,}개",
    ),
    "truncated": Text(
        "{n:,} lies behind the point where its sentence was cut|"
        "{n:,} lie behind the point where long sentences were cut",
        "잘린 문장의 뒷부분에 있는 것 {n:,}개",
    ),
    # The sentences
    "sentences_head": Text("Sentences with most errors", "가장 많이 틀린 문장"),
    "sentences_how": Text(
        "<b>{wrong:,}</b> of {all} are wrong in at least one entity; {listed} here, most errors "
        "first, and all in <code>errors.jsonl</code>. A dashed frame is an error.",
        "{all} 가운데 <b>{wrong:,}개</b>에 틀린 개체명이 있습니다. 그중 많이 틀린 {listed:,}개를 "
        "보여 줍니다. 전체는 <code>errors.jsonl</code>에 있습니다. 점선 테두리가 오류입니다.",
    ),
    "more": Text("{n:,} more sentence|{n:,} more sentences", "문장 {n:,}개 더 보기"),
    "any_type": Text("any type", "모든 유형"),
    "any_kind": Text("any error", "모든 오류"),
    "filtered": Text("shown: {n}", "{n}개 표시"),
    "line": Text("line {n}", "{n}행"),
    "corpus": Text("corpus", "정답"),
    "model": Text("model", "예측"),
    "beyond": Text(
        "{n:,} error beyond what is shown|{n:,} errors beyond what is shown",
        "보이지 않는 부분에 오류 {n:,}개",
    ),
    "hidden": Text("{n:,} character|{n:,} characters", "{n:,}자"),
    "all_right": Text("Every entity is right.", "모든 개체명을 맞혔습니다."),
    # The facts
    "facts": Text("Facts of the run", "실행 정보"),
    "command": Text(
        "The command; with another DOWNSTREAM_MODEL_DIR it repeats the run",
        "실행 명령(DOWNSTREAM_MODEL_DIR만 바꾸면 같은 실행을 반복합니다)",
    ),
    "files": Text(
        "The numbers of this page are in <code>metrics.json</code>, the predictions for every "
        "sentence in <code>predictions.jsonl</code>, both beside it.",
        "이 페이지의 숫자는 모두 <code>metrics.json</code>에, 문장별 예측은 "
        "<code>predictions.jsonl</code>에 있습니다. 두 파일은 이 페이지와 같은 폴더에 있습니다.",
    ),
    "sections": Text("Sections", "차례"),
}

Say = Callable[..., Markup]


def speak(language: str) -> Say:
    """`say(key, **values)`: the text in `language`, values escaped; `n` chooses one|many."""

    def say(key: str, **values: object) -> Markup:
        text = TEXTS[key]._asdict()[language]
        one, _, many = text.partition("|")
        return Markup(many if many and values.get("n") != 1 else one).format(**values)

    return say


def language_of(texts: Iterable[str]) -> str:
    """ko where most letters of the texts are Hangul, else en."""
    hangul = letters = 0
    for text in texts:
        for character in filter(str.isalpha, text):
            letters += 1
            hangul += "\u1100" <= character <= "\u11ff" or "\uac00" <= character <= "\ud7a3"
    return "ko" if 2 * hangul > letters else "en"
