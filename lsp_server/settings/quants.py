"""The words for how weights are kept. On their own, so that the command line need not import the settings."""

QUANTS = ("auto", "none", "int8", "int4")
