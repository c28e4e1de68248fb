"""Looking inside fitted estimators: what excites a unit, and what an answer rests on.

The functions call public methods of estimators: `transform`, `predict_proba`, and
`as_module` where they need gradients.
"""

from sklearn_replearn.inspection._activation_maximization import activation_maximization
from sklearn_replearn.inspection._adversarial import adversarial_examples, robust_score
from sklearn_replearn.inspection._layer_activations import layer_activations
from sklearn_replearn.inspection._saliency import occlusion_map, saliency_map
from sklearn_replearn.inspection._top_activations import top_activations

__all__ = [
    "activation_maximization",
    "adversarial_examples",
    "layer_activations",
    "occlusion_map",
    "robust_score",
    "saliency_map",
    "top_activations",
]
