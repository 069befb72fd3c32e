"""A fine-tuning without a run folder: nothing is kept but the classifiers, for trainings that are only to be measured."""

from dogo_tf.data.image_set import ImageSet
from dogo_tf.finetuning import networks
from dogo_tf.finetuning.cleaning import cleaned
from dogo_tf.finetuning.settings import FinetuneSettings
from dogo_tf.finetuning.stream import finetuning_stream
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.training.fitting import failures_of


def trained_with(
    settings: FinetuneSettings, labelled: ImageSet, unlabelled: ImageSet | None, trust: bool = False
) -> dict[str, keras.Model]:
    """{name: classifier} of the training that dogo-finetune would do with these images, on the current devices."""
    loaded = networks.load_encoders(settings, trust)
    labelled = cleaned(labelled, settings, loaded)
    model = networks.build_model(settings, loaded, labelled, labelled.images.shape[1])
    networks.start_heads(model, loaded, labelled, settings.seed)
    stream = finetuning_stream(
        tf.distribute.get_strategy(),
        labelled.images,
        labelled.labels,
        settings.batch_size,
        settings.seed,
        unlabelled=unlabelled and unlabelled.images,
        unlabelled_batch=settings.unlabelled_batch,
    )
    sources = [images.images for images in (labelled, unlabelled) if images is not None]
    with failures_of(sources, on_lost=lambda _: None):
        model.fit(stream, steps_per_epoch=settings.steps, verbose=0)
    return {name: network for learner in model.learners for name, network in learner.encoders.items()}
