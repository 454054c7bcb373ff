"""Rendered colours, textures and sizes in numbers, and the problems of broken meshes.

A face towards the camera has 0.3 + 0.6 * 1.2 / |(-0.6, 0.8, 1.2)| = 0.761 of its colour: 194 of 255.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("vtk")

from eig_tf.rendering.camera import draw_directions
from eig_tf.rendering.renderer import MeshError, Renderer

pytestmark = pytest.mark.usefixtures("off_screen")
FRONT, RIGHT, BACK, ABOVE = (0, 0), (90, 0), (180, 0), (0, 90)
SPIDER = Path("/usr/share/assimp/models/OBJ/spider.obj")  # of Debian's assimp-testmodels
TEXTURED_FACES = ("4/4 3/3 2/2 1/1", "5/1 6/2 7/3 8/4", "1/1 2/2 6/3 5/4", "2/1 3/2 7/3 6/4",
                  "3/1 4/2 8/3 7/4", "4/1 1/2 5/3 8/4")
RED, BLUE = {"red": "Kd 1 0 0"}, {"blue": "Kd 0 0 1"}


@pytest.fixture(scope="module")
def renderer(off_screen):
    return Renderer(64, "y")


def pixel(renderer, direction, x=32, y=32):
    return renderer.render(*direction)[y, x].tolist()


def test_material_colours(renderer, write_cube):
    path = write_cube("a b/two ü.obj", {**RED, **BLUE}, ["blue", "red", "red", "blue", "red", "red"])
    assert renderer.load(path) == []
    assert pixel(renderer, FRONT) == [194, 0, 0, 255]
    assert pixel(renderer, RIGHT) == [0, 0, 194, 255]
    assert pixel(renderer, BACK) == [0, 0, 194, 255]
    assert pixel(renderer, ABOVE) == [194, 0, 0, 255]
    # Ambient and specular colours are ignored.
    renderer.load(write_cube(materials={"red": "Ka 1 1 1\nKd 1 0 0\nKs 1 1 1\nNs 5"}, uses=["red"] * 6))
    assert pixel(renderer, FRONT) == [194, 0, 0, 255]
    # Two panes let 0.7 * 0.7 through: alpha is 0.51 of 255.
    renderer.load(write_cube(materials={"glass": "Kd 1 0 0\nd 0.3"}, uses=["glass"] * 6))
    assert pixel(renderer, FRONT) == [194, 0, 0, 130]


def test_size_in_the_frame_on_a_transparent_background(renderer, write_cube):
    renderer.load(write_cube())
    # The camera is 1.04 / sin 15 * sqrt 3 = 6.960 away: the front face takes 1 / (5.960 * tan 15) = 0.626
    # of the frame, 20.04 pixels either way.
    row, column = renderer.render(*FRONT)[32, :, 3], renderer.render(*FRONT)[:, 32, 3]
    for line in (row, column):
        assert np.flatnonzero(line).tolist() == list(range(12, 52))
    # White is not lost in a white background.
    for direction in draw_directions(0, "a", 20, (-90, 90)):
        image = renderer.render(*direction)
        assert (image[0, 0] == 0).all()
        assert image[image[..., 3] == 255][:, :3].max() <= 230


def scaled_cube(x, y, z, move=(0, 0, 0)):
    """Return the vertices of a cube, scaled and moved, as lines of an OBJ file."""
    return "".join(f"v {x * a + move[0]} {y * b + move[1]} {z * c + move[2]}\n" for c in (-1, 1)
                   for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)))


def test_objects_of_all_shapes_stay_inside_the_frame(renderer, write_cube):
    for scale in ((1, 1, 1), (9, 1, 1), (1, 9, 0.1), (0.1, 0.1, 9)):
        renderer.load(write_cube(vertices=scaled_cube(*scale)))
        for direction in draw_directions(0, str(scale), 20, (-90, 90)):
            alpha = renderer.render(*direction)[..., 3]
            assert alpha.max() > 0
            assert not alpha[[0, -1]].any() and not alpha[:, [0, -1]].any()


def test_place_scale_and_stray_points_do_not_matter(renderer, write_cube):
    renderer.load(write_cube())
    expected = renderer.render(30, 20).astype(int)
    moved = scaled_cube(1000, 1000, 1000, (5000, -300, 0))
    renderer.load(write_cube(vertices=f"{moved}v 1e6 1e6 1e6\n"))
    assert np.abs(renderer.render(30, 20) - expected).max() <= 2


def test_up_axis(write_cube):
    renderer = Renderer(64, "z")
    renderer.load(write_cube(materials={**RED, **BLUE}, uses=["blue", "red"] + ["blue"] * 4))
    assert pixel(renderer, ABOVE) == [194, 0, 0, 255]
    assert pixel(renderer, FRONT) == [0, 0, 194, 255]


@pytest.mark.parametrize("faces", [
    [" ".join(str(int(index) - 9) for index in face.split()) for face in
     ("4 3 2 1", "5 6 7 8", "1 2 6 5", "2 3 7 6", "3 4 8 7", "4 1 5 8")],
    [triangle for a, b, c, d in ("4321", "5678", "1265", "2376", "3487", "4158")
     for triangle in (f"{a} {b} {c}", f"{a} {c} {d}")],
    ["1 2 3 4", "8 7 6 5", "5 6 2 1", "6 7 3 2", "7 8 4 3", "8 5 1 4"]],
    ids=["negative", "triangles", "inside out"])
def test_faces_of_all_kinds_look_the_same(renderer, write_cube, faces):
    renderer.load(write_cube())
    expected = renderer.render(30, 20)
    renderer.load(write_cube("other.obj", faces=faces))
    assert np.abs(renderer.render(30, 20) - expected.astype(int)).max() <= 1


def test_concave_polygons_keep_their_notch_and_normals_of_length_zero_are_ignored(renderer, write_cube):
    corner = "v -1 -1 0\nv 1 -1 0\nv 1 0 0\nv 0 0 0\nv 0 1 0\nv -1 1 0\n"
    renderer.load(write_cube(vertices=corner, faces=["1 2 3 4 5 6"]))
    assert pixel(renderer, FRONT, 24, 24)[3] == pixel(renderer, FRONT, 40, 40)[3] == 255
    assert pixel(renderer, FRONT, 40, 24)[3] == 0
    vertices = "v -1 -1 0\nv 1 -1 0\nv 1 1 0\nv -1 1 0\nvn 0 0 0\n"
    renderer.load(write_cube(vertices=vertices, faces=["1//1 2//1 3//1 4//1"]))
    assert pixel(renderer, FRONT) == [194, 194, 194, 255]


@pytest.mark.parametrize("file, mesh, tolerance", [
    ("my texture.png", "cube.obj", 0), ("b.jpg", "cube.obj", 6), ("images/c.bmp", "cube.obj", 0),
    # The layout of ShapeNet.
    ("../images/texture0.png", "a/models/model_normalized.obj", 0)])
def test_textures(renderer, write_cube, tmp_path, file, mesh, tolerance):
    picture = Image.new("RGB", (64, 64), (0, 255, 0))
    picture.paste((255, 0, 255), (0, 0, 32, 64))
    # A black Kd, as many files have it, must not blacken the texture.
    path = write_cube(mesh, {"t": f"Kd 0 0 0\nmap_Kd {file}"}, ["t"] * 6, TEXTURED_FACES)
    (path.parent / file).parent.mkdir(exist_ok=True)
    picture.save(path.parent / file)
    assert renderer.load(path) == []
    left, right = np.array(pixel(renderer, FRONT, 20)), np.array(pixel(renderer, FRONT, 44))
    assert np.abs(left - [194, 0, 194, 255]).max() <= tolerance
    assert np.abs(right - [0, 194, 0, 255]).max() <= tolerance


def test_missing_materials_and_textures_are_reported(renderer, write_cube):
    path = write_cube(materials={"t": "Kd 0 0 1\nmap_Kd gone.png"}, uses=["t"] * 6, faces=TEXTURED_FACES)
    messages = renderer.load(path)
    assert any("gone.png" in message for message in messages)
    assert pixel(renderer, FRONT) == [0, 0, 194, 255]
    path.with_suffix(".mtl").unlink()
    assert any("cube.mtl could not be found" in message for message in renderer.load(path))
    assert pixel(renderer, FRONT)[3] == 255


@pytest.mark.parametrize("content, message", [
    (b"", "no faces"), (b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no faces"), (bytes(range(256)) * 20, "no faces"),
    (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nl 1 2\np 3\n", "no faces"),
    (b"v 0 0\nf 1 1 1\n", "no faces; Error reading 'v'"),
    (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "a face refers to a vertex that does not exist"),
    (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 -9\n", "vertex that does not exist|no faces"),
    (b"v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "coordinates that are not finite"),
    (b"v inf 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "coordinates that are not finite"),
    (b"v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n", "all its points are the same"),
    (b"<html>not found</html>\n", "no faces"), (None, "no faces")])
def test_broken_and_missing_meshes(renderer, write_cube, tmp_path, content, message):
    path = tmp_path / "broken.obj"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MeshError, match=message):
        renderer.load(path)
    with pytest.raises(MeshError, match="no faces"):
        renderer.load(tmp_path)
    renderer.load(write_cube())
    assert pixel(renderer, FRONT) == [194, 194, 194, 255]


@pytest.mark.skipif(not SPIDER.exists(), reason="assimp-testmodels is not installed")
def test_mesh_of_a_debian_package(renderer, tmp_path):
    messages = renderer.load(SPIDER)
    plain = renderer.render(30, 20)
    # The material file names its textures with backslashes.
    assert any("SpiderTex.jpg" in message for message in messages)
    assert 300 < (plain[..., 3] > 128).sum() < 1000
    for file in SPIDER.parent.glob("*.jpg"):
        shutil.copy(file, tmp_path)
    shutil.copy(SPIDER, tmp_path)
    materials = SPIDER.with_suffix(".mtl").read_text()
    (tmp_path / "spider.mtl").write_text(materials.replace(".\\", ""))
    assert renderer.load(tmp_path / "spider.obj") == []
    textured = renderer.render(30, 20)
    np.testing.assert_array_equal(textured[..., 3], plain[..., 3])
    assert (textured[..., :3] != plain[..., :3]).any(axis=2).sum() > 300
