"""Image files of every kind, valid and damaged."""

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


def write_png(path, width, height, bits, colour_type, row, *chunks):
    """Write a PNG that Pillow cannot write: one row of raw pixels, after further chunks."""
    def chunk(kind, content):
        return (struct.pack(">I", len(content)) + kind + content
                + struct.pack(">I", zlib.crc32(kind + content)))
    header = struct.pack(">2I5B", width, height, bits, colour_type, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*one) for one in ((b"IHDR", header), *chunks, (b"IDAT", zlib.compress(row and b"\0" + row)),
                                (b"IEND", b""))))


@pytest.mark.parametrize("suffix", ["png", "bmp", "webp", "gif", "jpg", "ppm", "tiff", "avif", "heic"])
def test_every_format(tmp_path, suffix):
    if f".{suffix}" not in pictures.SUFFIXES:
        pytest.skip("Pillow lacks this format here")
    exact = suffix in ("png", "bmp", "webp", "ppm", "tiff")
    content = RAMP if exact else np.full([8, 16, 3], [200, 40, 90], np.uint8)
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(content).save(tmp_path / f"a.{suffix}", **options)
    found = pixels(tmp_path / f"a.{suffix}").astype(int)
    assert found.shape == content.shape
    assert np.abs(found - content).max() <= (0 if exact or suffix == "gif" else 4)


@pytest.mark.parametrize(("suffix", "mode", "colour", "expected", "tolerance"), [
    # Green is 0.587 of the luminance.
    ("png", "RGB", (0, 255, 0), [150], 0), ("png", "L", 77, [77, 77, 77], 0), ("png", "1", 1, [255], 0),
    # A fifth of red over four fifths of white; nothing but white.
    ("png", "RGBA", (255, 0, 0, 51), [255, 204, 204], 0), ("png", "LA", (0, 0), [255], 0),
    ("gif", "RGBA", (255, 0, 0, 0), [255, 255, 255], 0), ("webp", "RGBA", (255, 0, 0, 0), [255, 255, 255], 0),
    ("tiff", "CMYK", (0, 255, 255, 0), [255, 0, 0], 0),
    ("tiff", "RGBA", (255, 0, 0, 51), [255, 204, 204], 0),
    ("jpg", "CMYK", (0, 255, 255, 0), [255, 0, 0], 5), ("jpg", "CMYK", (0, 255, 255, 0), [76], 3)])
def test_modes_become_grey_or_colour_over_white(tmp_path, suffix, mode, colour, expected, tolerance):
    Image.new(mode, (8, 8), colour).save(tmp_path / f"a.{suffix}", quality=95)
    found = pixels(tmp_path / f"a.{suffix}", len(expected))
    np.testing.assert_allclose(found, np.full([8, 8, len(expected)], expected), rtol=0, atol=tolerance)


@pytest.mark.parametrize(("options", "first"), [({}, [10, 20, 30]), ({"transparency": 0}, [255, 255, 255])])
@pytest.mark.parametrize("orientation", [1, 6])
def test_palette_is_turned_with_and_without_a_transparent_colour(tmp_path, options, first, orientation):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 0])
    picture.putpixel((1, 0), 1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "a.png", exif=exif, **options)
    expected = [[first, [200, 100, 0]]] if orientation == 1 else [[first], [[200, 100, 0]]]
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), expected)


@pytest.mark.parametrize(("values", "expected"), [
    # Two pictures of one set must stay comparable, however dark one is.
    ([0, 257, 32896, 65535], [0, 1, 128, 255]), ([0, 300, 600], [0, 1, 2])])
def test_sixteen_bits_of_grey_are_scaled_by_their_full_range(tmp_path, values, expected):
    Image.fromarray(np.array([values], np.uint16)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(pixels(tmp_path / "a.png", 1)[0, :, 0], expected)


@pytest.mark.parametrize(("suffix", "values", "expected"), [
    ("tiff", np.array([[0, 257, 65535]], np.uint16), [0, 1, 255]),
    ("pgm", np.array([[0, 257, 65535]], np.uint16), [0, 1, 255]),
    ("tiff", np.array([[0, 0.5, 1]], np.float32), [0, 128, 255]),
    ("tiff", np.array([[0, 1, 254.6]], np.float32), [0, 1, 255]),
    ("tiff", np.array([[False, True, True]]), [0, 255, 255])])
def test_numbers_of_many_kinds(tmp_path, suffix, values, expected):
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(pixels(tmp_path / f"a.{suffix}", 1)[0, :, 0], expected)


@pytest.mark.parametrize(("values", "words"), [
    (np.array([[0, 70_000]], np.int32), "has integers from 0 to 70000; expected 0 to 65535"),
    (np.array([[-1, 5]], np.int32), "has integers from -1 to 5"),
    (np.array([[0, 300]], np.float32),
     "has floating-point values from 0 to 300; expected 0 to 1, or 0 to 255"),
    (np.array([[0, np.nan]], np.float32), ".*values from nan to nan"),
    (np.array([[-0.5, 1]], np.float32), ".*values from -0.5 to 1")])
def test_numbers_out_of_range_are_not_clipped(tmp_path, values, words):
    Image.fromarray(values).save(tmp_path / "a.tiff")
    with pytest.raises(Unreadable, match=f"^{words}"):
        pictures.read(tmp_path / "a.tiff")


def test_open_files_and_reduced_pictures(tmp_path):
    Image.new("RGB", (1600, 800), "red").save(tmp_path / "a.jpg")
    with (tmp_path / "a.jpg").open("rb") as file:
        assert pictures.read(file).size == (1600, 800)
    picture, shorter = pictures.read_reduced(tmp_path / "a.jpg", side=32)
    assert (picture.size, shorter) == ((200, 100), 800)


@pytest.mark.parametrize(("colour_type", "values", "expected"), [
    (2, (65535, 32896, 257), (255, 128, 1)),
    # A fifth of black over four fifths of white; a fifth of red.
    (4, (0, 13107), (204, 204, 204)), (6, (65535, 0, 0, 13107), (255, 204, 204))])
def test_sixteen_bits_of_colour_and_of_opacity(tmp_path, colour_type, values, expected):
    write_png(tmp_path / "a.png", 1, 1, 16, colour_type, struct.pack(f">{len(values)}H", *values))
    np.testing.assert_array_equal(pixels(tmp_path / "a.png")[0, 0], expected)


@pytest.mark.parametrize(("bits", "row"), [(8, b"\x05\xc8"), (16, b"\x01\x2c\xc8\xc8")])
def test_transparent_grey(tmp_path, bits, row):
    clear = row[:bits // 8].rjust(2, b"\0")
    write_png(tmp_path / "a.png", 2, 1, bits, 0, row, (b"tRNS", clear))
    np.testing.assert_array_equal(pixels(tmp_path / "a.png", 1)[0, :, 0], [255, 200])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_is_turned_and_reduced(tmp_path, mode, channels):
    """Black on the left and white on the right; after a quarter turn, black is at the top."""
    picture = Image.fromarray(np.array([[0, 65535]], np.uint16))
    if mode != "I;16":
        picture = Image.fromarray(np.array([[0, 255]], np.uint8)).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(pixels(tmp_path / "a.png", channels),
                                  [[[0] * channels], [[255] * channels]])


@pytest.mark.parametrize(("suffix", "options"), [
    ("jpg", {"format": "MPO"}), ("gif", {"duration": 50}), ("tiff", {"compression": "tiff_lzw"})])
def test_first_of_several_pictures(tmp_path, suffix, options):
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (6, 4), "red").save(path, save_all=True,
                                         append_images=[Image.new("RGB", (6, 4), "blue")], **options)
    tolerance = 5 if suffix == "jpg" else 0
    np.testing.assert_allclose(pixels(path), np.full([4, 6, 3], [255, 0, 0]), rtol=0, atol=tolerance)


@pytest.mark.parametrize("suffix", ["png", "tiff"])
@pytest.mark.parametrize(("orientation", "corner"), [
    (None, (0, 0)), (0, (0, 0)), (1, (0, 0)), (2, (0, 2)), (3, (1, 2)), (4, (1, 0)), (5, (0, 0)),
    (6, (0, 1)), (7, (2, 1)), (8, (2, 0)), (9, (0, 0))])
def test_exif_rotation(tmp_path, orientation, corner, suffix):
    """The white pixel of the upper left corner moves to the corner that the orientation says."""
    picture = Image.new("L", (3, 2), 0)
    picture.putpixel((0, 0), 255)
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    picture.save(tmp_path / f"a.{suffix}", exif=exif)
    found = pixels(tmp_path / f"a.{suffix}", 1)[..., 0]
    assert found.shape == ((3, 2) if orientation in (5, 6, 7, 8) else (2, 3))
    np.testing.assert_array_equal(np.argwhere(found == 255), [corner])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_exif_data_do_not_matter(tmp_path):
    """Random bytes in the EXIF data; the pixels are valid."""
    exif = Image.Exif()
    exif.update({0x0112: 6, 0x010F: "Maker", 0x0110: "Model", 0x0132: "2020:01:01 00:00:00", 0x011A: 72.0})
    exif.get_ifd(0x8769).update({0x829A: (1, 50), 0x9003: "2020", 0x927C: b"note" * 20})
    path = tmp_path / "a.jpg"
    Image.new("RGB", (4, 2)).save(path, exif=exif)
    content = path.read_bytes()
    start = content.index(b"Exif\0\0") + 6
    length = struct.unpack(">H", content[start - 8:start - 6])[0] - 8
    generator = np.random.default_rng(0)
    sizes = set()
    for _ in range(300):
        damaged = bytearray(content)
        for place in generator.integers(length, size=2):
            damaged[start + place] = generator.integers(256)
        path.write_bytes(damaged)
        sizes.add(pictures.read(path).size)
    # Upright when the orientation survived.
    assert sizes == {(4, 2), (2, 4)}


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp", "bmp", "ppm", "tiff"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_truncated(tmp_path, suffix, share):
    generator = np.random.default_rng(0)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(generator.integers(0, 256, [40, 40, 3], np.uint8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:int(len(content) * share)])
    with pytest.raises(Unreadable, match=r"not an image; expected PNG, JPEG|damaged \("):
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


@pytest.mark.parametrize(("make", "reason"), [
    (lambda path: path.write_text("Dear Sir or Madam"), "not an image; expected PNG, JPEG, .* or [A-Z]+"),
    # Formats for which Pillow may run other programs are not opened, whatever the name.
    (lambda path: Image.new("RGB", (3, 3)).save(path, format="EPS"), "not an image; expected PNG, .*"),
    (lambda path: path.mkdir(), "Is a directory"), (lambda path: None, "No such file or directory")],
    ids=["text", "eps", "directory", "gone"])
def test_what_is_not_an_image_file(tmp_path, make, reason):
    make(tmp_path / "a.png")
    with pytest.raises(Unreadable, match=f"^{reason}$"):
        pictures.read(tmp_path / "a.png")


@pytest.mark.parametrize("side", [13_500, 60_000])
def test_decompression_bomb_is_refused_by_its_header(tmp_path, side):
    """No pixels follow the header, so that decoding would give another error."""
    write_png(tmp_path / "a.png", side, side, 8, 2, b"")
    with pytest.raises(Unreadable, match="too large, perhaps a decompression bomb; expected at most "
                                         "178,956,970 pixels"):
        pictures.read(tmp_path / "a.png")


def test_users_see_no_warnings_of_pillow(tmp_path, command):
    """For a picture above half the limit of pixels, whose metadata point beyond the end of the file."""
    exif = Image.Exif()
    exif[0x010F] = "Maker's name"
    Image.new("L", (40, 40)).save(tmp_path / "a.jpg", exif=exif)
    content = (tmp_path / "a.jpg").read_bytes()
    length = struct.pack(">I", len("Maker's name") + 1)
    assert content.count(length) == 1
    (tmp_path / "a.jpg").write_bytes(content.replace(length, b"\0\0\xff\xff"))
    code = ("from concurrent.futures import ThreadPoolExecutor\n"
            "from eig_tf.data import pictures\n"
            "pictures.Image.MAX_IMAGE_PIXELS = 1000\n"
            "with ThreadPoolExecutor(4) as pool:\n"
            "    print(*{picture.size for picture in pool.map(pictures.read, ['a.jpg'] * 20)})")
    result = command("-W", "always::RuntimeWarning", "-W", "always::UserWarning", "-c", code)
    assert (result.stdout, result.stderr) == ("(40, 40)\n", "")


def test_crop_against_hand_computed_values():
    picture = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    np.testing.assert_array_equal(pictures.crop(picture, 2, 1, 2, 2), [[1, 2], [5, 6]])
    # One column to the left of the picture and one row above it repeat its border.
    np.testing.assert_array_equal(pictures.crop(picture, 0, 0, 2, 2), [[0, 0], [0, 0]])
    np.testing.assert_array_equal(pictures.crop(picture, 4, 3, 4, 2), [[10, 11, 11, 11], [10, 11, 11, 11]])
    assert pictures.crop(picture, 2, 1, 0.1, 0.1).size == (1, 1)
    assert pictures.crop(picture, 2, 1.5, 4, 3).tobytes() == picture.tobytes()
    # `crop_to` resizes what the box holds.
    picture = Image.new("L", (100, 50), 0)
    picture.paste(200, (40, 10, 60, 20))
    np.testing.assert_array_equal(pictures.crop_to(picture, (50, 15, 20, 10), 8), np.full([8, 8, 1], 200))


def test_contrast_is_stretched_between_the_darkest_and_brightest_fiftieth():
    # Two of a hundred pixels are cut at each end: 0 and 20 at the lower one, 250 and 255 at the upper one.
    values = np.r_[[0, 20, 255, 250], np.full(48, 50), np.full(48, 100)].astype(np.uint8)
    grey = values.reshape(10, 10, 1)
    expected = np.r_[[0, 0, 255, 255], np.full(48, 0), np.full(48, 255)].reshape(10, 10, 1)
    np.testing.assert_allclose(pictures.stretch_contrast(grey), expected, atol=1)  # 254.99 becomes 254
    # The luminance of all colours sets the range, so that hues stay: (50, 60, 50) has 56, (100, 90, 100) 94.
    colours = np.r_[np.tile([50, 60, 50], [50, 1]), np.tile([100, 90, 100], [50, 1])].astype(np.uint8)
    found = pictures.stretch_contrast(colours.reshape(10, 10, 3)).reshape(100, 3)
    np.testing.assert_allclose(found[[0, -1]], [[0, 4 * 255 / 38, 0], [255, 34 * 255 / 38, 255]], atol=1)
    even = np.full([4, 4, 3], 90, np.uint8)
    np.testing.assert_array_equal(pictures.stretch_contrast(even), even)


def test_crop_inside_and_across_the_border_are_the_same():
    """The two code paths of `crop` agree where a box touches the border."""
    generator = np.random.default_rng(0)
    image = generator.integers(0, 256, [9, 12, 3], np.uint8)
    wide = np.pad(image, [(9, 9), (12, 12), (0, 0)], mode="edge")
    for _ in range(200):
        width, height = generator.integers(1, 9, 2)
        left, upper = generator.integers(-8, 12), generator.integers(-8, 9)
        found = pictures.crop(Image.fromarray(image), left + width / 2, upper + height / 2, width, height)
        np.testing.assert_array_equal(found, wide[9 + upper:, 12 + left:][:height, :width])


@pytest.mark.parametrize("rule", [pictures.CROP, pictures.PAD])
def test_fit_keeps_what_has_the_size_already_and_smooths_where_it_shrinks(rule):
    image = np.random.default_rng(0).integers(0, 256, [28, 28, 3], np.uint8)
    np.testing.assert_array_equal(pictures.fit(Image.fromarray(image), 28, rule), image)
    # Stripes of one pixel become grey, instead of black or white.
    stripes = np.tile(np.array([[0, 255]], np.uint8), [280, 140])
    small = pictures.fit(Image.fromarray(stripes), 28, rule)
    assert small.shape == (28, 28, 1)
    assert np.abs(small.astype(int) - 127).max() <= 6


def test_fit_against_hand_computed_values():
    """Twice as wide as high, in four columns: the crop takes the middle two, padding repeats both rows."""
    columns = np.repeat(np.array([[0, 80, 160, 240]], np.uint8), 2, axis=0)
    columns[1] += 10
    picture = Image.fromarray(columns)
    np.testing.assert_array_equal(pictures.fit(picture, 2)[..., 0], [[80, 160], [90, 170]])
    np.testing.assert_array_equal(pictures.fit(picture, 4, pictures.PAD)[..., 0], columns[[0, 0, 1, 1]])
    np.testing.assert_array_equal(pictures.fit(picture.rotate(90, expand=True), 4, pictures.PAD)[..., 0],
                                  np.rot90(columns)[:, [0, 0, 1, 1]])
    # A line of pixels; padded before resizing, it would be a square of 10^10 pixels.
    image = pictures.fit(Image.new("RGB", (100_000, 1), "red"), 28, pictures.PAD)
    np.testing.assert_array_equal(image, np.full([28, 28, 3], [255, 0, 0]))
