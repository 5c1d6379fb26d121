"""``python -m varlab`` is ``varlab``."""

from varlab.cli import main

main()
