"""Installs dogo_tf, and the folders experiments/ and export/ as dogo_tf.experiments and dogo_tf.export."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
FOLDERS = {"dogo_tf": "dogo_tf", "dogo_tf.experiments": "experiments", "dogo_tf.export": "export"}
EXPORT = ["dogo_tf.export", *(f"dogo_tf.export.{name}" for name in find_packages(str(HERE / "export")))]
DOCS = ["sphinx>=8", "furo", "myst-parser", "sphinx-copybutton", "latex2mathml"]
NOTEBOOKS = ["nbclient", "ipykernel"]
ONNX = ["onnxruntime"]
PACKAGES = find_packages(include=["dogo_tf", "dogo_tf.*"]) + ["dogo_tf.experiments", *EXPORT]

setup(
    name="dogo-tf",
    version="0.1.0",
    description="Small image encoders that learn from a peer, without labels (Distill on the Go), for Keras/TensorFlow",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
    python_requires=">=3.10,<3.14",
    packages=PACKAGES,
    package_dir=FOLDERS,
    package_data={
        "dogo_tf": ["py.typed"],
        "dogo_tf.experiments": ["presets/*.flags"],
        "dogo_tf.exploration": ["templates/*"],
        "dogo_tf.reporting": ["templates/*.html"],
    },
    install_requires=[
        # tf-keras pins TensorFlow to its own minor version, so both resolve to the same one.
        "tensorflow>=2.15.1,<2.22",
        "tf-keras>=2.15.1,<2.22",
        "keras-cv>=0.9.0",
        "tensorflow-datasets>=4.9.4",
        # tensorflow-datasets 4.9.10 imports it and does not declare it.
        "importlib_resources",
        "absl-py",
        "tensorboard",
        "scikit-learn",
        "matplotlib",
        "jinja2>=3.1",
        "pillow>=10",
        "fsspec",
        "requests",
        "pyyaml>=6",
        "ai-edge-litert>=2.1",
    ],
    extras_require={
        "test": [
            *("pytest>=8", "pytest-xdist>=3.6", "ruff", "mypy", "s3fs", "moto[s3,server]>=5", "onnx", "umap-learn"),
            *ONNX,
            *DOCS,
            *NOTEBOOKS,
        ],
        "docs": DOCS,
        "notebooks": NOTEBOOKS,
        "onnx": ONNX,
        "devices": ["tf2onnx>=1.17", "onnx", *ONNX, "tflite-micro", "ethos-u-vela>=4"],
        "umap": ["umap-learn"],
        "gcs": ["gcsfs"],
        "s3": ["s3fs"],
        "gpu": ["tensorflow[and-cuda]>=2.15.1,<2.22"],
        "addons": [
            "tensorflow==2.15.1",
            "tf-keras==2.15.1",
            "tensorflow-addons==0.23.0",
            "tensorflow-metadata<1.16",
        ],
    },
    entry_points={
        "console_scripts": [
            "dogo-pretrain = dogo_tf.experiments.pretrain:run",
            "dogo-compare = dogo_tf.experiments.compare:run",
            "dogo-probe = dogo_tf.experiments.probe:run",
            "dogo-finetune = dogo_tf.experiments.finetune:run",
            "dogo-index = dogo_tf.experiments.index:run",
            "dogo-suspects = dogo_tf.experiments.suspects:run",
            "dogo-select = dogo_tf.experiments.select_images:run",
            "dogo-explore = dogo_tf.experiments.explore:run",
            "dogo-export = dogo_tf.export.main:run",
            "dogo-predict = dogo_tf.export.predict:run",
            "dogo-quickstart = dogo_tf.experiments.quickstart:run",
        ]
    },
)
