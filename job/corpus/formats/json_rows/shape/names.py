"""The names that corpora and tools give to the parts of a sentence. They suggest; texts prove."""

from functools import cache


def _ordered(names: str) -> dict[str, int]:
    return {name: rank for rank, name in enumerate(names.split())}


TEXT = _ordered(
    "text sentence form content rawtext originaltext sentencetext fulltext textcontent utterance "
    "document context paragraph passage body data raw source sent input 문장 원문 본문 텍스트"
)
SPANS = _ordered(
    "spans entities label ne ner nes labels annotations annotation mentions entity taglist tags "
    "namedentities namedentity entitymentions entitylist entityannotations nelist nertags nelabels "
    "nerentities result results textsegmentannotations 개체명 개체 개체명목록"
)
# Lists that look like mentions and are of another task, or of a machine.
OTHERS = frozenset(
    [
        "predictions",
        "prediction",
        "drafts",
        "relations",
        "relation",
        "tokens",
        "token",
        "words",
        "word",
        "units",
        "morp",
        "morps",
        "morpheme",
        "morphemes",
        "morpeval",
        "wsd",
        "chunk",
        "chunks",
        "phrase",
        "phrases",
        "dependency",
        "dependencies",
        "dp",
        "srl",
        "za",
        "coref",
        "coreference",
        "pos",
        "sa",
        "comments",
        "meta",
        "metadata",
        "tokenizedtext",
        "characters",
        "chars",
    ]
)
TOKENS = _ordered(
    "tokens morp morpheme morphemes words word units tokenizedtext token morps characters chars"
)
START = _ordered(
    "start begin startoffset startpos startposition startindex startchar charstart beginoffset "
    "beginpos beginposition beginindex begpos startidx startcharacter startat from offset position "
    "pos 시작"
)
END = _ordered(
    "end endoffset endpos endposition endindex endchar charend endidx endcharacter endat stop "
    "finish to 끝"
)
LENGTH = _ordered("length len size 길이")
BOTH = frozenset(
    ["span", "offsets", "offset", "position", "range", "indices", "indexes", "charspan"]
)
TYPES = {
    **dict.fromkeys(["tagcode", "entitygroup", "entitytype", "netype", "nertype", "nelabel"], 0),
    **dict.fromkeys(
        [
            "label",
            "labels",
            "hypertextlabels",
            "type",
            "tag",
            "displayname",
            "labelname",
            "tagname",
            "entitylabel",
            "netag",
            "유형",
            "태그",
            "종류",
            "개체유형",
        ],
        1,
    ),
    **dict.fromkeys(["tagclass", "class", "classname", "category", "kind", "group"], 2),
    "entity": 3,
}
MENTION = _ordered(
    "text mention word surface surfaceform form value tagtext keyword mentiontext entitytext "
    "name quote phrase string token content entity 개체 어휘 단어"
)
COUNTERS = frozenset(
    [
        "id",
        "ids",
        "idx",
        "index",
        "no",
        "num",
        "number",
        "uuid",
        "key",
        "sentid",
        "wordid",
        "tokenid",
        "score",
    ]
)


@cache
def plain(key: str) -> str:
    """The name without case and signs: `start_offset` and `startOffset` are `startoffset`."""
    return "".join(filter(str.isalnum, key.lower()))


def is_counter(key: str) -> bool:
    """Whether the key names a running number or the like, and no offset."""
    name = plain(key)
    return name in COUNTERS or name.endswith(("id", "score", "hash", "count"))
