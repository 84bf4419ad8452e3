"""Files of torch.save, read with `torch.load(weights_only=True)` and in no other way."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

from .._dtypes import ml_dtype
from .._errors import UnsupportedError
from ._libraries import library
from ._target import Target


def read(path: str, target: Target, name: str) -> None:
    """Each entry of a dict of tensors under its key; anything else under `name`."""
    torch = library("torch", "reading .pt and .pth files")
    try:
        try:
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:
            # Files of before version 1.6 are no archives and cannot be mapped.
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        why = str(error).split("\n")[0]
        raise UnsupportedError(
            f"{path} holds more than tensors and plain values, and reading it could run programs ({why}); "
            "save its state_dict()"
        ) from None
    if isinstance(loaded, dict) and loaded and all(isinstance(key, str) for key in loaded):
        for key, value in loaded.items():
            if target.wants(key):
                target.add(key, plain(torch, value, target, key, ""))
    elif target.wants(name):
        target.add(name, plain(torch, loaded, target, name, ""))


def plain(torch: Any, value: Any, target: Target, name: str, path: str) -> Any:
    """A value of torch's as one of NumPy's and Python's."""
    if isinstance(value, torch.Tensor):
        return array(torch, value, target, name, path)
    if isinstance(value, dict):
        return {key: plain(torch, part, target, name, f"{path}.{key}") for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [plain(torch, part, target, name, f"{path}[{at}]") for at, part in enumerate(value)]
        return tuple(parts) if isinstance(value, tuple) else parts
    if isinstance(value, (torch.dtype, torch.device)):
        target.lose(name, type(value).__name__, "it is its text", path)
        return str(value)
    return value


def array(torch: Any, tensor: Any, target: Target, name: str, path: str) -> Any:
    tensor = tensor.detach()
    if tensor.is_quantized or tensor.layout != torch.strided:
        target.lose(name, f"tensor of {tensor.layout}", "it is kept dense, as the numbers it stands for", path)
        tensor = tensor.dequantize() if tensor.is_quantized else tensor.to_dense()
    tensor = tensor.resolve_conj().resolve_neg()
    kind = str(tensor.dtype).removeprefix("torch.")
    try:
        return tensor.numpy()
    except TypeError:
        pass
    # Floats that NumPy has not.
    dtype = ml_dtype(kind)
    if dtype is not None:
        bits = {1: torch.uint8, 2: torch.int16}[dtype.itemsize]
        return tensor.contiguous().view(bits).numpy().view(dtype)
    target.lose(name, f"tensor of {kind}", "it is an array of float32; with ml_dtypes it would be kept", path)
    return np.asarray(tensor.to(torch.float32).numpy())
