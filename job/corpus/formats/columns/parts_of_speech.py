"""The names of parts of speech and of chunks (phrases), by which their columns are known."""

import re
from collections.abc import Iterable

from job.corpus.formats.bio_tags import split_tag

JOINS = re.compile(r"[+/|]")
NAMES_OF_CHUNKS = "NP VP PP ADVP ADJP SBAR PRT CONJP INTJ LST UCP AP AJP AVP DP IP AUXP"
# Sejong and its kin (mecab-ko, Komoran, Kkma); Universal Dependencies; Penn; Okt.
NAMES = (
    "NNG NNP NNB NNBC NNM NR NP NF NV NA VV VA VX VXV VXA VCP VCN MM MMA MMD MMN MDT MDN MAG MAJ "
    "MAC IC JKS JKC JKG JKO JKB JKM JKV JKI JKQ JX JC EP EPH EPT EPP EF EFN EFQ EFO EFA EFI EFR EC "
    "ECE ECD ECS ETN ETM ETD XPN XPV XSN XSV XSA XSM XSO XSB XR SF SP SS SSO SSC SE SO SC SY SL SH "
    "SW SN OL OH ON UN UNK UNKNOWN ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT "
    "SCONJ SYM VERB CONJ X CC CD DT EX FW IN JJ JJR JJS LS MD NN NNS NNPS PDT POS PRP PRP$ RB RBR "
    "RBS RP TO UH VB VBD VBG VBN VBP VBZ WDT WP WP$ WRB -LRB- -RRB- HYPH NFP ADD AFX GW XX Noun "
    "Verb Adjective Determiner Adverb Conjunction Exclamation Josa PreEomi Eomi Suffix Foreign "
    "Punctuation Alpha Number Unknown KoreanParticle Hashtag ScreenName Email URL VerbPrefix "
    "Modifier"
)
CHUNKS = frozenset(NAMES_OF_CHUNKS.split())
PARTS_OF_SPEECH = CHUNKS | frozenset(NAMES.split())


def are_chunks(tags: Iterable[str]) -> bool:
    """Whether they are those of CoNLL 2000, such as `B-NP`."""
    types = {pair[1] for pair in map(split_tag, tags) if pair}
    return types <= CHUNKS and not types.isdisjoint(("NP", "VP"))


def is_part_of_speech(value: str) -> bool:
    if value in PARTS_OF_SPEECH:
        return True
    parts = JOINS.split(value)
    return all(part in PARTS_OF_SPEECH or not any(map(str.isalnum, part)) for part in parts)
