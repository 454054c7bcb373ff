"""Zips and tars: what is listed and in which order, what is unsafe, and what is damaged."""

import gzip
import io
import os
import tarfile
import zipfile

import pytest

from eig_tf.data import archives
from eig_tf.data.pictures import Unreadable
from eig_tf.errors import UserError


@pytest.fixture
def make_zip(tmp_path):
    """Writes a zip of names and contents; returns its path."""
    def make(*members):
        with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members:
                archive.writestr(member, content)
        return tmp_path / "a.zip"
    return make


@pytest.fixture
def make_tar(tmp_path):
    """Writes a tar of names and contents, or of `TarInfo`s; returns its path."""
    def make(*members, compression=""):
        with tarfile.open(tmp_path / "a.tar", f"w:{compression}") as archive:
            for member, content in members:
                if isinstance(member, str):
                    member = tarfile.TarInfo(member)
                    member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return tmp_path / "a.tar"
    return make


def read_all(path):
    members, notes = archives.list_members(path)
    return dict(zip(members, archives.read_members(path, members))), notes


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("compression", ["zip", "", "gz", "bz2", "xz"])
def test_files_come_in_the_order_of_the_archive(make_zip, make_tar, compression):
    """The suffix does not matter, hidden files are skipped, and the last file of a name counts."""
    members = [("b/2", b"two"), ("./a", b"old"), (".hidden", b""), ("b/.git/x", b""), ("é 'x'\n", b"odd"),
               ("a", b"new")]
    path = make_zip(*members) if compression == "zip" else make_tar(*members, compression=compression)
    found, notes = read_all(path.rename(path.with_name("other")))
    assert list(found.items()) == [("b/2", b"two"), ("é 'x'\n", b"odd"), ("a", b"new")]
    assert notes == []


def test_a_zip_in_a_tar_is_one_of_its_files(make_zip, make_tar):
    inner = make_zip(("a", b"x")).read_bytes()
    assert read_all(make_tar(("inner.zip", inner))) == ({"inner.zip": inner}, [])


def test_names_that_lead_out_are_left_out_and_nothing_is_written(make_zip, make_tar, tmp_path):
    members = [("../up", b"x"), ("/etc/passwd", b"x"), ("a/../../b", b"x"), ("good", b"x")]
    for make in (make_zip, make_tar):
        path = make(*members)
        found, notes = read_all(path)
        assert found == {"good": b"x"}
        assert notes == [f"3 files in {path.name} are left out, whose names lead out of it: ../up, "
                         "/etc/passwd, a/../../b"]
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "a.tar"}


def test_links_devices_encrypted_and_huge_files_are_left_out(make_zip, make_tar, monkeypatch):
    link, device = tarfile.TarInfo("link"), tarfile.TarInfo("device")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device.type = tarfile.CHRTYPE
    assert read_all(make_tar((link, b""), (device, b""))) == (
        {}, ["2 files in a.tar are left out, which are links or devices: link, device"])
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    path = make_zip((link, b"/etc/passwd"), ("secret", b"x"), ("zeros", bytes(5000)), ("good", b"x"))
    content = path.read_bytes()
    # The flags of the second file, in its own header and in the directory at the end.
    first, second = (content.find(b"secret"), content.rfind(b"secret"))
    content = bytearray(content)
    content[first - 30 + 6] |= 1
    content[second - 46 + 8] |= 1
    path.write_bytes(content)
    monkeypatch.setattr(archives, "_MAX_BYTES", 4999)
    found, notes = read_all(path)
    assert found == {"good": b"x"}
    assert [note.split("left out, which are ")[1] for note in notes] == [
        "links or devices: link", "encrypted: secret", "larger than 0 MiB: zeros"]


def test_damaged_content_of_a_file_does_not_stop_the_others(make_zip, tmp_path):
    path = make_zip(("bad", os.urandom(300)), ("good", b"x"))
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    found, _ = read_all(path)
    assert isinstance(found["bad"], Unreadable) and "damaged in the archive (BadZipFile" in str(found["bad"])
    assert found["good"] == b"x"


@pytest.mark.parametrize("compression", ["", "gz"])
def test_a_tar_with_a_damaged_header_is_refused(make_tar, compression):
    """Its reader would take the header for the end, and the files after it would be missing."""
    path = make_tar(("a", b"x"), ("b", b"y"), ("c", b"z"))
    content = bytearray(path.read_bytes())
    content[1024 + 10] ^= 1
    path.write_bytes(gzip.compress(bytes(content)) if compression else bytes(content))
    with pytest.raises(UserError, match=r"a\.tar cannot be read: a header in it is damaged; expected"):
        archives.list_members(path)
    path.write_bytes(bytes(content[:1024]))
    assert read_all(path) == ({"a": b"x"}, [])


def test_backslashes_of_windows_separate_folders(make_zip):
    members = [zipfile.ZipInfo(name) for name in ("d\\", "d\\a", "d\\..\\..\\b", "e\\c")]
    for member in members[:-1]:
        member.create_system = 0
    found, notes = read_all(make_zip(*((member, b"x") for member in members)))
    assert found == {"d/a": b"x", "e\\c": b"x"}
    assert notes == ["1 files in a.zip are left out, whose names lead out of it: d/../../b"]


def test_truncated_archives_and_other_files_are_refused_in_one_sentence(make_zip, make_tar, tmp_path):
    contents = [make_zip(("a", os.urandom(5000))).read_bytes()[:3000], b"", b"no archive",
                make_tar(("a", os.urandom(5000)), compression="gz").read_bytes()[:3000],
                make_tar(("a", b"x"), ("b", os.urandom(5000))).read_bytes()[:4000]]
    for content in contents:
        path = tmp_path / "other.zip"
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"other\.zip cannot be read: .*; expected a folder, ") as error:
            archives.list_members(path)
        assert "\n" not in str(error.value)
