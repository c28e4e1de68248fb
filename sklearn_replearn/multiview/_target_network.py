"""A network that predicts vectors of a second view, by features of the first."""

from torch import nn
from torch.nn import functional

from sklearn_replearn._deep.networks.embedding import EmbeddingNetwork
from sklearn_replearn._deep.networks.network import ACTIVATIONS


class TargetNetwork(EmbeddingNetwork):
    """Rows to features, and from these to predictions.

    Parameters
    ----------
    encoder, shape, standardize
        As in `EmbeddingNetwork`.
    n_components : int
        Width of the features.
    n_targets : int
        Width of the predictions.
    activation : str
    is_distribution : bool
        Whether predictions are shares of 1, or else unit vectors.
    layer : {"embedding", "prediction"}
        What `encode` gives.
    """

    def __init__(
        self,
        *,
        encoder,
        shape,
        standardize,
        n_components,
        n_targets,
        activation,
        is_distribution,
        layer,
    ):
        super().__init__(
            encoder=encoder, shape=shape, normalize=False, standardize=standardize
        )
        self.is_distribution = is_distribution
        self.layer = layer
        self.head = nn.Sequential(
            ACTIVATIONS[activation](), nn.Linear(n_components, n_targets)
        )

    def forward(self, x):
        """What the loss compares with the targets: logits, or vectors of any length."""
        return self.head(super().encode(x))

    evaluate = forward

    def predict(self, x):
        """Predicted vectors."""
        outputs = self.forward(x)
        if self.is_distribution:
            return outputs.softmax(1)
        return functional.normalize(outputs)

    def encode(self, x):
        return self.predict(x) if self.layer == "prediction" else super().encode(x)


class CosineLoss(nn.Module):
    """Mean of 1 minus the cosine of an output and its target."""

    def forward(self, outputs, targets):
        return 1 - functional.cosine_similarity(outputs, targets).mean()
