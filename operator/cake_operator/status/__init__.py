"""What the user is told: conditions, figures and reasons, from what was seen and decided. Pure."""
