"""What can be an address of a cluster, told before anything heavy is loaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bench.records.errors import RequestError


def require_address(address: str | None) -> None:
    """Checks, without a network, that an address may be one and that there is Dask to reach it.

    Raises:
        RequestError: It cannot.
    """
    if address is None:
        return
    if find_spec("distributed") is None:
        raise RequestError(
            f"--cluster {address} needs Dask's scheduler, which is not installed; "
            "pip install 'distributed', or leave --cluster out"
        )
    host, colon, port = address.rpartition(":")
    is_file = Path(address).is_file()
    if not is_file and (not colon or not host or not port.isdigit() or int(port) > 65_535):
        raise RequestError(
            f"--cluster '{address}' is no address; give what `dask scheduler` prints, such as "
            "tcp://10.0.0.5:8786, or its --scheduler-file"
        )
