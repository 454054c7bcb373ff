"""Cubes as OBJ files, with the materials that a test needs."""

import pytest

# From -1 to 1, with the corners of an image as texture coordinates.
CUBE_VERTICES = """
v -1 -1 -1
v 1 -1 -1
v 1 1 -1
v -1 1 -1
v -1 -1 1
v 1 -1 1
v 1 1 1
v -1 1 1
"""
TEXTURE_CORNERS = "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
# -z, +z, -y, +x, +y, -x.
CUBE_FACES = ("4 3 2 1", "5 6 7 8", "1 2 6 5", "2 3 7 6", "3 4 8 7", "4 1 5 8")


@pytest.fixture
def write_cube(tmp_path):
    """Return a function that writes a cube and returns its path.

    `materials` holds the lines of the material file by material, `uses` the material of each face; `faces`
    and `vertices` replace the cube's own.
    """
    def write(name="cube.obj", materials=None, uses=None, faces=CUBE_FACES, vertices=CUBE_VERTICES):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [vertices, TEXTURE_CORNERS]
        if materials:
            path.with_suffix(".mtl").write_text("".join(
                f"newmtl {material}\n{text}\n" for material, text in materials.items()))
            lines.insert(0, f"mtllib {path.with_suffix('.mtl').name}")
        for number, face in enumerate(faces):
            lines += [f"usemtl {uses[number]}"] if uses else []
            lines.append(f"f {face}")
        path.write_text("\n".join(lines) + "\n")
        return path
    return write
