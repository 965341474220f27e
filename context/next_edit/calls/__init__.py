"""The functions and records of a file with their parameters, and the calls that have to fit these."""
