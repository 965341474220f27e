"""The sources of drafts, the measured acceptance of each, and the measured cost of the rows of a step."""
