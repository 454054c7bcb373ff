"""What a run leaves on disk and what it makes of what it finds there."""

import json

import pytest
from PIL import Image

from eig_tf.errors import UserError
from eig_tf.rendering import render
from eig_tf.rendering.meshes import Mesh

SETTINGS = render.Settings(16, 0, (0.0, 45.0), "y")


@pytest.fixture
def output(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def draw(meshes, output, num_views=3, settings=SETTINGS, processes=1):
    tasks = render.unfinished(meshes, output, num_views)
    return list(render.render_all(tasks, output, settings, processes, time_limit=60))


def test_unfinished_views(tmp_path):
    meshes = [Mesh(tmp_path / "a.obj", "cup", name) for name in ("none", "some", "all")]
    for name, numbers in (("some", (0, 2)), ("all", (0, 1, 2, 3))):
        (tmp_path / "cup" / name).mkdir(parents=True)
        for number in numbers:
            (tmp_path / "cup" / name / f"{number:03d}.png").touch()
    # What a killed run left of a view does not count.
    (tmp_path / "cup" / "some" / ".001.77.tmp.png").touch()
    assert render.unfinished(meshes, tmp_path, 3) == [(meshes[0], [0, 1, 2]), (meshes[1], [1])]


@pytest.mark.usefixtures("off_screen")
def test_views_on_disk(write_cube, output):
    good, bad = Mesh(write_cube(), "a cup", "x ü"), Mesh(write_cube("bad.obj", faces=[]), "cup", "bad")
    # A mesh of glass that lets everything through.
    hidden = Mesh(write_cube("glass.obj", {"glass": "d 0"}, ["glass"] * 6), "cup", "hidden")
    outcomes = {outcome.mesh: outcome for outcome in draw([good, bad, hidden], output)}
    assert outcomes[good] == render.Outcome(good, 3)
    assert outcomes[bad] == render.Outcome(bad, 0, "it has no faces")
    assert outcomes[hidden] == render.Outcome(hidden, 0, "nothing of it can be seen")
    files = sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())
    assert files == [f"a cup/x ü/{number:03d}.png" for number in range(3)] + ["render.json"]
    with Image.open(output / files[0]) as picture:
        assert (picture.mode, picture.size) == ("RGBA", (16, 16))
    assert json.loads((output / "render.json").read_text()) == {
        "image_size": 16, "seed": 0, "elevation": [0.0, 45.0], "up": "y"}


@pytest.mark.usefixtures("off_screen")
def test_views_depend_on_neither_processes_nor_interruptions(write_cube, tmp_path):
    meshes = [Mesh(write_cube(), "cup", str(number)) for number in range(4)]
    one, other = tmp_path / "one", tmp_path / "other"
    for output in (one, other):
        output.mkdir()
    draw(meshes, one, num_views=4)
    draw(meshes[::-1], other, num_views=2, processes=2)
    (other / "cup" / "2" / "001.png").unlink()
    kept = (other / "cup" / "2" / "000.png").stat().st_mtime_ns
    outcomes = draw(meshes, other, num_views=4, processes=2)
    assert {outcome.mesh.instance: outcome.num_views for outcome in outcomes} == {
        "0": 2, "1": 2, "2": 3, "3": 2}
    assert (other / "cup" / "2" / "000.png").stat().st_mtime_ns == kept
    views = sorted(path.relative_to(one) for path in one.rglob("*.png"))
    pictures = [(one / view).read_bytes() for view in views]
    assert len(set(pictures)) == len(views) == 16
    assert pictures == [(other / view).read_bytes() for view in views]


@pytest.mark.usefixtures("off_screen")
def test_other_settings_are_refused(output):
    assert draw([], output) == []
    assert draw([], output) == []
    with pytest.raises(UserError, match=r"holds views of other settings: image_size 16, now 32; seed 0, now "
                                        r"1; expected the same settings or another --output"):
        draw([], output, settings=SETTINGS._replace(image_size=32, seed=1))
    (output / "render.json").write_text("{}")
    with pytest.raises(UserError, match=r"render.json is not what rendering writes: KeyError"):
        draw([], output)


@pytest.mark.usefixtures("off_screen")
def test_what_cannot_be_written_ends_it(write_cube, output):
    (output / "cup").write_text("a file where a folder must be")
    with pytest.raises(OSError, match="cup"):
        draw([Mesh(write_cube(), "cup", "a")], output)


def test_missing_vtk_is_one_sentence(output, monkeypatch):
    monkeypatch.setattr(render.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs VTK, which is not installed; expected pip install 'eig_tf"):
        draw([], output)
    assert list(output.iterdir()) == []


@pytest.mark.usefixtures("off_screen")
def test_machine_that_cannot_draw_is_one_sentence(write_cube, output, monkeypatch):
    # Without a display this kind of window cannot be.
    monkeypatch.setenv("VTK_DEFAULT_OPENGL_WINDOW", "vtkXOpenGLRenderWindow")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(UserError, match=r"VTK cannot draw on this machine \(.*\); expected VTK 9.4 or later, "
                                        r"with libEGL or libOSMesa"):
        draw([Mesh(write_cube(), "cup", "a")], output)
