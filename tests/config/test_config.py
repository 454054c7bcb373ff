"""Schema, presets, validation, saving and comparison of configs."""

import json
import math

import pytest

from eig_tf import config as config_lib
from eig_tf.config import METHODS
from eig_tf.errors import UserError

# Field and value of the paper's MNIST setting (section 4, supplement 4.1 and 4.4).
PAPER = {
    "method": "elastic_infogan", "augment.rotation": 10.0, "augment.zoom": 0.1,
    "networks.noise_dim": 62, "networks.num_codes": 10, "networks.num_continuous": 0,
    "loss.gradient_routing": "head", "loss.information_weight": 1.0, "loss.information_target": "hard",
    "loss.contrastive_weight": 10.0, "loss.contrastive_temperature": 1.0, "loss.gumbel_temperature": 0.1,
    "optimizer.learning_rate": 2e-4, "optimizer.prior_learning_rate": 2e-4, "optimizer.beta_1": 0.5,
    "training.epochs": 200, "training.batch_size": 64,
}


def set_field(config, field, value):
    """Sets a field of a config by its dotted name, whatever the type of the value."""
    *groups, name = field.split(".")
    for group in groups:
        config = config[group]
    with config.ignore_type():
        config[name] = value


@pytest.fixture
def config():
    return config_lib.load_preset("mnist")


@pytest.mark.parametrize("name", config_lib.preset_names())
def test_every_preset_is_valid_and_has_the_fields_of_the_schema(name):
    preset = config_lib.load_preset(name)
    config_lib.validate(preset)
    assert preset.dataset == name
    known = {field.name for field in config_lib.FIELDS}
    fields = config_lib.flatten(preset).keys()
    assert fields <= known
    assert all(field.startswith(("data.", "vae.", "categories.")) for field in known - fields)
    assert preset.networks.stages == (2 if name == "ytf" else 1)


@pytest.mark.parametrize(("name", "setting"), [
    ("mnist", PAPER),
    # What the paper says of the other sets (section 4; supplement 4.2, 4.3).
    ("cars", {"augment.rotation": 10.0, "augment.flip": True, "augment.crop": 0.95, "augment.zoom": 0.0,
              "networks.noise_dim": 100, "networks.num_codes": 10, "training.batch_size": 50}),
    ("chairs", {"augment.rotation": 10.0, "augment.flip": True, "augment.crop": 0.95, "augment.zoom": 0.0,
                "networks.noise_dim": 100, "networks.num_codes": 10, "training.epochs": 600}),
    ("shapenet", {"augment.rotation": 10.0, "augment.flip": True, "augment.crop": 0.95,
                  "networks.num_codes": 5, "data.views": 30}),
    ("ytf", {"augment.rotation": 0.0, "augment.zoom": 0.0, "augment.flip": True, "augment.enlarge": 1.1,
             "augment.gamma_min": 0.3, "augment.gamma_max": 4.0, "networks.num_codes": 40,
             "data.num_identities": 40, "data.imbalance": "none"}),
])
def test_presets_are_the_papers_settings(name, setting):
    flat = config_lib.flatten(config_lib.load_preset(name))
    assert {field: flat[field] for field in setting} == setting
    shape = (28, 28, 1) if name == "mnist" else (64, 64, 3)
    assert config_lib.image_shape(config_lib.load_preset(name)) == shape


@pytest.mark.parametrize(("name", "preset", "sentence"), [
    *((name, "paper", f"--dataset is {name!r}; expected one of cars, chairs, digits, folder, mnist, ")
      for name in ("cifar", "", "mnist.py", "__init__", "../configs/mnist")),
    ("mnist", "cpu", "--preset is 'cpu'; --dataset=mnist expects paper"),
    ("cars", "gpu", "--preset is 'gpu'; --dataset=cars expects paper or cpu")])
def test_unknown_preset_is_refused_with_the_known_ones_named(name, preset, sentence):
    with pytest.raises(UserError) as error:
        config_lib.load_preset(name, preset)
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(("field", "value"), [
    ("method", "elastic"), ("method", ""), ("seed", -1), ("seed", 2**31),
    ("augment.rotation", -1.0), ("augment.zoom", 1.0), ("augment.zoom", -0.1),
    ("augment.crop", 0.0), ("augment.crop", 1.01), ("augment.enlarge", 0.9), ("augment.gamma_min", 0.0),
    ("augment.gamma_max", 0.5), ("augment.hue", 0.6), ("augment.greyscale", 1.1), ("augment.blur", -1.0),
    ("augment.brightness", 1.5), ("augment.contrast", -0.1), ("augment.saturation", math.nan),
    ("data.image_size", 48), ("data.resize", "stretch"), ("data.channels", 4), ("data.max_unreadable", 1.5),
    ("discriminator_augment.contrast", 1.5), ("discriminator_augment.shift", 28),
    ("networks.noise_dim", 0), ("networks.num_codes", 1), ("networks.num_continuous", -1),
    ("networks.width", 0.0), ("networks.stages", 0), ("networks.stages", 2),
    ("loss.gradient_routing", "trunk"), ("loss.information_target", "relaxed"),
    ("loss.information_weight", -1.0), ("loss.continuous_weight", -0.5),
    ("loss.contrastive_weight", -10.0), ("loss.contrastive_temperature", 0.0),
    ("loss.gumbel_temperature", 0.0), ("loss.gumbel_temperature", math.nan),
    ("optimizer.learning_rate", 0.0), ("optimizer.learning_rate", math.nan), ("optimizer.ema_decay", 1.0),
    ("optimizer.prior_learning_rate", -1e-3), ("optimizer.beta_1", 1.0), ("optimizer.beta_1", -0.1),
    ("training.epochs", 0), ("training.batch_size", 1), ("training.precision", "float16"),
    ("training.steps_per_execution", 0),
])
def test_value_out_of_place_is_refused_by_flag_and_value(field, value):
    config = config_lib.load_preset("folder")
    config.data.image_size = 28
    set_field(config, field, value)
    with pytest.raises(UserError) as error:
        config_lib.validate(config)
    assert str(error.value).startswith(f"{config_lib.flag(field)} is {value!r}; expected ")
    reason = {("networks.stages", 2): "1 for the networks dcgan28",
              ("discriminator_augment.shift", 28): "less than the images' side, 28"}
    assert reason.get((field, value), "") in str(error.value)


@pytest.mark.parametrize(("field", "value"), [
    ("seed", 0), ("seed", 2**31 - 1), ("augment.rotation", 0.0), ("augment.zoom", 0.0),
    ("networks.noise_dim", 1), ("networks.num_codes", 2), ("networks.num_continuous", 2),
    ("loss.contrastive_weight", 0.0), ("optimizer.beta_1", 0.0), ("training.epochs", 1),
    ("training.batch_size", 2), ("training.precision", "mixed_float16"),
    ("loss.gradient_routing", "shared"), ("loss.information_target", "soft"),
])
def test_value_at_the_edge_is_accepted(config, field, value):
    set_field(config, field, value)
    config_lib.validate(config)


@pytest.mark.parametrize(("dataset", "num_categories"), [("mnist", 10), ("cars", 10), ("shapenet", 5)])
def test_methods_that_group_codes_have_three_for_each_category(dataset, num_categories):
    preset = config_lib.load_preset(dataset, method="agglomerative_infogan")
    assert preset.categories.num_categories == num_categories
    assert preset.networks.num_codes == 3 * num_categories
    config_lib.validate(preset)


@pytest.mark.parametrize(("epochs", "share", "expected"), [
    (15, 0.1, 2), (200, 0.1, 20), (1, 0.9, 0), (3, 0.0, 0)])
def test_the_last_epochs_are_guided(epochs, share, expected):
    config = config_lib.load_preset("mnist", method="agglomerative_infogan")
    config.training.epochs, config.categories.guidance_share = epochs, share
    assert config_lib.guided_epochs(config) == expected
    config = config_lib.load_preset("mnist")
    config.training.epochs = epochs
    assert config_lib.guided_epochs(config) == 0


def test_as_many_categories_as_codes_are_accepted_and_more_refused():
    config = config_lib.load_preset("mnist", method="agglomerative_infogan")
    config.networks.num_codes = 10
    config_lib.validate(config)
    config.categories.num_categories = 11
    with pytest.raises(UserError) as error:
        config_lib.validate(config)
    assert str(error.value) == "--num_categories is 11; expected no more than --num_codes, 10"
    config.categories.num_categories = 1
    with pytest.raises(UserError, match=r"^--num_categories is 1; expected 2 or more"):
        config_lib.validate(config)


@pytest.mark.parametrize("method", sorted(METHODS.keys() - {"agglomerative_infogan"}))
def test_other_methods_have_no_categories(method):
    assert "categories" not in config_lib.load_preset("mnist", method=method)


def test_photographs_have_defaults_of_their_own():
    fields = METHODS["agglomerative_infogan"].photograph_defaults
    cars, mnist, elastic = (
        config_lib.flatten(config_lib.load_preset(dataset, method=method)) for dataset, method in (
            ("cars", "agglomerative_infogan"), ("mnist", "agglomerative_infogan"),
            ("mnist", "elastic_infogan")))
    assert {field: cars[field] for field in fields} == dict(fields)
    assert cars["loss.gradient_routing"] == "contrastive"
    categories = {field for field in mnist if field.startswith("categories.")}
    assert {field for field in mnist if mnist[field] != elastic.get(field)} == {
        "method", "networks.num_codes", *categories}


def test_differences_name_field_and_both_values(config):
    other = config.copy_and_resolve_references()
    other.training.batch_size = 32
    other.method = "gumbel_infogan"
    assert config_lib.config_differences(config, config) == []
    assert config_lib.config_differences(config, other) == [
        "method: elastic_infogan saved, gumbel_infogan asked", "training.batch_size: 64 saved, 32 asked"]


@pytest.mark.parametrize(("dataset", "preset"), [("mnist", "paper"), ("cars", "cpu")])
def test_saved_config_is_loaded_equal(dataset, preset, tmp_path):
    config = config_lib.load_preset(dataset, preset)
    config.training.epochs = 7
    config.optimizer.learning_rate = 1e-4
    config_lib.save_config(config, tmp_path / "config.json")
    assert config_lib.config_differences(config, config_lib.load_config(tmp_path / "config.json")) == []


def _saved(**changes):
    content = config_lib.load_preset("mnist").to_dict()
    content.update(dataset="mnist", **changes)
    return content


@pytest.mark.parametrize("content", [
    "", "{", "[]", "null", "7", '{"training": 5}', "{}", "\x80\xff\0" * 100, None,
    json.dumps({"dataset": "mnist", "split": 0, "seed": 0}),
    json.dumps(_saved(momentum=0.9)),
    json.dumps(_saved(method="elastic")),
    json.dumps(_saved(seed="zero")),
    json.dumps(_saved(augment={"rotation": -5.0, "zoom": 0.1})),
    json.dumps(_saved(data={"class_set": "0"})),
    json.dumps({**_saved(), "dataset": "cifar"}),
], ids=["empty", "cut", "list", "null", "number", "group_is_number", "no_fields", "no_text", "missing",
        "method_missing", "unknown_field", "unknown_method", "wrong_type", "out_of_range",
        "option_of_another_set", "unknown_set"])
def test_damaged_or_missing_saved_config_is_refused_with_its_path(content, tmp_path):
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content, encoding="latin-1")
    with pytest.raises(UserError, match="no such file" if content is None else None) as error:
        config_lib.load_config(path)
    assert str(path) in str(error.value)


def test_fields_of_another_version_are_named(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(_saved(training={"epochs": 2, "momentum": 0.9}, colour="red")))
    with pytest.raises(UserError, match="is not a config that this version wrote: it has colour, "
                                        r"training\.momentum, which this version does not know$"):
        config_lib.load_config(path)


def test_fields_that_a_later_version_added_take_their_defaults(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(_saved(training={"epochs": 2})))
    training = config_lib.load_config(path).training
    assert (training.epochs, training.batch_size) == (2, config_lib.load_preset("mnist").training.batch_size)


@pytest.mark.parametrize("name", ["cars", "chairs", "shapenet", "ytf", "folder"])
def test_cpu_presets_change_the_networks_and_not_the_data(name):
    paper, cpu = (config_lib.load_preset(name, preset) for preset in ("paper", "cpu"))
    changed = {line.split(":")[0] for line in config_lib.config_differences(paper, cpu)}
    assert changed == {
        "preset", "networks.width", "discriminator_augment.brightness", "discriminator_augment.contrast",
        "discriminator_augment.shift", "optimizer.ema_decay",
        "optimizer.prior_learning_rate", "training.epochs"}
    flat = config_lib.flatten(paper)
    assert flat["networks.width"] == 1.0 and flat["optimizer.ema_decay"] == 0.999
    assert not any(flat[f"discriminator_augment.{field}"] for field in ("brightness", "contrast", "shift"))
    config_lib.validate(cpu)
