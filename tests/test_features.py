"""Encoded splits that are kept in the cache."""

import numpy as np

from job.features import encode_cached
from job.labels import LabelMap


def test_a_cache_that_is_no_folder_costs_only_time(tmp_path, tokenizers_by_kind, two_sentences):
    """CACHE_DIR or HOME may be a file, as /dev/null is: the encoding is made and not kept."""
    (tmp_path / "file").touch()
    encoded = [
        encode_cached(
            two_sentences,
            tokenizers_by_kind["wordpiece"],
            LabelMap.from_sentences(two_sentences),
            max_seq_length=32,
            stride=8,
            truncate=False,
            corpus_sha256="0",
            folder=folder,
            overwrite=False,
        )
        for folder in (tmp_path / "file" / "encoded", tmp_path / "folder")
    ]
    assert np.array_equal(encoded[0].ids_P, encoded[1].ids_P)
