"""The settings of a fine-tuning: made once from the flags, kept in the run folder."""

from dataclasses import dataclass

from dogo_tf.data.choose import SOURCES
from dogo_tf.data.pixels import MAX_PIXELS
from dogo_tf.distill import graph
from dogo_tf.distribution.devices import STRATEGIES
from dogo_tf.errors import InputError, unknown_name
from dogo_tf.finetuning.specs import check_settings, check_teacher, encoder_specs
from dogo_tf.optimizers.names import check_optimizer, check_schedule
from dogo_tf.platform import plugins, ranges
from dogo_tf.pretraining.specs import place_specs
from dogo_tf.runs.folder import check_peer_name
from dogo_tf.training import kept_settings

LOSSES = "dogo_tf.finetuning.losses"
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
# A run gives the same with any of these, and may be resumed with others; which source it took is kept with its data.
FREE_SETTINGS = (
    *("run_dir", "source", "cache_dir", "checkpoint_minutes", "checkpoint_steps"),
    *("test_dataset", "test_split"),
)


@dataclass(frozen=True)
class FinetuneSettings:
    """What `dogo-finetune --help` explains, under the same names."""

    encoder: tuple[str, ...]
    dataset: str
    run_dir: str
    data_dir: str | None = None
    split: str = "train"
    unlabelled: str | None = None
    unlabelled_split: str = "train"
    test_dataset: str | None = None
    test_split: str | None = None
    image_size: int | None = None
    source: str = "auto"
    cache_dir: str | None = None
    max_bad_images: float = 0.01
    max_pixels: float = MAX_PIXELS
    loss: str = "cross_entropy"
    drop_suspects: bool = False
    logit_adjustment: bool = False
    label_weight: float = 1.0
    teachers: tuple[str, ...] = ()
    teach: str = "all"
    teach_weight: float = 1.0
    teach_temperature: float = 1.0
    ema: float | None = None
    batch_statistics: bool = True
    min_crop_area: float = 0.4
    jitter_strength: float = 0.25
    steps: int = 1000
    batch_size: int = 64
    unlabelled_batch: int = 128
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-6
    schedule: str = "cosine"
    warmup_steps: int = 50
    precision: str = "float32"
    strategy: str = "auto"
    tpu: str = ""
    sync_batch_norm: bool = True
    steps_per_execution: int = 1
    log_every: int = 20
    checkpoint_minutes: float = 10.0
    checkpoint_steps: int | None = None
    seed: int = 0

    def __post_init__(self):
        for name, options in (("source", SOURCES), ("precision", PRECISIONS), ("strategy", STRATEGIES)):
            if getattr(self, name) not in options:
                raise unknown_name(name, getattr(self, name), options)
        for name in ranges.RANGES:
            if hasattr(self, name):
                ranges.check(name, getattr(self, name))
        if self.loss not in plugins.names(LOSSES):
            raise unknown_name("loss", self.loss, plugins.names(LOSSES))
        check_optimizer(self.optimizer)
        check_schedule(self.schedule)
        if self.warmup_steps > self.steps:
            raise InputError(
                f"warmup_steps: expected 0 to {self.steps}, the run's steps, e.g. {self.steps // 10}; got {self.warmup_steps}"
            )
        if (self.test_dataset or self.dataset, self.test_split) == (self.dataset, self.split):
            raise InputError(f"test_split: expected another split than split; both are {self.split!r}")
        if self.test_dataset and not self.test_split:
            raise InputError("test_dataset: expected test_split, too: which split of it to test on")
        names, teachers, asked = self._edges()
        for name in names:
            try:
                check_peer_name(name)
            except InputError as error:
                raise InputError(
                    f"encoder: {name!r} cannot be the classifier's name; call it otherwise, name=...: {error}"
                ) from error
        for name in teachers:
            check_peer_name(name)
        for edge in asked:
            check_teacher(edge, names)
        edges = graph.resolved(asked, names, teachers, [1.0] * len(names), 0, "")
        if self.label_weight == 0 and set(names) - {edge.student for edge in edges}:
            raise InputError("label_weight: 0 leaves an encoder nothing to learn that nobody teaches; see teachers")

    def _edges(self) -> tuple[list[str], list[str], list[graph.Edge]]:
        """The names of encoders and of frozen teachers, and the edges between them, unchecked."""
        names = [spec.name for spec in encoder_specs(self.encoder)]
        teachers = [name for name, _, _ in place_specs("teachers", self.teachers)]
        return names, teachers, graph.parse(self.teach, names, teachers)

    def refuse_what_has_no_effect(self) -> None:
        """InputError for settings of edges that fine-tuning does not use.

        Not when the settings are made: a run that an earlier version began with them goes on.
        """
        for edge in self._edges()[2]:
            check_settings(edge, "warmup_epochs")

    def as_flags(self) -> str:
        """The contents of a --flagfile that runs this again."""
        return kept_settings.as_flags(self)

    def as_dict(self) -> dict:
        """For config.json: everything that shapes the run's result."""
        return kept_settings.as_dict(self, FREE_SETTINGS)
