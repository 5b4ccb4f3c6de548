"""The header of a table: names of columns that suggest what they hold. The cells must prove it."""

import re
from collections.abc import Mapping, Sequence

from job.errors import DataError

TEXT, UNIT, TAGS, SENTENCE, DOCUMENT = "text", "unit", "tags", "sentence", "document"
START, END, MENTION, TYPE = "start", "end", "mention", "type"
NAMES: dict[str, str] = {
    TEXT: "text sentence sentences content contents body query question utterance input string "
    "transcript document raw rawtext originaltext sentencetext "
    "문장 텍스트 본문 원문 내용 질문 발화",
    UNIT: "word words token tokens form unit units char chars character characters syllable eojeol "
    "morpheme morph surface 단어 어절 토큰 글자 음절 형태소 낱말",
    TAGS: "tag tags label labels ner nertag nertags nerlabel nerlabels netag netags bio biotag "
    "biotags bioes iob iobtag entities entitytag entitytags entitylabel wordlabels tokenlabels "
    "annotation annotations target 태그 라벨 레이블 개체명태그 정답",
    SENTENCE: "sentence# sentenceid sentenceno sentencenumber sentenceidx sentenceindex sentid "
    "sent sentno sentidx sid 문장번호 문장id",
    DOCUMENT: "docid doc documentid documentno docno file filename article articleid 문서 문서번호 "
    "문서id",
    START: "start begin startoffset beginoffset startpos startindex startchar beginpos from offset "
    "charstart spanstart 시작 시작위치",
    END: "end endoffset endpos endindex endchar stop to charend spanend 끝 종료 끝위치 종료위치",
    MENTION: "mention entity entitytext entityname surfaceform word keyword phrase span value form "
    "spantext entitymention text 개체명 개체 멘션 표현 단어",
    TYPE: "type entitytype entitylabel nertype class classname category label tag entitygroup "
    "tagclass 유형 종류 분류 범주 태그 라벨 개체유형 개체명유형",
}
ROLES_OF: dict[str, tuple[str, ...]] = {
    name: tuple(role for role, names in NAMES.items() if name in names.split())
    for names in NAMES.values()
    for name in names.split()
}
NOT_IN_NAMES = re.compile(r"[\s_.\-]+")


def roles_of(cell: str) -> tuple[str, ...]:
    """The roles that a column of this name may have."""
    return ROLES_OF.get(NOT_IN_NAMES.sub("", cell).casefold(), ())


def looks_like_header(cells: Sequence[str]) -> bool:
    """Whether at least two cells, all different, are names of columns."""
    filled = [cell for cell in cells if cell.strip()]
    return sum(map(bool, map(roles_of, filled))) > 1 and len(set(filled)) == len(filled)


def by_fields(
    fields: Mapping[str, str], header: Sequence[str] | None, width: int, path: str
) -> dict[str, int]:
    """The columns that the user named, by number or by name, from 0. Raises DataError."""
    found = {}
    for role, place in fields.items():
        if role == "offsets" or (role == "end" and place == "inclusive"):
            continue
        if header is not None and place in header:
            found[role] = list(header).index(place)
        elif place.isdecimal() and int(place) <= width:
            found[role] = int(place) - 1
        else:
            columns = ", ".join(f"`{name}`"[:40] for name in header or ()) or f"{width} columns"
            raise DataError(
                f"{path}: CORPUS_FIELDS names `{place}`, but the table has {columns}; name a "
                "column by its header, or count it from 1."
            )
    return found
