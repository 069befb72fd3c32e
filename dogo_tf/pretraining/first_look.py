"""Opens what a training will start from and be taught by, before other trainings that may take hours."""

from dogo_tf.pretraining import initial_weights, run_images
from dogo_tf.pretraining.build_model import build_model
from dogo_tf.pretraining.cached_teachers import cached_teachers
from dogo_tf.pretraining.settings import PretrainSettings


def check_init_and_teachers(settings: PretrainSettings, image_size: int, mean, std, trust: bool = False) -> None:
    """Features that are to be cached are computed now, and found again by the training.

    Args:
        image_size, mean, std: of the training's images. trust: as in pretrain.
    Raises:
        InputError: what the training itself would refuse: no such file, other images, weights of another network.
    """
    cached = ()
    if settings.teachers:
        chosen = run_images.Choice(settings.source, settings.store_size)
        images = run_images.open_images(settings, chosen)
        cached = cached_teachers(settings, images, run_images.open_at_image_size, trust)
    model = build_model(settings, image_size, mean, std, steps_per_epoch=1, cached=cached, trust=trust)
    initial_weights.start_from(model.peers, settings.init, trust)
