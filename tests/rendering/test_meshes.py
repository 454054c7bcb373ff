"""The category and instance of each file, in ShapeNetCore's trees and in others."""

from pathlib import Path

import pytest

from eig_tf.errors import UserError
from eig_tf.rendering.meshes import find_meshes


def make_files(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def names_below(root, **options):
    return [mesh.name for mesh in find_meshes(root, **options)]


def test_shapenet_versions_1_and_2(tmp_path):
    make_files(tmp_path, "02958343/b/models/model_normalized.obj", "02958343/a/models/model_normalized.obj",
               "02958343/a/models/model_normalized.mtl", "02958343/a/images/texture0.jpg",
               "02691156/a/models/model_normalized.obj", "taxonomy.json")
    meshes = find_meshes(tmp_path)
    assert [mesh.name for mesh in meshes] == ["02691156/a", "02958343/a", "02958343/b"]
    assert meshes[0].path == tmp_path / "02691156/a/models/model_normalized.obj"
    make_files(tmp_path / "1", "02958343/a/model.obj", "02958343/b/model.obj", "02958343/a/model.mtl")
    assert names_below(tmp_path / "1") == ["02958343/a", "02958343/b"]


@pytest.mark.parametrize("file", ["a/models/model_normalized.obj", "a/model.obj", "a.obj"])
def test_one_category(tmp_path, file):
    make_files(tmp_path / "02958343", file)
    assert names_below(tmp_path / "02958343") == ["02958343/a"]


def test_other_trees(tmp_path):
    make_files(tmp_path / "my meshes", "flat one.obj", "cup/blue/old/x 'ü.obj", "cup/b.OBJ", ".trash/c.obj",
               "cup/._b.obj", "model.obj", "models/lamp.obj")
    assert names_below(tmp_path / "my meshes") == [
        "cup/b", "cup/blue_old_x 'ü", "models/lamp", "my meshes/flat one", "my meshes/model"]


def test_relative_directory_gives_its_name_and_cyclic_links_are_followed_once(tmp_path, monkeypatch):
    make_files(tmp_path / "cups", "a.obj", "mug/b.obj")
    (tmp_path / "cups" / "mug" / "up").symlink_to(tmp_path / "cups")
    (tmp_path / "cups" / "self").symlink_to("self")
    monkeypatch.chdir(tmp_path / "cups")
    assert names_below(Path(".")) == ["cups/a", "mug/b"]


def test_categories_and_number_of_instances(tmp_path):
    make_files(tmp_path, *(f"{folder}/{name}/model.obj" for folder in ("02958343", "guns", "cup")
                           for name in "cab"))
    assert names_below(tmp_path, categories="rifle,car", max_instances=2) == [
        "02958343/a", "02958343/b", "guns/a", "guns/b"]


@pytest.mark.parametrize(("files", "categories", "sentence"), [
    (["02958343/a.obj", "cup/a.obj", "guns/a.obj"], "bowl,car,can",
     r"lacks the categories bowl, can of --categories; it holds the folders 02958343 \(car\), cup, guns"),
    (["car/a.obj"], "car,", "--categories is 'car,'; expected different names"),
    (["cup/a/b.obj", "cup/a_b.obj"], "", r"would both be rendered into cup/a_b"),
    (["a/b.stl"], "", "holds no OBJ files; expected ShapeNetCore's folders or other")])
def test_what_cannot_be_rendered_is_refused(tmp_path, files, categories, sentence):
    make_files(tmp_path, *files)
    with pytest.raises(UserError, match=sentence):
        find_meshes(tmp_path, categories)
