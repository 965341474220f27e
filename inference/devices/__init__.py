"""The choice of the device that a model runs on."""
