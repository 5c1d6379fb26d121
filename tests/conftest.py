"""For all tests: one thread a process, since the suite runs a process on each core."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
