"""The native step: operations in C++ for each instruction set, and the library that setup.py makes of them."""
