"""Meshes to pictures, for data sets that are published as meshes."""
