"""Off-screen rendering of one mesh at a time with VTK."""

from __future__ import annotations

import math
import os
import re

import numpy as np
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - registers what draws
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkLogger, vtkOutputWindow, vtkStringOutputWindow, vtkUnsignedCharArray
from vtkmodules.vtkIOImport import vtkOBJImporter
from vtkmodules.vtkRenderingCore import vtkLight, vtkRenderer, vtkRenderWindow

from eig_tf.rendering.camera import camera_axes

# Pixels rendered for each pixel of the image, along each side: smooth edges with every driver.
_SUPERSAMPLING = 4
_VIEW_ANGLE = 30.0  # degrees
# Relative radius of the sphere that fits the frame, so that smoothed edges stay inside too.
_MARGIN = 1.04
# The sum is below 1, so that white faces in full light differ from a white background.
_AMBIENT, _DIFFUSE = 0.3, 0.6
# Position of the light in camera coordinates: above and to the left of the camera.
_LIGHT = (-0.6, 0.8, 1.2)
_MESSAGE = re.compile(r"^(?:Generic )?(?:ERROR|Warning): In .*, line \d+$", re.MULTILINE | re.IGNORECASE)
_SENDER = re.compile(r"^\w+ \(0x[0-9a-f]+\):\s*")


class MeshError(Exception):
    """A mesh cannot be rendered; the message is the reason, without the file's name."""


class Renderer:
    """Renders meshes with their materials and textures on a transparent background.

    The projection is perspective. The centre of the object's bounding box is in the middle of the image, and
    its bounding sphere fills the frame. A directional light moves with the camera. Materials have no
    highlights, as in stanford-shapenet-renderer.

    Args:
        image_size: S, side of the images in pixels.
        up: `y` or `z`, the axis of the meshes that points up.
    """

    def __init__(self, image_size: int, up: str) -> None:
        vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
        vtkOutputWindow.SetInstance(vtkStringOutputWindow())
        self._image_size, self._up = image_size, up
        self._scene = vtkRenderer()
        self._scene.SetBackground(0, 0, 0)
        self._scene.SetBackgroundAlpha(0)
        self._scene.AutomaticLightCreationOff()
        self._scene.AddLight(_camera_light())
        self._window = vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)
        self._window.SetAlphaBitPlanes(1)
        self._window.SetSize(image_size * _SUPERSAMPLING, image_size * _SUPERSAMPLING)
        self._window.AddRenderer(self._scene)
        self._scene.GetActiveCamera().SetViewAngle(_VIEW_ANGLE)
        self._centre, self._radius = np.zeros(3), 1.0

    def load(self, path: str | os.PathLike) -> list[str]:
        """Load a mesh, replacing the current one.

        Args:
            path: an OBJ file that names its material files and textures.

        Returns:
            VTK's warnings, such as missing textures.

        Raises:
            MeshError: the file cannot be read, or the mesh has no faces, no extent, or coordinates that are
                not finite.
        """
        self._scene.RemoveAllViewProps()
        log = vtkStringOutputWindow()
        vtkOutputWindow.SetInstance(log)
        importer = vtkOBJImporter()
        path = os.path.abspath(path)
        importer.SetFileName(path)
        importer.SetTexturePath(os.path.dirname(path))
        importer.SetRenderWindow(self._window)
        importer.Update()
        messages = _messages(log.GetOutput())
        actors = [actor for actor in self._scene.GetActors()  # type: ignore[attr-defined]
                  if actor.GetMapper().GetInput().GetNumberOfPolys()]
        if not actors:
            raise MeshError("; ".join(["it has no faces", *messages[:1]]))
        points = np.concatenate([_face_points(actor) for actor in actors])
        if not np.isfinite(points).all():
            raise MeshError("it has coordinates that are not finite")
        self._centre = (points.min(axis=0) + points.max(axis=0)) / 2
        self._radius = float(np.sqrt(np.square(points - self._centre).sum(axis=1).max()))
        if self._radius == 0:
            raise MeshError("all its points are the same")
        for actor in actors:
            _remove_highlights(actor)
        return messages

    def render(self, azimuth: float, elevation: float) -> np.ndarray:
        """Render the mesh from one direction.

        Args:
            azimuth: degrees, see `camera_axes`.
            elevation: degrees, see `camera_axes`.

        Returns:
            uint8 [S, S, 4]: red, green, blue and alpha.
        """
        towards, upward = camera_axes(azimuth, elevation, self._up)
        # At this distance the bounding sphere, enlarged by the margin, touches the cone of sight.
        distance = _MARGIN / math.sin(math.radians(_VIEW_ANGLE / 2))
        camera = self._scene.GetActiveCamera()
        camera.SetPosition(*(self._centre + distance * self._radius * towards))
        camera.SetFocalPoint(*self._centre)
        camera.SetViewUp(*upward)
        camera.SetClippingRange((distance - _MARGIN) * self._radius, (distance + _MARGIN) * self._radius)
        self._window.Render()
        side = self._image_size * _SUPERSAMPLING
        pixels = vtkUnsignedCharArray()
        self._window.GetRGBACharPixelData(0, 0, side - 1, side - 1, 0, pixels, 0)
        return _shrink(vtk_to_numpy(pixels).reshape(side, side, 4)[::-1])


def _camera_light():
    light = vtkLight()
    light.SetLightTypeToCameraLight()
    light.SetPosition(*_LIGHT)
    light.SetFocalPoint(0, 0, 0)
    return light


def _messages(text):
    """Return the distinct messages in VTK's log."""
    if isinstance(text, bytes):  # A message that quotes a file may be in any encoding.
        text = text.decode("utf-8", "replace")
    lines = (" ".join(_SENDER.sub("", part.strip()).split()) for part in _MESSAGE.split(text))
    return list(dict.fromkeys(line for line in lines if line))


def _face_points(actor):
    """Return the points that faces use, float64 [n, 3]: stray points must not shrink the object."""
    mesh = actor.GetMapper().GetInput()
    used = np.unique(vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()))
    if used[0] < 0 or used[-1] >= mesh.GetNumberOfPoints():
        raise MeshError("a face refers to a vertex that does not exist")
    return vtk_to_numpy(mesh.GetPoints().GetData())[used].astype(np.float64)


def _remove_highlights(actor):
    """Use the diffuse colour or texture alone: exporters write arbitrary values for Ka and Ks."""
    surface = actor.GetProperty()
    if actor.GetTexture():
        surface.SetColor(1, 1, 1)  # Many files give textured materials a black Kd.
        actor.GetTexture().InterpolateOn()
        actor.GetTexture().MipmapOn()
    surface.SetAmbientColor(surface.GetDiffuseColor())
    surface.SetAmbient(_AMBIENT)
    surface.SetDiffuse(_DIFFUSE)
    surface.SetSpecular(0)
    data = actor.GetMapper().GetInput().GetPointData()
    if data.GetNormals() is not None:
        lengths = np.linalg.norm(vtk_to_numpy(data.GetNormals()), axis=1)
        if not (lengths > 0).all():  # The comparison is written so that NaN fails too.
            data.SetNormals(None)


def _shrink(pixels):
    """Average squares of pixels with premultiplied alpha, and divide the colours by alpha."""
    side = len(pixels) // _SUPERSAMPLING
    mean = pixels.reshape(side, _SUPERSAMPLING, side, _SUPERSAMPLING, 4).mean(axis=(1, 3))
    alpha = mean[..., 3:]
    colours = np.divide(255 * mean[..., :3], alpha, out=np.zeros_like(mean[..., :3]), where=alpha > 0)
    return np.round(np.concatenate([colours.clip(0, 255), alpha], axis=2)).astype(np.uint8)
