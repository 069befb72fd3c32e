"""What can be said before TensorFlow is loaded is said before: help, the version, mistyped flags and wrong values."""

import json
import subprocess
import sys

import pytest

import dogo_tf

BINARIES = {
    "dogo-pretrain": "dogo_tf.experiments.pretrain",
    "dogo-compare": "dogo_tf.experiments.compare",
    "dogo-probe": "dogo_tf.experiments.probe",
    "dogo-finetune": "dogo_tf.experiments.finetune",
    "dogo-suspects": "dogo_tf.experiments.suspects",
    "dogo-select": "dogo_tf.experiments.select_images",
    "dogo-explore": "dogo_tf.experiments.explore",
    "dogo-index": "dogo_tf.experiments.index",
    "dogo-quickstart": "dogo_tf.experiments.quickstart",
    "dogo-export": "dogo_tf.export.main",
    "dogo-predict": "dogo_tf.export.predict",
}
PAIR = ["dogo-pretrain", "--dataset=patterns", "--run_dir={new}"]
COMPARE = ["dogo-compare", "--dataset=patterns", "--out={new}"]
PROBE = ["dogo-probe", "--dataset=patterns", "--encoder=x.keras"]
SUSPECTS = ["dogo-suspects", "--dataset=patterns", "--encoder=x.keras"]
SELECT = ["dogo-select", "--dataset=patterns", "--encoder=x.keras"]
EXPLORE = ["dogo-explore", "--dataset=patterns", "--encoder=x.keras"]
EXPORT = ["dogo-export", "--dataset=patterns", "--encoder=x.keras", "--out={new}"]
FINETUNE = ["dogo-finetune", "--dataset=patterns", "--encoder=wrn_10_1", "--run_dir={new}"]
# What is wrong -> the command, and what the message says.
WRONG = {
    "typo": ([*PAIR, "--epoch=3"], "Unknown command line flag 'epoch'. Did you mean: epochs ?"),
    "no quotes": (
        ["dogo-pretrain", "--dataset=a/0.tar", "--dataset=a/1.tar", "--run_dir={new}"],
        "--dataset: given 2 times; put a pattern of archives in quotes",
    ),
    "source": ([*PAIR, "--source=disk"], "unknown source 'disk'; known: auto, cache, memory, stream"),
    "two sides": ([*PAIR, "--image_size=64x48"], "--image_size: expected a whole number from 8 to 4096, got '64x48'"),
    "precision": (
        [*PAIR, "--precision=foo"],
        "unknown precision 'foo'; known: auto, float32, mixed_bfloat16, mixed_float16",
    ),
    "strategy": ([*PAIR, "--strategy=foo"], "unknown strategy 'foo'; known: auto, mirrored"),
    "schedule": ([*PAIR, "--schedule=foo"], "unknown schedule 'foo'; known: constant, cosine"),
    "cool-down of another schedule": (
        [*PAIR, "--cooldown=0.3"],
        "--cooldown: has no effect as things are; expected --schedule=wsd besides, or this flag left out",
    ),
    "size of no local views": (
        [*PAIR, "--local_size=16"],
        "--local_size: has no effect as things are; expected --local_views=4 besides, or this flag left out",
    ),
    "area of no local views": (
        [*COMPARE, "--local_crop_area=0.1,0.5"],
        "--local_crop_area: has no effect as things are",
    ),
    "optimizer": (
        [*PAIR, "--optimizer=foo"],
        "unknown optimizer 'foo'; known: adam, adamw, lamb, lars, sgd, tfa:<Name>",
    ),
    "views": ([*PAIR, "--views=foo"], "unknown views 'foo'; known: independent, shared"),
    "scheme of one peer": ([*PAIR, "--peers=wrn_10_1", "--scheme=foo"], "unknown scheme 'foo'; known: compress"),
    "objective": ([*PAIR, "--peers=wrn_10_1:foo"], "unknown objective 'foo'; known: barlow_twins, byol"),
    "no objective": (
        [*PAIR, "--peers=wrn_10_1:"],
        "peers: expected encoder, encoder:objective or name=encoder:objective",
    ),
    "no peer": ([*PAIR, "--peers="], "peers: expected at least one encoder:objective, got none"),
    "encoder": ([*PAIR, "--peers=foo"], "unknown encoder 'foo'; known: efficientnet_lite_b0"),
    "width": (
        [*PAIR, "--peers=wrn_10_99999"],
        "..., 100) and width 1 to 32; got depth 10, width 99999",
    ),
    "infinite rate": ([*PAIR, "--learning_rate=inf"], "--learning_rate: expected a number above 0, got inf"),
    "one of two rates": ([*PAIR, "--learning_rate=0.1,nan"], "--learning_rate: expected a number above 0, got nan"),
    "decay": ([*PAIR, "--weight_decay=nan"], "--weight_decay: expected a number of at least 0, got nan"),
    "ssl_weight": ([*PAIR, "--ssl_weight=nan"], "--ssl_weight: expected a number of at least 0, got nan"),
    "nothing to learn": (
        [*PAIR, "--peers=wrn_10_1", "--ssl_weight=0"],
        "ssl_weight: 0 leaves 'wrn_10_1' nothing to learn",
    ),
    "distill_weight": ([*PAIR, "--distill_weight=nan"], "--distill_weight: expected a number of at least 0, got nan"),
    "edge": ([*PAIR, "--teach=resnet_18>wrn_10_2:weight=nan"], "weight: expected a number >= 0, got nan"),
    "execution": (
        [*PAIR, "--steps_per_execution=100000"],
        "--steps_per_execution: expected a whole number from 1 to 1000",
    ),
    "seed": ([*PAIR, "--seed=-1"], "--seed: expected a whole number from 0 to 2147483647, got -1"),
    "ONNX setting": (
        [*PAIR, "--teachers=big=a.onnx:side=8", "--cache_teachers"],
        "unknown setting of a.onnx 'side'; known: output, pixels, size",
    ),
    "ONNX in the step": (
        [*PAIR, "--teachers=big=a.onnx"],
        "teachers: big: TensorFlow cannot compute an ONNX file within a training step",
    ),
    "one corrupted image": (
        [*COMPARE, "--corruption_images=1"],
        "--corruption_images: expected a whole number of at least 2, got 1",
    ),
    "compare's seed count": ([*COMPARE, "--seeds=0"], "--seeds: expected a whole number from 1 to 1000, got 0"),
    "compare's fraction": (
        [*COMPARE, "--fractions=1,nan"],
        "--fractions: expected a number above 0 and up to 1, got nan",
    ),
    "temperature": ([*PROBE, "--temperature=nan"], "--temperature: expected a number from 0.001 to 1000, got nan"),
    "tiny temperature": (
        [*PROBE, "--temperature=1e-9"],
        "--temperature: expected a number from 0.001 to 1000, got 1e-09",
    ),
    "probe's seed": ([*PROBE, "--seed=-1"], "--seed: expected a whole number from 0"),
    "suspects' seed": ([*SUSPECTS, "--seed=-1"], "--seed: expected a whole number from 0"),
    "selection's method": ([*SELECT, "--method=foo"], "unknown method 'foo'; known: k_centre, max_herding"),
    "selection's budget": ([*SELECT, "--budget=0"], "--budget: expected a whole number of at least 1, got 0"),
    "selection's source": ([*SELECT, "--source=disk"], "unknown source 'disk'; known: auto, cache, memory, stream"),
    "exploration's map": ([*EXPLORE, "--map=som"], "unknown map 'som'; known: pca, tsne, umap"),
    "exploration's images": (
        [*EXPLORE, "--max_images=0"],
        "--max_images: expected a whole number of at least 1, got 0",
    ),
    "suspects' noise": ([*SUSPECTS, "--inject_noise=nan"], "--inject_noise: expected a number from 0 to 0.8, got nan"),
    "nothing to fine-tune": ([*FINETUNE, "--encoder="], "--encoder is needed: What is fine-tuned: a run and its peer"),
    "encoder to fine-tune": (
        [*FINETUNE, "--encoder=wrm_10_1"],
        "unknown encoder 'wrm_10_1'; known: efficientnet_lite_b0",
    ),
    "two classifiers of a name": (
        [*FINETUNE, "--encoder=a/b#small,c/d#small"],
        "encoder: small comes twice; call one otherwise: name=c/d#small",
    ),
    "loss": ([*FINETUNE, "--loss=gce"], "unknown loss 'gce'; known: cross_entropy, generalised_cross_entropy"),
    "fine-tuning's rate": ([*FINETUNE, "--learning_rate=0"], "--learning_rate: expected a number above 0, got 0.0"),
    "fine-tuning's warm-up": (
        [*FINETUNE, "--steps=10"],
        "warmup_steps: expected 0 to 10, the run's steps, e.g. 1; got 50",
    ),
    "test on what is learnt": (
        [*FINETUNE, "--test_split=train"],
        "test_split: expected another split than split; both are 'train'",
    ),
    "teacher who is not there": (
        [*FINETUNE, "--teach=big>wrn_10_1"],
        "unknown peer in teach 'big'; known: wrn_10_1",
    ),
    "warm-up of an edge": (
        [*FINETUNE, "--encoder=wrn_10_1,wrn_10_2", "--teach=wrn_10_2>wrn_10_1:warmup_epochs=5"],
        "teach: wrn_10_2>wrn_10_1: warmup_epochs: expected weight and temperature alone",
    ),
    "a report on nothing": (
        [*FINETUNE, "--report"],
        "--report: expected --test_split, too: the images that the classifiers are tested on",
    ),
    "no labels and no teacher": (
        [*FINETUNE, "--label_weight=0"],
        "label_weight: 0 leaves an encoder nothing to learn that nobody teaches",
    ),
    "export's seed": ([*EXPORT, "--seed=-1"], "--seed: expected a whole number from 0"),
    "export's formats": ([*EXPORT, "--formats="], "formats: expected at least one of float32, float16"),
    "export's targets": ([*EXPORT, "--targets=fpga"], "unknown target 'fpga'; known: ethos_u, microcontroller, onnx"),
    "export's arena": ([*EXPORT, "--arena_kb=0"], "--arena_kb: expected a whole number from 1 to 1000000, got 0"),
    "export's measurements": (
        ["dogo-export", "--report_add=pi.json"],
        "--report_add: expected the folder of an earlier export, --out or --run_dir",
    ),
    "predict's count": (["dogo-predict", "--count=0"], "--count: expected a whole number of at least 1, got 0"),
}
PROGRAM = """
import contextlib, importlib, io, json, sys

def run(binary, words):
    out, err = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = importlib.import_module(binary).run(words)
    for stream in (out, err):
        stream.seek(0)
    return [code, out.read(), err.read(), "tensorflow" in sys.modules]

print(json.dumps({name: run(binary, words) for name, (binary, words) in json.load(sys.stdin).items()}))
"""


def run(commands: dict) -> dict:
    """Name of the case -> [exit code, stdout, stderr, whether TensorFlow was loaded by then], all in one process."""
    asked = {name: (BINARIES[words[0]], words) for name, words in commands.items()}
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=json.dumps(asked), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    new = tmp_path_factory.mktemp("nothing") / "new"
    commands = {name: [word.format(new=new) for word in words] for name, (words, _) in WRONG.items()}
    for flag in ("--help", "--version"):
        commands |= {f"{binary} {flag}": [binary, flag] for binary in BINARIES}
    found = run(commands)
    assert not new.exists()
    return found


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_value_is_named(case, answers):
    code, out, err, loaded = answers[case]
    assert code == 2 and err.startswith("error: ") and "Traceback" not in err and not out
    assert WRONG[case][1] in err
    assert not loaded


@pytest.mark.parametrize("binary", BINARIES)
def test_help_and_version(binary, answers):
    code, out, err, loaded = answers[f"{binary} --version"]
    assert (code, out, err) == (0, f"{binary} {dogo_tf.__version__}\n", "")
    code, out, err, loaded = answers[f"{binary} --help"]
    assert code == 0 and binary in out and not err and not loaded


def test_a_device_needs_no_tensorflow_to_predict(tmp_path):
    """dogo-predict up to where the model is opened."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "0.png").write_bytes(b"x")
    (tmp_path / "m.tflite").write_bytes(b"x")
    words = [f"--model={tmp_path / 'm.tflite'}", f"--images={tmp_path / 'pictures'}", f"--out={tmp_path / 'o.npz'}"]
    code, _, err, loaded = run({"predict": ["dogo-predict", *words]})["predict"]
    assert code == 2 and "expected a TFLite file" in err and not loaded
