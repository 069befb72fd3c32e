"""What `fit` shows in its line, and that everybody else still gets everything."""

import re

import pytest
import small_dogo

from dogo_tf.platform.keras_compat import keras
from dogo_tf.step.progress_line import shown_metrics


def names(*peers, kinds=("ssl", "std", "effective_rank", "gradient_norm", "distill", "agreement")):
    return ["loss", *(f"{peer}/{kind}" for peer in peers for kind in kinds)]


def test_losses_come_first_and_there_are_at_most_six():
    assert shown_metrics(names("a", kinds=("ssl", "std"))) == ["loss", "a/ssl", "a/std"]
    assert shown_metrics(names("a", "b")) == ["loss", "a/ssl", "b/ssl", "a/distill", "b/distill"]
    assert shown_metrics(names("a", "b", "c")) == ["loss", "a/ssl", "b/ssl", "c/ssl"]
    assert shown_metrics(names(*"abcdefgh")) == ["loss", "a/ssl", "b/ssl", "c/ssl", "d/ssl", "e/ssl"]


def shown_in(text):
    """The names of the metrics in Keras' line."""
    return set(re.findall(r" - ([\w/]*(?:loss|/\w+)): ", text))


@pytest.fixture(scope="module")
def model():
    return small_dogo.model("simclr", "simsiam")


ALL = set(names("peer_0", "peer_1"))


def test_fit_shows_six_metrics_and_callbacks_get_all(model, capfd):
    history = model.fit(small_dogo.dataset(), epochs=2, verbose=2)
    assert shown_in(capfd.readouterr().out) == {"loss", *(f"peer_{k}/{m}" for k in (0, 1) for m in ("ssl", "distill"))}
    assert set(history.history) == ALL


def test_with_validation_data_both_kinds_fit_into_six(model, capfd):
    history = model.fit(small_dogo.dataset(), validation_data=small_dogo.dataset(), verbose=2)
    shown = shown_in(capfd.readouterr().out)
    own = {"loss", "peer_0/ssl", "peer_1/ssl"}
    assert shown == own | {f"val_{name}" for name in own}
    assert "val_peer_0/std" in history.history


def test_evaluate_shows_a_short_line_too_and_returns_everything(model, capfd):
    found = model.evaluate(small_dogo.dataset(), verbose=2, return_dict=True)
    assert len(shown_in(capfd.readouterr().out)) == 5
    assert set(found) == ALL - {"peer_0/gradient_norm", "peer_1/gradient_norm"}


def test_all_metrics_are_shown_on_request_and_none_with_verbose_0(model, capfd):
    model.fit(small_dogo.dataset(), verbose=0)
    assert capfd.readouterr().out == ""
    model.compile(keras.optimizers.SGD(0.1), verbose_metrics=True)
    model.fit(small_dogo.dataset(), verbose=2)
    assert shown_in(capfd.readouterr().out) == ALL


def test_a_line_of_ones_own_takes_the_place_of_both(capfd):
    model = small_dogo.model("simclr")
    lines = []

    class Own(keras.callbacks.ProgbarLogger):
        def on_epoch_end(self, epoch, logs=None):
            lines.append(set(logs))

    model.fit(small_dogo.dataset(), callbacks=Own(), verbose=2)
    assert lines == [set(names("peer_0", kinds=("ssl", "std", "effective_rank", "gradient_norm")))]
    assert "loss" not in capfd.readouterr().out
