"""Does decoding keep up? Crops of a stream against Pillow alone, and trainings from a stream against trainings from memory.

crops: pictures per second of processor time, of each of which four crops are cut: by a stream, by Pillow alone on one thread,
    and by a tf.data pipeline that decodes every crop's region by itself; in turns.
bound: `model.fit` on a stream of crops against the same crops from memory, for encoders from small to large: where the ratio
    reaches 1, decoding no longer bounds the training. Wants an idle machine.
"""

import argparse
import io
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from sources import photographs
from turns import pictures_per_processor_second

import dogo_tf
from dogo_tf import data
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.reporting.provenance import record
from dogo_tf.views.crops import CropPlan, ViewRequest, box
from dogo_tf.views.recipe import ViewRecipe

RECIPE = ViewRecipe(crop_area=(0.2, 1.0))
VIEWS = 4  # two of each of two peers


def crops(count: int, size: int, rounds: int) -> dict:
    plan = CropPlan(tuple(ViewRequest(1, number, RECIPE, size) for number in range(VIEWS)), seed=0)
    uniforms = plan.uniforms(tf.range(count, dtype=tf.int64)).numpy()
    with tempfile.TemporaryDirectory() as temporary:
        stream = data.open(photographs(Path(temporary), count, 500, 375), image_size=size, source="stream").images
        contents = [Path(path).read_bytes() for path in stream.files]
        boxes = np.array([[box(u, 375, 500, RECIPE) for u in of_picture] for of_picture in uniforms], np.int32)

        def ours():
            for start in range(0, count, 128):
                rows = np.arange(start, min(start + 128, count))
                stream.crops(rows, uniforms[rows], plan.requests)

        def pillow():
            for content, of_picture in zip(contents, boxes, strict=True):
                picture = Image.open(io.BytesIO(content))
                for top, left, h, w in of_picture.tolist():
                    part = picture.crop((left, top, left + w, top + h))
                    np.asarray(part.resize((size, size), Image.Resampling.BILINEAR))

        def tf_data():
            def regions(content, of_picture):
                parts = [tf.image.decode_and_crop_jpeg(content, of_picture[k], channels=3) for k in range(VIEWS)]
                return [tf.cast(tf.image.resize(part, (size, size), antialias=True), tf.uint8) for part in parts]

            pictures = tf.data.Dataset.from_tensor_slices((contents, boxes))
            for _ in pictures.map(regions, num_parallel_calls=tf.data.AUTOTUNE).batch(128):
                pass

        ways = {"stream": ours, "pillow": pillow, "tf_data": tf_data}
        rates = pictures_per_processor_second(ways, count, rounds)
    return {"from": "500 x 375", "size": size, "crops": VIEWS, "rounds": rounds, **rates}


def bound(count: int, size: int, encoders: list[str], batch: int, steps: int, rounds: int) -> dict:
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        images = data.open(photographs(Path(temporary), count, 500, 375), image_size=size, source="stream")
        for encoder in encoders:
            model = dogo_tf.DoGo([dogo_tf.Peer(encoder, image_size=size)], view_recipe=RECIPE)
            model.compile(keras.optimizers.Adam(3e-4))
            stream = data.training_stream(images, batch, seed=0, crops=dogo_tf.crop_plan(model))
            batches = tf.nest.map_structure(lambda *parts: tf.stack(parts), *stream.take(steps))
            sources = {"memory": tf.data.Dataset.from_tensor_slices(batches), "stream": stream}
            rates = {name: [] for name in sources}
            for number in range(rounds + 1):
                for name, source in sources.items():
                    started = time.perf_counter()
                    model.fit(source, steps_per_epoch=steps, verbose=0)
                    if number:  # the first compiles
                        rates[name].append(steps * batch / (time.perf_counter() - started))
            ratio = statistics.median(
                ours / theirs for ours, theirs in zip(rates["stream"], rates["memory"], strict=True)
            )
            medians = {f"{name}_images_per_second": statistics.median(values) for name, values in rates.items()}
            found[encoder] = {
                **medians,
                "stream_over_memory": ratio,
                "parameters": model.peers[0].encoder.count_params(),
            }
            print(encoder, found[encoder], flush=True)
    return {"from": "500 x 375", "size": size, "batch": batch, "rounds": rounds, "encoders": found}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="crops,bound")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--encoders", default="wrn_10_1,wrn_10_2,mobilenet_v3_small,wrn_16_2,resnet_18")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10, help="of a round of fit")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    asked = parser.parse_args()
    parts = {
        "crops": lambda: crops(asked.images, asked.size, asked.rounds),
        "bound": lambda: bound(
            asked.images, asked.size, asked.encoders.split(","), asked.batch, asked.steps, asked.rounds
        ),
    }
    found = {name: parts[name]() for name in asked.parts.split(",")}
    print(json.dumps(found, indent=1))
    if asked.out:
        record(asked.out, found)


if __name__ == "__main__":
    main()
