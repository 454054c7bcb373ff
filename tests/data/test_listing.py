"""From files to the cache: order, files that are left out, and changes that decode again."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from eig_tf.data import listing, pictures, storage
from eig_tf.data.listing import Entry, Listing
from eig_tf.data.pictures import Unreadable
from eig_tf.errors import UserError

# Decodes a chunk of 256 files, writes a letter for each, and is interrupted while it submits the chunk.
INTERRUPTED = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
from eig_tf.cli import command
from eig_tf.data import listing
directory, cache = map(Path, sys.argv[1:])
once = iter([1])
def decode(path, entry):
    with (directory / "begun").open("a") as file:
        file.write("x")
    for _ in once:
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(2)
    return np.zeros([1, 2, 2, 1], np.uint8)
entries = tuple(listing.Entry("one", 0, None) for _ in range(256))
listed = listing.Listing("made", directory, entries, (), "files", decode, {}, 1)
# Tests in the background of a shell ignore SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)
def main(arguments):
    listing.load_listing(listed, cache)
command.run_command(main, "")
"""


class Decoder:
    """Reads files of a single number, and records which."""

    def __init__(self):
        self.read = []

    def __call__(self, path, entry):
        self.read.append(entry.name)
        text = path.read_text()
        if text == "bad":
            raise Unreadable("it is bad")
        return np.full([1, 2, 2, 1], int(text), np.uint8)


@pytest.fixture
def decoder():
    return Decoder()


@pytest.fixture
def make(tmp_path, decoder):
    """Returns a listing of files with these texts, with two alternating classes."""
    directory = tmp_path / "files"
    directory.mkdir()

    def make(*texts, **changes):
        for index, text in enumerate(texts):
            if not (directory / f"{index}").exists() or (directory / f"{index}").read_text() != text:
                (directory / f"{index}").write_text(text)
        entries = tuple(Entry(f"{index}", index % 2, None) for index in range(len(texts)))
        listed = Listing("made", directory, entries, ("a", "b"), "files", decoder, {"size": 2}, 1)
        return listed._replace(**changes)
    return make


@pytest.fixture
def load(tmp_path):
    return lambda listed: listing.load_listing(listed, tmp_path / "cache")


def test_images_come_in_the_order_of_the_entries_and_the_cache_is_printed_once(
        make, load, monkeypatch, tmp_path, capsys):
    # More files than one chunk, decoded by several threads.
    monkeypatch.setattr(listing, "_CHUNK", 7)
    image_set = load(make(*map(str, range(30))))
    assert [image[0, 0, 0] for image in image_set.images] == list(range(30))
    assert image_set.labels.tolist() == [0, 1] * 15
    assert image_set.names.tolist() == [str(index) for index in range(30)]
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"decodes 30 files of made once, into {tmp_path}/cache/data/made-")
    assert said[-1].startswith("decoded images take 0.0 MB in ")
    load(make(*map(str, range(30))))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("change", [
    {"options": {"size": 3}}, {"class_names": ("a", "c")}, {"missing": ("x",), "max_unreadable": 1.0},
    {"max_unreadable": 0.5}, {"notes": ("said",)}, {"version": 2}, {"source": "elsewhere"},
    *({"entries": (changed, Entry("1", 1, 4 if changed.group else None))} for changed in (
        Entry("0", 1, None), Entry("0", 0, 3), Entry("0", 0, None, (1.0,))))])
def test_whatever_could_change_the_set_decodes_it_again(make, load, decoder, change):
    for number in (2, 2):
        load(make("1", "2"))
        assert len(decoder.read) == number
    load(make("1", "2", **change))
    assert len(decoder.read) == 4


def test_unreadable_files_are_left_out_below_the_share_and_named(make, load):
    image_set = load(make("1", "bad", "3", "4", max_unreadable=0.25))
    assert image_set.labels.tolist() == [0, 0, 1]
    assert image_set.notes == ("1 left out as missing or unreadable: 1: it is bad",)


@pytest.mark.parametrize(("texts", "changes", "sentence"), [
    (["1", "bad", "bad", "4"], {"max_unreadable": 0.25},
     r"2 of 4 files are missing or unreadable \(1: it is bad; 2: it is"),
    (["1", "bad", "3", "bad"], {"max_unreadable": 0.5},
     r"no readable image of class b \(1: it is bad; 3: it is bad"),
    (["1", "2"], {"missing": ("box of 3",)}, "1 of 3 files"), ([], {}, "holds no images for --dataset=made"),
    (["bad", "bad"], {"max_unreadable": 1.0}, "holds no readable image")])
def test_too_few_readable_files_are_refused(make, load, decoder, tmp_path, texts, changes, sentence):
    with pytest.raises(UserError, match=sentence):
        load(make(*texts, **changes))
    assert not list((tmp_path / "cache").glob("data/made-*[!k]"))
    # What is missing counts before anything is decoded.
    assert bool(decoder.read) == ("bad" in texts)


def test_defects_of_a_decoder_and_files_deleted_after_the_listing_are_not_swallowed(make, load, tmp_path):
    with pytest.raises(ValueError, match="invalid literal"):
        load(make("1", "not a number", max_unreadable=1.0))
    listed = make("1", "2")
    (tmp_path / "files" / "1").unlink()
    with pytest.raises(FileNotFoundError, match="files/1"):
        load(listed)


@pytest.fixture
def two_cores(monkeypatch):
    """Decoding has two threads, on every machine."""
    monkeypatch.setattr(listing.os, "sched_getaffinity", lambda process: {0, 1})


@pytest.mark.usefixtures("two_cores")
def test_failure_to_write_stops_the_decoding(make, load, decoder):
    def decode(path, entry):
        time.sleep(0.01)
        size = 2 if entry.name == "0" else 3
        return decoder(path, entry).repeat(size, axis=1)
    with pytest.raises(ValueError, match=r"uint8 images of .*; expected uint8 images of"):
        load(make(*["1"] * 100, decode=decode))
    assert len(decoder.read) < 50


@pytest.mark.parametrize("change", [
    lambda patch, file: patch.setattr(pictures, "DECODER_VERSION", pictures.DECODER_VERSION + 1),
    lambda patch, file: patch.setattr(storage, "FORMAT_VERSION", storage.FORMAT_VERSION + 1),
    # Same length and content, other time.
    lambda patch, file: os.utime(file, ns=(5, 5))], ids=["decoder", "format", "time"])
def test_shared_code_of_another_version_and_a_changed_file_decode_again(
        make, load, decoder, monkeypatch, tmp_path, change):
    load(make("1", "2"))
    change(monkeypatch, tmp_path / "files" / "0")
    load(make("1", "2"))
    assert len(decoder.read) == 4


def test_images_without_classes_and_with_groups(make, load):
    image_set = load(make("1", "2", class_names=()))
    assert image_set.labels is None and image_set.groups is None
    entries = tuple(Entry(str(index), index, 7) for index in range(2))
    assert load(make("1", "2", entries=entries)).groups.tolist() == [7, 7]


def test_names_that_are_no_utf8(make, load, decoder, tmp_path):
    name = os.fsdecode(b"\xff\xe9.png")
    (tmp_path / "files" / name).write_text("7")
    listed = make()._replace(entries=(Entry(name, 0, None),), class_names=(name,))
    assert load(listed).names.tolist() == [name]
    assert load(listed).class_names == (name,)
    assert decoder.read == [name]


@pytest.mark.usefixtures("two_cores")
def test_interrupt_while_a_chunk_is_submitted_cancels_the_rest(make, load, monkeypatch):
    read, submitted = [], []

    class InterruptedPool(ThreadPoolExecutor):
        def submit(self, *args, **kwargs):
            submitted.append(args)
            if len(submitted) == 200:
                raise KeyboardInterrupt
            return super().submit(*args, **kwargs)

    def decode(path, entry):
        read.append(entry.name)
        time.sleep(0.05)
        return np.zeros([1, 2, 2, 1], np.uint8)

    monkeypatch.setattr(listing, "ThreadPoolExecutor", InterruptedPool)
    listed = make("1")._replace(entries=(Entry("0", 0, None),) * 256, decode=decode)
    with pytest.raises(KeyboardInterrupt):
        load(listed)
    assert len(read) < 100


@pytest.mark.slow
def test_interrupt_stops_at_once_and_leaves_nothing(tmp_path):
    (tmp_path / "one").touch()
    finished = subprocess.run([sys.executable, "-c", INTERRUPTED, str(tmp_path), str(tmp_path / "cache")],
                              text=True, capture_output=True, timeout=60)
    assert (finished.returncode, finished.stderr) == (130, "\ninterrupted\n")
    assert len((tmp_path / "begun").read_text()) <= len(os.sched_getaffinity(0))
    assert [path.suffix for path in (tmp_path / "cache" / "data").iterdir()] == [".lock"]
