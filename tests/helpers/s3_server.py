"""A bucket of an S3-compatible server on this machine."""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def bucket_of(folder: Path) -> Iterator[str]:
    """The URL of a bucket with the files of `folder`, while the environment's variables lead to its server."""
    s3fs, moto_server = pytest.importorskip("s3fs"), pytest.importorskip("moto.server")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {name: "anything" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    try:
        with pytest.MonkeyPatch.context() as patched:
            for name, value in {
                **keys,
                "AWS_ENDPOINT_URL": f"http://{host}:{port}",
                "AWS_DEFAULT_REGION": "us-east-1",
            }.items():
                patched.setenv(name, value)
            s3fs.S3FileSystem.clear_instance_cache()  # of another server
            system = s3fs.S3FileSystem()
            system.mkdir("bucket")
            system.put(os.path.join(folder, ""), "bucket/", recursive=True)
            yield "s3://bucket"
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
        server.stop()
