"""Timing, of which only what does not depend on the machine is tested."""

from dogo_tf.export import latency


def test_files_are_timed_in_turn_against_the_first(tflite_files, images, monkeypatch):
    calls = []

    def block(encoder, pixels, count):
        assert pixels.shape == (1, 16, 12, 3)
        calls.append(encoder.outputs["features"]["dtype"])
        # The machine slows down all the time; the integer file takes half the time of the other.
        return [len(calls) * (0.5 if calls[-1] == "int8" else 1.0)] * count

    monkeypatch.setattr(latency, "_block", block)
    files = {name: tflite_files[name] for name in ("float32", "int8")}
    found = latency.measure(files, images[0], rounds=50, block=2)
    assert found["float32"].ratio == 1
    assert 0.48 < found["int8"].ratio < 0.52
    rounds = [calls[k : k + 2] for k in range(2, len(calls), 2)]  # the first two warm up
    assert len(rounds) == 50 and all(sorted(pair) == ["float32", "int8"] for pair in rounds)
    assert ["float32", "int8"] in rounds and ["int8", "float32"] in rounds
    assert found["float32"].median_ms < found["float32"].p95_ms


def test_real_calls_take_time(tflite_files, images):
    found = latency.measure({"float16": tflite_files["float16"]}, images[0], rounds=2, block=3)
    assert 0 < found["float16"].median_ms <= found["float16"].p95_ms
    assert latency.load()["cores"] >= 1
