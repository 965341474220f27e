"""From files to weight matrices: checkpoints, quantized forms, and what fits the memory."""
