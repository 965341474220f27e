import os

# Tests run beside other work; a second thread of torch would wait for a core at every operation.
os.environ.setdefault("OMP_NUM_THREADS", "1")
