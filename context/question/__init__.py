"""The parts of a workspace that a question in words is about: what "@" names, and what its words mean."""
