"""Fixtures shared by all tests; how many processes run them."""

import gc
import os
from pathlib import Path

import pytest

# Several processes run the tests, one for each core: more threads than that would only wait for each other.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, os.cpu_count() // workers)))

import dogo_tf.encoders  # noqa: E402  TensorFlow reads the above when it is loaded

# Encoders for tests, found by name like those of the package.
dogo_tf.encoders.__path__.append(str(Path(__file__).parent / "helpers" / "encoders"))


# Tests keep many graphs, which Python's collector would look through over and over.
gc.set_threshold(50_000, 20, 100)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One for each core; none beside pytest itself where single files, tests or words (-k) are asked for: that is quicker."""
    named = any(word.partition("::")[0].endswith(".py") for word in config.args)
    return 0 if named or config.option.keyword else os.cpu_count()


@pytest.fixture(scope="session")
def shared() -> Path | None:
    """The folder of data and findings beside the checkout; None where it is missing (tests then generate their data)."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    return folder if folder.is_dir() else None
