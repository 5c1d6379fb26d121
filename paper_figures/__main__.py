"""``python -m paper_figures [NAME...]``: the same as ``varlab figures``."""

import sys

from varlab.cli import main

if __name__ == "__main__":
    main(["figures", *sys.argv[1:]])
