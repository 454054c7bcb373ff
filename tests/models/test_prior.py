"""The code prior: equation 2 when learned, exact one-hot codes when fixed."""

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.models.prior import CodePrior

SEED = (5, 9)
FRACTIONS = [0.5, 0.3, 0.15, 0.05]


def skewed(temperature=0.1):
    """A learned prior whose logits have been trained to FRACTIONS."""
    prior = CodePrior(4, temperature=temperature)
    prior.logits.assign(np.log(FRACTIONS) + 3.0)  # softmax ignores a constant
    return prior


def test_learned_prior_starts_uniform_with_zero_logits():
    prior = CodePrior(10)
    np.testing.assert_array_equal(prior.logits, np.zeros(10))
    np.testing.assert_allclose(prior.probabilities, np.full(10, 0.1), rtol=1e-6)
    # Only a learned prior has something to train.
    assert [variable.name for variable in CodePrior(10).trainable_variables] == ["logits:0"]
    assert CodePrior(10, learned=False).trainable_variables == []
    assert len(CodePrior(10, learned=False).variables) == 1


def test_learned_prior_may_start_skewed():
    logits = CodePrior(1000, initial_stddev=2.0, seed=3).logits.numpy()
    assert logits.std() == pytest.approx(2, rel=0.1) and abs(logits.mean()) < 0.2
    np.testing.assert_array_equal(CodePrior(1000, initial_stddev=2.0, seed=3).logits, logits)
    assert not np.array_equal(CodePrior(1000, initial_stddev=2.0, seed=4).logits, logits)
    # A fixed prior is uniform all the same.
    np.testing.assert_array_equal(CodePrior(4, learned=False, initial_stddev=2.0).logits, np.zeros(4))


@pytest.mark.parametrize("temperature", [1.0, 0.1, 0.01])
def test_relaxed_codes_lie_on_the_simplex(temperature):
    codes = skewed(temperature).sample(500, SEED).numpy()
    assert codes.shape == (500, 4) and codes.dtype == np.float32
    assert (codes >= 0).all()
    np.testing.assert_allclose(codes.sum(axis=1), 1.0, atol=1e-5)


def test_temperature_decides_how_near_codes_are_to_one_hot():
    largest = {tau: skewed(tau).sample(2000, SEED).numpy().max(axis=1) for tau in (5.0, 1.0, 0.1, 0.001)}
    means = [largest[tau].mean() for tau in (5.0, 1.0, 0.1, 0.001)]
    assert means == sorted(means)
    assert means[0] < 0.5
    assert np.mean(largest[0.1] > 0.9) > 0.75
    assert means[-1] > 0.999


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_relaxed_codes_are_those_of_equation_2(temperature):
    """log c_i - log c_j = ((log p_i + g_i) - (log p_j + g_j)) / tau, a logistic of known mean and spread.

    By the Gumbel-max property, the largest entry follows the prior at every temperature.
    """
    codes = skewed(temperature).sample(40000, SEED).numpy().astype(np.float64)
    np.testing.assert_allclose(np.bincount(codes.argmax(axis=1)) / 40000, FRACTIONS, atol=0.012)
    differences = temperature * (np.log(codes[:, 0]) - np.log(codes[:, 2]))
    assert differences.mean() == pytest.approx(np.log(0.5 / 0.15), abs=0.04)
    assert differences.std() == pytest.approx(np.pi / np.sqrt(3), abs=0.04)


@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_gradient_reaches_the_logits_of_a_learned_prior(temperature):
    prior = CodePrior(4, temperature=temperature)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(prior.sample(1000, SEED)[:, 2])
    gradient = tape.gradient(loss, prior.logits).numpy()
    assert np.isfinite(gradient).all()
    assert gradient[2] > 0 and (gradient[[0, 1, 3]] < 0).all()
    assert gradient.sum() == pytest.approx(0, abs=1e-5)


def test_fixed_prior_samples_one_hot_codes_with_the_right_frequencies():
    prior = CodePrior(4, learned=False, probabilities=FRACTIONS)
    codes = prior.sample(20000, SEED).numpy()
    assert codes.dtype == np.float32
    np.testing.assert_array_equal(np.sort(codes, axis=1), np.tile([0, 0, 0, 1], (20000, 1)))
    np.testing.assert_allclose(codes.mean(axis=0), FRACTIONS, atol=0.012)
    np.testing.assert_allclose(prior.probabilities, FRACTIONS, rtol=1e-5)


@pytest.mark.parametrize("probabilities", [
    [0.5, 0.5], [0.2] * 5, [0.5, 0.3, 0.2, 0.0], [0.6, 0.5, 0.1, -0.2], [0.5, 0.3, 0.15, 0.1],
    [50, 30, 15, 5], [np.nan, 0.3, 0.3, 0.4], [[0.25] * 4], 1.0],
    ids=["few", "many", "zero", "negative", "sum", "counts", "nan", "matrix", "scalar"])
def test_invalid_probabilities_are_refused(probabilities):
    with pytest.raises(ValueError, match="expected 4 positive numbers that sum to one"):
        CodePrior(4, learned=False, probabilities=probabilities)


def test_a_learned_prior_takes_no_probabilities():
    with pytest.raises(ValueError, match="expected a fixed one with them"):
        CodePrior(4, learned=True, probabilities=FRACTIONS)


@pytest.mark.parametrize("learned", [True, False])
def test_indices_follow_the_prior(learned):
    prior = skewed() if learned else CodePrior(4, learned=False, probabilities=FRACTIONS)
    indices = prior.sample_indices(20000, SEED).numpy()
    assert indices.shape == (20000,) and indices.dtype == np.int32
    np.testing.assert_allclose(np.bincount(indices, minlength=4) / 20000, FRACTIONS, atol=0.012)


@pytest.mark.parametrize("draw", ["sample", "sample_indices"])
@pytest.mark.parametrize("learned", [True, False])
def test_draws_depend_on_the_seed_alone(draw, learned):
    prior = CodePrior(4, learned=learned)
    first = getattr(prior, draw)(50, SEED)
    other = getattr(prior, draw)(50, (5, 10))
    np.testing.assert_array_equal(first, getattr(prior, draw)(50, SEED))
    assert not np.array_equal(first, other)
    graph = tf.function(lambda: getattr(prior, draw)(50, tf.constant(SEED)))
    np.testing.assert_allclose(first, graph(), atol=1e-6)
