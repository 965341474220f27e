"""`python -m training` is `python -m training.run.train`."""

from training.run.train import main

main()
