"""Pure policies: figures, spec, history and now in; a Decision out."""
