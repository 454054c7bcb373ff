"""Sweeps: many runs from one YAML file, side by side on the machines of a Ray cluster.

`spec` turns the file into runs, `sweep_directory` knows where everything lies, `attempts` trains and
evaluates one run, `execution` hands the runs to Ray, `progress_table` shows them, and `estimate` says how
long they take.
"""
