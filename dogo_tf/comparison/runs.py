"""Trains and studies the arms of a comparison, seed by seed, and remembers what is done."""

import dataclasses
import functools
from pathlib import Path

import numpy as np

from dogo_tf import data
from dogo_tf.comparison.arms import Arm, arms
from dogo_tf.comparison.costs import training_gflop, whole_gflop
from dogo_tf.comparison.folder import check_trained_alike, described, keep
from dogo_tf.comparison.pictures import Pictures, pictures_of
from dogo_tf.comparison.results import ArmRun, Cost, is_written, read_run, write_run
from dogo_tf.comparison.settings import ComparisonSettings
from dogo_tf.comparison.time_estimate import TimeEstimate
from dogo_tf.data.image_set import warn_of_shared_images
from dogo_tf.evaluate.feature_cache import FeatureCache
from dogo_tf.evaluate.intervals import check_enough_images
from dogo_tf.evaluate.linear import check_size
from dogo_tf.evaluate.probe import check_same_classes
from dogo_tf.evaluate.studies import run_studies, save_label_sets
from dogo_tf.platform.files import expanded, write_atomically
from dogo_tf.platform.keras_compat import keras
from dogo_tf.pretraining import precision, run_images
from dogo_tf.pretraining.build_model import build_model
from dogo_tf.pretraining.first_look import check_init_and_teachers
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.pretraining.settings import PretrainSettings, peer_specs
from dogo_tf.reporting.progress import say
from dogo_tf.runs.folder import RunFolder

DONE = "done"  # in the folder of a run
FIRST_SEED = 0


class Comparison:
    """A comparison in its folder; `run` goes on where an earlier call stopped."""

    def __init__(self, settings: ComparisonSettings, folder, overwrite: bool = False, trust: bool = False):
        """
        Args:
            folder: what lies in it stands in comparison.folder.
            overwrite: delete what an earlier comparison left in the folder, when `run` is called; kept until that is done.
            trust: as in pretrain.
        Raises:
            InputError: the folder holds a comparison with other settings (each difference is named), or other files; in a new
                one a teacher or first weights are not there.
        """
        self.settings, self.path, self.overwrite, self._trust = settings, expanded(folder), overwrite, trust
        kept, pair = described(self.path, settings, overwrite), settings.pair
        # One of before images were kept larger by default goes on as it was.
        self._store_size = pair.store_size or (None if "store_ratio" in kept else pair.image_size)
        images = self._load(pair.dataset, pair.split, pair.image_size)
        self.image_size, self.pixel_statistics = images.images.shape[1], data.pixel_statistics(images.images)
        name, train, test = settings.labelled
        same = (name, train) == (pair.dataset, pair.split)
        self.train = images if same else self._load(name, train, self.image_size)
        self.test = self._load(name, test, self.image_size)
        self.transfers = [
            # Studies are called by the data set's name, not by its path on this machine.
            tuple(dataclasses.replace(self._load(name, s, self.image_size), name=Path(name).name) for s in splits)
            for name, *splits in settings.transfers
        ]
        for known, asked in ((self.train, self.test), *self.transfers):
            check_enough_images(asked)  # before hours of training
            check_same_classes(known, asked)
            warn_of_shared_images(known, asked)
            check_size(known.labels)
        if pair.precision == precision.AUTO:
            pair = dataclasses.replace(pair, precision=self._precision(kept))
            self.settings = dataclasses.replace(settings, pair=pair)
        self.arms = arms(pair, self.image_size, settings.own)
        self._described = {**kept, "settings": {**kept["settings"], "precision": pair.precision}}
        self._pictures, self.image_count = None, len(images.images)

    def run(self, seeds, on_progress=lambda runs: None) -> list[ArmRun]:
        """Every arm for every seed; `on_progress(runs so far)` is called after each that was not there, but for the last.

        What is done is read, not repeated; a training that was cut off goes on from its checkpoint.
        """
        asked = [arm for arm in self.arms if arm.name in self.settings.arms]
        runs, total = [], len(seeds) * len(asked)
        self._check_files(asked, seeds)
        keep(
            self.path, self._described, self.overwrite
        )  # not before: what is wrong must not stand in the way of what is right
        self.overwrite = False
        self.time = TimeEstimate(asked, self.arms, self.image_count, self.image_size, len(seeds))
        for seed in seeds:
            self._keep_labels(seed)
            for arm in asked:
                kept = self._scores(arm, seed)
                missing = not is_written(kept)
                if missing:
                    print(f"[{len(runs) + 1}/{total}] {arm.name}, seed {seed}: {arm.encoder}", flush=True)
                    self._study(arm, seed, kept)
                runs.append(read_run(kept, arm.name, seed))
                if missing and len(runs) < total:
                    on_progress(runs)
        return runs

    def curves(self) -> list[tuple[str, int, list[dict]]]:
        """(arm, seed, logged lines) of every training that there is."""
        folders = sorted((self.path / "runs").glob("*_seed*"))
        return [
            (arm, int(seed), RunFolder(folder).metrics_lines())
            for folder in folders
            for arm, _, seed in [folder.name.rpartition("_seed")]
        ]

    def pictures(self) -> Pictures | None:
        """Of the first seed, once the small encoder is trained both alone and next to its peer; None before."""
        alone, with_peer = (RunFolder(self.path / "runs" / f"{arm}_seed{FIRST_SEED}") for arm in ("solo", "dogo"))
        if self._pictures is None and _is_done(alone) and _is_done(with_peer):
            cache = FeatureCache(self.path / "features")
            self._pictures = pictures_of(alone, with_peer, self.arms[0].encoder, self.test, cache)
        return self._pictures

    def _load(self, dataset: str, split: str, image_size: int | None):
        pair = self.settings.pair
        # What is said of the pair's own images need not be possible for others.
        kept = pair.source if dataset == pair.dataset else "auto", pair.cache_dir, pair.data_dir
        return data.open(dataset, split, image_size, *kept, pair.max_bad_images, max_pixels=pair.max_pixels)

    def _precision(self, kept: dict) -> str:
        """One for all arms and seeds: what the folder's other trainings had, else the fastest for the pair."""
        if (before := kept["settings"].get("precision", precision.FLOAT32)) != precision.AUTO:
            return before
        choice = precision.fastest(self.settings.pair, self.image_size)
        say(f"precision of all trainings: {choice.precision}; {choice.reason}")
        return choice.precision

    def _scores(self, arm: Arm, seed: int) -> Path:
        return self.path / "scores" / f"{arm.name}_seed{seed}.npz"

    def _check_files(self, asked: list[Arm], seeds) -> None:
        """What is wrong with --init, --teachers or what is trained already is told before other arms train for hours."""
        needed = [self._arm(arm.needs) for arm in asked if arm.needs]
        each = [(arm, seed) for arm in (*asked, *needed) for seed in seeds if arm.trained]
        to_train = dict.fromkeys(
            arm.training for arm, seed in each if self.overwrite or not self._is_finished(arm, seed)
        )
        for arm, seed in () if self.overwrite else each:
            if _is_done(run := self._run(arm, seed)):
                check_trained_alike(run, self._training(arm, seed))
        for training in to_train:
            if training.init or training.teachers:
                stored = dataclasses.replace(training, store_size=self._store_size)
                check_init_and_teachers(stored, self.image_size, *self.pixel_statistics, self._trust)
                keras.backend.clear_session()

    def _is_finished(self, arm: Arm, seed: int) -> bool:
        return is_written(self._scores(arm, seed)) or _is_done(self._run(arm, seed))

    def _keep_labels(self, seed: int) -> None:
        path = self.path / "scores" / f"labels_seed{seed}.npz"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            save_label_sets(path, self.train.labels, len(self.train.class_names), self.settings.plan, seed)

    def _study(self, arm: Arm, seed: int, kept: Path) -> None:
        if arm.trained:
            folder = self._trained(arm, seed)
            encoder, cost = folder.load_encoder(arm.encoder), self._cost(arm, folder)
        else:
            encoder, cost = self._untrained(arm, seed), Cost(0, 0.0, 0.0, 0.0, 0)
        cost = cost._replace(parameters=encoder.count_params())
        cache = FeatureCache(self.path / "features")
        with self.time.of_a_study():
            scores = run_studies(encoder, self.train, self.test, self.settings.plan, seed, self.transfers, cache)
        keras.backend.clear_session()  # thirty models would otherwise stay in memory
        write_run(kept, scores, cost)

    def _trained(self, arm: Arm, seed: int) -> RunFolder:
        """The finished run of an arm; arms that study two encoders of one training share it."""
        folder = self._run(arm, seed)
        if not _is_done(folder):
            started = (folder.path / "config.json").exists()
            stored = folder.config()["settings"].get("store_size") if started else self._store_size
            training = dataclasses.replace(self._training(arm, seed), run_dir=str(folder.path), store_size=stored)
            if arm.taught_by:
                teacher = f"teacher={self._place(arm.taught_by, seed)}"
                training = dataclasses.replace(training, teachers=(teacher,))
            if arm.starts_from:
                peer, first = arm.starts_from
                others = tuple(place for place in training.init if place.partition("=")[0].strip() != peer)
                training = dataclasses.replace(training, init=(*others, f"{peer}={self._place(first, seed)}"))
            speed = self.time.after_first_steps_of(arm)
            pretrain(training, resume=started, on_speed=speed, trust=self._trust)
            keras.backend.clear_session()
            write_atomically(folder.path / DONE, b"")
        return folder

    def _training(self, arm: Arm, seed: int) -> PretrainSettings:
        """The settings of its run, but for the places of what it is taught by and starts from."""
        training = dataclasses.replace(arm.training, seed=seed)
        if arm.edge:
            teach = f"teacher>{peer_specs(training.peers)[0][0]}{arm.edge}"
            training = dataclasses.replace(training, teach=teach)
        return training

    def _run(self, arm: Arm, seed: int) -> RunFolder:
        same = next(other for other in self.arms if other.trained and other.run == arm.run)
        return RunFolder(self.path / "runs" / f"{same.name}_seed{seed}")

    def _place(self, name: str, seed: int) -> str:
        """Where the finished encoder of an arm is."""
        arm = self._arm(name)
        return f"{self._trained(arm, seed).path}#{arm.encoder}"

    def _arm(self, name: str) -> Arm:
        return next(arm for arm in self.arms if arm.name == name)

    def _untrained(self, arm: Arm, seed: int):
        """The encoder from which the run of these settings starts, or would start without --init."""
        training = dataclasses.replace(arm.training, seed=seed)
        return build_model(training, self.image_size, *self._normalisation, steps_per_epoch=1).peers[0].encoder

    @functools.cached_property
    def _normalisation(self):
        """Mean and standard deviation of pixels as the runs keep their images, which may be larger than those of the probes."""
        pair = self.settings.pair
        return data.pixel_statistics(
            run_images.open_images(pair, run_images.Choice(pair.source, self._store_size)).images
        )

    def _cost(self, arm: Arm, folder: RunFolder) -> Cost:
        training = arm.training
        teacher = self._arm(arm.taught_by).training if arm.taught_by else None
        lines = folder.metrics_lines()
        steps = np.diff([0, *(line["step"] for line in lines)])
        speeds = np.array([line["images_per_second"] for line in lines])
        images = int(steps.sum()) * training.batch_size
        before = self._arm(arm.needs).training if arm.needs else None
        per_epoch = self.image_count // training.batch_size * training.batch_size
        return Cost(
            epochs=training.epochs,
            train_gflop=images * training_gflop(training, self.image_size, teacher, arm.peer),
            seconds=float(np.sum(steps * training.batch_size / speeds)),
            images_per_second=float(np.median(speeds)),
            parameters=0,
            before_gflop=per_epoch * whole_gflop(before, self.image_size) if before else 0.0,
        )


def _is_done(run: RunFolder) -> bool:
    return (run.path / DONE).exists()
