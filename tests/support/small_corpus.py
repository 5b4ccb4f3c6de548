"""A small corpus in the tutorial's format: forty sentences of train, two of val."""

import hashlib

TRAIN = "".join(f"김{i}은 서울에 왔다.␞<김{i}:PER>은 <서울:LOC>에 왔다.\n" for i in range(40))
VAL = "이순신은 부산에 갔다.␞<이순신:PER>은 <부산:LOC>에 갔다.\n나는 갔다.␞나는 갔다.\n"


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def texts(split):
    return [sentence.text for sentence in split.sentences]
