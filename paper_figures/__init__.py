"""The figures, one small file each: ``generate(budget, seed) -> data`` and ``draw(data) -> Figure``."""
