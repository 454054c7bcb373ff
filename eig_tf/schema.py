"""The settings of a run: every field, its unit or range, and the paper's value for it."""

from ml_collections import config_dict


def default_config():
    """The schema with the paper's values for MNIST; presets change what differs for their set.

    Returns:
        A `ConfigDict`. Units and ranges stand beside the fields.
    """
    config = config_dict.ConfigDict()
    config.dataset = ""
    config.preset = "paper"  # paper | cpu, where a data set has one: see `for_cpu`
    config.method = "elastic_infogan"
    config.split = 0  # which of the set's class-imbalanced splits
    config.seed = 0

    config.data = config_dict.ConfigDict()  # presets add what their loader takes besides
    config.data.imbalance = "paper"  # paper | none | fractions of the classes, 0.5,0.3,0.2

    config.augment = config_dict.ConfigDict()  # delta: the positive view; see eig_tf.data.augment
    config.augment.rotation = 10.0  # degrees either way
    config.augment.zoom = 0.1  # share of the size either way
    config.augment.flip = False  # mirror every other image, left to right
    config.augment.crop = 1.0  # side of a random crop, share of the image's; it is resized back
    config.augment.enlarge = 1.0  # scale, after which a random window of the image's size is cut out
    config.augment.gamma_min = 1.0  # power of the brightness in [0, 1], drawn uniformly
    config.augment.gamma_max = 1.0
    config.augment.brightness = 0.0  # shift either way, share of the range
    config.augment.contrast = 0.0  # change of the factor either way
    config.augment.saturation = 0.0  # change of the factor either way
    config.augment.hue = 0.0  # shift either way, turns of the colour circle
    config.augment.greyscale = 0.0  # probability
    config.augment.blur = 0.0  # largest standard deviation of a Gaussian, pixels

    config.discriminator_augment = config_dict.ConfigDict()  # of all that D sees; off in the paper
    config.discriminator_augment.brightness = 0.0  # largest shift, in units of [-1, 1]
    config.discriminator_augment.contrast = 0.0  # change of the factor either way
    config.discriminator_augment.shift = 0  # pixels either way

    config.networks = config_dict.ConfigDict()
    config.networks.noise_dim = 62  # Z
    config.networks.num_codes = 10  # K
    config.networks.num_continuous = 0  # C
    config.networks.stages = 1  # of the generator, each with its own D and Q; 28x28 networks have one
    config.networks.width = 1.0  # scale of the layers' sizes; 1 is the paper's

    config.loss = config_dict.ConfigDict()
    config.loss.gradient_routing = "head"  # head | shared: does Q's loss train the trunk
    config.loss.information_weight = 1.0  # lambda_1
    config.loss.information_target = "hard"  # hard | soft
    config.loss.continuous_weight = 1.0
    config.loss.contrastive_weight = 10.0  # lambda_2
    config.loss.contrastive_temperature = 1.0  # tau'
    config.loss.gumbel_temperature = 0.1  # tau

    config.optimizer = config_dict.ConfigDict()
    config.optimizer.learning_rate = 2e-4  # of D, G and Q
    config.optimizer.prior_learning_rate = 2e-4
    config.optimizer.beta_1 = 0.5
    config.optimizer.generator_average_decay = 0.0  # of the weights that generate outside training

    config.training = config_dict.ConfigDict()
    config.training.epochs = 200
    config.training.batch_size = 64
    config.training.precision = "auto"  # auto | float32 | mixed_bfloat16
    config.training.steps_per_execution = 32
    return config


def for_64x64(config):
    """Sets what the paper's 64x64 data sets have in common (section 4, supplement 4.2 and 4.4), in place."""
    config.data.image_size = 64
    config.data.channels = 3
    config.augment.zoom = 0.0
    config.augment.flip = True
    config.networks.noise_dim = 100
    config.optimizer.generator_average_decay = 0.999
    config.training.epochs = 600
    config.training.batch_size = 50
    return config


def for_cpu(config, epochs):
    """Changes a 64x64 preset, in place, into one that two CPU cores train in less than an hour.

    What differs from the paper: networks a quarter as wide; augmentation of all that D sees, which wins
    the game otherwise with so few images (differentiable augmentation, Zhao et al. 2020); averaged
    weights that follow sooner and a prior that learns faster, for there are fewer steps.
    """
    config.preset = "cpu"
    config.networks.width = 0.25
    config.discriminator_augment.brightness = 0.3
    config.discriminator_augment.contrast = 0.3
    config.discriminator_augment.shift = 8
    config.optimizer.generator_average_decay = 0.995
    config.optimizer.prior_learning_rate = 1e-3
    config.training.epochs = epochs
    return config
