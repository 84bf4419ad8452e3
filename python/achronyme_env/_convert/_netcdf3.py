"""NetCDF of before version 4, read with scipy."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._libraries import library
from ._target import ROOT, Target, text

SIGNATURES = (b"CDF\x01", b"CDF\x02")


def read(path: str, target: Target) -> None:
    """Each variable under its name; the dimensions of each as the attribute `dims`."""
    io = library("scipy.io", "reading NetCDF files of before version 4", "scipy")
    with io.netcdf_file(path, "r", mmap=False) as file:
        attrs = _plain(file._attributes)
        if attrs and target.wants(ROOT):
            target.described(ROOT, attrs)
        for name, variable in file.variables.items():
            if not target.wants(name):
                continue
            data = variable.data
            attrs = {**_plain(variable._attributes), "dims": list(variable.dimensions)}
            if data.shape == ():
                target.add(name, data[()].astype(data.dtype.newbyteorder("=")), attrs)
            else:
                target.copy(name, lambda part, data=data: data[part], data.shape, data.dtype, attrs)  # type: ignore[misc]


def _plain(attributes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in attributes.items():
        if isinstance(value, bytes):
            plain[key] = text(value)
        elif isinstance(value, (np.ndarray, np.generic)):
            native = np.asarray(value).astype(np.asarray(value).dtype.newbyteorder("="))
            plain[key] = native[()] if native.ndim == 0 else native
        else:
            plain[key] = value
    return plain
