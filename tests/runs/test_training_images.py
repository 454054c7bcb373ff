"""The images of a run are told from others; on scikit-learn's digits, which need no files."""

import pytest

from eig_tf import config as config_lib
from eig_tf.errors import UserError
from eig_tf.runs.run_directory import RunDirectory, RunEnvironment
from eig_tf.runs.training_images import fingerprint_images, load_training_images


def test_other_images_than_those_of_the_training(tmp_path):
    config, directory = config_lib.load_preset("digits"), RunDirectory(tmp_path / "run")
    directory.create()
    directory.save_environment(RunEnvironment())
    whole, images = load_training_images(directory, config)
    data = fingerprint_images(images)
    assert len(whole.images) == 1797 and data["num_images"] == len(images.images) == 1205
    assert fingerprint_images(whole)["digest"] != data["digest"]
    directory.save_environment(RunEnvironment(data=data))
    assert load_training_images(directory, config)[1].notes == images.notes
    directory.save_environment(RunEnvironment(data={**data, "digest": "0"}))
    *_, note = load_training_images(directory, config)[1].notes
    assert note.endswith("differ from those of the training, which were as many")
    directory.save_environment(RunEnvironment(data={**data, "num_images": 1204}))
    with pytest.raises(UserError, match=r"was trained on 1,204 images, and there are 1,205 of scikit-learn's"
                                        r" .*; expected the files of the training, in another --data_dir"):
        load_training_images(directory, config)
