"""The settings of a pre-training run: made once from the flags, kept in the run folder."""

import math
from dataclasses import dataclass

from dogo_tf import distill, encoders, objectives
from dogo_tf.data.choose import SOURCES
from dogo_tf.data.pixels import MAX_PIXELS
from dogo_tf.distill import graph
from dogo_tf.distribution.devices import STRATEGIES
from dogo_tf.errors import InputError, unknown_name
from dogo_tf.foreign import onnx_place
from dogo_tf.objectives import simclr
from dogo_tf.optimizers.names import check_optimizer, check_schedule
from dogo_tf.optimizers.rates import AUTO, rate_of_each
from dogo_tf.platform import ranges
from dogo_tf.pretraining.specs import peer_specs, place_specs
from dogo_tf.runs.earlier import with_temperature
from dogo_tf.runs.folder import check_peer_name
from dogo_tf.training import kept_settings

VIEWS = ("independent", "shared")
VIEW_RECIPES = ("byol", "byol_unequal", "moco", "simclr", "simsiam")  # in capitals: of dogo_tf.views
PRECISIONS = (AUTO, "float32", "mixed_bfloat16", "mixed_float16")
# What may differ from peer to peer.
PER_PEER = (
    *("local_views", "distill_weight", "ssl_weight", "train_every", "train_share"),
    *("optimizer", "learning_rate", "weight_decay"),
)
# A run gives the same with any of these: where its folder and its images are kept, how often it is saved, and what is measured
# on the way. It may be resumed with others; only which source it took is kept, with what it says of its data.
FREE_SETTINGS = (
    *("run_dir", "source", "cache_dir", "checkpoint_minutes", "checkpoint_steps", "keep_checkpoints"),
    *("probe_every", "probe_dataset", "probe_train_split", "probe_test_split"),
)


@dataclass(frozen=True)
class PretrainSettings:
    """What `dogo-pretrain --help` explains, under the same names. Tuples hold one value for all peers or one per peer;
    "auto" among the learning rates becomes a number when the settings are made.

    The defaults won on CIFAR-10 (results/tune_cifar10.json, recipe_rate.json); the authors' are a preset, authors_cifar10.
    """

    dataset: str
    run_dir: str
    data_dir: str | None = None
    split: str = "train"
    image_size: int | None = None
    store_size: int | None = None
    source: str = "auto"
    cache_dir: str | None = None
    max_bad_images: float = 0.01
    max_pixels: float = MAX_PIXELS
    peers: tuple[str, ...] = ("resnet_18:simclr", "wrn_10_2:simclr")
    teachers: tuple[str, ...] = ()
    init: tuple[str, ...] = ()
    ema: float | None = None
    cache_teachers: bool = False
    teach: str = "all"
    scheme: str = "similarity_kl"
    views: str = "independent"
    view_recipe: str | None = None
    min_crop_area: float | None = 0.2
    jitter_strength: float = 0.5
    local_views: tuple[int, ...] = (0,)
    local_size: int | None = None
    local_crop_area: tuple[float, float] = (0.05, 0.3)
    distill_weight: tuple[float, ...] = (100 / 256,)
    distill_temperature: float | None = None
    distill_warmup_epochs: float = 0.0
    ssl_weight: tuple[float, ...] = (1.0,)
    train_every: tuple[int, ...] = (1,)
    train_share: tuple[float, ...] = (1.0,)
    epochs: int = 100
    batch_size: int = 128
    optimizer: tuple[str, ...] = ("adam",)
    learning_rate: tuple[float, ...] = (AUTO,)
    weight_decay: tuple[float, ...] = (1e-6,)
    schedule: str = "constant"
    warmup_epochs: float = 0.5
    cooldown: float = 0.2
    cooldown_from: str | None = None
    precision: str = "float32"
    strategy: str = "auto"
    tpu: str = ""
    sync_batch_norm: bool = True
    micro_batches: int = 1
    steps_per_execution: int = 1
    log_every: int = 20
    probe_every: int = 0
    probe_dataset: str | None = None
    probe_train_split: str = "train"
    probe_test_split: str | None = None
    checkpoint_minutes: float = 10.0
    checkpoint_steps: int | None = None
    keep_checkpoints: bool = False
    seed: int = 0

    def __post_init__(self):
        known = {"source": SOURCES, "precision": PRECISIONS, "strategy": STRATEGIES, "views": VIEWS}
        for name, options in known.items():
            if getattr(self, name) not in options:
                raise unknown_name(name, getattr(self, name), options)
        if self.strategy == "tpu" and self.precision == "mixed_float16":
            raise InputError(
                "precision: a TPU computes in bfloat16; expected float32 or mixed_bfloat16, got mixed_float16"
            )
        if not self.peers:
            raise InputError("peers: expected at least one encoder:objective, got none")
        self._choose_rates()
        self._spell_out_temperatures()
        for name in ranges.RANGES:
            if hasattr(self, name):
                ranges.check(name, getattr(self, name))
        if self.store_size is not None and self.store_size < (self.image_size or math.inf):
            raise InputError(
                "store_size: expected at least image_size, which must be given, too; "
                f"got store_size {self.store_size}, image_size {self.image_size}"
            )
        if self.view_recipe not in (None, *VIEW_RECIPES):
            raise unknown_name("view_recipe", self.view_recipe, VIEW_RECIPES)
        for name in self.optimizer:
            check_optimizer(name)
        check_schedule(self.schedule)
        if self.keep_checkpoints and self.checkpoint_steps is None:
            raise InputError("keep_checkpoints: expected checkpoint_steps, too, as those stay; got none")
        if self.cooldown_from is not None and self.schedule != "wsd":
            raise InputError(f"cooldown_from: expected schedule wsd, which has a cool-down; got {self.schedule}")
        if self.probe_train_split == self.probe_test_split:
            raise InputError(
                f"probe_test_split: expected another split than probe_train_split; both are {self.probe_test_split!r}"
            )
        if self.batch_size % self.micro_batches:
            raise InputError(
                f"micro_batches: expected a number that divides batch_size ({self.batch_size}), got {self.micro_batches}"
            )
        for name in ("warmup_epochs", "distill_warmup_epochs"):
            if (given := getattr(self, name)) > (most := self.epochs):
                raise InputError(f"{name}: expected 0 to {most}, the run's epochs, e.g. {most / 10:g}; got {given}")
        if len(self.local_crop_area) != 2 or self.local_crop_area[0] > self.local_crop_area[1]:
            raise InputError(
                "local_crop_area: expected the smallest and the largest share of the image, e.g. 0.05,0.3; "
                f"got {','.join(map(str, self.local_crop_area))}"
            )
        if self.local_size is not None and self.local_size > (self.image_size or math.inf):
            raise InputError(f"local_size: expected at most image_size ({self.image_size}), got {self.local_size}")
        for name in PER_PEER:
            self.per_peer(name)
        rests = [
            k > 1 or share < 1 for k, share in zip(*map(self.per_peer, ("train_every", "train_share")), strict=True)
        ]
        if rests and all(rests):
            raise InputError("train_every: expected a peer that trains in every step, with train_share 1; got none")
        if any(rests) and self.steps_per_execution > 1:
            raise InputError(f"steps_per_execution: expected 1 where peers rest; got {self.steps_per_execution}")
        self._check_graph()

    def _choose_rates(self) -> None:
        """Puts numbers in the place of "auto", so that a run keeps its rates when the rule changes."""
        if AUTO not in self.learning_rate:
            return
        alone = len(self.peers) == 1 and not self.teachers
        learners = peer_specs(self.peers), self.per_peer("optimizer"), self.per_peer("learning_rate")
        rates = rate_of_each(*learners, self.batch_size, alone)
        object.__setattr__(self, "learning_rate", tuple(rates if len(set(rates)) > 1 else rates[:1]))

    def _spell_out_temperatures(self) -> None:
        """Puts SimCLR's temperature into the peers' text, so that a run keeps it when the default changes, as it did once."""
        peers = tuple(with_temperature(peer, simclr.TEMPERATURE) for peer in self.peers)
        object.__setattr__(self, "peers", peers)

    def _check_graph(self) -> None:
        """Before data is loaded: names that files can have, edges between them, objectives and schemes."""
        specs = peer_specs(self.peers)
        peers = [name for name, _, _ in specs]
        for _, encoder, objective in specs:
            encoders.check_name(encoder)
            objectives.parse(objective)
        teachers = [name for name, _, _ in place_specs("teachers", self.teachers)]
        for name in (*peers, *teachers):
            check_peer_name(name)
        self._check_onnx_teachers()
        averages = [] if self.ema is None else [f"{name}_ema" for name in peers]
        for average in averages:
            if average in (*peers, *teachers):
                kind = "peer" if average in peers else "teacher"
                raise InputError(
                    f"ema: the average of {average[:-4]!r} is called {average!r}; call that {kind} otherwise"
                )
        started = [name for name, _, _ in place_specs("init", self.init)]
        for name in started:
            if name not in peers:
                raise unknown_name("peer in init", name, peers)
            if started.count(name) > 1:
                raise InputError(f"init: {name} comes twice")
        if self.scheme not in distill.schemes():
            raise unknown_name("scheme", self.scheme, distill.schemes())
        edges = graph.parse(self.teach, peers, teachers)
        weights = self.per_peer("distill_weight")
        for edge in graph.resolved(edges, peers, teachers, weights, 0, self.scheme, averages):
            if edge.scheme not in distill.schemes():
                raise unknown_name("scheme", edge.scheme, distill.schemes())

    def _check_onnx_teachers(self) -> None:
        for name, path, _ in place_specs("teachers", self.teachers):
            if onnx_place.is_onnx(path):
                onnx_place.parse(path)
                if not self.cache_teachers:
                    raise InputError(
                        f"teachers: {name}: TensorFlow cannot compute an ONNX file within a training step; have its "
                        "features of the images as they are computed before: cache_teachers"
                    )

    def check_that_all_learn(self, resume: bool = False) -> None:
        """InputError for a peer that has nothing to learn, or a teacher of nobody, with which earlier runs (resume) go on.

        Not when the settings are made: an arm of a comparison gets its teacher later.
        """
        peers = [name for name, _, _ in peer_specs(self.peers)]
        teachers = [name for name, _, _ in place_specs("teachers", self.teachers)]
        edges = graph.parse(self.teach, peers, teachers)
        taught, teaching = {edge.student for edge in edges}, {edge.teacher for edge in edges}
        if not resume and (idle := [name for name in teachers if name not in teaching]):
            raise InputError(f"teachers: {idle[0]} teaches nobody; name its students in teach, or leave it out")
        for name, weight in zip(peers, self.per_peer("ssl_weight"), strict=True):
            if weight == 0 and name not in taught:
                raise InputError(
                    f"ssl_weight: 0 leaves {name!r} nothing to learn, as nobody teaches it; expected a number above 0"
                )

    def per_peer(self, name: str) -> list:
        """The setting's value for each peer."""
        values = getattr(self, name)
        if len(values) not in (1, len(self.peers)):
            raise InputError(
                f"{name}: expected one value, or one for each of the {len(self.peers)} peers; got {len(values)}: {values}"
            )
        return list(values) * (len(self.peers) // len(values))

    def as_flags(self) -> str:
        """The contents of a --flagfile that runs this again."""
        return kept_settings.as_flags(self)

    def as_dict(self) -> dict:
        """For config.json: everything that shapes the run's result."""
        return kept_settings.as_dict(self, FREE_SETTINGS)
