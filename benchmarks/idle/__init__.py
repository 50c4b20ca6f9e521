"""What Cake costs while it has nothing to do: time in each step, and memory over thousands of requests."""
