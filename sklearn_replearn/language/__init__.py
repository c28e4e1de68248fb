"""Language models, and the vectors that they give documents.

Classes are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors and type checkers
    from sklearn_replearn.language._causal_language_model import CausalLanguageModel
    from sklearn_replearn.language._masked_language_model import MaskedLanguageModel
    from sklearn_replearn.language._pretrained_text_encoder import PretrainedTextEncoder
    from sklearn_replearn.language._sentence_embedding import SentenceEmbedding

_LOADED_ON_USE = {
    "CausalLanguageModel": "_causal_language_model",
    "MaskedLanguageModel": "_masked_language_model",
    "PretrainedTextEncoder": "_pretrained_text_encoder",
    "SentenceEmbedding": "_sentence_embedding",
}

__all__ = [
    "CausalLanguageModel",
    "MaskedLanguageModel",
    "PretrainedTextEncoder",
    "SentenceEmbedding",
]


def __getattr__(name):
    if name in _LOADED_ON_USE:
        module = import_module(f"{__name__}.{_LOADED_ON_USE[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
