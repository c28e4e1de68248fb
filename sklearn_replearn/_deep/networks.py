"""All networks by name, so that a saved one can be built again."""

import torch

from sklearn_replearn._deep.convnet import ConvClassifier
from sklearn_replearn._deep.convolutions import ConvEncoderDecoder
from sklearn_replearn._deep.corruption import DenoisingEncoderDecoder
from sklearn_replearn._deep.embedding import EmbeddingNetwork, LinearEmbedding
from sklearn_replearn._deep.modules import EncoderDecoder, copy_modules
from sklearn_replearn._deep.pair_network import PairNetwork
from sklearn_replearn._deep.quantization import QuantizedEncoderDecoder
from sklearn_replearn._deep.transfer import TransferNetwork
from sklearn_replearn._deep.variational import VariationalEncoderDecoder

NETWORKS = {
    network.__name__: network
    for network in (
        ConvClassifier,
        ConvEncoderDecoder,
        DenoisingEncoderDecoder,
        EmbeddingNetwork,
        EncoderDecoder,
        LinearEmbedding,
        PairNetwork,
        QuantizedEncoderDecoder,
        TransferNetwork,
        VariationalEncoderDecoder,
    )
}


def build_network(description, device="cpu"):
    """The network that a description names: fresh weights, copies of modules.

    The weights are made on a device; modules of the user stay where they are, also
    those that make their own copies.
    """
    options = copy_modules(dict(description))
    with torch.device(device):
        return NETWORKS[options.pop("network")](**options)
