"""A folder of `save_to_disk` is a corpus: each split a folder of Arrow files."""

import json

from tests.support.parquet import arrow_stream, classes

NAMES = ("O", "B-PS", "B-LC")
FEATURES = {"ner_tags": classes(*NAMES)}


def rows(word, tag):
    return [{"tokens": [f"{word}은", "왔다."], "ner_tags": [tag, 0]}]


def save(folder, word, tag, shards=1, features=FEATURES):
    """One split, as `Dataset.save_to_disk` leaves it."""
    folder.mkdir(parents=True)
    names = [f"data-{i:05d}-of-{shards:05d}.arrow" for i in range(shards)]
    for i, name in enumerate(names):
        (folder / name).write_bytes(arrow_stream(rows(f"{word}{i}", tag), features))
    (folder / "cache-1f2e.arrow").write_bytes(arrow_stream(rows("남은", tag), features))
    state = {"_data_files": [{"filename": name} for name in names], "_split": folder.name}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text(
        json.dumps({"features": {"ner_tags": classes(*NAMES)}})
    )


def test_the_splits_of_a_saved_dataset_are_its_folders(load, tmp_path):
    """Its shards are one split; what `datasets` caches beside them is none of it."""
    folder = tmp_path / "saved"
    save(folder / "train", "가나다", 1, shards=2)
    save(folder / "validation", "라마바", 2, features=None)  # named by dataset_info.json alone
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "validation"]}')
    corpus = load(place=str(folder), allow_unseen_labels=True)
    assert [s.text for s in corpus.train.sentences] == ["가나다0은 왔다.", "가나다1은 왔다."]
    assert [s.text for s in corpus.val.sentences] == ["라마바0은 왔다."]
    assert {span.type for s in corpus.val.sentences for span in s.spans} == {"LC"}
    assert corpus.train.format.startswith("an Arrow file with tokens and tags")
