"""Reports of runs and sweeps: one HTML file each, which needs no network and no other file."""
