"""A request's road before it reaches a view, and its answer's road back."""
