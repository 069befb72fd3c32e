"""Where else the exported files run, or are estimated to run: a file for each target, found by its name."""
