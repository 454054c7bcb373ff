"""YouTube Faces: people, boxes, missing and damaged files."""

import os

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data import registry
from eig_tf.data.loaders import ytf
from eig_tf.data.pictures import Unreadable
from eig_tf.errors import UserError

# In the order of code points: capitals, then small letters, then letters with marks.
NAMES = ("Ana_Ivanovic", "Björn_Borg", "Sean_O'Keefe", "ana", "Óscar_Arias")


@pytest.fixture
def config():
    config = config_lib.load_preset("ytf")
    config.data.num_identities = 2
    return config


def frame(path, size=(60, 40), box=(30, 20, 10, 10)):
    """Write a blue frame with a red face, and return the line of its box."""
    x, y, width, height = box
    pixels = np.zeros([size[1], size[0], 3], np.uint8)
    pixels[..., 2] = 200
    pixels[max(0, y - height // 2):y + height // 2, max(0, x - width // 2):x + width // 2] = (200, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A high quality keeps the colours close.
    Image.fromarray(pixels).save(path, quality=95, subsampling=0)
    person, video, name = path.parts[-3:]
    return f"{person}\\{video}\\{name},0,{x},{y},{width},{height},0,0"


@pytest.fixture
def faces(tmp_path):
    """Five people with three, two, one, one and one frames, and files of other programs."""
    root = tmp_path / "data" / ytf.FRAMES
    (root / ".Trash" / "0").mkdir(parents=True)
    by_person = (("0/0.2", "0/0.10", "1/1.1"), ("0/0.1", "0/0.2"), ("3/3.1",), ("0/0.1",), ("0/0.1",))
    for name, frames in reversed(list(zip(NAMES, by_person))):
        lines = [frame(root / name / f"{one}.jpg") for one in frames]
        (root / f"{name}{ytf.BOXES}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / NAMES[0] / "0" / "._0.2.jpg").write_text("resource fork")
    return tmp_path / "data"


def damage(faces, name, change):
    path = faces / ytf.FRAMES / f"{name}{ytf.BOXES}"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def test_first_people_by_name_with_all_their_frames(faces, config, tmp_path):
    # Frames with boxes are preferred.
    frame(faces / ytf.ALIGNED / NAMES[0] / "0" / "aligned_detect_0.1.jpg")
    whole, split = registry.load_split(config, faces, tmp_path / "cache")
    assert split is whole
    assert whole.class_names == NAMES[:2]
    assert whole.labels.tolist() == [0, 0, 0, 1, 1]
    # Frame 2 comes before frame 10.
    assert [name.split("/", 2)[-1] for name in whole.names[:3]] == ["0/0.2.jpg", "0/0.10.jpg", "1/1.1.jpg"]
    assert whole.names[0].startswith(ytf.FRAMES) and whole.groups is None
    # Only the face is left of every frame.
    images = whole.images[:].astype(int)
    assert images.shape == (5, 64, 64, 3)
    assert np.abs(images - [200, 0, 0]).mean() < 12


def test_the_folder_itself_and_its_parent_give_people_in_the_order_of_code_points(faces, config, tmp_path):
    config.data.num_identities = 5
    above = registry.load(config, faces, tmp_path / "cache")
    below = registry.load(config, faces / ytf.FRAMES, tmp_path / "cache")
    np.testing.assert_array_equal(above.images, below.images)
    assert below.names[0] == "Ana_Ivanovic/0/0.2.jpg"
    assert above.class_names == NAMES
    assert above.class_counts().tolist() == [3, 2, 1, 1, 1]
    config.data.num_identities = 6
    with pytest.raises(UserError, match="holds the folders of 5 people; --num_identities is 6"):
        ytf.list_files(faces, config)


def test_folder_of_something_else(tmp_path, config):
    assert ytf.check_directory(tmp_path, config) == [
        f"0 people in {tmp_path}, frames with boxes", "--num_identities is 2; 0 people are there"]
    with pytest.raises(UserError, match="holds no folders of people; expected those of frame_images_DB or"):
        ytf.list_files(tmp_path, config)
    (tmp_path / "cat").mkdir()
    (tmp_path / "dog").mkdir()
    with pytest.raises(UserError, match=r"cat has no usable frame \(cat: no frames\)"):
        ytf.list_files(tmp_path, config)


def test_boxes_are_the_details_of_the_entries(faces, config):
    """They are part of the key of the cache, so that a corrected box decodes the face again."""
    damage(faces, NAMES[0], lambda text: text.replace("0.10.jpg,0,30,20,10,10", "0.10.jpg,7,31.5,20,8,9"))
    entries = ytf.list_files(faces, config).entries
    assert [entry.detail for entry in entries[:3]] == [(30, 20, 10, 10), (31.5, 20, 8, 9), (30, 20, 10, 10)]
    assert all(entry.group is None for entry in entries)


@pytest.mark.parametrize("change", [
    lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n"),
    lambda text: text.replace("\\", "/"), lambda text: text + "\n \n", lambda text: text.rstrip("\n")])
def test_ways_to_write_a_file_of_boxes(faces, config, change):
    path = faces / ytf.FRAMES / f"{NAMES[0]}{ytf.BOXES}"
    path.write_bytes(change(path.read_text(encoding="utf-8")).encode())
    listed = ytf.list_files(faces, config)
    assert len(listed.entries) == 5
    assert listed.missing == ()


def test_names_that_are_no_utf8(tmp_path, config):
    root = tmp_path / ytf.FRAMES
    for person in (b"Bj\xf6rn", b"a\nb"):
        lines = [frame(root / os.fsdecode(person) / "0" / f"0.{index}.jpg") for index in range(2)]
        with open(os.path.join(os.fsencode(root), person + b".labeled_faces.txt"), "wb") as file:
            # A line break in a name would end the line, so that such a person has no boxes.
            file.write(b"".join(os.fsencode(line.replace("\n", "?")) + b"\n" for line in lines))
    with pytest.raises(UserError) as error:
        ytf.list_files(tmp_path, config)
    assert r"a\nb/0/0.0.jpg: no box" in str(error.value)
    config.data.num_identities = 1
    listed = ytf.list_files(tmp_path, config)
    assert listed.class_names == (r"Bj\udcf6rn",)
    assert len(listed.entries) == 2


@pytest.mark.parametrize(("face", "box", "difference"), [
    # A box that is not square, and one at the border.
    ((30, 20, 20, 10), (30, 20, 20, 10), 12), ((4, 4, 8, 8), (4, 4, 8, 8), 20),
    # The box reaches 4 pixels beyond the corner, where the face's own pixels are repeated.
    ((4, 4, 8, 8), (0, 0, 8, 8), 20)])
def test_face_fills_the_picture_also_beyond_the_frame(tmp_path, face, box, difference):
    path = tmp_path / "a" / "0" / "0.1.jpg"
    frame(path, box=face)
    assert np.abs(ytf.decode_face(path, box, 32, 3)[0].astype(int) - [200, 0, 0]).mean() < difference


@pytest.mark.parametrize("box", [(61, 20, 10, 10), (30, 41, 10, 10), (30, -1, 10, 10), (30, 20, 121, 10),
                                 (30, 20, 10, 81), (30, 20, 1e9, 1e9)])
def test_box_that_does_not_fit_the_frame(tmp_path, box):
    path = tmp_path / "a" / "0" / "0.1.jpg"
    frame(path)
    with pytest.raises(Unreadable, match="where the frame is 60 x 40"):
        ytf.decode_face(path, box, 32, 3)
    # The largest box that is accepted.
    assert ytf.decode_face(path, (60, 40, 120, 80), 28, 1).shape == (1, 28, 28, 1)


@pytest.mark.parametrize(("change", "sentence"), [
    (lambda text: "\n".join(text.splitlines()[1:]), "0/0.2.jpg: no box"),
    (lambda text: text.replace("0.10.jpg,0,30,20,10,10", "0.10.jpg,0,30,20,0,10"), "0/0.10.jpg: no box"),
    (lambda text: text.replace("0.10.jpg,0,30,20,10,10", "0.10.jpg,0,30,20,10,-10"), "0/0.10.jpg: no box"),
    (lambda text: text.replace("0.10.jpg,0,30,20", "0.10.jpg,0,nan,20"), "0/0.10.jpg: no box"),
    (lambda text: text.replace("0.10.jpg,0,30,20,10", "0.10.jpg,0,30,20,inf"), "0/0.10.jpg: no box"),
    (lambda text: text.replace("1.1.jpg,0,30,20,10,10,0,0", "1.1.jpg,0,30"), "1/1.1.jpg: no box"),
    (lambda text: text.replace("1.1.jpg,0,30", "1.1.jpg,0,left"), "1/1.1.jpg: no box"),
    (lambda text: text + "Ana_Ivanovic\\9\\9.1.jpg,0,5,5,4,4,0,0\n", "9/9.1.jpg: a box, but no file"),
    (lambda text: text + "nonsense\n", "'nonsense' is not a box"),
])
def test_missing_boxes_and_frames_are_counted_and_named(faces, config, tmp_path, change, sentence):
    damage(faces, NAMES[0], change)
    with pytest.raises(UserError, match=r"1 of . files are missing or unread.* at most 0\.05, the") as error:
        registry.load(config, faces, tmp_path / "cache")
    assert sentence in str(error.value)
    config.data.max_unreadable = 0.5
    (note,) = registry.load(config, faces, tmp_path / "cache").notes
    assert note.startswith("1 left out as missing or unreadable")
    assert sentence in note


def test_aligned_pictures_need_no_boxes(tmp_path, config):
    root = tmp_path / "data" / ytf.ALIGNED
    for name in NAMES[:2]:
        frame(root / name / "0" / "aligned_detect_0.1.jpg", (220, 220), (110, 110, 100, 100))
    for directory in (tmp_path / "data", root):
        whole = registry.load(config, directory, tmp_path / "cache")
        assert whole.labels.tolist() == [0, 1]
        assert np.abs(whole.images[:].astype(int) - [200, 0, 0]).mean() < 5


def test_side_of_the_middle_of_an_aligned_picture(tmp_path):
    """The face has 100 of 220 pixels, as in a picture of 2.2 times the box; no blue is left around it."""
    path = tmp_path / "a" / "0" / "aligned_detect_0.1.jpg"
    frame(path, (220, 260), (110, 130, 100, 100))
    face = ytf.decode_face(path, (), 50, 3)[0].astype(int)
    assert np.abs(face[3:-3, 3:-3] - [200, 0, 0]).max() < 12
    frame(path, (220, 260), (110, 130, 90, 90))
    face = ytf.decode_face(path, (), 50, 3)[0].astype(int)
    assert np.abs(face[[0, 0, -1, -1], [0, -1, 0, -1]] - [0, 0, 200]).max() < 25


def test_check_says_what_is_there_and_what_is_missing(faces, config):
    config.data.num_identities = 6
    damage(faces, NAMES[1], lambda text: text.replace("0.1.jpg", "0.9.jpg"))
    lines = ytf.check_directory(faces, config)
    assert lines[0] == f"5 people in {faces / ytf.FRAMES}, frames with boxes"
    assert "  Ana_Ivanovic: 3 frames" in lines
    assert ("  Björn_Borg: 1 frames, 2 missing: Björn_Borg/0/0.1.jpg: no box; Björn_Borg/0/0.9.jpg: a box, "
            "but no file") in lines
    assert lines[-1] == "--num_identities is 6; 5 people are there"
    # A person without boxes at all.
    (faces / ytf.FRAMES / f"{NAMES[1]}{ytf.BOXES}").unlink()
    assert any("2 missing" in line for line in ytf.check_directory(faces, config))
    config.data.num_identities = 2
    with pytest.raises(UserError, match=rf"{NAMES[1]} has no usable frame .*no {NAMES[1]}"):
        ytf.list_files(faces, config)


@pytest.mark.slow
def test_real_faces(real_data, tmp_path):
    config = config_lib.load_preset("ytf")
    whole, _ = registry.load_split(config, real_data / "youtube_faces", tmp_path)
    assert len(whole.class_names) == 40
    assert list(whole.class_names) == sorted(whole.class_names)
    assert len(whole.images) == whole.class_counts().sum() > 2000
    # Crops of faces are neither flat nor black.
    sample = whole.images[::50].astype(float)
    assert sample.std(axis=(1, 2, 3)).min() > 10
