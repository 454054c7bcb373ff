"""Picture files of every kind, sound and damaged."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from eig_tf.data import pictures
from eig_tf.data.pictures import Unreadable

RAMP = np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5


def pixels(path, channels=3):
    return pictures.to_array(pictures.read(path, channels))


@pytest.mark.parametrize("suffix", ["png", "bmp", "webp", "gif", "jpg"])
def test_every_format(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    flat = Image.new("RGB", (16, 8), (200, 40, 90))
    flat.save(path, **({"lossless": True} if suffix == "webp" else {}))
    found = pixels(path).astype(int)
    assert found.shape == (8, 16, 3)
    assert np.abs(found - [200, 40, 90]).max() <= (3 if suffix == "jpg" else 0)


def test_colours_survive_unchanged(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), RAMP)


def test_grey_from_colour_and_colour_from_grey(tmp_path):
    Image.new("RGB", (2, 2), (0, 255, 0)).save(tmp_path / "green.png")
    # Green is 0.587 of the luminance.
    np.testing.assert_array_equal(pixels(tmp_path / "green.png", 1), np.full([2, 2, 1], 150))
    Image.new("L", (2, 2), 77).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(pixels(tmp_path / "grey.png", 3), np.full([2, 2, 3], 77))


def test_transparency_is_over_white(tmp_path):
    Image.new("RGBA", (1, 1), (255, 0, 0, 51)).save(tmp_path / "rgba.png")
    # A fifth of red over four fifths of white.
    np.testing.assert_array_equal(pixels(tmp_path / "rgba.png")[0, 0], [255, 204, 204])
    Image.new("LA", (1, 1), (0, 0)).save(tmp_path / "la.png")
    np.testing.assert_array_equal(pixels(tmp_path / "la.png", 1)[0, 0], [255])


def test_palette_with_and_without_a_transparent_colour(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 0])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "opaque.png")
    picture.save(tmp_path / "clear.png", transparency=0)
    np.testing.assert_array_equal(pixels(tmp_path / "opaque.png")[0], [[10, 20, 30], [200, 100, 0]])
    np.testing.assert_array_equal(pixels(tmp_path / "clear.png")[0], [[255, 255, 255], [200, 100, 0]])


def test_one_bit(tmp_path):
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")
    np.testing.assert_array_equal(pixels(tmp_path / "a.png", 1)[0, :, 0], [255, 0])


def test_sixteen_bits_grey_are_scaled_by_their_full_range(tmp_path):
    values = np.array([[0, 257, 32896, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_array_equal(pixels(tmp_path / "a.png", 1)[0, :, 0], [0, 1, 128, 255])


def test_sixteen_bits_colour(tmp_path):
    """Pillow cannot write them: one pixel by hand, red 65535, green 32896, blue 257."""
    def chunk(kind, content):
        return (struct.pack(">I", len(content)) + kind + content
                + struct.pack(">I", zlib.crc32(kind + content)))
    row = b"\x00" + struct.pack(">3H", 65535, 32896, 257)
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", 1, 1, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b""))
    np.testing.assert_array_equal(pixels(tmp_path / "a.png")[0, 0], [255, 128, 1])


def test_cmyk(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(pixels(tmp_path / "a.jpg").astype(int) - [255, 0, 0]).max() <= 5


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (3, 3), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50)
    np.testing.assert_array_equal(pixels(tmp_path / "a.gif")[0, 0], [255, 0, 0])


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (1, 2)), (6, (0, 1)), (8, (2, 0))])
def test_exif_rotation(tmp_path, orientation, corner):
    """A camera held askew: the white pixel of the upper left corner belongs elsewhere."""
    picture = Image.new("L", (3, 2), 0)
    picture.putpixel((0, 0), 255)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "a.png", exif=exif)
    found = pixels(tmp_path / "a.png", 1)[..., 0]
    assert found.shape == ((2, 3) if orientation in (1, 3) else (3, 2))
    assert tuple(np.argwhere(found == 255)[0]) == corner


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp", "bmp"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_truncated(tmp_path, suffix, share):
    generator = np.random.default_rng(0)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(generator.integers(0, 256, [40, 40, 3], np.uint8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:int(len(content) * share)])
    with pytest.raises(Unreadable, match="no readable picture"):
        pictures.read(path)


def test_flipped_bytes_are_refused_or_read_but_never_crash(tmp_path):
    generator = np.random.default_rng(1)
    path = tmp_path / "a.png"
    Image.fromarray(generator.integers(0, 256, [12, 12, 3], np.uint8)).save(path)
    content = bytearray(path.read_bytes())
    outcomes = set()
    for _ in range(200):
        damaged = bytearray(content)
        damaged[generator.integers(len(content))] ^= 1 << generator.integers(8)
        path.write_bytes(damaged)
        try:
            outcomes.add(pictures.read(path).size)
        except Unreadable:
            outcomes.add("refused")
    assert "refused" in outcomes


def test_text_with_the_name_of_a_picture(tmp_path):
    (tmp_path / "a.png").write_text("To whom it may concern")
    with pytest.raises(Unreadable, match="no readable picture"):
        pictures.read(tmp_path / "a.png")


def test_directory_with_the_name_of_a_picture(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(Unreadable):
        pictures.read(tmp_path / "a.png")


def test_other_formats_are_not_opened(tmp_path):
    """What Pillow could run other programs for stays shut, whatever its name."""
    Image.new("RGB", (3, 3)).save(tmp_path / "a.png", format="TIFF")
    with pytest.raises(Unreadable):
        pictures.read(tmp_path / "a.png")


def test_decompression_bomb_is_refused_by_its_header(tmp_path):
    def chunk(kind, content):
        return (struct.pack(">I", len(content)) + kind + content
                + struct.pack(">I", zlib.crc32(kind + content)))
    for side in (13_500, 60_000):
        (tmp_path / "a.png").write_bytes(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", side, side, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))
        with pytest.raises(Unreadable, match=f"too large, a decompression bomb .*{side * side} pixels"):
            pictures.read(tmp_path / "a.png")


def test_unreadable_permissions(tmp_path, monkeypatch):
    """By the error that the system gives, since root may read everything."""
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    monkeypatch.setattr(pictures.Image, "open", refuse)
    with pytest.raises(Unreadable, match="may not be read"):
        pictures.read(tmp_path / "a.png")


def test_crop_by_hand():
    picture = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    np.testing.assert_array_equal(pictures.crop(picture, 2, 1, 2, 2), [[1, 2], [5, 6]])
    # One column to the left of the picture and one row above it repeat its border.
    np.testing.assert_array_equal(pictures.crop(picture, 0, 0, 2, 2), [[0, 0], [0, 0]])
    np.testing.assert_array_equal(pictures.crop(picture, 4, 3, 4, 2), [[10, 11, 11, 11], [10, 11, 11, 11]])
    assert pictures.crop(picture, 2, 1, 0.1, 0.1).size == (1, 1)


def test_fit_keeps_what_has_the_size_already():
    generator = np.random.default_rng(0)
    image = generator.integers(0, 256, [28, 28, 3], np.uint8)
    np.testing.assert_array_equal(pictures.fit(Image.fromarray(image), 28), image)


def test_fit_smooths_where_it_shrinks():
    """Stripes of one pixel become grey, instead of black or white by chance."""
    stripes = np.tile(np.array([[0, 255]], np.uint8), [280, 140])
    small = pictures.fit(Image.fromarray(stripes), 28)
    assert small.shape == (28, 28, 1)
    assert np.abs(small.astype(int) - 127).max() <= 6
