"""What the Transformers take alike: the number of heads, and the place of LayerNorm."""

from varlab.core import require


def norm_first(norm: str, width: int, heads: int) -> bool:
    """Whether LayerNorm stands before each block (``norm="pre"``) and not after it (``"post"``).

    Raises
    ------
    DomainError
        Another ``norm``; a ``width`` that the heads cannot share evenly.
    """
    require(norm in ("post", "pre"), "norm", "be post or pre", norm)
    require(width % heads == 0, "width", f"be a multiple of the {heads} heads", width)
    return norm == "pre"
