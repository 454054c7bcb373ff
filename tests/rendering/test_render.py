"""Renders on disk: written once, resumed, and never mixed with those of other settings."""

import json

import pytest
from PIL import Image

from eig_tf.errors import UserError
from eig_tf.rendering import render
from eig_tf.rendering.meshes import Mesh

SETTINGS = render.RenderSettings(16, 0, (0.0, 45.0), "y")


@pytest.fixture
def output(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def render_meshes(meshes, output, num_renders=3, settings=SETTINGS, processes=1):
    tasks = render.unfinished_tasks(meshes, output, num_renders)
    return list(render.render_all(tasks, output, settings, processes, time_limit=60))


def test_unfinished_renders(tmp_path):
    meshes = [Mesh(tmp_path / "a.obj", "cup", name) for name in ("none", "some", "all")]
    for name, numbers in (("some", (0, 2)), ("all", (0, 1, 2, 3))):
        (tmp_path / "cup" / name).mkdir(parents=True)
        for number in numbers:
            (tmp_path / "cup" / name / f"{number:03d}.png").touch()
    # The temporary file of a killed run is no render.
    (tmp_path / "cup" / "some" / ".001.77.tmp.png").touch()
    assert render.unfinished_tasks(meshes, tmp_path, 3) == [(meshes[0], [0, 1, 2]), (meshes[1], [1])]


@pytest.mark.usefixtures("off_screen")
def test_renders_on_disk(write_cube, output):
    good, bad = Mesh(write_cube(), "a cup", "x ü"), Mesh(write_cube("bad.obj", faces=[]), "cup", "bad")
    transparent = Mesh(write_cube("glass.obj", {"glass": "d 0"}, ["glass"] * 6), "cup", "transparent")
    outcomes = {outcome.mesh: outcome for outcome in render_meshes([good, bad, transparent], output)}
    assert outcomes[good] == render.Outcome(good, 3)
    assert outcomes[bad] == render.Outcome(bad, 0, "it has no faces")
    assert outcomes[transparent] == render.Outcome(transparent, 0, "nothing of it is visible")
    files = sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())
    assert files == [f"a cup/x ü/{number:03d}.png" for number in range(3)] + ["render.json"]
    with Image.open(output / files[0]) as image:
        assert (image.mode, image.size) == ("RGBA", (16, 16))
    assert json.loads((output / "render.json").read_text()) == {
        "image_size": 16, "seed": 0, "elevation": [0.0, 45.0], "up": "y"}


@pytest.mark.usefixtures("off_screen")
def test_renders_depend_on_neither_processes_nor_interruptions(write_cube, tmp_path):
    meshes = [Mesh(write_cube(), "cup", str(number)) for number in range(4)]
    one, other = tmp_path / "one", tmp_path / "other"
    for output in (one, other):
        output.mkdir()
    render_meshes(meshes, one, num_renders=4)
    render_meshes(meshes[::-1], other, num_renders=2, processes=2)
    (other / "cup" / "2" / "001.png").unlink()
    kept = (other / "cup" / "2" / "000.png").stat().st_mtime_ns
    outcomes = render_meshes(meshes, other, num_renders=4, processes=2)
    assert {outcome.mesh.instance: outcome.num_renders for outcome in outcomes} == {
        "0": 2, "1": 2, "2": 3, "3": 2}
    assert (other / "cup" / "2" / "000.png").stat().st_mtime_ns == kept
    paths = sorted(path.relative_to(one) for path in one.rglob("*.png"))
    contents = [(one / path).read_bytes() for path in paths]
    assert len(set(contents)) == len(paths) == 16
    assert contents == [(other / path).read_bytes() for path in paths]


@pytest.mark.usefixtures("off_screen")
def test_other_settings_are_refused(output):
    assert render_meshes([], output) == []
    assert render_meshes([], output) == []
    with pytest.raises(UserError, match=r"holds renders of other settings: image_size 16, now 32; seed 0, "
                                        r"now 1; expected the same settings or another --output"):
        render_meshes([], output, settings=SETTINGS._replace(image_size=32, seed=1))
    (output / "render.json").write_text("{}")
    with pytest.raises(UserError, match=r"render.json is damaged \(KeyError\); expected the settings"):
        render_meshes([], output)


@pytest.mark.usefixtures("off_screen")
def test_errors_of_the_machine_end_the_run(write_cube, output, monkeypatch):
    mesh = Mesh(write_cube(), "cup", "a")
    (output / "cup").write_text("a file where a folder must be")
    with pytest.raises(OSError, match="cup"):
        render_meshes([mesh], output)
    (output / "cup").unlink()
    # This kind of window needs a display.
    monkeypatch.setenv("VTK_DEFAULT_OPENGL_WINDOW", "vtkXOpenGLRenderWindow")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(UserError, match=r"VTK cannot render on this machine \(.*\); expected VTK 9.4 or "
                                        r"later, with libEGL or libOSMesa"):
        render_meshes([mesh], output)
