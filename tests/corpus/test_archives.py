"""Archives are unpacked whole or not at all, and never beyond the folder that is theirs."""

import bz2
import gzip
import io
import lzma
import os
import re
import stat
import tarfile
import zipfile

import pytest

from job.corpus.archives import is_archive, unpack
from job.errors import DataError

FILES = {"Training/문서.json": b"[1]", "readme.txt": "읽기".encode()}
LEAVINGS = {"__MACOSX/Training/._x.json": b"x", "Training/._x": b"x", ".DS_Store": b"x"}
LIMIT = 1_000_000


def zipped(files, **options):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data, **options)
    return stream.getvalue()


def tarred(files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


@pytest.fixture
def unpacked(tmp_path):
    def unpacked(name, data, limit=LIMIT):
        file = tmp_path / name
        file.write_bytes(data)
        folder = unpack(file, tmp_path / "cache", limit)
        found = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

    return unpacked


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.zip", zipped),
        ("a.tar", tarred),
        ("a.tar.gz", lambda files: gzip.compress(tarred(files))),
        ("a.tgz", lambda files: gzip.compress(tarred(files))),
        ("a.tar.bz2", lambda files: bz2.compress(tarred(files))),
        ("a.tar.xz", lambda files: lzma.compress(tarred(files))),
        ("without an ending", zipped),
    ],
)
def test_the_files_of_an_archive_are_those_that_were_put_in(unpacked, name, make):
    """In their folders, and without what macOS leaves."""
    assert unpacked(name, make({**FILES, **LEAVINGS})) == FILES


@pytest.mark.parametrize(
    ("ending", "compress"),
    [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)],
)
def test_a_file_compressed_alone_keeps_its_name_without_the_ending(unpacked, ending, compress):
    """Files of the same content under two names are two files: the name holds the split."""
    assert unpacked(f"train.jsonl.{ending}", compress(b"{}")) == {"train.jsonl": b"{}"}
    assert unpacked(f"val.jsonl.{ending}", compress(b"{}")) == {"val.jsonl": b"{}"}


def test_names_of_a_zip_from_windows_are_read_as_cp949(unpacked):
    """Without the flag for UTF-8, as Windows writes them; macOS writes UTF-8 without it."""
    for encoding in ("cp949", "utf-8"):
        placeholder = "가나.json".encode(encoding)
        data = zipped({"x" * len(placeholder): b"[]"}).replace(b"x" * len(placeholder), placeholder)
        assert unpacked("a.zip", data) == {"가나.json": b"[]"}
    assert unpacked("a.zip", zipped({"Training\\a.json": b"[]"})) == {"Training/a.json": b"[]"}


def test_a_second_look_takes_what_is_there(tmp_path):
    """By the archive's content: another archive under the same name is another folder."""
    file = tmp_path / "a.zip"
    file.write_bytes(zipped({"a": b"1"}))
    first = unpack(file, tmp_path / "cache", LIMIT)
    assert unpack(file, tmp_path / "cache", 0) == first  # nothing is unpacked again
    file.write_bytes(zipped({"a": b"2"}))
    assert (unpack(file, tmp_path / "cache", LIMIT) / "a").read_bytes() == b"2"


@pytest.mark.parametrize("path", ["../a", "b/../../a", "/a", "C:/a", "..\\a"])
@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path, unpacked, make, path):
    """And nothing is left of what came before it."""
    if make is tarred and "\\" in path:
        pytest.skip("a tar's names have slashes; a backslash in one is a character")
    with pytest.raises(DataError, match=r"a\.x holds the path .* leads out of it"):
        unpacked("a.x", make({"good": b"1", path: b"2"}))
    assert {path.name for path in tmp_path.rglob("*")} == {"a.x", "cache", "unpacked"}


def test_links_are_left_out_and_named(unpacked, caplog):
    """A link may lead anywhere; the file that it is followed by lands nowhere else."""
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(info, "/etc")
        archive.writestr("a.json", "[]")
    assert unpacked("a.zip", stream.getvalue()) == {"a.json": b"[]"}
    assert "left out of it: link (a link)" in caplog.text
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            link = tarfile.TarInfo(f"link{kind.decode()}")
            link.type, link.linkname = kind, "/etc/passwd"
            archive.addfile(link)
        member = tarfile.TarInfo("link2/a.json")
        member.size = 2
        archive.addfile(member, io.BytesIO(b"[]"))
    assert unpacked("a.tar", stream.getvalue()) == {"link2/a.json": b"[]"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", zipped({"a.txt": bytes(LIMIT + 1)})),
        ("a.zip", zipped({str(i): bytes(LIMIT // 4) for i in range(5)})),
        ("a.txt.gz", gzip.compress(bytes(LIMIT + 1))),
        ("a.tar.gz", gzip.compress(tarred({"a.txt": bytes(LIMIT + 1)}))),
        ("a.txt.xz", lzma.compress(bytes(LIMIT + 1))),
    ],
)
def test_what_unpacks_to_too_much_is_stopped(tmp_path, unpacked, name, data):
    """However it says its size is, and nothing of it stays."""
    with pytest.raises(DataError, match=r"unpacks to more than 1\.0 MB.*MAX_DOWNLOAD_MB"):
        unpacked(name, data)
    assert {path.name for path in tmp_path.rglob("*")} == {name, "cache", "unpacked"}


def test_a_tar_whose_header_says_it_is_huge_is_stopped(unpacked):
    """The names in a header of its own are read into memory: they count, too."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 40
    with pytest.raises(DataError, match="unpacks to more than"):
        unpacked("a.tar.gz", gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(2 * LIMIT)))


def test_too_many_files_are_refused(unpacked, monkeypatch):
    """The limit is there for the machine's sake."""
    monkeypatch.setattr("job.corpus.archives.unpacking.MAX_FILES", 3)
    assert len(unpacked("a.zip", zipped({str(i): b"" for i in range(3)}))) == 3
    with pytest.raises(DataError, match="holds more than 3 files"):
        unpacked("b.zip", zipped({str(i): b"" for i in range(4)}))


def test_a_locked_zip_is_refused_in_a_sentence(unpacked):
    """Python has no password to try."""
    data = bytearray(zipped({"a": b"1"}))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(DataError, match=r"a\.zip is locked with a password; unpack it yourself"):
        unpacked("a.zip", bytes(data))


def test_a_way_of_compressing_that_python_lacks_is_refused_in_a_sentence(unpacked):
    """Deflate64, as Windows writes what is larger than 2 GB."""
    data = bytearray(zipped({"a": b"1"}))
    data[8] = data[data.index(b"PK\1\2") + 10] = 9
    with pytest.raises(DataError, match="is compressed in a way that is not read"):
        unpacked("a.zip", bytes(data))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.zip", zipped({}), "holds no file"),
        ("a.tar", tarred({}), "is no archive"),
        ("a.zip", zipped(LEAVINGS), "holds no file"),
        (
            "a.zip",
            zipped({"b.zip": zipped(FILES)}),
            r"nothing but b\.zip \(an archive within it\); unpack it yourself",
        ),
        ("a.zip", zipped({"b": b"1", "b/c": b"2"}), "b/c in it cannot be written"),
        ("a.zip", zipped({"가" * 200: b"1"}), "cannot be written"),
        ("a.zip", zipped(FILES)[:-30], "is damaged or was cut off"),
        ("a.txt.gz", gzip.compress(os.urandom(999))[:-100], "is damaged or was cut off"),
        ("a.txt.gz", gzip.compress(b"abc" * 99)[:-8] + bytes(8), "is damaged or was cut off"),
        ("a.tar.gz", gzip.compress(tarred(FILES)[:1000]), "is damaged or was cut off"),
        ("a.txt.bz2", b"BZh9" + b"x" * 99, "is damaged or was cut off"),
        ("a.txt.xz", lzma.compress(b"abc" * 99)[:-9], "is damaged or was cut off"),
    ],
)
def test_an_archive_without_a_usable_file_is_refused_in_a_sentence(unpacked, name, data, message):
    """Empty, of archives only, damaged or cut off."""
    with pytest.raises(DataError, match=rf"{re.escape(name)}:? (.* )?{message}"):
        unpacked(name, data)


def test_the_same_path_twice_is_refused(unpacked):
    """Which of the two is meant nobody can tell."""
    with pytest.raises(DataError, match="holds a twice"):
        unpacked("a.zip", zipped({"a": b"1", "b": b"2"}).replace(b"b", b"a"))


def test_spreadsheets_and_texts_are_no_archives(tmp_path):
    """A spreadsheet is a zip to the system, and a table to its owner."""
    for data, expected in (
        (zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), False),
        (zipped(FILES), True),
        (gzip.compress(b""), True),
        (b"PK is a text", False),
        (b"", False),
    ):
        (tmp_path / "a").write_bytes(data)
        assert is_archive(tmp_path / "a") is expected
