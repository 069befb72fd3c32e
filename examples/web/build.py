"""Builds a page that runs an exported encoder in the browser: static files that fetch nothing from elsewhere.

  python examples/web/build.py exported/small_float16.tflite photos/*.jpg --out=site
  python -m http.server --directory site

Needs npm, which brings LiteRT.js (its version and checksum are in package-lock.json), and what runtime.py needs.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "export"))
from runtime import Encoder  # noqa: E402  the device's one file, as on any device

MOST_PICTURES = 100
PAGE = ("index.html", "app.js", "pixels.js")
# Place in the page -> place in the npm packages. The second build of LiteRT.js is for browsers without its newest instructions.
VENDORED = {
    "core.js": "core/dist/index.js",
    "wasm-utils.js": "wasm-utils/dist/index.js",
    **{
        f"wasm/litert_wasm_{kind}internal.{end}": f"core/wasm/litert_wasm_{kind}internal.{end}"
        for kind in ("", "compat_")
        for end in ("js", "wasm")
    },
}


def build(model: Path, gallery: list[Path], out: Path) -> None:
    """Writes the page to `out`, which must be new. Raises ValueError for a model or a picture that the page could not use."""
    encoder = Encoder(model)
    integer = [name for name, stated in encoder.outputs.items() if stated["dtype"] != "float32"]
    if integer:
        raise ValueError(f"{model}: LiteRT.js has no 8-bit outputs ({', '.join(integer)}); take the float16 file")
    if encoder.metadata is None:
        raise ValueError(f"{model}: its description is missing; keep the .json beside it")
    if not 1 <= len(gallery) <= MOST_PICTURES:
        raise ValueError(f"gallery: expected 1 to {MOST_PICTURES} pictures, got {len(gallery)}")
    encoder.features(gallery)  # each can be read
    if out.exists():
        raise ValueError(f"out: {out} exists already")
    (out / "gallery").mkdir(parents=True)
    for name in PAGE:
        shutil.copy(HERE / name, out / name)
    content = _one_image_at_a_time(model.read_bytes())
    (out / "model.tflite").write_bytes(content)
    (out / "model.json").write_text(json.dumps(encoder.metadata | {"sha256": hashlib.sha256(content).hexdigest()}))
    entries = []
    for number, path in enumerate(gallery):
        file = f"gallery/{number:02}{path.suffix.lower()}"
        shutil.copy(path, out / file)
        entries.append({"file": file, "caption": path.name})
    (out / "gallery.json").write_text(json.dumps(entries))
    _vendor(out / "vendor")


def _one_image_at_a_time(content: bytes) -> bytes:
    """The same network for batches of one: LiteRT.js takes no tensors for inputs whose size is open."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.shapeSignature = None  # what is left is `shape`, in which the batch is 1
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _vendor(place: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=folder, check=True)
        for name, source in VENDORED.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(folder) / "node_modules" / "@litertjs" / source, place / name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a float32, float16 or dynamic_range .tflite with its .json beside it")
    parser.add_argument("gallery", type=Path, nargs="+", help="pictures to compare with")
    parser.add_argument("--out", type=Path, required=True, help="folder to write, new")
    asked = parser.parse_args()
    try:
        build(asked.model, asked.gallery, asked.out)
    except ValueError as error:
        sys.exit(f"error: {error}")
    print(f"wrote {asked.out}; python -m http.server --directory {asked.out}")
