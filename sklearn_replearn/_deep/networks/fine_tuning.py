"""Networks that were trained elsewhere: which parts of them are trained further."""

from torch import nn

from sklearn_replearn._deep.networks.network import UpToLayer, mlp


def freeze_all_but(module, trained):
    """Let some parts of a module require a gradient, and nothing else.

    Parameters
    ----------
    module : torch module
    trained : list of str
        Names of the parts; "" for the module itself. What does not require a gradient
        in them before does not afterwards.
    """
    may_be_trained = {
        name: weights.requires_grad for name, weights in module.named_parameters()
    }
    module.requires_grad_(False)
    for name in trained:
        for inner, weights in module.get_submodule(name).named_parameters():
            full = f"{name}.{inner}" if name else inner
            weights.requires_grad_(may_be_trained[full])


def train_parts(module, trained, mode):
    """Put some parts of a module in training mode, the others in evaluation mode."""
    module.eval()
    for name in trained:
        module.get_submodule(name).train(mode)


def scaled_head(sizes, activation):
    """Layers of a head for features of any scale: their own is what it starts from."""
    return nn.Sequential(
        nn.BatchNorm1d(sizes[0], affine=False), *mlp(sizes, activation)
    )


def trained_parts(fine_tune, block):
    """Names of the parts that are trained, by the parameter `fine_tune`.

    Parameters
    ----------
    fine_tune : {"none", "head", "last_block", "all"}
    block : str or None
        Name of the last block; ``None`` if there are no weights.
    """
    return {
        "none": [],
        "head": [],
        "last_block": [] if block is None else [block],
        "all": [""],
    }[fine_tune]


def last_block(module, layer, function, x):
    """Name of the last part of a module with weights that a layer's output needs.

    Parts are the children of the module; where only one of these has weights, its
    children, and so on. Which is the last is seen from the order in which their weights
    are used while the function works on x.

    Parameters
    ----------
    module : torch module
    layer : str or None
        ``None`` for the output of the module.
    function : callable
    x : tensor

    Returns
    -------
    name : str or None
        ``None`` if there are no weights.
    """
    if layer is None and isinstance(module, UpToLayer) and module.layer is not None:
        layer = f"network.{module.layer}"  # the layers after it run in vain
    used, is_done = [], []

    def note(name):
        def hook(*_):
            if not is_done:
                used.append(name)

        return hook

    def finish(*_):
        is_done.append(True)

    named = dict(module.named_modules())
    hooks = [
        part.register_forward_hook(note(name))
        for name, part in named.items()
        if next(part.parameters(recurse=False), None) is not None
    ]
    if layer is not None:
        hooks.append(named[layer].register_forward_hook(finish))
    try:
        function(x)
    finally:
        for hook in hooks:
            hook.remove()
    if not used:
        return None
    block = ""
    while used[-1] != block:
        parts = {name: _child(name, block) for name in used if name != block}
        if len(set(parts.values())) > 1 or block in used:
            return parts[used[-1]]
        block = parts[used[-1]]
    return block


def _child(name, parent):
    """Name of the child of a module that a module within it belongs to."""
    inner = name.removeprefix(parent + ".") if parent else name
    child = inner.partition(".")[0]
    return f"{parent}.{child}" if parent else child
