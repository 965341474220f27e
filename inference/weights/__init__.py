"""Weights: checkpoints, quantized forms of matrices, and the choice of a form that fits the memory."""
