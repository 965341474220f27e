"""The outputs of the model at a place: the greedy one, sampled ones, and lines of the code that it scores."""
