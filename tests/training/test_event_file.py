"""The curves of a run for TensorBoard."""

import errno
import os

from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import RecordWriter

from job.training.event_file import Curves


def events(folder) -> list[Event]:
    [file] = folder.iterdir()
    data, found = file.read_bytes(), []
    while data:  # length (8), its checksum (4), the record, its checksum (4)
        size = int.from_bytes(data[:8], "little")
        found.append(Event.FromString(data[12 : 12 + size]))
        data = data[12 + size + 4 :]
    return found


def test_a_number_is_in_the_file_at_once(tmp_path):
    """Each with its name and step, for TensorBoard to show while the run goes on."""
    curves = Curves(tmp_path / "logs")
    curves.log_metrics({"train_loss": 0.5}, 3)
    curves.log_metrics({"val_f1": 0.75}, 6)
    curves.finalize("success")
    version, *found = events(tmp_path / "logs")
    assert version.file_version == "brain.Event:2"
    numbers = [(e.step, v.tag, v.simple_value) for e in found for v in e.summary.value]
    assert numbers == [(3, "train_loss", 0.5), (6, "val_f1", 0.75)]


def test_a_disk_that_is_full_ends_the_curves_and_nothing_else(tmp_path, monkeypatch, caplog):
    """Said once, after which nothing is tried; twenty more numbers wait for nothing."""
    curves = Curves(tmp_path / "logs")
    curves.log_metrics({"train_loss": 0.5}, 1)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(RecordWriter, "write", full)
    for step in range(20):
        curves.log_metrics({"train_loss": 0.5}, step)
    assert caplog.text.count("the run goes on without it") == 1
    curves.finalize("success")


def test_a_folder_that_cannot_be_made_ends_the_curves_and_nothing_else(tmp_path, caplog):
    """A file in its place."""
    (tmp_path / "logs").touch()
    Curves(tmp_path / "logs").log_metrics({"train_loss": 0.5}, 1)
    assert "TensorBoard log" in caplog.text
