"""The peak of memory of reading a file: `python -m tests.corpus.formats.peak_of_reading FILE`.

Prints how many bytes this process had at most, beyond those before it read the file and those of
the sentences that it keeps, and the number of sentences. On Linux alone.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from job.corpus.formats.format import CorpusFile, Options
from job.corpus.formats.recognise import parse
from job.sentence import Sentence


def memory(kind: str) -> int:
    """Bytes of this process: VmRSS has those of now, and VmHWM the most so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [said] = [line for line in lines if line.startswith(kind)]
    return int(said.split()[1]) * 1024


def size_of(sentences: Sequence[Sentence]) -> int:
    """The bytes of all that the sentences hold, each object once."""
    objects: dict[int, object] = {id(sentences): sentences}
    for sentence in sentences:
        parts = (sentence, sentence.text, sentence.line, sentence.document, sentence.spans)
        objects |= {id(part): part for part in parts}
        for span in sentence.spans:
            objects |= {id(part): part for part in (span, *span)}
    return sum(map(sys.getsizeof, objects.values()))


def main(path: str) -> None:
    parse([CorpusFile("first", "가\tB-PS\n나\tO\n\n나\tO\n".encode())], Options())
    before = memory("VmRSS")
    parsed = parse([CorpusFile("train", Path(path).read_bytes())], Options())
    most = memory("VmHWM")
    print(most - before - size_of(parsed.sentences), len(parsed.sentences))


if __name__ == "__main__":
    main(sys.argv[1])
