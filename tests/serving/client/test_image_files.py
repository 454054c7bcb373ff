"""Folders that are sorted through a client, without a server."""

import csv

import numpy as np
import pytest
from fakes import FakeTransport, make_client
from PIL import Image

from eig_tf.serving.client import ServingError, image_files
from eig_tf.serving.client.protocol import Signature, TensorInfo

BYTES = {"image_bytes": TensorInfo("string", (None,))}
FOUND = {"probabilities": TensorInfo("float32", (None, 3)), "code": TensorInfo("int32", (None,)),
         "confidence": TensorInfo("float32", (None,))}
CATEGORIES = {"category_probabilities": TensorInfo("float32", (None, 2)),
              "category": TensorInfo("int32", (None,)), "category_confidence": TensorInfo("float32", (None,))}


class _Sorter(FakeTransport):
    """Finds code 2 in every file and, where they are served, category 1; refuses files of 3 pixels a side."""

    def __init__(self, outputs):
        super().__init__(signatures={"categorize_bytes": Signature(BYTES, outputs)})

    def predict(self, name, signature, inputs, timeout):
        contents = inputs["image_bytes"]
        if any(content[19] == 3 for content in contents):  # The width of a PNG file.
            raise ServingError("INVALID_ARGUMENT", "three pixels")
        answer = {"probabilities": [0.1, 0.2, 0.7], "code": 2, "confidence": 0.7,
                  "category_probabilities": [0.4, 0.6], "category": 1, "category_confidence": 0.6}
        return {key: np.array([answer[key]] * len(contents), info.dtype)
                for key, info in signature.outputs.items()}


@pytest.mark.parametrize(("outputs", "header", "row", "categories"), [
    (FOUND, ["file", "code", "probability"], ["2", "0.700000"], None),
    ({**FOUND, **CATEGORIES}, ["file", "category", "probability", "code", "code_probability"],
     ["1", "0.600000", "2", "0.700000"], [0, 24])])
def test_tables_have_categories_where_the_model_has(tmp_path, outputs, header, row, categories):
    for number in range(25):
        Image.new("L", (3 if number == 7 else 2,) * 2).save(tmp_path / f"{number}.png")
    client, _ = make_client(_Sorter(outputs))
    found = image_files.categorize_folder(client, tmp_path, tmp_path / "found.csv")
    assert found.codes.tolist() == [0, 0, 24]
    assert (found.categories is None if categories is None else found.categories.tolist() == categories)
    assert found.unreadable == ["7.png: three pixels"]
    with open(tmp_path / "found.csv", newline="") as file:
        first, *rows = csv.reader(file)
    assert first == header
    assert rows == [[f"{number}.png", *row] for number in range(25) if number != 7]
