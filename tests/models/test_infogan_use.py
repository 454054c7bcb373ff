"""InfoGAN as a library user meets it: construct, compile, fit."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf.config import METHODS, default_config
from eig_tf.data import augment, pipeline
from eig_tf.models.infogan import InfoGAN
from eig_tf.models.optimizers import adam
from eig_tf.models.prior import CodePrior
from eig_tf.models.registry import build_model
from eig_tf.networks import dcgan28
from eig_tf.networks.categorizer import build_categorizer

FRACTIONS = np.arange(1, 11) / 55


def weights_of(model):
    return [variable.numpy() for variable in model.trainable_variables]


def test_construct_compile_fit():
    images = np.random.default_rng(0).integers(0, 256, (24, 28, 28, 1), np.uint8)
    batches = pipeline.training_batches(images, batch_size=8, seed=0, epochs=2,
                                        make_view=augment.positive_view)
    model = InfoGAN(networks=dcgan28.build_networks(width=0.125), prior=CodePrior(10))
    model.compile(steps_per_execution=2)
    history = model.fit(batches, epochs=2, steps_per_epoch=3, verbose=0).history
    assert list(history) == ["d_loss", "g_loss", "info_loss", "contrastive_loss"]
    assert np.isfinite(list(history.values())).all() and len(history["d_loss"]) == 2
    # Losses of an untrained model: 2 ln 2, ln 2, ln 10 and at most ln(2N - 1) + 2.
    assert history["d_loss"][0] == pytest.approx(2 * np.log(2), abs=0.5)
    assert history["info_loss"][0] == pytest.approx(np.log(10), abs=0.5)
    assert 0 < history["contrastive_loss"][0] < np.log(15) + 0.1
    assert model(model.sample_latents(5, (0, 1))).shape == (5, 28, 28, 1)


# One method for each kind of prior.
@pytest.mark.parametrize("method", {
    method.prior: name for name, method in METHODS.items() if method.model == "infogan"}.values())
def test_prior_moves_only_where_it_is_learned(method, images, views):
    config = default_config()
    config.method = method
    config.networks.width = 0.125
    model = build_model(config, FRACTIONS)
    model.compile()
    before = model.prior.logits.numpy()
    model.train_step((images, views))
    if METHODS[method].prior == "learned":
        assert not np.array_equal(model.prior.logits, before)
        assert float(tf.reduce_sum(model.prior.probabilities)) == pytest.approx(1.0, abs=1e-6)
    else:
        np.testing.assert_array_equal(model.prior.logits, before)


@pytest.mark.parametrize("term", [None, "nt_xent", "positive_pairs"])
@pytest.mark.parametrize("num_continuous", [0, 2])
def test_losses_are_named_after_the_terms_that_a_model_has(make_model, images, views, term, num_continuous):
    model = make_model(contrastive_term=term, num_continuous=num_continuous)
    model.compile()
    logs = model.train_step((images, views))
    expected = {"d_loss", "g_loss", "info_loss"}
    expected |= {"contrastive_loss"} if term else set()
    expected |= {"continuous_loss"} if num_continuous else set()
    assert set(logs) == expected == {metric.name for metric in model.metrics}
    assert np.isfinite([float(value) for value in logs.values()]).all()


def test_continuous_codes_are_uniform_and_train_q(make_model, images, views):
    model = make_model(num_continuous=2, contrastive_term=None)
    latents = model.sample_latents(4000, (3, 1))
    assert latents.continuous.shape == (4000, 2)
    assert np.abs(latents.continuous).max() <= 1
    np.testing.assert_allclose(np.std(latents.continuous, axis=0), 1 / np.sqrt(3), atol=0.02)
    sgd = keras.optimizers.legacy.SGD
    updates = []
    for weight in (0.0, 1.0):
        model = make_model(num_continuous=2, contrastive_term=None, continuous_weight=weight,
                           information_weight=0.0)
        model.compile(sgd(0.0), sgd(1.0), sgd(0.0))
        before = model.discriminators[0].encoder_head.prediction.kernel.numpy()
        model.train_step((images, views))
        updates.append(model.discriminators[0].encoder_head.prediction.kernel.numpy() - before)
    assert not updates[0].any()
    assert updates[1][:, 10:].any(axis=0).all() and not updates[1][:, :10].any()


def test_latents_are_those_of_the_paper(make_model):
    latents = make_model().sample_latents(2000, (3, 1))
    assert [part.shape.as_list() for part in latents] == [[2000, 62], [2000, 10], [2000, 0]]
    assert float(tf.reduce_mean(latents.noise)) == pytest.approx(0.0, abs=0.02)
    assert float(tf.math.reduce_std(latents.noise)) == pytest.approx(1.0, abs=0.02)
    np.testing.assert_allclose(tf.reduce_sum(latents.code, axis=1), np.ones(2000), atol=1e-5)
    for part, again in zip(latents, make_model().sample_latents(2000, (3, 1))):
        np.testing.assert_array_equal(part, again)


def test_same_seed_gives_equal_weights_other_seed_other_weights(make_model, images, views):
    def train(seed):
        model = make_model(seed=seed)
        model.compile()
        for _ in range(2):
            model.train_step((images, views))
        return weights_of(model)
    first, again, other = train(0), train(0), train(1)
    for one, two in zip(first, again):
        np.testing.assert_allclose(one, two, atol=1e-5)
    assert max(np.abs(one - two).max() for one, two in zip(first, other)) > 2e-4


def test_every_step_draws_latents_of_its_own(make_model, images, views):
    model = make_model(contrastive_term=None)
    model.compile(*(keras.optimizers.legacy.SGD(0.0) for _ in range(3)))
    seen = []
    for _ in range(2):
        model.reset_metrics()
        seen.append(float(model.train_step((images, views))["g_loss"]))
    assert seen[0] != seen[1]


@pytest.mark.parametrize("as_dataset", [True, False])
def test_plain_images_are_enough_without_a_contrastive_term(make_model, images, as_dataset):
    model = make_model(contrastive_term=None)
    model.compile(run_eagerly=True)
    data = tf.data.Dataset.from_tensors(images) if as_dataset else images.numpy()
    history = model.fit(data, batch_size=None if as_dataset else 8, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()
    contrastive = make_model(contrastive_term="nt_xent")
    contrastive.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="pair"):
        contrastive.fit(data, batch_size=None if as_dataset else 8, verbose=0)


@pytest.mark.parametrize(("option", "value"), [
    ("contrastive_term", "simclr"), ("contrastive_term", ""), ("gradient_routing", "trunk"),
    ("gradient_routing", None), ("information_target", "relaxed")])
def test_bad_option_is_refused_by_name(make_model, option, value):
    with pytest.raises(ValueError, match=f"{option} is {value!r}; expected one of"):
        make_model(**{option: value})


def test_a_generator_follows_categories_from_when_it_is_told_to(make_model, images):
    """As after the unguided epochs of a run: the training function is traced already, and is made anew."""
    model = make_model(guidance_weight=1.0, contrastive_term=None)
    model.compile()
    assert model.fit(images, batch_size=8, verbose=0).history["category_loss"] == [0]
    categorizer = build_categorizer((28, 28, 1), 3)
    before, own = categorizer.get_weights(), len(model.variables)
    model.follow_categories(categorizer, np.arange(10) % 3, {"zoom": 0.1, "gamma_min": 0.5, "gamma_max": 2.0})
    # An untrained categorizer finds all categories equally probable.
    assert model.fit(images, batch_size=8, verbose=0).history["category_loss"] == [
        pytest.approx(np.log(3), abs=0.1)]
    # The categorizer is neither trained nor part of the model.
    assert len(model.variables) == own
    for old, new in zip(before, categorizer.get_weights()):
        np.testing.assert_array_equal(old, new)
    with pytest.raises(ValueError, match="the model has no guidance_weight"):
        make_model().follow_categories(categorizer, np.arange(10) % 3, {})


def test_discriminators_are_told_the_categories(make_model, images):
    """With heads whose weights are their biases alone, the losses are those of the biases."""
    model = make_model(guidance_weight=0.0, contrastive_term=None, prior=CodePrior(10, temperature=0.01))
    (category_head,) = model.category_heads
    for head in (model.discriminators[0].discriminator_head, category_head):
        head.set_weights([np.zeros_like(weights) for weights in head.get_weights()])
    still = keras.optimizers.legacy.SGD(0.0)
    model.compile(still, still, still)
    first = model.train_step(images)
    assert [float(first[name]) for name in ("d_loss", "g_loss")] == pytest.approx([2 * np.log(2), np.log(2)])

    kernel, bias = category_head.get_weights()
    bias[:3] = -1.0, 0.5, 2.0
    category_head.set_weights([kernel, bias])
    categorizer = build_categorizer((28, 28, 1), 3)
    kernel, _ = categorizer.get_layer("logits").get_weights()
    categorizer.get_layer("logits").set_weights([np.zeros_like(kernel), np.array([0.0, 5.0, 0.0])])
    model.follow_categories(categorizer, np.arange(10) % 3, {})
    code = model.sample_part(8).code
    generated = bias[np.argmax(code, axis=1) % 3]
    model.reset_metrics()
    told = model.train_step(images)
    # All real images are of category 1.
    assert float(told["d_loss"]) == pytest.approx(
        np.log1p(np.exp(-0.5)) + np.mean(np.log1p(np.exp(generated))), rel=1e-5)
    assert float(told["g_loss"]) == pytest.approx(np.mean(np.log1p(np.exp(-generated))), rel=1e-5)


def test_guidance_and_category_heads_come_together():
    networks = dcgan28.build_networks(width=0.05)
    with pytest.raises(ValueError, match="have 0 category_heads; expected both or neither"):
        InfoGAN(networks, CodePrior(10), guidance_weight=1.0)


def test_training_moves_normalization_statistics_and_generating_does_not(make_model, images, views):
    model = make_model()
    model.compile()

    def statistics():
        return np.concatenate([variable.numpy().ravel() for variable in model.non_trainable_variables
                               if "moving" in variable.name])
    start = statistics()
    model(model.sample_latents(4, (0, 0)))
    np.testing.assert_array_equal(statistics(), start)
    model.train_step((images, views))
    assert (statistics() != start).mean() > 0.99


def test_default_optimizers_are_the_papers_adam():
    config = adam().get_config()
    assert config["learning_rate"] == pytest.approx(2e-4)
    assert (config["beta_1"], config["beta_2"]) == (0.5, 0.999)
