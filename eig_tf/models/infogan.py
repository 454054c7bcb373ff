"""Elastic-InfoGAN and its GAN baselines: one Keras model, trained in the paper's two phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable

import numpy as np
import tensorflow as tf
from ml_collections import config_dict
from tensorflow import keras

from eig_tf import config as config_lib
from eig_tf.config import METHODS
from eig_tf.models import losses
from eig_tf.models.base import Encoding, GenerativeModel, Latents
from eig_tf.models.diff_augment import make_diff_augment
from eig_tf.models.ema import update_ema
from eig_tf.models.guidance import CategoryGuidance
from eig_tf.models.optimizers import adam, build_optimizer, loss_scale, unscaled, with_loss_scale
from eig_tf.models.prior import CodePrior
from eig_tf.models.settings import FixedChoice, VariableSetting
from eig_tf.networks import build_networks
from eig_tf.networks.blocks import GhostBatchNormalization
from eig_tf.networks.gan import GanNetworks
from eig_tf.random_streams import WHOLE_BATCH, Stream

# Numbers of the phases and of the batches in the random stream of differentiable augmentation.
_D_PHASE, _G_PHASE = 0, 1
_REAL, _GENERATED, _VIEWS = 0, 1, 2


class InfoGAN(GenerativeModel):
    """A GAN whose code Q recovers (equation 1), with a contrastive term on real images (equation 4).

    Three options distinguish the methods: the prior (learned or fixed), the contrastive term and the
    weights; `eig_tf.config.METHODS` holds the paper's combinations. The weights and temperatures may be
    assigned during training, for example by a callback; the other options are fixed.

    Args:
        networks: built networks; every loss is applied to the images of every stage.
        prior: the distribution of the categorical code.
        contrastive_term: `nt_xent`, `positive_pairs` or None.
        gradient_routing: what Q's losses train. `head`: Q's own layers, as in the official release;
            `shared`: the trunk as well, as in OpenAI's InfoGAN; `contrastive`: as `head`, but the contrastive
            term trains the trunk as well, jointly with D's adversarial loss. Without a contrastive term,
            `contrastive` is the same as `head`, just as the term's weight and temperature have no effect.
        information_weight: lambda_1.
        continuous_weight: weight of the likelihood of the continuous codes.
        contrastive_weight: lambda_2.
        contrastive_temperature: tau'.
        information_target: `hard` or `soft`, see `losses.information_loss`.
        guidance_weight: weight of the category loss, see `follow_categories`; None for a model without it.
            Required when `networks` have category heads, otherwise None.
        ema_decay: decay of the EMA of the generator's weights, which is used outside training. Above 0 when
            `networks` have an `ema_generator`, otherwise 0.
        global_negatives: whether NT-Xent compares the features of all replicas, or of each replica alone.
        diff_augment: (images, stateless seed, part) -> images, a differentiable augmentation of all that the
            trunks see in training, see `diff_augment.diff_augment`; None for none.
        seed: root of all randomness of training.

    Raises:
        ValueError: an option is out of range, or `ema_decay` or `guidance_weight` and `networks` disagree.
    """

    contrastive_term = FixedChoice(None, "nt_xent", "positive_pairs")
    gradient_routing = FixedChoice("head", "shared", "contrastive")
    information_target = FixedChoice("hard", "soft")
    information_weight = VariableSetting(low=0)
    continuous_weight = VariableSetting(low=0)
    contrastive_weight = VariableSetting(low=0)
    contrastive_temperature = VariableSetting(above=0)
    guidance_weight = VariableSetting(low=0)
    ema_decay = VariableSetting(low=0, below=1)

    def __init__(self, networks: GanNetworks, prior: CodePrior, contrastive_term: str | None = "nt_xent",
                 gradient_routing: str = "head", information_weight: float = 1.0,
                 continuous_weight: float = 1.0, contrastive_weight: float = 10.0,
                 contrastive_temperature: float = 1.0,
                 information_target: str = "hard", guidance_weight: float | None = None,
                 ema_decay: float = 0.0, global_negatives: bool = True,
                 diff_augment: Callable[..., tf.Tensor] | None = None, seed: int = 0,
                 name: str = "infogan") -> None:
        loss_names = ("d_loss", "g_loss", "info_loss",
                      *(["continuous_loss"] if networks.num_continuous else []),
                      *(["contrastive_loss"] if contrastive_term else []),
                      *(["category_loss"] if guidance_weight is not None else []))
        super().__init__(prior, networks.noise_dim, networks.num_continuous, networks.image_shape, loss_names,
                         seed, name)
        self.contrastive_term = contrastive_term
        self.gradient_routing = gradient_routing
        self.information_target = information_target
        self.information_weight = information_weight
        self.continuous_weight = continuous_weight
        self.contrastive_weight = contrastive_weight
        self.contrastive_temperature = contrastive_temperature
        self.guidance_weight = guidance_weight or 0.0
        self.ema_decay = ema_decay
        if bool(ema_decay) != (networks.ema_generator is not None):
            found = "no" if networks.ema_generator is None else "an"
            raise ValueError(f"ema_decay is {ema_decay}, and the networks have {found} ema_generator; "
                             "expected both or neither")
        if (guidance_weight is None) == bool(networks.category_heads):
            raise ValueError(f"guidance_weight is {guidance_weight}, and the networks have "
                             f"{len(networks.category_heads)} category_heads; expected both or neither")
        self.global_negatives = global_negatives
        self.diff_augment = diff_augment
        self.generator = networks.generator
        self.discriminators = list(networks.discriminators)
        self.category_heads = list(networks.category_heads)
        self.ema_generator = networks.ema_generator
        self._guidance: CategoryGuidance | None = None

    def inference_networks(self) -> dict[str, keras.layers.Layer]:
        """Return the generator (its EMA where there is one), and trunk and Q head of the last stage."""
        last = self.discriminators[-1]
        return {"generator": self.ema_generator or self.generator, "trunk": last.trunk,
                "encoder_head": last.encoder_head}

    @staticmethod
    def generate_with(networks: Mapping[str, Any], latents: Latents) -> tf.Tensor:
        """Return the last stage's images; see `GenerativeModel.generate_with`."""
        return networks["generator"](latents, training=False)[-1]

    @staticmethod
    def encode_with(networks: Mapping[str, Any], images: tf.Tensor) -> Encoding:
        """Return Q's predictions for images; see `GenerativeModel.encode_with`."""
        return Encoding(*networks["encoder_head"](networks["trunk"](images, training=False), training=False))

    def compile(self, discriminator_optimizer: keras.optimizers.Optimizer | None = None,
                generator_optimizer: keras.optimizers.Optimizer | None = None,
                prior_optimizer: keras.optimizers.Optimizer | None = None, **kwargs: Any) -> None:
        """Set the optimizers: of the trunk and D's head; of G and Q; of a learned prior.

        Each defaults to the paper's Adam (2e-4, beta_1 0.5). Further arguments are Keras's own, such as
        `steps_per_execution`.
        """
        super().compile(**kwargs)
        self.discriminator_optimizer = with_loss_scale(discriminator_optimizer or adam())
        self.generator_optimizer = with_loss_scale(generator_optimizer or adam())
        self.prior_optimizer = with_loss_scale(prior_optimizer or adam())
        # Their state must exist before the first step: a strategy cannot create it inside one, and a
        # checkpoint is then restored at once.
        for optimizer, variables in self.optimizers().values():
            build_optimizer(optimizer, variables)

    def follow_categories(self, categorizer: keras.Model, code_to_category: np.ndarray,
                          delta: Mapping[str, Any]) -> None:
        """Make the generator follow categories from the next step on.

        D is told the category of every image, by the categorizer for real images and by the code for
        generated ones. The cross-entropy between the category of the code and the categorizer's prediction
        for the transformed image, `category_loss`, is added to the generator's loss; the categorizer itself
        is not trained.

        The arguments are those of `guidance.CategoryGuidance`.

        Raises:
            ValueError: the model was built without a `guidance_weight`.
        """
        if "category_loss" not in self.loss_names:
            raise ValueError("the model has no guidance_weight; expected one of a model that follows "
                             "categories")
        self._guidance = CategoryGuidance(categorizer, code_to_category, delta)
        if self.train_function is not None:
            self.make_train_function(force=True)

    def optimizers(self) -> dict[str, tuple[keras.optimizers.Optimizer, list[tf.Variable]]]:
        """Return optimizers and their variables; the prior's only when it is learned."""
        pairs = {"discriminator": (self.discriminator_optimizer, self.discriminator_variables),
                 "generator": (self.generator_optimizer, self.generator_variables)}
        if self.prior.learned:
            pairs["prior"] = (self.prior_optimizer, self.prior.trainable_variables)
        return pairs

    @property
    def discriminator_variables(self) -> list[tf.Variable]:
        """What the first phase trains: every stage's trunk and D heads."""
        return [variable for stage in self.discriminators
                for network in (stage.trunk, stage.discriminator_head)
                for variable in network.trainable_variables] + [
                    variable for head in self.category_heads for variable in head.trainable_variables]

    @property
    def generator_variables(self) -> list[tf.Variable]:
        """What the second phase trains besides the prior: G, the Q heads and, when routed to, the trunks."""
        routed = self.trunk_variables if self.gradient_routing == "shared" else []
        return self.generator.trainable_variables + self.encoder_variables + routed

    @property
    def trunk_variables(self) -> list[tf.Variable]:
        """Weights of every stage's trunk."""
        return [variable for stage in self.discriminators for variable in stage.trunk.trainable_variables]

    @property
    def encoder_variables(self) -> list[tf.Variable]:
        """Weights of every stage's Q head."""
        return [variable for stage in self.discriminators
                for variable in stage.encoder_head.trainable_variables]

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Train D, then G, Q and the prior at once (supplement 4.4).

        Args:
            data: a pair of real images [N, H, W, C] in [-1, 1] and their views, or images alone. Views are
                required when `contrastive_term` is set.

        Returns:
            The running mean of every loss, by name.

        Raises:
            ValueError: there is a contrastive term and no views.
        """
        images, views = data if isinstance(data, (tuple, list)) else (data, None)
        if self.contrastive_term and views is None:
            raise ValueError(f"contrastive_term is {self.contrastive_term!r} and the data are images alone; "
                             "expected pairs of images and their views")
        # One generator pass serves both phases; its gradient is taken through the generated images.
        with tf.GradientTape() as generator_tape:
            latents = self.sample_part(tf.shape(images)[0])
            generated = self.generator(latents, training=True)
        real_categories = categories = None
        if self._guidance is not None:
            real_categories = self._guidance.categories_of_images(images)
            categories = self._guidance.categories_of_codes(latents.code)
        pairs, contrastive_gradients = self.discriminator_phase(
            images, views, generated, real_categories, categories)
        self.generator_phase(generator_tape, latents, generated, categories, images, views, pairs,
                             contrastive_gradients)
        if self.ema_generator is not None:
            update_ema(self.ema_generator, self.generator, self.ema_decay)
        return self.finish_step()

    def discriminator_phase(
            self, images: tf.Tensor, views: tf.Tensor | None, generated: Sequence[tf.Tensor],
            real_categories: tf.Tensor | None = None, categories: tf.Tensor | None = None,
    ) -> tuple[list[tf.Tensor], list[tf.Tensor | None]]:
        """Train every trunk and D head on the adversarial loss, summed over the stages.

        Under `contrastive` routing the weighted contrastive term is added to this loss. D is told the
        categories of real and generated images, int [N], where the model follows categories.

        Returns:
            First, with a contrastive term and unless the routing is `shared`: for each stage, the trunk's
            activations of the images and of their views [2N, ...]. As in the official release, both passed
            the trunk before its update. Otherwise an empty list.
            Second, the gradient of this phase's loss with respect to each of `encoder_variables`. It is None
            where the loss does not depend on the variable: for Q's last layer with NT-Xent, and everywhere
            when the contrastive term is not part of the loss.
        """
        told = None if categories is None else tf.concat([real_categories, categories], axis=0)
        needs_pairs = self.contrastive_term and self.gradient_routing != "shared"
        with tf.GradientTape() as tape:
            adversarial, pairs = [], []
            for stage, (network, fakes) in enumerate(zip(self.discriminators, generated)):
                fakes = tf.stop_gradient(fakes)
                both = tf.concat([self._augmented(images, _D_PHASE, stage, _REAL),
                                  self._augmented(fakes, _D_PHASE, stage, _GENERATED)], axis=0)
                activations = network.trunk(both, training=True, groups=2)
                logits = self._adversarial_logits(stage, activations, told)
                adversarial.append(losses.discriminator_loss(*tf.split(logits, 2)))
                if needs_pairs:
                    # Under `head` routing, one pass over all three batches would also compute the gradient of
                    # the views, which is zero: on a CPU that makes the whole step slower by 14%.
                    view_activations = network.trunk(
                        self._augmented(views, _D_PHASE, stage, _VIEWS), training=True)
                    pairs.append(tf.concat([tf.split(activations, 2)[0], view_activations], axis=0))
            loss = self.global_mean("d_loss", tf.add_n(adversarial))
            if self.contrastive_term and self.gradient_routing == "contrastive":
                loss += self._contrastive_loss(pairs)
        optimizer = self.discriminator_optimizer
        gradients, encoder_gradients = (unscaled(optimizer, each) for each in tape.gradient(
            loss, [self.discriminator_variables, self.encoder_variables],
            output_gradients=loss_scale(optimizer)))
        optimizer.apply_gradients(zip(gradients, self.discriminator_variables))
        return pairs, encoder_gradients

    def generator_phase(self, generator_tape: tf.GradientTape, latents: Latents,
                        generated: Sequence[tf.Tensor], categories: tf.Tensor | None, images: tf.Tensor,
                        views: tf.Tensor | None, pairs: Sequence[tf.Tensor],
                        contrastive_gradients: Sequence[tf.Tensor | None]) -> None:
        """Train G, Q and a learned prior at once; under `shared` routing Q's losses train the trunks too.

        Under `contrastive` routing the gradient of the contrastive term comes from the first phase, see
        `discriminator_phase`; the term is not computed again.
        """
        shared = self.gradient_routing == "shared"
        with tf.GradientTape(persistent=shared) as tape:
            tape.watch(generated)
            adversarial, predictions = [], []
            for stage, (network, fakes) in enumerate(zip(self.discriminators, generated)):
                activations = network.trunk(
                    self._augmented(fakes, _G_PHASE, stage, _GENERATED), training=True)
                adversarial.append(losses.generator_loss(
                    self._adversarial_logits(stage, activations, categories)))
                predictions.append(network.encoder_head(activations, training=True)[1:])
            encoder_loss = self._information_loss(latents, predictions)
            if self.contrastive_term and self.gradient_routing != "contrastive":
                encoder_loss += self._contrastive_loss(
                    self._pair_activations(images, views) if shared else pairs)
            loss = self.global_mean("g_loss", tf.add_n(adversarial)) + encoder_loss
            if self._guidance is not None:
                loss += self.guidance_weight * self.global_mean("category_loss", self._guidance.losses(
                    categories, generated[-1], self.step_seed(Stream.GUIDANCE), self.batch_part()))
        optimizer = self.generator_optimizer
        scale = loss_scale(optimizer)
        # The gradients of the images keep the scale on their way through the generator.
        image_gradients, encoder_gradients = tape.gradient(
            loss, [generated, self.encoder_variables], output_gradients=scale)
        encoder_gradients = [own if contrastive is None else own + contrastive for own, contrastive in zip(
            unscaled(optimizer, encoder_gradients), contrastive_gradients)]
        if shared:
            encoder_gradients += unscaled(optimizer, tape.gradient(
                encoder_loss, self.trunk_variables, output_gradients=scale))
        generator_gradients, prior_gradients = (unscaled(optimizer, each) for each in generator_tape.gradient(
            generated, [self.generator.trainable_variables, self.prior.trainable_variables],
            output_gradients=image_gradients))
        optimizer.apply_gradients(zip(generator_gradients + encoder_gradients, self.generator_variables))
        if self.prior.learned:
            self.prior_optimizer.apply_gradients(zip(prior_gradients, self.prior.trainable_variables))

    def _adversarial_logits(self, stage, activations, categories):
        """D's logit of "real" [N], conditioned on the categories unless they are None."""
        logits = self.discriminators[stage].discriminator_head(activations)
        return logits + self.category_heads[stage](activations, categories) if self.category_heads else logits

    def _pair_activations(self, images, views):
        """Each trunk's activations of the images and of their views [2N, ...], in one pass."""
        return [network.trunk(tf.concat([self._augmented(images, _G_PHASE, stage, _REAL),
                                         self._augmented(views, _G_PHASE, stage, _VIEWS)], axis=0),
                              training=True, groups=2)
                for stage, network in enumerate(self.discriminators)]

    def _information_loss(self, latents, predictions):
        """The weighted information losses of each Q's predictions for generated images, a scalar."""
        loss = self.information_weight * self.global_mean("info_loss", tf.add_n([
            losses.information_loss(latents.code, code_logits, self.information_target)
            for code_logits, _ in predictions]))
        if self.num_continuous:
            loss += self.continuous_weight * self.global_mean("continuous_loss", tf.add_n([
                losses.continuous_information_loss(latents.continuous, means) for _, means in predictions]))
        return loss

    def _contrastive_loss(self, pair_activations):
        """The weighted contrastive term of each stage's activations of images and views, a scalar."""
        per_example = []
        for network, activations in zip(self.discriminators, pair_activations):
            features, logits, _ = network.encoder_head(activations, training=True, groups=2)
            if self.contrastive_term == "nt_xent":
                context = tf.distribute.get_replica_context()
                spread = self.global_negatives and context.num_replicas_in_sync > 1
                per_example.append(losses.nt_xent_loss(
                    *tf.split(features, 2), temperature=self.contrastive_temperature,
                    gathered=context.all_gather(features, axis=0) if spread else None,
                    part=self.batch_part() if spread else WHOLE_BATCH))
            else:
                per_example.append(losses.positive_pair_loss(
                    *tf.split(tf.nn.softmax(logits), 2), temperature=self.contrastive_temperature))
        return self.contrastive_weight * self.global_mean("contrastive_loss", tf.add_n(per_example))

    def _augmented(self, images, phase, stage, group):
        """Images after the differentiable augmentation, where there is one."""
        if self.diff_augment is None:
            return images
        return self.diff_augment(
            images, self.step_seed(Stream.DIFF_AUGMENT, phase, stage, group), part=self.batch_part())


def build_from_config(config: config_dict.ConfigDict, class_fractions: np.ndarray | None) -> InfoGAN:
    """Build the model of a config, not compiled; see `registry.build_model`."""
    method, sizes, loss = METHODS[config.method], config.networks, config.loss
    # Also of a run that is too short for a guided epoch: more epochs may be asked for later.
    guided = bool(method.codes_per_category and config.categories.guidance_share)
    prior = CodePrior(
        sizes.num_codes, learned=method.prior == "learned", temperature=loss.gumbel_temperature,
        probabilities=class_fractions if method.prior == "ground_truth" else None,
        initial_stddev=loss.prior_initial_stddev, seed=config.seed)
    networks = build_networks(
        config_lib.network_family(config), image_shape=config_lib.image_shape(config),
        noise_dim=sizes.noise_dim, num_codes=sizes.num_codes, num_continuous=sizes.num_continuous,
        width=sizes.width, stages=sizes.stages, ema=config.optimizer.ema_decay > 0, category_heads=guided)
    for network in (networks.generator, *(part for stage in networks.discriminators for part in stage)):
        for layer in network.submodules:
            if isinstance(layer, GhostBatchNormalization):
                layer.global_statistics = sizes.batch_statistics == "global"
    return InfoGAN(
        networks, prior, contrastive_term=method.contrastive_term, gradient_routing=loss.gradient_routing,
        information_weight=loss.information_weight, continuous_weight=loss.continuous_weight,
        contrastive_weight=loss.contrastive_weight, contrastive_temperature=loss.contrastive_temperature,
        information_target=loss.information_target,
        guidance_weight=config.categories.guidance_weight if guided else None,
        ema_decay=config.optimizer.ema_decay, global_negatives=loss.negatives == "global",
        diff_augment=make_diff_augment(config), seed=config.seed)


def make_optimizers(config: config_dict.ConfigDict, make_optimizer: Callable) -> dict[str, Any]:
    """Return what `InfoGAN.compile` takes, by name."""
    rates = config.optimizer
    return {"discriminator_optimizer": make_optimizer(rates.learning_rate, rates.beta_1),
            "generator_optimizer": make_optimizer(rates.learning_rate, rates.beta_1),
            "prior_optimizer": make_optimizer(rates.prior_learning_rate, rates.beta_1)}
