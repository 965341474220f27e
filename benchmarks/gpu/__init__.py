"""The GPU's kernels and models, checked and measured: `python -m benchmarks.gpu`."""
