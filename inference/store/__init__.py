"""The models of this machine: fetched, imported, verified, removed. Importing the package does not import torch."""
