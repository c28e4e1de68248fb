"""Benchmarks: this package and its peers on the same data, in one process.

``python -m benchmarks --list`` names them, ``python -m benchmarks NAME`` runs one.

A benchmark is a public module of this folder. Its docstring's first line says what is
compared, and its ``run(options)`` yields one ``Contest`` after another: the data, the
actions to be timed against each other, and the quality of what they gave. Timing,
tables and JSON lines are the harness's work, in the private modules.
"""
