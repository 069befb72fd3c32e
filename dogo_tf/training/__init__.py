"""The steps of any run: watched, logged, saved, and stopped when it is asked for or learns nothing."""
