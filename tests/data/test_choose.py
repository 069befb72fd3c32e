"""Which source `auto` takes, and why."""

import pytest

from dogo_tf.data import choose as module
from dogo_tf.data.choose import choose, default_cache_dir


@pytest.mark.parametrize(
    "memory, missing, free, source, why",
    [
        (8e6, None, None, "memory", "the images take 4.0 MB, no more than 50% of the 8.0 MB of free memory"),
        (None, None, None, "memory", "the images take 4.0 MB"),
        (7.9e6, 0, 0, "cache", "more than 50% of the 7.9 MB of free memory, and are in the cache already"),
        (1e6, 3.6e6, 4e6, "cache", "free memory; of 3.6 MB to write, the cache's disk has 4.0 MB free"),
        (1e6, 3.7e6, 4e6, "stream", "free memory, and 3.7 MB in a cache more than 90% of 4.0 MB of free disk"),
    ],
)
def test_memory_then_cache_then_stream(monkeypatch, memory, missing, free, source, why):
    monkeypatch.setattr(module, "available_memory", lambda: memory)
    found = choose(4_000_000, lambda: missing, lambda: free)
    assert found[0] == source and found[1].startswith("the images take 4.0 MB") and found[1].endswith(why)


def test_the_default_folder_of_caches(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert str(default_cache_dir()) == "/somewhere/dogo_tf"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert str(default_cache_dir()) == "/home/me/.cache/dogo_tf"
