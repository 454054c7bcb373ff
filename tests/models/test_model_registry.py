"""From a config to a model."""

import numpy as np
import pytest

from eig_tf.config import METHODS, default_config
from eig_tf.errors import UserError
from eig_tf.models.registry import build_model, check_codes
from eig_tf.networks.blocks import GhostBatchNormalization

FRACTIONS = np.arange(1, 11) / 55


@pytest.fixture
def config():
    config = default_config()
    config.networks.width = 0.125
    return config


@pytest.mark.parametrize("method", [name for name in METHODS if METHODS[name].model == "infogan"])
def test_every_method_gets_its_prior_and_its_term(config, method):
    config.method = method
    model = build_model(config, FRACTIONS)
    switches = METHODS[method]
    assert model.contrastive_term == switches.contrastive_term
    assert model.prior.learned == (switches.prior == "learned")
    expected = FRACTIONS if switches.prior == "ground_truth" else np.full(10, 0.1)
    np.testing.assert_allclose(model.prior.probabilities, expected, rtol=1e-5)


def test_every_field_reaches_the_model(config):
    config.seed = 7
    config.networks.update(noise_dim=30, num_codes=4, num_continuous=2)
    config.loss.update(gradient_routing="shared", information_weight=0.5, information_target="soft",
                       continuous_weight=0.25, contrastive_weight=3.0, contrastive_temperature=0.5,
                       gumbel_temperature=0.7, prior_initial_stddev=0.2, negatives="local")
    config.networks.batch_statistics = "local"
    with config.unlocked():
        config.data.update(image_size=32, channels=3)
    model = build_model(config)
    expected = {"seed": 7, "noise_dim": 30, "num_continuous": 2, "num_codes": 4, "gradient_routing": "shared",
                "information_target": "soft"}
    assert {name: getattr(model, name) for name in expected} == expected
    numbers = {"information_weight": 0.5, "continuous_weight": 0.25, "contrastive_weight": 3.0,
               "contrastive_temperature": 0.5}
    assert {name: float(getattr(model, name)) for name in numbers} == numbers
    assert float(model.prior.temperature) == pytest.approx(0.7)
    assert 0 < np.ptp(model.prior.logits.numpy()) < 2
    assert not model.global_negatives
    norms = [layer for layer in model.generator.submodules if isinstance(layer, GhostBatchNormalization)]
    assert norms and not any(layer.global_statistics for layer in norms)
    images = model(model.sample_latents(2, (0, 0)))
    assert images.shape == (2, 32, 32, 3)
    _, logits, means = model.encode(images)
    assert (logits.shape, means.shape) == ((2, 4), (2, 2))
    assert model.discriminators[0].trunk.convs[0].filters == 8


@pytest.mark.parametrize(("size", "channels", "stages"), [(28, 3, 1), (32, 1, 2), (64, 3, 1), (128, 3, 1)])
def test_every_size_gets_its_networks(config, size, channels, stages):
    config.networks.update(width=0.0625, stages=stages)
    config.optimizer.ema_decay = 0.9
    config.discriminator_augment.shift = 2
    with config.unlocked():
        config.data.update(image_size=size, channels=channels)
    model = build_model(config)
    assert model(model.sample_latents(2, (0, 0))).shape == (2, size, size, channels)
    assert len(model.discriminators) == stages
    assert float(model.ema_decay) == pytest.approx(0.9) and model.ema_generator is not None
    assert model.diff_augment is not None


@pytest.mark.parametrize("method", ["ground_truth_infogan", "ground_truth_infogan_ntxent"])
def test_ground_truth_needs_one_code_a_class(config, method):
    config.method = method
    config.networks.num_codes = 12
    with pytest.raises(UserError, match=r"num_codes is 12; .* each of the 10 classes"):
        build_model(config, FRACTIONS)


def test_ground_truth_needs_labels(config):
    config.method = "ground_truth_infogan"
    with pytest.raises(UserError, match=r"--method is ground_truth_infogan, .* the images have no labels"):
        check_codes(config, None)
    config.method = "elastic_infogan"
    check_codes(config, None)


@pytest.mark.parametrize("method", ["elastic_infogan", "uniform_infogan"])
def test_other_methods_may_have_more_codes_than_classes(config, method):
    config.method = method
    config.networks.num_codes = 12
    model = build_model(config, FRACTIONS)
    np.testing.assert_allclose(model.prior.probabilities, np.full(12, 1 / 12), rtol=1e-5)
