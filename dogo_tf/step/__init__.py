"""What a training step receives, refuses, measures, and how it saves memory."""
