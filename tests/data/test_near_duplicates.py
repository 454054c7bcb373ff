"""Near-duplicates: which images are grouped, by values computed without the shortcut, and in little time."""

import io
import time

import numpy as np
import pytest
from PIL import Image

from eig_tf.data import near_duplicates, pictures


def look(picture):
    image = pictures.fit(picture, near_duplicates.HASHED_SIDE)
    return near_duplicates.perceptual_hash(image.mean(axis=2)), image[::2, ::2]


def groups_of(found):
    hashes, thumbnails = zip(*found)
    return near_duplicates.find_near_duplicates(np.array(hashes, np.uint64), np.array(thumbnails))


def smooth(seed):
    """A picture of few large patches, as photographs have."""
    patches = np.random.default_rng(seed).integers(0, 256, [5, 5, 3], np.uint8)
    return Image.fromarray(patches).resize((60, 60), Image.Resampling.BICUBIC)


def recompressed(picture):
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=80)
    return Image.open(content)


def test_copies_of_other_size_and_compression_are_grouped_and_different_pictures_are_not():
    originals = [smooth(seed) for seed in range(20)]
    groups = groups_of([look(picture) for picture in (
        *originals, *(recompressed(picture) for picture in originals),
        *(picture.resize((45, 45)) for picture in originals))])
    # A frequency near the median may fall on its other side.
    assert (groups.reshape(3, 20) == groups[:20]).mean() > 0.85
    assert len(set(groups[:20])) == 20


def test_flat_pictures_of_different_colours_are_no_duplicates():
    colours = ["red", "blue", "red", (250, 0, 0), "black", "blue"]
    groups = groups_of([look(Image.new("RGB", (40, 40), colour)) for colour in colours])
    assert [list(groups).index(group) for group in groups] == [0, 1, 0, 0, 4, 1]


def test_hash_of_a_wave_against_hand_computed_bits():
    """One cosine has one frequency above the median of zeros, row 2 and column 0: bit 16 of 64."""
    wave = np.cos(np.pi * 2 * (np.arange(32) + 0.5) / 32)
    assert near_duplicates.perceptual_hash(np.repeat(wave[:, np.newaxis], 32, axis=1).round(6)) >> 47 == 1


@pytest.mark.parametrize("seed", range(3))
def test_groups_are_those_of_all_pairs(seed):
    """With equal thumbnails, against a comparison of every two hashes, which are clustered at random."""
    generator = np.random.default_rng(seed)
    centres = generator.integers(0, 2**64, 30, np.uint64)
    changes = (np.uint64(1) << generator.integers(0, 64, [300, 3]).astype(np.uint64))
    changes[generator.random([300, 3]) < 0.5] = 0
    hashes = centres[generator.integers(0, 30, 300)] ^ np.bitwise_xor.reduce(changes, axis=1)
    groups = near_duplicates.find_near_duplicates(hashes, np.zeros([300, 4], np.uint8))
    expected = np.arange(300)
    for first in range(300):
        for second in range(first):
            if bin(int(hashes[first] ^ hashes[second])).count("1") <= 2:
                expected[expected == expected[first]] = expected[second]
    assert len(set(zip(groups, expected))) == len(set(groups)) == len(set(expected))


def test_none_one_and_many_equal_images_take_no_time():
    empty = near_duplicates.find_near_duplicates(np.zeros(0, np.uint64), np.zeros([0, 4], np.uint8))
    assert empty.shape == (0,)
    start = time.perf_counter()
    groups = near_duplicates.find_near_duplicates(np.zeros(5000, np.uint64), np.zeros([5000, 4], np.uint8))
    assert not groups.any()
    assert time.perf_counter() - start < 3
