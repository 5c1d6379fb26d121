"""The paper's derivations in SymPy, step by step, each step checked by the machine."""
