"""Lists the images of a folder, a list or tar archives, and keeps the index, so that runs on large sets start at once.

  dogo-index --dataset=photos --split=train
  dogo-index --dataset=photos.csv --split=val --cache_dir=caches
  dogo-index '--dataset=shards/{00000..00099}.tar'

Of 10,000 images and more, every command keeps an index by itself when it first sees them, and lists again when it finds
that something has changed: it looks at every folder, at the list or the archives, and at no more than 20,000 files. This
command looks at all of them, and says what has changed since they were indexed before.
"""

import time

from absl import flags

from dogo_tf import data
from dogo_tf.data.choose import default_cache_dir
from dogo_tf.errors import InputError
from dogo_tf.experiments import app
from dogo_tf.platform.files import expanded, reason
from dogo_tf.reporting.progress import say
from dogo_tf.sources import kept_index

FLAGS = flags.FlagValues()
flags.DEFINE_string("dataset", None, "Folder, list (.csv, .parquet) or tar archives.", flag_values=FLAGS)
flags.DEFINE_string("split", "train", "Split; for a folder, its sub-folder.", flag_values=FLAGS)
flags.DEFINE_string(
    "cache_dir", None, "Folder for indexes and caches; ~/.cache/dogo_tf if not given.", flag_values=FLAGS
)


def main() -> None:
    if not FLAGS.dataset:
        raise InputError("expected --dataset, a folder, a list or tar archives. See --help.")
    cache_dir = expanded(FLAGS.cache_dir) if FLAGS.cache_dir else default_cache_dir()
    listed = data.listed(FLAGS.dataset, FLAGS.split, cache_dir)
    if listed is None:
        raise InputError(
            f"dataset: expected a folder, a list or tar archives; {FLAGS.dataset!r} is none (data sets of TFDS need no index)"
        )
    before, path = listed.kept(cache_dir), listed.index_path(cache_dir)
    started = time.monotonic()
    now = listed.read()
    try:
        kept_index.write_index(path, now)
    except OSError as error:
        raise InputError(f"cache_dir: cannot keep the index in {path.parent}: {reason(error)}") from error
    seconds = time.monotonic() - started
    classes = f"{len(now.class_names):,} classes" if now.class_names else "no labels"
    say(f"{listed.name}: {len(now.files):,} images, {classes}; listed in {seconds:.1f} s")
    if before is not None:
        say(f"since it was indexed before: {kept_index.difference(before, now) or 'nothing has changed'}")
    if now.notice:
        say(now.notice)
    say(f"index: {path} ({path.stat().st_size / 1e6:.1f} MB)")


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)
