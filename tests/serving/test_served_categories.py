"""What a run with categories serves beside codes, against the live networks and the grouping."""

import json

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.serving import export, warmup
from eig_tf.serving.signatures import describe_signatures

TOLERANCE = {"rtol": 0, "atol": 1e-5}


def test_categories_are_exported_with_their_network(category_exported, exported, categorizer, grouping):
    lines = dict(line.split("  ", 1) for line in describe_signatures(category_exported))
    lines = {name: line.strip() for name, line in lines.items()}
    before = {line.split()[0] for line in describe_signatures(exported)}
    assert lines.keys() == before | {"generate_category", "generate_category_png"}
    assert lines["generate_category"] == (
        "category int32 [N], seed int64 [N] -> code int32 [N], images float32 [N, 28, 28, 1]")
    assert lines["categorize"] == (
        "images float32 [N, 28, 28, 1] -> category int32 [N], category_confidence float32 [N], "
        "category_probabilities float32 [N, 3], code int32 [N], confidence float32 [N], "
        "probabilities float32 [N, 10]")
    assert lines["prior"] == ("no input -> category_probabilities float32 [3], class_name string [10], "
                              "probabilities float32 [10]")
    requested = {name for name, _ in warmup.read_requests(category_exported)}
    assert {"generate_category", "generate_category_png"} <= requested
    saved, without = (tf.train.list_variables(str(version / "variables" / "variables"))
                      for version in (category_exported, exported))
    assert len(saved) - len(without) == len(categorizer.variables)

    def read(version):
        return json.loads((version / export.DESCRIPTION).read_text())
    description = read(category_exported)
    found = description.pop("categories")
    # Codes of equal probability in ascending order, those of none last.
    assert found["codes"] == [[0, 3, 6], [7, 1, 4], [9, 2, 5, 8]]
    assert found["num_categories"] == 3 and found["class_names"] is None
    np.testing.assert_allclose(found["prior"], grouping.prior)
    assert description == read(exported)


@pytest.mark.parametrize("category", [0, 1, 2])
def test_codes_of_a_category_are_drawn_by_their_probabilities(category_served, grouping, category):
    """A code of no probability is never drawn, and the only probable one always is."""
    rows = 1000
    inputs = {"category": np.full(rows, category), "seed": np.arange(rows)}
    code = category_served("generate_category", **inputs)["code"]
    assert code.dtype == np.int32
    frequencies = np.bincount(code, minlength=10) / rows
    expected = grouping.code_distribution[category]
    # Four standard deviations of the most variable code.
    np.testing.assert_allclose(frequencies, expected, rtol=0, atol=4 * 0.5 / np.sqrt(rows))
    assert not frequencies[expected == 0].any()


def test_an_image_of_a_category_is_that_of_its_code_and_seed_in_any_batch(category_served):
    category, seed = np.arange(30) % 3, np.arange(30) * 2**40 - 7
    together = category_served("generate_category", category=category, seed=seed)
    alone = category_served("generate_category", category=category[16:17], seed=seed[16:17])
    np.testing.assert_array_equal(alone["code"], together["code"][16:17])
    np.testing.assert_allclose(alone["images"], together["images"][16:17], **TOLERANCE)
    again = category_served("generate", code=together["code"], seed=seed)["images"]
    np.testing.assert_allclose(again, together["images"], **TOLERANCE)
    encoded = category_served("generate_category_png", category=category[:3], seed=seed[:3])
    np.testing.assert_array_equal(encoded["code"], together["code"][:3])
    for image, content in zip(together["images"], encoded["image_bytes"]):
        np.testing.assert_array_equal(tf.io.decode_png(content), np.rint(image * 255))


def test_images_have_a_category_by_the_categorizer_and_a_code_by_the_encoder(
        category_served, served, categorizer):
    images = np.random.default_rng(0).uniform(0, 1, [40, 28, 28, 1]).astype(np.float32)
    images *= np.linspace(0, 1, 40, dtype=np.float32)[:, np.newaxis, np.newaxis, np.newaxis]
    found = category_served("categorize", images=images)
    expected = tf.nn.softmax(categorizer(images * 2 - 1, training=False)[1]).numpy()
    np.testing.assert_allclose(found["category_probabilities"], expected, **TOLERANCE)
    assert found["category"].dtype == np.int32 and len(set(found["category"])) > 1
    np.testing.assert_array_equal(found["category"], found["category_probabilities"].argmax(axis=-1))
    np.testing.assert_array_equal(found["category_confidence"], found["category_probabilities"].max(axis=-1))
    for name, values in served("categorize", images=images).items():
        np.testing.assert_allclose(found[name], values, **TOLERANCE)

    pixels = np.rint(images[-3:] * 255).astype(np.uint8)
    encoded = [tf.io.encode_png(one).numpy() for one in pixels]
    from_bytes = category_served("categorize_bytes", image_bytes=encoded)
    from_pixels = category_served("categorize", images=pixels / np.float32(255))
    assert from_bytes.keys() == from_pixels.keys() == found.keys()
    for name, values in from_pixels.items():
        np.testing.assert_allclose(from_bytes[name], values, **TOLERANCE)


def test_the_prior_and_samples_name_categories(category_served, served, grouping):
    prior = category_served("prior")
    np.testing.assert_allclose(prior["category_probabilities"], grouping.prior, **TOLERANCE)
    seeds = {"sample": {"count": 9, "seed": 3}, "sample_each": {"seed": np.arange(9)}}
    for signature, inputs in seeds.items():
        found = category_served(signature, **inputs)
        np.testing.assert_array_equal(found["category"], grouping.code_to_category[found["code"]])
        assert found["category"].dtype == np.int32
        expected = served(signature, **inputs)
        np.testing.assert_array_equal(found["code"], expected["code"])
        np.testing.assert_allclose(found["images"], expected["images"], **TOLERANCE)


@pytest.mark.parametrize(("inputs", "sentence"), [
    ({"category": [0, 3], "seed": [1, 2]}, "category ranges from 0 to 3; expected numbers from 0 to 2"),
    ({"category": [-1], "seed": [1]}, "category ranges from -1 to -1"),
    ({"category": np.zeros([0]), "seed": np.zeros([0])}, "category has 0 rows; expected 1 to 1024"),
    ({"category": [[1]], "seed": [1]}, r"category has shape \[1 1\]; expected \[N\]"),
    ({"category": [1, 2], "seed": [1]}, "seed has 1 rows and category has 2; expected as many of both"),
])
def test_bad_categories_are_refused_in_a_sentence(category_served, inputs, sentence):
    for signature in ("generate_category", "generate_category_png"):
        with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
            category_served(signature, **inputs)
