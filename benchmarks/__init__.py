"""The measurements of `tools/benchmark.py`; they are part of a checkout, not of the wheel."""
