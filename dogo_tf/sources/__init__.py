"""Files on disks and behind URLs, and images that are not in memory: decoded when asked for, or once and kept on disk."""
