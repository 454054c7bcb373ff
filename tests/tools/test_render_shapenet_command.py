"""The command as a user runs it, on good and bad meshes, and its renders as the loader reads them."""

import os

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data import registry

CUBE = "".join(f"v {x} {y} {z}\n" for z in (-1, 1) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)))
FACES = "f 4 3 2 1\nf 5 6 7 8\nf 1 2 6 5\nf 2 3 7 6\nf 3 4 8 7\nf 4 1 5 8\n"


def write_mesh(path, colour="1 0 0"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".mtl").write_text(f"newmtl m\nKd {colour}\n")
    path.write_text(f"mtllib {path.with_suffix('.mtl').name}\n{CUBE}usemtl m\n{FACES}")


@pytest.mark.parametrize("missing", ["vtkmodules", "pebble"])
def test_missing_extra_is_one_sentence(run, refused, repository, tmp_path, missing):
    write_mesh(tmp_path / "cups" / "a.obj")
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        f"u.find_spec = lambda name, *rest: None if name == {missing!r} else find(name, *rest)\n")
    result = run("render_shapenet", "cups", "--output=out", PYTHONPATH=f"{tmp_path}{os.pathsep}{repository}")
    assert refused(result) == ("rendering needs VTK and pebble, which are not installed; expected pip "
                               "install 'eig_tf[render]'")


@pytest.mark.usefixtures("off_screen")
def test_renders_good_meshes_among_bad_ones_and_resumes(run, tmp_path):
    core = tmp_path / "Shape Net"
    write_mesh(core / "02958343" / "car 1" / "models" / "model_normalized.obj", "1 0 0")
    write_mesh(core / "02958343" / "car 2" / "model.obj", "1 0 0")
    write_mesh(core / "bowls" / "bowl 'ü'.obj", "0 0 1")
    (core / "bowls" / "empty.obj").touch()
    (core / "bowls" / "broken.obj").write_text("v 1 2\n")
    # A truncated texture crashes VTK itself; the other meshes must not notice.
    (core / "bowls" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    (core / "bowls" / "texture.mtl").write_text("newmtl m\nmap_Kd cut.png\n")
    (core / "bowls" / "texture.obj").write_text(f"mtllib texture.mtl\n{CUBE}usemtl m\n{FACES}")
    write_mesh(core / "rifles" / "not asked for.obj")

    arguments = (core, "--output=out", "--categories=car,bowl", "--views=5", "--seed=3")
    result = run("render_shapenet", *arguments, "--processes=2")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert f"left out: {core}/bowls/empty.obj: it has no faces\n" in result.stdout
    assert f"left out: {core}/bowls/broken.obj: it has no faces; Error reading 'v' at line" in result.stdout
    assert f": {core}/bowls/texture.obj: " in result.stdout
    assert "6 of 6 meshes" in result.stdout
    assert not (tmp_path / "out" / "rifles").exists()

    config = config_lib.load_preset("shapenet")
    config.data.categories, config.data.views, config.data.imbalance = "bowl,car", 5, "none"
    image_set = registry.load(config, tmp_path / "out", tmp_path / "cache")
    assert image_set.class_counts()[1] == 10 and image_set.class_counts()[0] in (5, 10)
    assert np.asarray(image_set.images)[:, 0, 0].min() == 255
    car = np.asarray(image_set.images)[-1, 32, 32]
    assert car[0] > 80 and car[1:].max() <= 5

    path = tmp_path / "out" / "02958343" / "car 2" / "003.png"
    before = path.read_bytes()
    path.unlink()
    result = run("render_shapenet", *arguments, "--processes=1")
    assert result.returncode == 0, result.stderr
    assert "1 renders" in result.stdout
    assert path.read_bytes() == before
    with Image.open(path) as image:
        assert (image.mode, image.size) == ("RGBA", (64, 64))


@pytest.mark.usefixtures("off_screen")
def test_no_mesh_that_can_be_rendered_is_an_error(run, refused, tmp_path):
    (tmp_path / "cups").mkdir()
    (tmp_path / "cups" / "a.obj").touch()
    assert refused(run("render_shapenet", "cups", "--output=out")) == (
        "none of the 1 meshes below cups could be rendered; the problem of the last one: it has no faces")
