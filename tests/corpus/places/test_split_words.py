"""A file's split is the one word for it in its path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.corpus.places.passed_over import parted
from job.corpus.places.split_words import WORDS, choose, split_of
from job.errors import DataError
from job.sentence import SPLITS


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("train.jsonl", "train"),
        ("1.Training/라벨링데이터/관광_0001.json", "train"),
        ("2.Validation/a.json", "val"),
        ("data/train-00000-of-00002-9a0b1c2d3e4f5a6b.parquet", "train"),
        ("sentences_dev_2.tsv", "val"),
        ("NEtaggedCorpus_train.json", "train"),
        ("TEST/a.txt", "test"),
        ("trainSet.txt", "train"),
        ("ner.dev", "val"),
        ("train/training-1.json", "train"),
        ("contest.txt", None),
        ("latest.txt", None),
        ("trainer/a.txt", None),
        ("값/검증.txt", None),
    ],
)
def test_a_split_word_stands_for_itself_among_letters_of_other_kinds(path, split):
    """In any case, beside numbers and marks, in a file's name or a folder's."""
    assert split_of(path) == split


@pytest.mark.parametrize("path", ["train/test.txt", "dev/train-1.txt", "train_dev.txt"])
def test_a_path_that_names_two_splits_is_refused(path):
    """Neither is chosen; the error has the path."""
    with pytest.raises(DataError, match=f"^{path}: its path names two splits"):
        choose([path, "val.txt"])


@pytest.mark.parametrize(
    "paths",
    [
        ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"],
        ["train-0-of-2-0123456789ab.parquet", "train-1-of-2-ba9876543210.parquet"],
        ["train_1.txt", "train_2.txt", "train_10.txt"],
        ["1/train.txt", "2/train.txt"],
        ["train/news.json", "train/wiki.json", "train/blogs/a.json"],
        ["train/train.json", "train/more.json"],
        ["train.ann", "train.txt"],
    ],
)
def test_files_that_differ_by_a_number_or_lie_in_the_folder_of_a_split_are_one(paths):
    """All of them, in the order of their paths."""
    assert choose([*paths, "val.txt"]).files == {"train": tuple(sorted(paths)), "val": ("val.txt",)}


@pytest.mark.parametrize(
    "paths",
    [
        ["train.jsonl", "train.txt"],
        ["train (1).txt", "train.txt"],
        ["news/train.txt", "wiki/train.txt"],
        ["train.txt", "train/news.txt"],
        ["train.jsonl", "train.jsonl.gz"],
        ["train_1.txt", "train_2.jsonl"],
        ["Train.txt", "train.txt"],
    ],
)
def test_two_files_that_could_each_be_the_split_are_refused(paths):
    """The error names both, and what to do."""
    with pytest.raises(DataError, match="could be the train split; remove or rename one") as raised:
        choose([*paths, "val.txt"])
    assert all(path in str(raised.value) for path in paths)


def test_without_any_split_word_all_are_train():
    """As a tool exports one file a document."""
    assert choose(["b.json", "a.json"]).files == {"train": ("a.json", "b.json")}


def test_a_file_without_a_split_word_beside_others_with_one_is_left_out():
    """It is named, and in no split."""
    chosen = choose(["train.txt", "extra.txt", "dev.txt"])
    assert chosen.files == {"train": ("train.txt",), "val": ("dev.txt",)}
    assert chosen.unnamed == ("extra.txt",)


@pytest.mark.parametrize(
    ("paths", "taken", "passed"),
    [
        (["a.txt", "README.md", "readme_ko.txt", "LICENSE", "설명서.hwp", "표.PDF"], 1, 5),
        (["a.txt", ".DS_Store", "__MACOSX/._a.txt", "Thumbs.db", "a.txt~", ".git/a"], 1, 0),
        (["a.txt", "label_names.txt", "dataset_info.json", "annotation.conf"], 1, 0),
        (["1.원천데이터/a.json", "2.라벨링데이터/a.json"], 1, 1),
        (["1.원천데이터/a.json", "3.원천데이터/b.json"], 2, 0),
        (["a.txt", "a.ann", "b.txt"], 2, 1),
        (["x/a.txt", "x/a.ann", "y/b.txt"], 3, 0),
        (["noticeboard.txt", "licensed", "authors_1.json"], 3, 0),
        (["train.txt.bak", "train.txt"], 1, 1),
    ],
)
def test_what_is_no_part_of_a_corpus_is_passed_over(paths, taken, passed):
    """Papers, readmes and texts without labels are named; leavings and companions are not."""
    assert [len(each) for each in parted(paths)] == [taken, passed]


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                ["train", "Dev", "1.Test", "news", "말뭉치", "a_1", "valid-2", "README"]
            ),
            min_size=1,
            max_size=3,
        ).map("/".join),
        unique=True,
    )
)
def test_each_file_of_a_tree_is_in_one_split_or_left_out_or_all_are_refused(paths):
    """None is lost, none counts twice, and each lies in the split that its path names."""
    taken, passed = parted(paths)
    assert sorted(taken + passed) == sorted(paths)
    try:
        chosen = choose(taken)
    except DataError:
        assert any(word in " ".join(taken).lower() for word in WORDS)
        return
    put = [file for files in chosen.files.values() for file in files]
    assert sorted([*put, *chosen.unnamed]) == sorted(taken)
    assert set(chosen.files) <= set(SPLITS)
    for split, files in chosen.files.items():
        assert {split_of(file) for file in files} <= {split, None if split == "train" else split}
