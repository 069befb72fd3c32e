"""What a training needs besides its images, looked at before these are read, which may take minutes."""

from collections.abc import Iterable

from dogo_tf import optimizers
from dogo_tf.errors import InputError
from dogo_tf.evaluate.sources import check_exists
from dogo_tf.pretraining.specs import place_specs


def check_at_hand(optimizer_names: Iterable[str], **places: Iterable[str]) -> None:
    """Only whether it is there, which costs nothing: whether it fits shows when it is used.

    Args:
        places: "name=path" or "name=run#peer" each, by the setting that names them: teachers, init.
    Raises:
        InputError: an optimizer whose library is not installed, or a path where nothing is.
    """
    for name in optimizer_names:
        optimizers.check_installed(name)
    for setting, found in places.items():
        for name, path, _ in place_specs(setting, found):
            try:
                check_exists(path)
            except InputError as error:
                raise InputError(f"{setting}: {name}: {error}") from error
