"""From a config to a model."""

from eig_tf.config import image_shape
from eig_tf.errors import UserError
from eig_tf.methods import METHODS
from eig_tf.models import differentiable
from eig_tf.models.infogan import InfoGAN
from eig_tf.models.prior import CodePrior
from eig_tf.networks import mnist, stackgan


def check_codes(config, class_fractions):
    """Raises a `UserError` when a ground-truth method has no classes, or not one code for each.

    Args:
        config: see `eig_tf.config`.
        class_fractions: true share of every class; None for images without labels.
    """
    if METHODS[config.method].prior != "ground_truth":
        return
    if class_fractions is None:
        raise UserError(f"--method is {config.method}, which is told the true class fractions, but the "
                        "images have no labels; expected another method, or one sub-folder a class")
    if config.networks.num_codes != len(class_fractions):
        raise UserError(
            f"--num_codes is {config.networks.num_codes}; --method={config.method} expects one code for "
            f"each of the {len(class_fractions)} classes")


def build_infogan(config, class_fractions=None):
    """Builds the model of a config, with fresh weights.

    Args:
        config: see `eig_tf.config`.
        class_fractions: true share of every class, for the methods that are told it; None when the
            prior is about to be restored.

    Returns:
        An `InfoGAN`, not compiled.

    Raises:
        UserError: a ground-truth method has another number of codes than there are classes.
    """
    method = METHODS[config.method]
    sizes = config.networks
    if method.prior == "ground_truth" and class_fractions is not None:
        check_codes(config, class_fractions)
    else:
        class_fractions = None
    prior = CodePrior(sizes.num_codes, learned=method.prior == "learned",
                      probabilities=class_fractions, temperature=config.loss.gumbel_temperature)
    return InfoGAN(
        networks=_build_networks(config),
        prior=prior,
        noise_dim=sizes.noise_dim,
        num_continuous=sizes.num_continuous,
        contrastive_term=method.contrastive_term,
        gradient_routing=config.loss.gradient_routing,
        information_weight=config.loss.information_weight,
        continuous_weight=config.loss.continuous_weight,
        contrastive_weight=config.loss.contrastive_weight,
        contrastive_temperature=config.loss.contrastive_temperature,
        information_target=config.loss.information_target,
        average_decay=config.optimizer.generator_average_decay,
        discriminator_view=differentiable.view_maker(config),
        seed=config.seed,
    )


def _build_networks(config):
    sizes, shape = config.networks, image_shape(config)
    common = {"noise_dim": sizes.noise_dim, "num_codes": sizes.num_codes,
              "num_continuous": sizes.num_continuous, "width": sizes.width,
              "averaged": config.optimizer.generator_average_decay > 0}
    if shape[0] in stackgan.IMAGE_SIZES:
        return stackgan.build(image_shape=shape, stages=sizes.stages, **common)
    return mnist.build(channels=shape[-1], **common)
