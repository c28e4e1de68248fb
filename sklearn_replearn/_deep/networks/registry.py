"""All networks, and all stacks of layers, by name: so a saved one is built again.

A description may also have the class of a network, or the function that makes layers.
Saved by name, an estimator is one that skops trusts.
"""

from importlib import import_module

import torch
from torch import nn

from sklearn_replearn._deep.networks.network import copy_modules

#: The module that defines each, imported when one is built.
PLACES = {
    # networks
    "ConvClassifier": "_deep.networks.convnet",
    "ConvEncoderDecoder": "_deep.networks.convolutions",
    "DenoisingEncoderDecoder": "_deep.networks.corruption",
    "EmbeddingNetwork": "_deep.networks.embedding",
    "EncoderDecoder": "_deep.networks.encoder_decoder",
    "LinearEmbedding": "_deep.networks.embedding",
    "PairNetwork": "metric_learning._pair_network",
    "ProjectionNetwork": "self_supervised._projection_network",
    "QuantizedEncoderDecoder": "_deep.networks.quantization",
    "TransferNetwork": "image._transfer",
    "VariationalEncoderDecoder": "_deep.networks.variational",
    # layers
    "conv_decoder": "_deep.networks.convolutions",
    "conv_embedding": "_deep.networks.convnet",
    "conv_encoder": "_deep.networks.convolutions",
    "flat_mlp": "_deep.networks.network",
    "mlp": "_deep.networks.network",
}


def build_network(description, device="cpu"):
    """The network that a description names: fresh weights, copies of modules.

    The weights are made on a device; modules of the user stay where they are, also
    those that make their own copies.
    """
    options = copy_modules(dict(description))
    with torch.device(device):
        return _find(options.pop("network"))(**options)


def build_layers(description):
    """Layers from their description; a module is taken as it is."""
    if isinstance(description, nn.Module):
        return description
    options = dict(description)
    return _find(options.pop("layers"))(**options)


def _find(name):
    if callable(name):
        return name
    return getattr(import_module(f"sklearn_replearn.{PLACES[name]}"), name)
