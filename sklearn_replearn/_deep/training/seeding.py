"""Devices, and seeds for torch's generators, which are left as they were."""

import platform
from contextlib import contextmanager
from threading import RLock

import torch

from sklearn_replearn._warnings import warn


def as_device(device):
    """The torch device that a parameter names; "auto" takes a GPU if there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"device={str(device)!r} cannot be used here ({reason}); take 'auto' or "
            "'cpu'."
        ) from None
    return device


def has_bfloat16():
    """Whether the processor has instructions for bfloat16, or None if that is unknown.

    That is AMX or AVX512-BF16, as torch names them; other architectures are unknown.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    try:
        return (
            torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
        )
    except (AttributeError, RuntimeError):  # private, so they may be gone
        return None


def warn_of_slow_bfloat16(device):
    """Warn if a device computes in bfloat16 without instructions for it."""
    if torch.device(device).type == "cpu" and has_bfloat16() is False:
        warn(
            "mixed_precision=True makes the training 4 to 12 times slower on this "
            "processor, which has neither AMX nor AVX512-BF16; set "
            "mixed_precision=False."
        )


_GENERATOR_LOCK = RLock()  # torch's default generator belongs to all threads


def forked(device):
    """A context that leaves torch's generators as they were."""
    devices = [device] if device.type == "cuda" else []
    return torch.random.fork_rng(devices=devices)


@contextmanager
def seeded(seed, device):
    """Torch's generators with a seed, and as they were afterwards.

    Denormal numbers count as zero meanwhile: the moments that Adam keeps of weights
    that have no gradient any more become denormal, and slow an epoch down to half.
    """
    with _GENERATOR_LOCK, forked(device):
        torch.random.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.manual_seed(seed)
        kept_denormals = bool(torch.tensor(1e-40) * 1.0)
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            torch.set_flush_denormal(not kept_denormals)
