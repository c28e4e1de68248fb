"""What networks are trained for: losses of an output and its target, in torch only."""

from torch import nn

#: By name, the mean loss of a number of the output.
RECONSTRUCTION_LOSSES = {
    "squared_error": nn.MSELoss,
    "binary_cross_entropy": nn.BCEWithLogitsLoss,
}
