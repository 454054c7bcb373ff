"""The positive view: its pixels, and the draws that determine it."""

import numpy as np
import pytest
import tensorflow as tf
from dots import centre, dot

from eig_tf import config as config_lib
from eig_tf.config import METHODS, default_config
from eig_tf.data import augment
from eig_tf.errors import UserError

SEED = (11, 4)
OFF = {"rotation": 0.0, "zoom": 0.0}
# Each operation alone, at its largest amount.
CONTINUOUS = {
    "rotation": {"rotation": 180.0}, "zoom": {"zoom": 0.9}, "crop": {"crop": 0.5},
    "enlarge": {"enlarge": 2.0}, "gamma": {"gamma_min": 0.1, "gamma_max": 10.0},
    "brightness": {"brightness": 1.0},
    "contrast": {"contrast": 1.0}, "saturation": {"saturation": 1.0}, "hue": {"hue": 0.5},
    "blur": {"blur": 4.0}}
CHANCES = {"flip": {"flip": True}, "greyscale": {"greyscale": 0.5}}
OPERATIONS = {**CONTINUOUS, **CHANCES}
GEOMETRY = {**CONTINUOUS["rotation"], **CONTINUOUS["zoom"], **CONTINUOUS["crop"], **CONTINUOUS["enlarge"],
            **CHANCES["flip"]}
EVERYTHING = {name: value for options in OPERATIONS.values() for name, value in options.items()}


@pytest.fixture(scope="module")
def colours():
    """Eight noise images [8, 12, 12, 3] that touch -1 and 1."""
    values = np.random.default_rng(0).uniform(-1.0, 1.0, [8, 12, 12, 3]).astype(np.float32)
    values[:, :2], values[:, 2:4] = -1.0, 1.0
    return tf.constant(values)


def view(images, seed=SEED, **options):
    """Return the positive view with only the given operations."""
    return augment.positive_view(images, seed, **{**OFF, **options}).numpy()


def kernels(images, **options):
    """Return the types of the operations in the graph of a view, without inputs and outputs."""
    graph = tf.function(lambda batch: augment.positive_view(batch, SEED, **options))
    operations = graph.get_concrete_function(images).graph.get_operations()
    return [op.type for op in operations if op.type not in ("Placeholder", "Identity")]


def test_views_stay_the_same_from_version_to_version():
    """Published results depend on these draws."""
    images = tf.constant(np.arange(4 * 6 * 6).reshape(4, 6, 6, 1) % 37 / 18.0 - 1.0, tf.float32)
    views = augment.positive_view(images, (11, 4), rotation=10.0, zoom=0.1).numpy()
    np.testing.assert_allclose(views[:, 2, 1:5, 0], [
        [-0.30937529, -0.23566866, -0.16196211, -0.088255458],
        [-0.31237739, -0.26624161, -0.22010574, -0.17396984],
        [-0.38152835, -0.32955518, -0.27758208, -0.22560903],
        [-0.4927516, -0.41523391, -0.33771631, -0.26019871]], atol=2e-6)
    np.testing.assert_allclose(
        views[:, 0, 0, 0], [-0.99800253, 0.62077725, 0.85096902, 0.8888889], atol=2e-6)


@pytest.mark.parametrize("options", [{"rotation": 90.0, "zoom": 0.5}, *OPERATIONS.values(), EVERYTHING])
def test_range_and_shape_are_kept(colours, options):
    views = view(colours, **options)
    assert views.shape == colours.shape
    assert views.dtype == np.float32
    # Comparisons with NaN are false.
    assert views.min() >= -1.0 and views.max() <= 1.0


def test_operations_that_are_off_are_not_in_the_graph_and_those_on_geometry_are_one(colours):
    off = {"rotation": 0.0, "zoom": 0.0, "flip": False, "crop": 1.0, "enlarge": 1.0, "gamma_min": 1.0,
           "gamma_max": 1.0, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0,
           "greyscale": 0.0, "blur": 0.0}
    assert set(off) == set(default_config().augment)
    np.testing.assert_array_equal(augment.positive_view(colours, SEED, **off), colours)
    assert kernels(colours, **off) == []
    assert kernels(colours, **GEOMETRY).count("ImageProjectiveTransformV3") == 1
    assert "ImageProjectiveTransformV3" not in kernels(colours, **OFF, **CONTINUOUS["hue"])


@pytest.mark.parametrize("options", [
    {"crop": 0.9999}, {"enlarge": 1.0001}, {"gamma_min": 0.9999, "gamma_max": 1.0001}, {"brightness": 1e-4},
    {"contrast": 1e-4}, {"saturation": 1e-4}, {"hue": 1e-5}, {"greyscale": 1e-6}, {"blur": 0.05}])
def test_small_amounts_change_little(colours, options):
    np.testing.assert_allclose(view(colours, **options), colours, atol=5e-3)


@pytest.mark.parametrize("name", OPERATIONS)
def test_seed_determines_the_view_and_equal_images_get_draws_of_their_own(colours, name):
    first = view(colours, **OPERATIONS[name])
    np.testing.assert_array_equal(first, view(colours, **OPERATIONS[name]))
    assert not np.allclose(first, view(colours, (11, 5), **OPERATIONS[name]), atol=1e-2)
    if name in CONTINUOUS:
        views = view(tf.repeat(colours[:1], 64, axis=0), **OPERATIONS[name])
        # Blurs of less than about a fifth of a pixel are all the same.
        assert len({one.tobytes() for one in views}) >= 60


@pytest.mark.parametrize("name", CHANCES)
def test_random_operations_change_about_half_of_a_batch(colours, name):
    views = view(tf.repeat(colours[:1], 200, axis=0), **CHANCES[name])
    image = colours[0].numpy()
    grey = image @ np.float32([0.2989, 0.587, 0.114])[:, np.newaxis]
    changed = {"flip": image[:, ::-1], "greyscale": np.repeat(grey, 3, axis=-1)}[name]
    # The weights of the channels sum to 0.9999, so that grey in [-1, 1] differs by as much.
    kept, turned = (np.array([np.allclose(one, two, atol=2e-4) for one in views]) for two in (image, changed))
    assert 70 < kept.sum() < 130
    np.testing.assert_array_equal(kept, ~turned)


@pytest.mark.parametrize(("probability", "grey"), [(0.1, 0.1), (1.0, 1.0)])
def test_greyscale_keeps_its_probability(colours, probability, grey):
    views = view(tf.repeat(colours[:1], 500, axis=0), greyscale=probability)
    assert (views.std(axis=-1).max(axis=(1, 2)) < 1e-6).mean() == pytest.approx(grey, abs=0.04)


def test_gamma_is_uniform_between_its_limits_and_keeps_black_and_white():
    images = np.zeros([2000, 1, 3, 1], np.float32)
    images[:, 0, 0], images[:, 0, 2] = -1.0, 1.0
    views = view(tf.constant(images), gamma_min=0.3, gamma_max=4.0)[:, 0, :, 0]
    np.testing.assert_array_equal(views[:, [0, 2]], images[:, 0, [0, 2], 0])
    powers = np.log((views[:, 1] + 1) / 2) / np.log(0.5)
    np.testing.assert_allclose(np.quantile(powers, [0, 0.25, 0.5, 0.75, 1]), [0.3, 1.225, 2.15, 3.075, 4.0],
                               atol=0.12)


def test_enlarge_scales_and_shows_any_part():
    """Two dots 20 apart are 22 apart in every view; their position is uniform over a tenth of the size."""
    image = np.maximum(dot(50, 40, 101), dot(50, 60, 101))
    views = view(tf.tile(image, [300, 1, 1, 1]), enlarge=1.1)
    columns = views[..., 0].max(axis=1)
    left, right = columns[:, :52].argmax(axis=1), 52 + columns[:, 52:].argmax(axis=1)
    assert set(right - left) <= {21, 22, 23}
    # The middle, 50.5 from the edge, is moved to 55.55 minus 0 to 10.1.
    middles = np.array([centre(one[np.newaxis]) for one in views])
    for along in middles.T:
        np.testing.assert_allclose(np.quantile(along, [0, 0.5, 1]), [44.95, 50, 55.05], atol=0.8)
    assert abs(np.corrcoef(middles.T)[0, 1]) < 0.2


def test_crop_moves_and_enlarges():
    views = view(tf.tile(dot(50, 50, 101), [300, 1, 1, 1]), crop=0.8)
    np.testing.assert_allclose(views.sum(axis=(1, 2, 3)), np.sum(dot(50, 50, 101)) / 0.8**2, rtol=0.05)
    middles = np.array([centre(one[np.newaxis]) for one in views])
    reach = 0.1 * 101 / 0.8  # The window is up to a tenth of the size away from the middle.
    for along in middles.T:
        np.testing.assert_allclose(np.quantile(along, [0, 0.5, 1]), [50 - reach, 50, 50 + reach], atol=1.6)


def test_no_operation_changes_the_draws_of_another(colours):
    flat = tf.ones([8, 6, 6, 3]) * tf.constant([0.3, -0.2, 0.1])
    for name in ("gamma", "brightness", "hue", "saturation", "greyscale"):
        alone = view(flat, **OPERATIONS[name])
        np.testing.assert_allclose(view(flat, **GEOMETRY, **OPERATIONS[name]), alone, atol=1e-5)
    turned = augment.positive_view(colours, SEED).numpy()
    both = augment.positive_view(colours, SEED, flip=True).numpy()
    flipped = np.any(view(colours, flip=True) != colours, axis=(1, 2, 3))
    assert 0 < flipped.sum() < 8
    np.testing.assert_allclose(both[~flipped], turned[~flipped], atol=1e-5)
    np.testing.assert_allclose(both[flipped], turned[flipped][:, :, ::-1], atol=1e-4)


def test_draws_of_different_operations_are_independent():
    """The effect on a ramp or on a flat image reveals the draws of each operation."""
    ramp = tf.tile(tf.reshape(tf.linspace(-0.5, 0.5, 9), [1, 1, 9, 1]), [400, 9, 1, 1])
    flat = tf.ones([400, 2, 2, 3]) * tf.constant([0.3, -0.2, 0.1])
    draws = [view(ramp, **OPERATIONS[name])[:, 4, 4, 0] for name in ("crop", "enlarge")]
    draws += [view(tf.transpose(ramp, [0, 2, 1, 3]), **OPERATIONS[name])[:, 4, 4, 0]
              for name in ("crop", "enlarge")]
    draws += [view(ramp, **OPERATIONS[name])[:, 4, 0, 0] for name in ("flip", "zoom", "blur", "contrast")]
    draws += [view(flat, **OPERATIONS[name])[:, 0, 0, 1] for name in (
        "gamma", "brightness", "saturation", "greyscale")]
    correlations = np.corrcoef(draws) - np.eye(len(draws))
    assert np.abs(correlations).max() < 0.2


def test_draws_stay_within_their_limits_and_fill_them():
    """The centre of the dot reveals the angle and the scale of each draw."""
    views = augment.positive_view(tf.tile(dot(50, 80, size=101), [400, 1, 1, 1]), SEED, 10.0, 0.1)
    centres = np.array([centre(view[tf.newaxis]) for view in views]) - 50
    degrees = np.degrees(np.arctan2(-centres[:, 0], centres[:, 1]))
    scales = np.hypot(*centres.T) / 30
    assert degrees.min() == pytest.approx(-10, abs=0.3) and degrees.max() == pytest.approx(10, abs=0.3)
    assert scales.min() == pytest.approx(0.9, abs=0.01) and scales.max() == pytest.approx(1.1, abs=0.01)
    assert abs(degrees.mean()) < 1 and abs(scales.mean() - 1) < 0.01
    assert abs(np.corrcoef(degrees, scales)[0, 1]) < 0.15


def test_works_inside_a_graph_with_an_unknown_batch_size(colours):
    @tf.function(input_signature=[tf.TensorSpec([None, 12, 12, 3]), tf.TensorSpec([2], tf.int32)])
    def make(batch, seed):
        return augment.positive_view(batch, seed, **EVERYTHING)
    np.testing.assert_allclose(
        make(colours, SEED), augment.positive_view(colours, SEED, **EVERYTHING), atol=1e-3)


@pytest.mark.parametrize(("dataset", "options"), [
    ("mnist", {"rotation": 10.0, "zoom": 0.1}),
    ("cars", {"rotation": 10.0, "flip": True, "crop": 0.95}),
    ("ytf", {"flip": True, "enlarge": 1.1, "gamma_min": 0.3, "gamma_max": 4.0})])
def test_methods_with_views_make_those_of_their_preset(colours, dataset, options):
    config = config_lib.load_preset(dataset)
    for config.method, method in METHODS.items():
        make_view = augment.make_view_function(config)
        assert (make_view is None) == (method.contrastive_term is None)
        if make_view:
            np.testing.assert_array_equal(make_view(colours, SEED), view(colours, **options))


@pytest.mark.parametrize("name", ["saturation", "hue", "greyscale"])
def test_operations_on_colours_are_refused_for_grey_images(name):
    config = config_lib.load_preset("mnist")
    config.augment[name] = 0.25
    with pytest.raises(UserError, match=f"--config.augment.{name} is 0.25, .*--dataset=mnist are grey"):
        augment.make_view_function(config)
    config.method = "uniform_infogan"
    assert augment.make_view_function(config) is None
