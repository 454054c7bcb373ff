"""The flags that say what is trained: which go with which data set, and what they set."""

import json

import pytest

PRINT_CONFIG = """
import json, sys
from eig_tf import config
from eig_tf.cli import command, run_flags
def main(arguments):
    print(json.dumps(config.flatten(run_flags.config_from_flags())))
command.run_command(main, "", prepare=run_flags.define_config_flags)
"""


@pytest.fixture
def parse(command):
    """The config that flags describe, as a flat dict."""
    def run(*arguments):
        result = command("-c", PRINT_CONFIG, *arguments)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)
    return run


@pytest.fixture
def refused(command):
    """The sentence of a command that refuses its flags, without a traceback."""
    def run(*arguments):
        result = command("-m", "eig_tf.train", *arguments)
        assert result.returncode == 2
        assert result.stderr.count("\n") == 1
        return result.stderr
    return run


def test_every_named_flag_sets_its_field(parse):
    named = parse("--dataset=folder", "--image_size=32", "--num_codes=7", "--resize=pad", "--seed=3",
                  "--imbalance=0.5,0.5", "--method=uniform_infogan")
    assert {"data.image_size": 32, "networks.num_codes": 7, "data.resize": "pad", "seed": 3,
            "data.imbalance": "0.5,0.5", "method": "uniform_infogan"}.items() <= named.items()
    assert named == parse(
        "--dataset=folder", "--config.data.image_size=32", "--config.networks.num_codes=7",
        "--config.data.resize=pad", "--config.data.imbalance=0.5,0.5", "--seed=3", "--method=uniform_infogan")
    cars = parse("--dataset=cars", "--class_set=003,017", "--split=4")
    assert (cars["data.class_set"], cars["split"]) == ("003,017", 4)
    assert (cars["preset"], cars["networks.width"]) == ("paper", 1.0)
    cpu = parse("--dataset=cars", "--preset=cpu", "--split=1")
    assert (cpu["preset"], cpu["networks.width"], cpu["split"]) == ("cpu", 0.25, 1)
    assert parse("--dataset=ytf", "--num_identities=5")["data.num_identities"] == 5


@pytest.mark.parametrize(("arguments", "num_categories", "num_codes"), [
    ([], 10, 30), (["--num_categories=4"], 4, 12), (["--num_categories=4", "--num_codes=5"], 4, 5),
    (["--num_codes=20"], 10, 20), (["--config.categories.num_categories=5"], 5, 15),
    (["--num_categories=4", "--config.networks.num_codes=7"], 4, 7)])
def test_codes_follow_the_categories_unless_they_are_given(parse, arguments, num_categories, num_codes):
    found = parse("--dataset=digits", "--method=agglomerative_infogan", *arguments)
    assert (found["categories.num_categories"], found["networks.num_codes"]) == (num_categories, num_codes)


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--dataset=digits", "--num_categories=5"],
     "--num_categories is given, which --dataset=digits with --method=elastic_infogan does not take"),
    (["--dataset=digits", "--method=agglomerative_infogan", "--num_categories=5", "--num_codes=4"],
     "--num_categories is 5; expected no more than --num_codes, 4"),
    (["--dataset=digits", "--method=agglomerative_infogan", "--num_categories=1"],
     "--num_categories is 1; expected 2 or more"),
    (["--dataset=cars", "--num_identities=3"],
     "--num_identities is given, which --dataset=cars with --method=elastic_infogan does not take"),
    (["--dataset=mnist", "--image_size=64"],
     "--image_size is given, which --dataset=mnist with --method=elastic_infogan does not take"),
    (["--dataset=digits", "--class_set=1"],
     "--class_set is given, which --dataset=digits with --method=elastic_infogan does not take"),
    (["--dataset=ytf", "--resize=pad"],
     "--resize is given, which --dataset=ytf with --method=elastic_infogan does not take"),
    (["--dataset=mnist", "--preset=cpu"], "--preset is 'cpu'; --dataset=mnist expects paper"),
    (["--dataset=folder", "--image_size=48"], "--image_size is 48; expected one of 28, 32, 64, 128"),
    (["--dataset=folder", "--num_codes=1"], "--num_codes is 1; expected 2 or more"),
    (["--dataset=folder", "--resize=stretch"], "--resize is 'stretch'; expected one of crop, pad"),
    (["--dataset=cars", "--config.data.views=4"], "--config.data.views is not a field of configs/cars.py"),
    (["--dataset=folder", "--image_size=big"], "--image_size=big"),
    (["--dataset=cifar"], "--dataset is 'cifar'; expected one of cars, chairs, digits, folder, mnist"),
])
def test_flags_that_do_not_go_together_are_refused(refused, arguments, sentence):
    assert sentence in refused(*arguments)
