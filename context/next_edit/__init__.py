"""Next edits by rule: what should change after what the user has just changed, without a model."""
