"""Features from data without labels, by networks trained on tasks of their own."""

from sklearn_replearn.self_supervised._instance_discrimination import (
    InstanceDiscrimination,
)
from sklearn_replearn.self_supervised._pretext_tasks import (
    Colorization,
    Inpainting,
    Jigsaw,
    PretextTask,
    RelativePosition,
    Rotation,
)
from sklearn_replearn.self_supervised._pretext_transformer import PretextTransformer
from sklearn_replearn.self_supervised._random_views import random_views
from sklearn_replearn.self_supervised._sim_clr import SimCLR
from sklearn_replearn.self_supervised._vic_reg import VICReg

__all__ = [
    "Colorization",
    "Inpainting",
    "InstanceDiscrimination",
    "Jigsaw",
    "PretextTask",
    "PretextTransformer",
    "RelativePosition",
    "Rotation",
    "SimCLR",
    "VICReg",
    "random_views",
]
