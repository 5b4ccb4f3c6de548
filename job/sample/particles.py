"""Korean particles that depend on the sound before them: 은/는, 이/가, 을/를, 과/와, 으로/로 …

Hangul syllables carry their final consonant in the code point; digits, Latin letters and units are
judged by how they are read aloud (3 삼, L 엘, kg 킬로그램, % 퍼센트).
"""

import re

FIRST_SYLLABLE, LAST_SYLLABLE = ord("가"), ord("힣")
FINALS = 28  # final consonants per vowel, "none" included
RIEUL = 8  # ㄹ among the finals
NO_FINAL = 0

# How what is not Hangul is read, by its last syllable.
READINGS = {
    **{"0": "영", "1": "일", "2": "이", "3": "삼", "4": "사"},
    **{"5": "오", "6": "육", "7": "칠", "8": "팔", "9": "구"},
    **{"L": "엘", "M": "엠", "N": "엔", "R": "알", "%": "퍼센트", "℃": "도"},
}
UNITS = {
    "kg": "그램",
    "g": "그램",
    "t": "톤",
    "m": "미터",
    "km": "미터",
    "cm": "미터",
    "GB": "바이트",
}
UNIT = re.compile(rf"\d({'|'.join(sorted(UNITS, key=len, reverse=True))})$")
BRACKETED = re.compile(r"\([^()]*\)$")  # 김민수(34)는: the word before the bracket decides
CLOSING = "\"'”’」』》〉)]>… "


def final_consonant(text: str) -> int:
    """The final consonant of the last syllable as read aloud: 0 for none, 8 for ㄹ."""
    text = BRACKETED.sub("", text).rstrip(CLOSING)
    if unit := UNIT.search(text):
        text = UNITS[unit[1]]
    last = READINGS.get(text[-1], text[-1])[-1]
    if FIRST_SYLLABLE <= ord(last) <= LAST_SYLLABLE:
        return (ord(last) - FIRST_SYLLABLE) % FINALS
    if last.isascii() and last.isupper():  # the other letters end in a vowel: 에이, 비, 시 …
        return NO_FINAL
    raise ValueError(f"{text!r}: how its last character is read is unknown; add it to READINGS.")


def choose_particle(before: str, pair: str) -> str:
    """The form of `pair`, written "after a consonant/after a vowel", that follows `before`.

    으로/로 counts ㄹ as a vowel: 서울로.
    """
    after_consonant, after_vowel = pair.split("/")
    final = final_consonant(before)
    if final == NO_FINAL or (final == RIEUL and after_consonant.startswith("으로")):
        return after_vowel
    return after_consonant
