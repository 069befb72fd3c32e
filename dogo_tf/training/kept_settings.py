"""The settings of a run, a frozen dataclass, as its folder keeps them."""

import dataclasses


def as_flags(settings) -> str:
    """The contents of a --flagfile that runs this again."""
    values = {name: value for name, value in dataclasses.asdict(settings).items() if value is not None}
    joined = {name: ",".join(map(str, v)) if isinstance(v, tuple) else v for name, v in values.items()}
    return "".join(f"--{name}={value}\n" for name, value in joined.items())


def as_dict(settings, free) -> dict:
    """For config.json: everything that shapes the run's result, so without the settings named in `free`."""
    values = dataclasses.asdict(settings)
    for name in free:
        del values[name]
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
