"""Images that are not in memory: decoded when they are asked for, or decoded once and kept on disk."""
