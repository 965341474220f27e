"""The copy distribution: the tokens that stand elsewhere behind the same text, mixed with those of the model."""
