import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from benchmarks import variants
from benchmarks.timing import Case, interleave
from eig_tf.config import load_preset


def test_every_case_has_its_turn_in_every_round():
    turns = []

    def case(name, seconds):
        remaining = iter(seconds)

        def measure():
            turns.append(name)
            return next(remaining)
        return Case(name, measure)

    timings = interleave([case("a", [9.0, 0.001, 0.004, 0.002]), case("b", [9.0, 0.5, 0.5, 0.5])], 3)

    assert turns == ["a", "b"] * 4
    assert timings["a"] == pytest.approx({"median": 2.0, "min": 1.0, "max": 4.0})
    assert timings["b"] == pytest.approx({"median": 500.0, "min": 500.0, "max": 500.0})


@pytest.mark.slow
def test_reference_step_trains_as_the_package_does():
    """The reference differs in cost alone, else its ratio would say nothing."""
    config = load_preset("mnist")
    images = tf.random.stateless_uniform([4, 28, 28, 1], [0, 0], -1.0, 1.0)
    views = tf.reverse(images, axis=[2])
    kernels = []
    for step in (variants.one_pass_step, variants.two_pass_step):
        keras.utils.set_random_seed(0)
        model = variants.build(variants.package_variant(config, "float32"))
        trained = [variable for variable in model.trainable_variables if len(variable.shape) > 1]
        start = [variable.numpy() for variable in trained]
        step(model, (images, views))
        kernels.append([variable.numpy() for variable in trained])

    for before, one_pass, two_passes in zip(start, *kernels):
        # Adam's first step is the learning rate, 2e-4, wherever there is a gradient.
        assert np.abs(one_pass - before).max() > 1e-4
        assert np.abs(one_pass - two_passes).mean() < 1e-6


def test_policy_is_restored_after_building_and_after_an_error():
    model = variants.build(variants.package_variant(load_preset("mnist"), "mixed_bfloat16"))

    assert model.discriminators[0].trunk.dense.compute_dtype == "bfloat16"
    assert keras.mixed_precision.global_policy().name == "float32"
    with pytest.raises(KeyError), variants.policy("mixed_bfloat16"):
        raise KeyError
    assert keras.mixed_precision.global_policy().name == "float32"


def test_rows_for_information_change_one_thing_each():
    config = load_preset("mnist")
    rows = variants.step_variants(config, "float32", everything=True)

    assert [(row.config.method, row.config.loss.gradient_routing) for row in rows] == [
        ("elastic_infogan", "head")] * 3 + [("elastic_infogan", "shared"), ("gumbel_infogan", "head")]
    assert len({row.name for row in rows}) == len(rows)
    assert config.method == "elastic_infogan" and config.loss.gradient_routing == "head"
