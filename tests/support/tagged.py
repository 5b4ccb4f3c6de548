"""A sentence, and how the table of `tests.support.tiny` tags it."""

SENTENCE = "김철수은 서울역에서 만났다!"
TAGGED = f"{SENTENCE}␞<김철수:PER>은 <서울역:LOC>에서 만났다!"
SCORES = [0.9545, 0.9616]
SPANS = [[0, 3, "PER"], [5, 8, "LOC"]]


def upload(folder, filesystem, path):
    """Copies a folder to an fsspec filesystem."""
    for file in folder.rglob("*"):
        if file.is_file():
            filesystem.pipe(f"{path}/{file.relative_to(folder).as_posix()}", file.read_bytes())
