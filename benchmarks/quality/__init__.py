"""What codecs do to a model's answers."""
