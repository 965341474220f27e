"""The native step: a model's plan for the library of kernels/cpu."""
