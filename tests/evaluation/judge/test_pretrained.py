"""Weights of a real ResNet-50 in all formats and with all names of layers that are supported."""

import zipfile

import h5py
import numpy as np
import pytest
from tensorflow import keras

from eig_tf.errors import UserError
from eig_tf.evaluation.judge.pretrained import file_digest, load_pretrained_weights
from eig_tf.networks.classifiers import BACKBONE, resnet50

# A ResNet-50 takes seconds to build.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def source():
    """A ResNet-50 with a top, every weight of which differs from those of a new one."""
    model = keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=3)
    generator = np.random.default_rng(0)
    model.set_weights([generator.uniform(0.1, 1, weight.shape).astype(np.float32)
                       for weight in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def classifier():
    return resnet50((64, 64, 3), 4)


@pytest.fixture
def fresh(classifier):
    """The classifier with nothing but zeros in its backbone."""
    backbone = classifier.get_layer(BACKBONE)
    backbone.set_weights([np.zeros(weight.shape, np.float32) for weight in backbone.get_weights()])
    return classifier


def _layers(model):
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def _write_h5(path, layers):
    """A file as `save_weights` of Keras 2 writes it."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for name, arrays in layers.items():
            group = file.create_group(name)
            paths = [f"{name}/weight_{index}:0" for index in range(len(arrays))]
            group.attrs["weight_names"] = [weight.encode() for weight in paths]
            for weight, array in zip(paths, arrays):
                group[weight] = array


def _check_same(fresh, source, without_biases=False):
    expected = _layers(source)
    for name, arrays in _layers(fresh.get_layer(BACKBONE)).items():
        for index, array in enumerate(arrays):
            if without_biases and name.endswith("_conv") and index == 1:
                np.testing.assert_array_equal(array, 0.0)
            else:
                np.testing.assert_array_equal(array, expected[name][index], err_msg=name)


@pytest.mark.parametrize("name", ["a.h5", "a.weights.h5", "a.keras"])
def test_files_that_keras_writes(source, fresh, tmp_path, capsys, name):
    path = tmp_path / name
    if name == "a.keras":
        source.save(path)
    else:
        source.save_weights(path)
    assert load_pretrained_weights(fresh, path) == {"pretrained_weights": name, "pretrained_layers": 106}
    assert capsys.readouterr().out == (
        f"pretrained weights: 106 of the ResNet-50's 106 layers are from {name}\n")
    _check_same(fresh, source)


def test_weights_of_a_classifier_that_holds_the_resnet(classifier, tmp_path):
    """Such as one that was trained here: the names of the layers are one level further down."""
    backbone = classifier.get_layer(BACKBONE)
    before = [weight + 1 for weight in backbone.get_weights()]
    for name in ("a.h5", "a.weights.h5"):
        backbone.set_weights(before)
        classifier.save_weights(tmp_path / name)
        backbone.set_weights([0 * weight for weight in before])
        assert load_pretrained_weights(classifier, tmp_path / name)["pretrained_layers"] == 106
        for found, expected in zip(backbone.get_weights(), before):
            np.testing.assert_array_equal(found, expected)


_PARTS = {"0": ("1x1_proj", "1"), "1": ("1x1_reduce", "2a"), "2": ("3x3", "2b"), "3": ("1x1_increase", "2c")}


def _renamed(name, vggface):
    if name == "predictions":
        return "classifier" if vggface else "fc1000"
    first, kind = name.split("_")[0], "bn" if name.endswith("bn") else "conv"
    if first == "conv1":
        return {("bn", True): "conv1/7x7_s2/bn", ("conv", True): "conv1/7x7_s2",
                ("bn", False): "bn_conv1", ("conv", False): "conv1"}[kind, vggface]
    _, block, part, _ = name.split("_")
    stage, block = first[-1], block[-1]
    if vggface:
        return f"conv{stage}_{block}_{_PARTS[part][0]}" + ("/bn" if kind == "bn" else "")
    return f"{'bn' if kind == 'bn' else 'res'}{stage}{'abcdef'[int(block) - 1]}_branch{_PARTS[part][1]}"


@pytest.mark.parametrize("vggface", [True, False], ids=["keras-vggface", "Keras before 2.3"])
def test_other_names_of_the_same_layers(source, fresh, tmp_path, vggface):
    """keras-vggface's convolutions have no biases."""
    layers = {_renamed(name, vggface): arrays[:1] if vggface and name.endswith("_conv") else arrays
              for name, arrays in _layers(source).items()}
    assert {"conv4_6_3x3/bn", "res4f_branch2b"} & set(layers)
    _write_h5(tmp_path / "a.h5", layers)
    assert load_pretrained_weights(fresh, tmp_path / "a.h5")["pretrained_layers"] == 106
    _check_same(fresh, source, without_biases=vggface)


def test_layers_that_do_not_match_are_named_and_keep_their_weights(source, fresh, tmp_path, capsys):
    layers = _layers(source)
    del layers["conv5_block3_3_bn"]
    layers["conv1_conv"][0] = np.ones([3, 3, 3, 64], np.float32)
    _write_h5(tmp_path / "a.h5", layers)
    assert load_pretrained_weights(fresh, tmp_path / "a.h5")["pretrained_layers"] == 104
    assert capsys.readouterr().out == (
        "pretrained weights: 104 of the ResNet-50's 106 layers are from a.h5; not in the file or of another "
        "shape: conv1_conv, conv5_block3_3_bn\n")
    kept = _layers(fresh.get_layer(BACKBONE))
    assert not np.any(kept["conv1_conv"][0]) and not np.any(kept["conv5_block3_3_bn"][0])


def test_weights_of_another_network_are_refused(fresh, source, tmp_path):
    half = dict(list(_layers(source).items())[:52])
    for layers in ({"conv2d": [np.ones([3, 3, 3, 8])], "dense": [np.ones([2, 2])]}, half):
        _write_h5(tmp_path / "a.h5", layers)
        found = 0 if len(layers) == 2 else 52
        with pytest.raises(UserError, match=rf"which fits {found} of the ResNet-50's 106 layers; "
                                            r"expected at least half"):
            load_pretrained_weights(fresh, tmp_path / "a.h5")
    assert not np.any(fresh.get_layer(BACKBONE).get_weights()[0])


def _archive(path, **entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("_", ".", 1), content)


def _truncated_h5(path):
    _write_h5(path, {"conv1_conv": [np.ones([7, 7, 3, 64])]})
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


@pytest.mark.parametrize("make", [
    _truncated_h5,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"weights"),
    lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(40)),
    lambda path: path.write_bytes(b"PK\x05\x06" + bytes(18)),
    lambda path: _archive(path, config_json="{"),
    lambda path: _archive(path, config_json='{"config": {"layers": [1]}}'),
    lambda path: h5py.File(path, "w").close(),
    lambda path: _write_h5(path, {"conv1_conv": [np.full([7, 7, 3, 64], np.nan)]}),
    lambda path: _write_h5(path, {"conv1_conv": [np.array(b"text")]}),
], ids=["truncated", "empty", "text", "head only", "empty archive", "no JSON", "odd JSON", "no layers", "NaN",
        "strings"])
def test_damaged_files_are_named(fresh, tmp_path, make):
    path = tmp_path / "a.h5"
    make(path)
    with pytest.raises(UserError, match=r"_weights is '.*a\.h5', which cannot be read: .*; expected"):
        load_pretrained_weights(fresh, path)


def test_missing_files_are_named(tmp_path):
    for path in (tmp_path / "none.h5", tmp_path):
        with pytest.raises(UserError, match=r"cannot be read: .*; expected a file of Keras weights"):
            file_digest(path)


def test_digest_is_of_the_content(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    # SHA-256 of "abc", FIPS 180-2, appendix B.1.
    assert file_digest(tmp_path / "a").startswith("ba7816bf8f01cfea414140de5dae2223")
