"""The sentences that say why an epoch was exported, in English and Korean."""

from typing import NamedTuple


class Reason(NamedTuple):
    """A part of a sentence in both languages; braces hold what `say` fills in."""

    english: str
    korean: str

    def say(self, **values: object) -> "Reason":
        """With the values, each as it is or, where it is a pair, in its language."""
        english = {k: v[0] if isinstance(v, tuple) else v for k, v in values.items()}
        korean = {k: v[1] if isinstance(v, tuple) else v for k, v in values.items()}
        return Reason(self.english.format(**english), self.korean.format(**korean))


# In Korean with the particle of a subject.
TITLES = {
    "val_loss": Reason("val loss", "val 손실이"),
    "val_f1": Reason("val F1 on exact characters", "val의 글자 기준 F1이"),
    "val_f1_wordpiece": Reason("val F1 on wordpieces", "val의 워드피스 기준 F1이"),
    "val_accuracy": Reason("val accuracy of wordpieces", "val의 워드피스 정확도가"),
}
EXTREME = {"max": Reason("highest", "가장 높음"), "min": Reason("lowest", "가장 낮음")}

NONE_HAS_IT = Reason(
    "the newest checkpoint, because none has a {title}",
    "{title} 기록된 체크포인트가 없어 가장 새로운 체크포인트를 내보냄",
)
OF_EPOCHS = Reason(
    "the {extreme} {title}, {value}, of {count} epochs",
    "{count}개 에폭 가운데 {title} {extreme}, {value}",
)
ONLY = Reason("the only epoch, with a {title} of {value}", "하나뿐인 에폭이며 {title} {value}")
OF_OUTPUT = Reason(
    "the {extreme} {title}, {value}, of all checkpoints in the output",
    "출력에 있는 모든 체크포인트 가운데 {title} {extreme}, {value}",
)
OF_LEFT = Reason(
    "the {extreme} {title}, {value}, of the checkpoints that are left; epoch {epoch} had {best}, "
    "and its checkpoint is gone",
    "남아 있는 체크포인트 가운데 {title} {extreme}, {value}. {epoch}번째 에폭이 {best}였으나 "
    "그 체크포인트는 없음",
)
STARTED_FROM = Reason(
    "it is the checkpoint that this run started from", "이 실행이 시작한 체크포인트"
)
NONE_BETTER = Reason(
    "it is the checkpoint that this run started from, and no epoch since was better",
    "이 실행이 시작한 체크포인트이며 그 뒤로 더 나은 에폭이 없음",
)
STOPPED_EARLY = Reason(
    "training stopped early, after epoch {count} of {epochs}",
    "학습은 {epochs}개 에폭 가운데 {count}번째 뒤에 일찍 멈춤",
)
