"""Rendering of meshes to images, for data sets that are published as meshes."""
