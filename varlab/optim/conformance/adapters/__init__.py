"""Adapters: other frameworks' optimisers behind torch's interface.

An adapter is a class with ``param_groups`` and ``step()``; to subclass ``torch.optim.Optimizer`` is the
easiest way, since groups, defaults, ``add_param_group`` and ``state_dict`` come with it. Its constructor
names the hyper-parameters that the other side takes (leave out what it does not have), and ``step()``
hands each ``p.grad`` over and adds the returned update to ``p``::

    class Adapted(torch.optim.Optimizer):
        adapts = "package"  # whose version the report shows

        def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
            super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

        @torch.no_grad()
        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    ...  # update and state from p.grad; then p.add_(update)
"""
